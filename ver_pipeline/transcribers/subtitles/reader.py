"""A subtitle file as what it says: spoken segments, captions, and an account of every cue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ver_pipeline.timeline.transcript import join_words
from ver_pipeline.transcribers.base import AudioError, Caption, TranscriptSegment
from ver_pipeline.transcribers.subtitles.encodings import decode_text
from ver_pipeline.transcribers.subtitles.kinds import (
    MAYBE_SIGN_STYLE,
    SIGN_STYLE,
    SONG_STYLE,
    parts_of,
    speakers_of,
)
from ver_pipeline.transcribers.subtitles.layout import EMPTY, Cue, lay_out
from ver_pipeline.transcribers.subtitles.markup import without_markup
from ver_pipeline.transcribers.subtitles.rolling import held, unrolled
from ver_pipeline.transcribers.subtitles.words import (
    latin_language,
    script_of,
    split_words,
    spoken_line,
    spread_words,
    tidy,
)

MAX_BYTES = 32 << 20
MAX_CUE_SIGNS = 2000
"""With its markup; what is longer is a text and no cue, and says nothing of when its words are said."""
FASTEST_SIGNS_PER_S = 25.0
"""A cue that is shown into the next one was said before that begins, unless nobody could speak so fast."""
MAIN_STYLE_SHARE = 0.5
BILINGUAL_SHARE = 0.5

BROKEN = "characters that could not be decoded"
REPEATED = "cues that only repeat what stands on the screen"
TOO_LONG = "cues too long to be read"
TWICE = "cues that stand there twice"
PAST_END = "cues past the video's end"
BEFORE_START = "cues before the video's start"


@dataclass(frozen=True, slots=True)
class SpokenCue:
    """The spoken lines of a cue, in seconds."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubtitleText:
    """What a file holds.  ``told`` says what was lost or put right: a phrase and how often."""

    format: str
    encoding: str
    n_cues: int
    spoken: tuple[SpokenCue, ...]
    captions: tuple[Caption, ...]
    told: Mapping[str, int] = field(default_factory=dict)

    def moved(self, move: Callable[[float], float]) -> SubtitleText:
        """The same with every time changed by ``move``."""
        spoken = tuple(
            replace(c, start_s=max(0.0, move(c.start_s)), end_s=max(0.0, move(c.end_s))) for c in self.spoken
        )
        captions = tuple(
            replace(c, start_s=max(0.0, move(c.start_s)), end_s=max(0.0, move(c.end_s))) for c in self.captions
        )
        return replace(self, spoken=spoken, captions=captions)


def read_subtitles(path: Path) -> SubtitleText:
    """All cues of a file, told apart.

    Raises:
        AudioError: the file cannot be read or holds no cue that is understood.
    """
    try:
        size_bytes = path.stat().st_size
        if size_bytes > MAX_BYTES:
            raise AudioError(f"the subtitles {path.name} hold {size_bytes} bytes, which no subtitle file does")
        decoded = decode_text(path.read_bytes())
    except OSError as error:
        raise AudioError(f"the subtitles {path.name} cannot be read: {error.strerror}") from error
    layout = lay_out(decoded.text)
    if not layout.cues:
        raise AudioError(f"the subtitles {path.name} hold no cue that is understood")
    repairs = Counter(layout.told)
    if decoded.n_broken:
        repairs[BROKEN] += decoded.n_broken
    readable = [cue for cue in layout.cues if len(cue.text) <= MAX_CUE_SIGNS]
    repairs[TOO_LONG] += len(layout.cues) - len(readable)
    cues, n_twice = _once(sorted(readable, key=lambda cue: (cue.start_s, cue.end_s)))
    repairs[TWICE] += n_twice
    bare = [without_markup(cue.text, layout.format == "ass") for cue in cues]
    voices = [(cue.speaker and (cue.speaker,)) or text.voices for cue, text in zip(cues, bare, strict=True)]
    named = [replace(cue, speaker=", ".join(voice)) for cue, voice in zip(cues, voices, strict=True)]
    cues, n_repeated = unrolled(named, [text.text for text in bare])
    cues, n_held = held(cues)
    repairs[REPEATED] += n_repeated + n_held
    spoken, captions, n_empty = _told_apart(cues)
    repairs[EMPTY] += n_empty
    return SubtitleText(layout.format, decoded.encoding, len(layout.cues), spoken, captions, +repairs)


