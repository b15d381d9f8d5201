"""A stand-in model that reads cards from the very pixels it is given, hears beeps from samples, and can be hindered."""

from __future__ import annotations

import base64
import io
import json
import random
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from teacher_kit import teacher

from ver_pipeline.annotators.canaries.cards import COLOURS, DARK_INK_ON, PITCHES_HZ, Deck
from ver_pipeline.annotators.canaries.draw import RATE_HZ, SEGMENTS, picture, places, played, segment_boxes
from ver_pipeline.annotators.teacher.asking import Talk
from ver_pipeline.annotators.teacher.chat import Chat, Completion
from ver_pipeline.annotators.teacher.conversation import lead
from ver_pipeline.annotators.teacher.teacher import Teacher

LIT = {frozenset(names): digit for digit, names in SEGMENTS.items()}
Frames = list[Any]
Hinder = Callable[[Frames, random.Random], Frames]


def read_card(pixels: Any) -> dict[str, str]:
    """What stands on one card; the empty text for digits that cannot be read."""
    height, width = pixels.shape[:2]
    ground = pixels[height // 2, width // 8].astype(int)
    colour = min(COLOURS, key=lambda name: sum((int(a) - b) ** 2 for a, b in zip(ground, COLOURS[name], strict=True)))
    paper, ink = int(ground.sum()), 0 if colour in DARK_INK_ON else 765
    digits = [_digit(pixels, place, paper, ink) for place in places(width, height)]
    small, corners = "".join(digits[1:3]), "".join(digits[3:])
    return {"large": digits[0], "small": small, "corners": corners, "colour": colour}


def _digit(pixels: Any, place: tuple[int, int, int, int], paper: int, ink: int) -> str:
    x, y, w, h = place
    grey, lit = pixels[y : y + h, x : x + w].sum(axis=2, dtype=int), set()
    for name, (left, top, right, bottom) in segment_boxes((0, 0, w, h)).items():
        trim = (bottom - top) // 4, (right - left) // 4
        inner = grey[max(0, top + trim[0]) : bottom - trim[0], left + trim[1] : right - trim[1]]
        share = (inner.sum() / max(1, inner.size) - paper) / (ink - paper)
        if 0.3 < share < 0.7:
            return ""  # a blur
        if share >= 0.7:
            lit.add(name)
    return LIT.get(frozenset(lit), "")


def hear_beeps(samples: Any) -> dict[str, Any]:
    """The pitches in order and the second of the longest beep."""
    import numpy as np

    beeps, lengths = [], []
    for second in range(len(samples) // RATE_HZ):
        part = samples[second * RATE_HZ : (second + 1) * RATE_HZ]
        loud = np.abs(part) > 0.05
        if not loud.any():
            continue
        head = part[: RATE_HZ // 5]
        hz = float((np.diff(np.signbit(head)) != 0).sum()) / 2 * 5
        beeps.append(min(PITCHES_HZ, key=lambda name: abs(PITCHES_HZ[name] - hz)))
        lengths.append((int(loud.sum()), second))
    return {"beeps": beeps, "long_at_s": max(lengths)[1] if lengths else None}


def read_words(text: str) -> dict[str, str]:
    """The control in words: repeats what the question says."""
    word, _, number = text.partition(" and the number is ")
    return {"word": word.split()[-1], "number": number.split(".")[0]}


def reduced(pixels: Any, factor: int) -> Any:
    """Made smaller and put back to size, as a server's preprocessing does."""
    from PIL import Image

    image = Image.fromarray(pixels)
    small = image.resize((max(1, image.width // factor), max(1, image.height // factor)), Image.Resampling.BOX)
    return _array(small.resize(image.size, Image.Resampling.NEAREST))


def cropped(pixels: Any) -> Any:
    """A margin is lost; what stood there is the card's ground."""
    height, width = pixels.shape[:2]
    out = pixels.copy()
    out[:] = pixels[height // 2, width // 8]
    y, x = height // 6, width // 6
    out[y:-y, x:-x] = pixels[y:-y, x:-x]
    return out


def _swapped(frames: Frames, draw: random.Random) -> Frames:
    i = draw.randrange(len(frames) - 1)
    return [*frames[:i], frames[i + 1], frames[i], *frames[i + 2 :]]


def _less_one(frames: Frames, draw: random.Random) -> Frames:
    i = draw.randrange(len(frames))
    return frames[:i] + frames[i + 1 :]


def _shuffled(frames: Frames, draw: random.Random) -> Frames:
    """In any other order."""
    order = list(range(len(frames)))
    while order == sorted(order):
        draw.shuffle(order)
    return [frames[i] for i in order]


def _repeated(frames: Frames, draw: random.Random) -> Frames:
    """One frame takes the place of the one after it."""
    i = draw.randrange(len(frames) - 1)
    return [*frames[: i + 1], frames[i], *frames[i + 2 :]]


HINDRANCES: dict[str, tuple[Hinder, str]] = {
    "drops one": (_less_one, "frames dropped"),
    "drops every other": (lambda frames, _: frames[::2], "frames dropped"),
    "drops all": (lambda frames, _: [], "frames missing: no card was seen"),
    "truncates": (lambda frames, draw: frames[: draw.randint(2, len(frames) - 1)], "frames dropped"),
    "reorders": (_shuffled, "frames reordered"),
    "swaps two": (_swapped, "frames reordered"),
    "turns round": (lambda frames, _: frames[::-1], "frames reordered"),
    "repeats one": (_repeated, "frames repeated"),
    "sees the first": (lambda frames, _: frames[:1], "only the first image seen"),
    "downscales": (lambda frames, _: [reduced(one, 6) for one in frames], "frames downscaled below reading"),
    "crops": (lambda frames, _: [cropped(one) for one in frames], "frames cropped"),
    "blacks out": (lambda frames, _: [one * 0 for one in frames], "frames missing: no card was seen"),
}
"""What happens to frames on the way, and what must be said of it."""


def answer(user: str, frames: Sequence[Any], samples: Any) -> dict[str, Any]:
    """What an honest model answers to a canary's question."""
    if "number is" in user:
        return read_words(user)
    if "beeps" in user:
        return hear_beeps(samples)
    return {"cards": [read_card(one) for one in frames]}


class InProcess:
    """A model in this process: frames and samples reach it without a file, a codec or a server.

    Args:
        hinder: what happens to the frames on the way.
        mute: the samples are silence.
        reply: answers in place of an honest model.
    """

    name, batch_size = "standin", 8

    def __init__(
        self, hinder: Hinder | None = None, mute: bool = False, hears: bool = False, seed: int = 0,
        reply: Callable[[Chat], dict[str, Any]] | None = None, **options: Any,
    ) -> None:  # fmt: skip
        small = {"max_side": 160, "n_frames": 6}
        self.teacher = Teacher("test", f"m{seed}", "0" * 64, teacher(**small | options).options, hears=hears)
        self._draw, self._hinder, self._mute, self._reply = random.Random(seed), hinder, mute, reply
        self._frames: Frames = []
        self._samples: Any = None

    def open(self) -> None:
        pass

    def write(self, path: Path, deck: Deck, max_side: int, sound: bool) -> None:
        """Takes the film's place."""
        import numpy as np

        self.deck = deck
        self._frames = [picture(card, max_side) for card in deck.cards]
        self._samples = played(deck) if sound and not self._mute else np.zeros(RATE_HZ * 8, np.float32)

    def converse(self, talks: Sequence[Talk]) -> list[Any]:
        return [lead(one, self._complete) for one in talks]

    def _complete(self, chat: Chat) -> Completion:
        if self._reply is not None:
            return Completion(json.dumps(self._reply(chat)))
        frames = self._frames if chat.media_path is not None else []
        if frames and self._hinder is not None:
            frames = self._hinder(frames, self._draw)
        return Completion(json.dumps(answer(chat.user, frames, self._samples if chat.media_path else [])))


def answer_to_body(
    body: dict[str, Any], hinder: Callable[[Frames], Frames] | None = None, sound_in_video: bool = True
) -> dict[str, Any] | None:
    """What a server that sees answers to the body of a canary's request; None where it is about a clip.

    ``sound_in_video`` is False for servers that do not take the audio out of a video.
    """
    content = body["messages"][1]["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not body["messages"][0]["content"].startswith("You check whether pictures and sound arrive"):
        return None
    frames: Frames = []
    samples: Any = None
    for part in parts:
        if part["type"] == "image_url":
            frames.append(_decoded(part["image_url"]["url"]))
        if part["type"] == "video_url":
            frames, samples = _film(part["video_url"]["url"])
            samples = samples if sound_in_video else []
        if part["type"] == "input_audio":
            samples = _wav(part["input_audio"]["data"])
    return answer(parts[-1]["text"], hinder(frames) if hinder else frames, samples if samples is not None else [])


def _decoded(url: str) -> Any:
    from PIL import Image

    return _array(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


def _film(url: str) -> tuple[Frames, Any]:
    """A picture a second and the samples of a video."""
    import av
    import numpy as np

    frames: Frames = []
    sound: list[Any] = []
    with av.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= len(frames) + 0.5:
                frames.append(frame.to_ndarray(format="rgb24"))
        if container.streams.audio:
            container.seek(0)
            sound = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    return frames, np.concatenate(sound) if sound else np.zeros(0, np.float32)


def _wav(data: str) -> Any:
    import numpy as np

    with wave.open(io.BytesIO(base64.b64decode(data))) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768


def _array(image: Any) -> Any:
    import numpy as np

    return np.asarray(image.convert("RGB"))
