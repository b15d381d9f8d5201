"""Which of a video's audio tracks is used: a rule that a reader can repeat, never the first one by chance."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SIDE_TRACK = re.compile(
    r"comment|descri|narrat|\bad\b|\bdvs\b|hearing|isolated|score only|karaoke|评论|解说|评述|旁白|口述|导评",
    re.IGNORECASE,
)
"""Titles of tracks that do not hold the video's own speech."""
SIDE_FLAGS = ("comment", "visual_impaired", "hearing_impaired", "karaoke", "lyrics", "clean_effects")
"""libavformat's dispositions of such tracks."""
DUB = re.compile(r"\bdub(bed)?\b|voice ?over|配音|译制", re.IGNORECASE)

LANGUAGES = {
    "eng": "en", "zho": "zh", "chi": "zh", "cmn": "zh", "yue": "zh", "jpn": "ja", "kor": "ko", "fra": "fr", "fre": "fr",
    "deu": "de", "ger": "de", "spa": "es", "ita": "it", "por": "pt", "rus": "ru", "ara": "ar", "hin": "hi", "tha": "th",
    "vie": "vi", "ind": "id", "msa": "ms", "may": "ms", "tur": "tr", "nld": "nl", "dut": "nl", "pol": "pl", "ukr": "uk",
    "swe": "sv", "nor": "no", "dan": "da", "fin": "fi", "ell": "el", "gre": "el", "heb": "he", "ces": "cs", "cze": "cs",
    "hun": "hu", "ron": "ro", "rum": "ro", "fas": "fa", "per": "fa",
}  # fmt: skip
"""ISO 639-2 codes, as containers carry them, to ISO 639-1, as sidecars and recognisers do."""


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """One audio stream.  ``number`` counts audio streams from 0; ``language`` is ISO 639-1 where it is known."""

    number: int
    codec: str
    sample_rate_hz: int
    channels: int
    language: str | None
    title: str
    default: bool
    side: bool
    """A commentary, a description, or another track that is not the video's own speech."""
    dub: bool


def audio_tracks(container: Any) -> list[AudioTrack]:
    """The audio streams of an open PyAV container, in its order."""
    return [_track(number, stream) for number, stream in enumerate(container.streams.audio)]


def choose_track(tracks: Sequence[AudioTrack], language: str | None = None, number: int | None = None) -> int | None:
    """The track to use: the named one; else, among those that hold the video's own speech, the one in the told
    language, the one flagged as default, the first.

    Dubs and side tracks (commentary, descriptions) are taken only where there is nothing else.

    Args:
        language: ISO 639-1 code that the sidecar tells.
        number: a track named by the user, counted from 0; one that is not there is passed over.

    Returns:
        The track's number; None without tracks.
    """
    if number is not None and any(track.number == number for track in tracks):
        return number
    if not tracks:
        return None

    def rank(track: AudioTrack) -> tuple[bool, bool, bool, bool, int]:
        foreign = language is not None and track.language != language
        return (track.side, foreign, track.dub, not track.default, track.number)

    return min(tracks, key=rank).number


def told_language(tag: str | None) -> str | None:
    """The language a sidecar tells, as a bare code (``zh-CN`` is ``zh``); None where it tells none."""
    code = (tag or "").replace("_", "-").split("-")[0].strip().lower()
    return None if code in ("", "und", "mixed", "mul", "zxx") else LANGUAGES.get(code, code)


def dispositions(stream: Any) -> frozenset[str]:
    """libavformat's flags of a stream: ``default``, ``comment``, ``attached_pic``, ..."""
    return frozenset(flag.name for flag in type(stream.disposition) if flag & stream.disposition and flag.name)


def _track(number: int, stream: Any) -> AudioTrack:
    context = stream.codec_context
    flags = dispositions(stream)
    title = str(stream.metadata.get("title") or stream.metadata.get("handler_name") or "")
    code = str(stream.metadata.get("language") or "").split("-")[0].lower()
    return AudioTrack(
        number=number,
        codec=context.name if context else "unknown",
        sample_rate_hz=(context.sample_rate or 0) if context else 0,
        channels=(context.channels or 0) if context else 0,
        language=None if code in ("", "und") else LANGUAGES.get(code, code),
        title=title,
        default="default" in flags,
        side=not flags.isdisjoint(SIDE_FLAGS) or bool(SIDE_TRACK.search(title)),
        dub="dub" in flags or bool(DUB.search(title)),
    )
