"""What lies beside a video and belongs to it: its sidecar and its subtitles.

The rule, told here once and used by listing, ingest and ``ver plan --files``:

* ``NAME.json`` or ``NAME.mp4.json`` beside ``NAME.mp4`` is its sidecar.  ``NAME.srt`` (``.vtt``, ``.ass``, ``.ssa``,
  ``.ttml``, ``.dfxp``, ``.smi``), also as ``NAME.mp4.srt`` and with tags as ``NAME.en.srt``, ``NAME.zh-CN.sdh.srt``,
  holds its subtitles.  Suffixes in any case; names composed or decomposed; where only the case of a name differs it
  still fits.
* A file that fits two videos is nobody's: both are rejected with the cure before any work.  Pictures, audio and texts
  of the same name are no videos.
* Subtitles are looked at in this order: in the told language, without a tag, in another language; written by people
  before by machines; by suffix in the order above; by name.  Forced lines, signs and commentaries are never speech, nor
  is a file in another language than the told one.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ver_pipeline.sources.languages import MOST_TAGS, is_tag, tags_of

SUBTITLE_SUFFIXES = (".srt", ".vtt", ".ass", ".ssa", ".ttml", ".dfxp", ".smi")
SIDECAR_SUFFIXES = (".json", *SUBTITLE_SUFFIXES)
RIGHTS_SUFFIXES = (".json", ".yaml", ".yml", ".toml", ".xml", ".license", ".rights")
"""What people write rights into; only ``.json`` is read."""

VIDEO_SUFFIXES = frozenset({
    ".mp4", ".m4v", ".mov", ".qt", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mpe", ".m2v", ".ts", ".m2ts", ".mts",
    ".vob", ".flv", ".f4v", ".wmv", ".asf", ".3gp", ".3g2", ".ogv", ".ogm", ".mxf", ".rm", ".rmvb", ".divx", ".dv",
    ".y4m",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subtitle:
    """A subtitle file beside a video: its name, the language that tells, and why it is not looked at, if it is not."""

    name: str
    language: str | None = None
    why: str | None = None


@dataclass(slots=True)
class Beside:
    """The files that belong to one video, by name in its folder.  ``refused`` says what must be cured first, and
    ``unread`` what must be cured where no manifest tells the video's rights."""

    sidecars: list[str] = field(default_factory=list)
    subtitles: list[str] = field(default_factory=list)
    refused: str | None = None
    unread: str | None = None

    def names(self) -> list[str]:
        """Names of all its files: sidecars, then subtitles."""
        return [*self.sidecars, *self.subtitles]


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder's files: what belongs to each video, what to say of subtitles and sidecars that belong to none, and the
    names that belong to a video (``taken``)."""

    beside: Mapping[str, Beside]
    alone: Mapping[str, str]
    taken: frozenset[str]


def in_folder(names: Iterable[str], tells_rights: Callable[[str], bool] = lambda name: False) -> Folder:
    """Which of the files of one folder belong to which.

    Args:
        names: of all files in it, hidden ones left out.
        tells_rights: whether a file that is not read as a sidecar speaks of rights.
    """
    names = sorted(names)
    owners = _Owners([name for name in names if not _is_beside(name)])
    beside = {name: Beside() for name in owners.names}
    alone: dict[str, str] = {}
    for name in names:
        if not _is_beside(name):
            continue
        videos = owners.of(name)
        if not videos:
            alone[name] = _nobodys(name)
        for video in videos:
            kind = beside[video].sidecars if name.lower().endswith(".json") else beside[video].subtitles
            kind.append(name)
            if len(videos) > 1 and beside[video].refused is None:
                others = ", ".join(other for other in videos if other != video)
                cure = f"name it {video}{_suffix(name)}, or give the videos different names"
                beside[video].refused = f"{name} may belong to it or to {others}; {cure}"
    for files in beside.values():
        if len(files.sidecars) > 1 and files.refused is None:
            files.refused = f"it has {len(files.sidecars)} sidecars ({', '.join(files.sidecars)}); keep one"
    taken = frozenset(name for files in beside.values() for name in files.names())
    for name in names:
        if name in taken:
            continue
        for video in owners.near(name):
            if not beside[video].sidecars and beside[video].unread is None and tells_rights(name):
                cure = f"write them into {os.path.splitext(video)[0]}.json, or into a manifest"
                beside[video].unread = f"{name} tells rights but is not read; {cure}"
    return Folder(beside, alone, taken)


def ranked(names: Sequence[str], video: str, told: str | None) -> list[Subtitle]:
    """Subtitle files of ``video`` in the order in which they are looked at; those never looked at come last.

    Args:
        told: the language that the sidecar or manifest tells, as a bare code; None where neither does.
    """
    order = []
    for name in names:
        language, held, by_machine = tags_of(_tags(name, video))
        why = f"its name says that it holds {held}" if held else None
        if why is None and told and language and language != told:
            why = f"its name says {language}, and the told language is {told}"
        rank = 0 if told and language == told else 1 if language is None else 2
        suffix = SUBTITLE_SUFFIXES.index(_suffix(name).lower())
        order.append(((why is not None, rank, by_machine, suffix, name), Subtitle(name, language, why)))
    return [subtitle for _, subtitle in sorted(order, key=lambda found: found[0])]


def beside_on_disk(path: str) -> Beside:
    """What belongs to one video, from a look at its folder."""
    folder, name = os.path.split(path)
    try:
        names = {entry for entry in os.listdir(folder or ".") if not entry.startswith(".")}
    except OSError:
        return Beside()
    return in_folder({*names, name}).beside.get(name, Beside())


class _Owners:
    """Finds the videos that a name beside them belongs to."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self._exact: dict[str, list[str]] = {}
        self._folded: dict[str, list[str]] = {}
        for name in names:
            for base in {_nfc(name), _nfc(os.path.splitext(name)[0])}:
                self._exact.setdefault(base, []).append(name)
                self._folded.setdefault(base.casefold(), []).append(name)

    def of(self, beside: str) -> list[str]:
        """The videos that ``beside`` may belong to: by its name without suffix, then without tags."""
        base = _nfc(os.path.splitext(beside)[0])
        for _ in range(MOST_TAGS + 1):
            for table, key in ((self._exact, base), (self._folded, base.casefold())):
                if key in table:
                    return self._videos(table[key], base)
            base, _, tag = base.rpartition(".")
            if not base or beside.lower().endswith(".json") or not is_tag(tag):
                break
        return []

    def near(self, name: str) -> list[str]:
        """The videos whose rights a file may tell: it has their name, perhaps with more after a dot."""
        if _suffix(name).lower() not in RIGHTS_SUFFIXES:
            return []
        base = _nfc(os.path.splitext(name)[0]).casefold()
        while base:
            if base in self._folded:
                return [video for video in self._videos(self._folded[base], base) if video != name]
            base = base.rpartition(".")[0]
        return []

    def _videos(self, found: Sequence[str], base: str) -> list[str]:
        """A whole name is meant before a stem; known video suffixes before others."""
        whole = [name for name in found if _nfc(name).casefold() == base.casefold()]
        known = [name for name in found if _suffix(name).lower() in VIDEO_SUFFIXES]
        return whole or known or list(found)


def _is_beside(name: str) -> bool:
    return _suffix(name).lower() in SIDECAR_SUFFIXES


def _tags(name: str, video: str) -> list[str]:
    """The pieces of a subtitle's name between the video's name and the suffix."""
    base = _nfc(os.path.splitext(name)[0]).casefold()
    for own in (_nfc(video).casefold(), _nfc(os.path.splitext(video)[0]).casefold()):
        if base == own or base.startswith(f"{own}."):
            return [part for part in base[len(own) :].split(".") if part]
    return []


def _nobodys(name: str) -> str:
    what = "a sidecar" if name.lower().endswith(".json") else "subtitles"
    return f"it would be {what}, but no video of its name lies beside it; give it the video's name, or remove it"


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1]


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)