def to_segments(
    text: SubtitleText, told: str | None, simplify: Callable[[str], str], duration_s: float | None = None
) -> tuple[list[TranscriptSegment], list[Caption], dict[str, int]]:
    """Timed words, captions, and what of ``text`` lies past the end of the video.

    Args:
        told: the language that is spoken, where somebody says it.
        duration_s: of the video; None leaves cues where they are.
    """
    end_s = float("inf") if duration_s is None else duration_s
    everything: list[SpokenCue | Caption] = [*text.spoken, *text.captions]
    n_past = sum(cue.start_s >= end_s for cue in everything)
    n_before = sum(cue.end_s <= 0 for cue in everything)
    inside = [cue for cue in text.spoken if cue.start_s < end_s and cue.end_s > 0]
    captions = [replace(c, end_s=min(c.end_s, end_s)) for c in text.captions if c.start_s < end_s and c.end_s > 0]
    mixed = sum(len({script_of(line) for line in cue.lines}) > 1 for cue in inside)
    bilingual = mixed > 0 and mixed >= BILINGUAL_SHARE * len(inside)
    latin = latin_language([line for cue in inside for line in cue.lines if script_of(line) == "en"])
    segments = []
    for cue, until_s in zip(inside, _ends(inside, end_s), strict=True):
        if bilingual:
            line, language, left = spoken_line(cue.lines, told, latin)
        else:
            line, left = join_words(cue.lines), []
            language = spoken_line([line], told, latin)[1]
        captions += [Caption(cue.start_s, until_s, other, "translation") for other in left]
        said = tidy(line, simplify)
        if said and until_s > cue.start_s:
            timed = spread_words(split_words(said), cue.start_s, until_s)
            words = tuple(replace(word, word=word.word.strip()) for word in timed)
            segments.append(TranscriptSegment(cue.start_s, until_s, said, language, words))
    captions = [replace(caption, text=tidy(caption.text, str)) for caption in captions]
    captions = sorted((c for c in captions if c.text), key=lambda caption: (caption.start_s, caption.end_s))
    return segments, captions, dict(+Counter({**text.told, PAST_END: n_past, BEFORE_START: n_before}))


def _once(cues: Sequence[Cue]) -> tuple[list[Cue], int]:
    """Cues without those that say the same at the same time (ASS draws a line twice, for its shadow)."""
    seen: dict[tuple[float, float, str], Cue] = {}
    for cue in cues:
        seen.setdefault((cue.start_s, cue.end_s, without_markup(cue.text, is_ass=True).text), cue)
    return list(seen.values()), len(cues) - len(seen)


def _told_apart(cues: Sequence[Cue]) -> tuple[tuple[SpokenCue, ...], tuple[Caption, ...], int]:
    """What is spoken, what is not, and how many cues hold neither."""
    styles = Counter(cue.style for cue in cues)
    placed = sum(cue.positioned for cue in cues)
    names = speakers_of(cue.text for cue in cues)
    capitals = sum(cue.text.isupper() for cue in cues) > max(1, MAIN_STYLE_SHARE * len(cues))
    spoken, captions, n_empty = [], [], 0
    for cue in cues:
        main = styles[cue.style] > MAIN_STYLE_SHARE * len(cues)
        sign = SIGN_STYLE.search(cue.style) or (MAYBE_SIGN_STYLE.search(cue.style) and not main)
        if sign or (cue.positioned and placed <= MAIN_STYLE_SHARE * len(cues)):
            captions.append(Caption(cue.start_s, cue.end_s, " ".join(cue.text.split()), "sign"))
            continue
        if SONG_STYLE.search(cue.style):
            captions.append(Caption(cue.start_s, cue.end_s, " ".join(cue.text.split()), "music"))
            continue
        parts = parts_of(cue.text, names, capitals)
        n_empty += not parts.spoken and not parts.captions
        if cue.speaker and parts.spoken:
            captions.append(Caption(cue.start_s, cue.end_s, cue.speaker, "speaker"))
        captions += [Caption(cue.start_s, cue.end_s, text, kind) for kind, text in parts.captions]
        if parts.spoken:
            spoken.append(SpokenCue(cue.start_s, cue.end_s, parts.spoken))
    return tuple(spoken), tuple(captions), n_empty


def _ends(cues: Sequence[SpokenCue], last_s: float) -> list[float]:
    """Where each cue's words end.

    A cue that is still shown when the next begins was said by then; but where the next also ends first, or the words
    would have to be said faster than anybody speaks, two people speak at once.
    """
    ends = []
    for i, cue in enumerate(cues):
        end_s = min(cue.end_s, last_s)
        following = next((other for other in cues[i + 1 :] if other.start_s > cue.start_s), None)
        if following and following.start_s < end_s < following.end_s:
            n_signs = sum(len(line) for line in cue.lines)
            if n_signs <= FASTEST_SIGNS_PER_S * (following.start_s - cue.start_s):
                end_s = following.start_s
        ends.append(end_s)
    return ends
