"""One item of a data set as one training sample: read, decode, ask, answer, fit into the token limit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pydantic.dataclasses
from pydantic import ConfigDict

from ver_pipeline.model.data.chat import Encoded, Turn, encode_chat
from ver_pipeline.model.data.conversations import LANGUAGES, converse
from ver_pipeline.model.data.perceived import Given
from ver_pipeline.model.data.shards import Identity, ShardSet, open_shards
from ver_pipeline.model.data.visual import TooLongError, load_visual
from ver_pipeline.model.data.webfolder import WebFolder, open_webfolder
from ver_pipeline.model.vision import Sampling, UndecodableError, frame_count
from ver_pipeline.schemas.errors import ConfigError, CorruptDataError
from ver_pipeline.schemas.labels import TextLanguage
from ver_pipeline.schemas.migrate import record_of

MEDIA = ("video", "image", "none")


@pydantic.dataclasses.dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class DataSpec:
    """One entry of a stage's ``data`` list.

    Attributes:
        set: a folder, or a name bound on the command line (``shards``, ``general``).
        split: split of a published data set.
        where: SQL that selects samples.
        weight: draws an epoch, relative to the number of items.
        media: what is shown: the ``video``, one frame of it as an ``image``, or ``none``.
        tasks: task templates to draw from.
        languages: ``en``, ``zh`` or both.
        paired: with both languages, one conversation in both (else one item each).
        with_speech: put the transcript, and what was measured of the sound, before the question.
        face_emphasis: dim everything but the measured faces.
        sampling: frame choice and sizes.
        max_tokens: limit of one sample; frames are resampled to fit.
        task_file: own task templates.
        optional: leave the entry out when its set was not given.
    """

    set: str
    split: str = "train"
    where: str = ""
    weight: float = 1.0
    media: str = "video"
    tasks: tuple[str, ...] = ("label",)
    languages: tuple[TextLanguage, ...] = LANGUAGES
    paired: bool = False
    with_speech: bool = False
    face_emphasis: bool = False
    sampling: Sampling = field(default_factory=Sampling)
    max_tokens: int = 4096
    task_file: str | None = None
    optional: bool = False

    def __post_init__(self) -> None:
        if self.media not in MEDIA:
            raise ConfigError(f"unknown media {self.media!r}", f"one of {', '.join(MEDIA)}")
        if not self.languages or set(self.languages) - set(LANGUAGES):
            raise ConfigError(f"unknown languages {self.languages}", f"choose from {', '.join(LANGUAGES)}")
        if self.weight <= 0:
            raise ConfigError(f"weight {self.weight} is not positive", "leave the entry out instead")


class Source(Protocol):
    """A set as the loader sees it.  An item is one conversation about one sample."""

    @property
    def spec(self) -> DataSpec:
        """How it is used."""
        ...

    @property
    def identity(self) -> Identity:
        """What a checkpoint remembers of it."""
        ...

    @property
    def n_items(self) -> int:
        """Items to draw from."""
        ...

    def lengths(self) -> np.ndarray:
        """How long each item is, relative to the others, for bucketing: shape [n_items], int64 or float64."""
        ...

    def name(self, item: int) -> str:
        """Shard and key of an item, for messages."""
        ...

    def build(self, item: int, tokenizer: Any, draw: Sequence[Any]) -> Encoded:
        """The training sample.

        Raises:
            ValueError, KeyError, OSError: the sample is bad; the message says why.
        """
        ...


@dataclass(frozen=True, slots=True)
class ShardSource:
    """A data set of ``ver build``."""

    spec: DataSpec
    data: ShardSet

    @property
    def identity(self) -> Identity:
        """That of the selected samples; it does not depend on tasks or languages."""
        return self.data.identity

    @property
    def n_items(self) -> int:
        """Selected samples times the conversations about each: one a language, or one in all where ``paired``."""
        return len(self.data) * len(self._variants())

    def lengths(self) -> np.ndarray:
        """Frames that each item shows, shape [n_items]; zeros where no video is shown."""
        if self.spec.media != "video":
            return np.zeros(self.n_items)
        frames = [frame_count(float(d), self.spec.sampling) for d in self.data.duration_s]
        return np.repeat(np.array(frames), len(self._variants()))

    def name(self, item: int) -> str:
        """``SHARD:KEY`` of the item's sample."""
        row = item // len(self._variants())
        return f"{self.data.shards[row]}:{self.data.keys[row]}"

    def build(self, item: int, tokenizer: Any, draw: Sequence[Any]) -> Encoded:
        """The item's record and media, asked by a task that ``draw`` decides; frames are resampled to fit.

        Raises:
            UndecodableError: the record or the media is missing, damaged, or not what was published.
            TooLongError: even the text does not fit.
            ValueError, KeyError, OSError: the record or its shard cannot be used otherwise.
        """
        spec, variants = self.spec, self._variants()
        row, variant = divmod(item, len(variants))
        try:
            record = record_of(self.data.read(row, "json") or b"", self.data.keys[row], self.data.shards[row])
        except CorruptDataError as error:
            raise UndecodableError(error.what) from error
        turns = converse(
            record,
            spec.tasks,
            variants[variant],
            (*draw, self.data.keys[row]),
            given=Given(spec.media, spec.with_speech, self._frame_s(record)),
            task_file=Path(spec.task_file) if spec.task_file else None,
        )
        visual = None
        if spec.media != "none":
            media = self.data.read(row, "mp4")
            if media is None:
                raise UndecodableError("the sample has no media member")
            if hashlib.sha256(media).hexdigest() != record["media"]["sha256"]:
                raise UndecodableError("the media does not have its recorded sha256")
            boxes = face_boxes(record) if spec.face_emphasis else []
            room = spec.max_tokens - len(encode_chat(tokenizer, turns, None).ids)
            visual = load_visual(spec.media, media, spec.sampling, room, boxes)
        return fitted(encode_chat(tokenizer, turns, visual, name=self.name(item)), spec.max_tokens)

    def _frame_s(self, record: dict[str, Any]) -> float | None:
        """When the one frame is that an image shows."""
        return float(record["clip"]["duration_s"]) / 2 if self.spec.media == "image" else None

    def _variants(self) -> list[tuple[TextLanguage, ...]]:
        spec = self.spec
        return [spec.languages] if spec.paired else [(language,) for language in spec.languages]


