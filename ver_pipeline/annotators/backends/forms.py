"""How each family of models is shown a clip over OpenAI's protocol, as servers document it: one table."""

from __future__ import annotations

import base64
import io
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ver_pipeline.annotators.teacher.frames import read_frames, to_jpeg
from ver_pipeline.media.audio import AudioFormat, read_pcm
from ver_pipeline.media.open import MediaError, open_media

Sound = Literal["none", "in the video", "input_audio"]
SOUND_FORMAT = AudioFormat(16_000, 1)
"""What the audio encoders of these families read."""


@dataclass(frozen=True, slots=True)
class Form:
    """A family by a part of its models' names, and how its audio travels: as the track of ``video_url``, as a part
    ``input_audio`` of its own, or not at all.  Frames are a list of ``image_url`` for all of them."""

    family: str
    sound: Sound


FORMS = (
    Form("omni", "input_audio"),  # Qwen2.5-Omni, Qwen3-Omni: servers do not take the track out of a video by themselves
    Form("qwen2.5-vl", "none"),
    Form("qwen3-vl", "none"),
    Form("emotion-qwen", "none"),
)
OTHERS = Form("", "in the video")
"""A model of no family that is known: what the options say is believed, and canaries tell."""


def form_of(model: str) -> Form:
    """The form of a model, by its name or the name of its folder."""
    name = model.lower().replace("_", "-")
    return next((form for form in FORMS if form.family in name), OTHERS)


def frame_parts(path: str, duration_s: float, n_frames: int, max_side: int) -> list[dict[str, Any]]:
    """Frames of a clip as parts of a message.

    Raises:
        NoFramesError: not one frame could be read.
    """
    jpegs = [to_jpeg(picture) for picture in read_frames(path, duration_s, n_frames, max_side)]
    return [{"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{_base64(jpeg)}"}} for jpeg in jpegs]


def video_part(path: str) -> dict[str, Any]:
    """A clip's file as a part of a message.

    Raises:
        OSError: it cannot be read.
    """
    return {"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{_base64(Path(path).read_bytes())}"}}


def sound_parts(path: str) -> list[dict[str, Any]]:
    """A clip's audio as a part of a message, mono WAV at 16 kHz; none where it has no audio."""
    try:
        with open_media(path) as container:
            if not container.streams.audio:
                return []
        pcm = b"".join(block.tobytes() for block in read_pcm(path, 0, SOUND_FORMAT))
    except MediaError:
        return []
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(SOUND_FORMAT.channels)
        file.setsampwidth(2)
        file.setframerate(SOUND_FORMAT.rate_hz)
        file.writeframes(pcm)
    return [{"type": "input_audio", "input_audio": {"data": _base64(buffer.getvalue()), "format": "wav"}}]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