@dataclass(frozen=True, slots=True)
class WebSource:
    """A third-party WebDataset with conversations."""

    spec: DataSpec
    data: WebFolder

    @property
    def identity(self) -> Identity:
        """That of the folder: its keys and its members' places."""
        return self.data.identity

    @property
    def n_items(self) -> int:
        """Samples that hold a conversation or a caption."""
        return len(self.data)

    def lengths(self) -> np.ndarray:
        """Size in bytes of each sample's members, shape [n_items], int64."""
        return np.array([sum(size for _, size in members.values()) for _, _, members in self.data.samples])

    def name(self, item: int) -> str:
        """``TAR:KEY`` of the sample."""
        return f"{self.data.samples[item][1]}:{self.data.samples[item][0]}"

    def build(self, item: int, tokenizer: Any, draw: Sequence[Any]) -> Encoded:
        """The conversation as it stands, with its image or video; ``draw`` is not used.

        Raises:
            UndecodableError: the media does not decode.
            TooLongError: even the text does not fit.
            ValueError, OSError: there is no conversation that is understood, or the tar cannot be read.
        """
        turns: list[Turn] = self.data.turns(item)
        media = self.data.media(item) if self.spec.media != "none" else None
        visual = None
        if media is not None:
            room = self.spec.max_tokens - len(encode_chat(tokenizer, turns, None).ids)
            visual = load_visual(media[0], media[1], self.spec.sampling, room, [], is_image=media[0] == "image")
        return fitted(encode_chat(tokenizer, turns, visual, name=self.name(item)), self.spec.max_tokens)


def open_source(spec: DataSpec, folder: Path) -> Source:
    """Open a set: a published one when it has a manifest, else a folder of WebDataset tars.

    Raises:
        ConfigError: ``spec.where`` on a folder of tars, which has no index.
        UsageError, CorruptDataError: there is nothing to read, or it is not what it says.
    """
    if (folder / "manifest.json").is_file():
        return ShardSource(spec, open_shards(folder, spec.split, spec.where))
    if spec.where:
        raise ConfigError(f"{folder} has no index to query", "`where` works on data sets of `ver build`")
    return WebSource(spec, open_webfolder(folder))


def face_boxes(record: dict[str, Any]) -> list[tuple[float, tuple[float, float, float, float]]]:
    """All measured faces as (time, box)."""
    return [(b["t_s"], tuple(b["box"])) for track in record["measured"]["faces"]["tracks"] for b in track["boxes"]]


def fitted(sample: Encoded, max_tokens: int) -> Encoded:
    """The sample, if it fits and has something to learn.

    Raises:
        TooLongError: it does not fit.
        ValueError: no token carries loss.
    """
    if len(sample.ids) > max_tokens:
        raise TooLongError(f"{len(sample.ids)} tokens, the limit is {max_tokens}")
    if sample.n_targets == 0:
        raise ValueError("no answer to learn from")
    return sample
