"""The gallery: a few samples of each label, with their frames and videos inside the page.

Members are read from the tars by their offsets.  Videos are embedded until a budget is used up, one a label
in turn, so that every label plays before any label plays twice.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from ver_pipeline.catalog.records import local_root
from ver_pipeline.report.charts import colour, number
from ver_pipeline.report.timeline import timeline
from ver_pipeline.report.words import MODALITIES, TIERS, both, label_name, named, say
from ver_pipeline.schemas.migrate import record_of
from ver_pipeline.shards.read import ShardReader

if TYPE_CHECKING:
    from ver_pipeline.catalog.dataset import Dataset

PER_LABEL = 3
MOST_SAMPLES = 39
MEDIA_BUDGET_BYTES = 12_000_000
POSTER_LIMIT_BYTES = 300_000

PICK = f"""
    WITH ranked AS (
        SELECT i.key, i.label, i.shard, i.json_offset, i.json_size, i.mp4_offset, i.mp4_size, i.jpg_offset, i.jpg_size,
               row_number() OVER (PARTITION BY i.label ORDER BY i.confidence DESC, i.key) AS best,
               row_number() OVER (PARTITION BY i.label ORDER BY i.confidence, i.key DESC) AS worst,
               count(*) OVER (PARTITION BY i.label) AS n
        FROM "index" i JOIN clips c ON c.key = i.key
        WHERE c.sensitive IS NOT TRUE AND c.minor_possible IS NOT TRUE
    )
    , turns AS (SELECT *, CASE WHEN best = 1 THEN 1 WHEN worst = 1 THEN 2 ELSE best + 1 END AS turn FROM ranked)
    SELECT * FROM turns WHERE turn <= {PER_LABEL} ORDER BY turn, n DESC, label, key LIMIT {MOST_SAMPLES}
"""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One sample of the gallery, with what of its media fits the page."""

    record: dict[str, Any]
    label: str
    poster: bytes | None
    video: bytes | None


def choose(data: Dataset, budget_bytes: int = MEDIA_BUDGET_BYTES) -> list[Exhibit]:
    """The samples that are shown, label by label (the most frequent first)."""
    if data.root is None:
        return []
    exhibits, left = [], budget_bytes
    order: dict[str, int] = {}
    with ShardReader(local_root(data)) as shards:
        for row in data.sql(PICK).dicts():
            order.setdefault(row["label"], len(order))
            shard = row["shard"]
            record = shards.member(row, "json") or b""
            video = poster = None
            if row["mp4_offset"] is not None and row["mp4_size"] <= left:
                video = shards.member(row, "mp4")
                left -= row["mp4_size"]
            if row["jpg_offset"] is not None and row["jpg_size"] <= POSTER_LIMIT_BYTES:
                poster = shards.member(row, "jpg")
            exhibits.append(Exhibit(record_of(record, row["key"], shard), row["label"], poster, video))
    return sorted(exhibits, key=lambda exhibit: order[exhibit.label])


def gallery(exhibits: list[Exhibit]) -> str:
    """Filter buttons and one card a sample."""
    labels = list(dict.fromkeys(exhibit.label for exhibit in exhibits))
    buttons = [f'<button class="chip on" data-filter="">{say("all")}</button>']
    buttons += [
        f'<button class="chip" data-filter="{escape(label)}" style="--c:{colour(label)}">{label_name(label)}</button>'
        for label in labels
    ]
    return f'<div class="chips">{"".join(buttons)}</div>{"".join(map(_card, exhibits))}'


def _card(exhibit: Exhibit) -> str:
    record, emotion, text = exhibit.record, exhibit.record["emotion"], exhibit.record["description"]
    facts = [
        f"{say('confidence')} {number(emotion['confidence'], 2)}",
        f"{say('intensity_one')} {number(emotion['intensity'])}",
        f"{say('valence')} {_signed(emotion['valence'])}",
        f"{say('arousal')} {_signed(emotion['arousal'])}",
        named(TIERS, record["tier"]),
    ]
    more = [label for label in emotion["labels_open"] if label["canon"] != exhibit.label]
    opened = "".join(f"<em>{both(label['en'], label['zh'])}</em>" for label in more)
    seen = "".join(_observation(observation) for observation in record["observations"])
    return (
        f'<article class="card" data-label="{escape(exhibit.label)}" style="--c:{colour(exhibit.label)}">'
        f'<div class="left">{_media(exhibit)}{timeline(record)}<ol class="evidence">{seen}</ol></div>'
        f'<div class="right"><h3>{label_name(exhibit.label)}<span class="open">{opened}</span></h3>'
        f'<p class="facts">{" · ".join(facts)}</p>{_transcript(record["speech"])}'
        f'<div class="two"><p lang="en">{escape(text["en"])}</p><p lang="zh-Hans">{escape(text["zh"])}</p></div>'
        f'<p class="key"><code>{escape(record["key"])}</code> {escape(record["source"]["uri"])} · '
        f"{record['clip']['start_s']:.1f}–{record['clip']['end_s']:.1f} s</p></div></article>"
    )


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}"


def _transcript(speech: dict[str, Any]) -> str:
    if not speech["text"]:
        return f'<p class="speech none">{say("no_words")}</p>'
    lang = speech["language"] if speech["language"] in ("en", "zh") else "und"
    return f'<blockquote class="speech" lang="{lang}">{escape(speech["text"])}</blockquote>'


def _media(exhibit: Exhibit) -> str:
    clip = exhibit.record["clip"]
    shape = f'style="aspect-ratio:{clip["width"]}/{clip["height"]}"'
    poster = _uri(exhibit.poster)
    if exhibit.video is not None:
        still = f' poster="{poster}"' if poster else ""
        return (
            f'<video controls playsinline preload="none" {shape}{still} '
            f'src="data:video/mp4;base64,{base64.b64encode(exhibit.video).decode()}"></video>'
        )
    if poster:
        return f'<figure><img {shape} src="{poster}" alt=""><figcaption>{say("still_only")}</figcaption></figure>'
    return f'<div class="blank" {shape}>{say("no_media")}</div>'


def _uri(picture: bytes | None) -> str:
    if picture is None:
        return ""
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def _observation(observation: dict[str, Any]) -> str:
    when = ""
    if observation["start_s"] is not None:
        end = f"–{observation['end_s']:.1f}" if observation["end_s"] is not None else ""
        when = f"<time>{observation['start_s']:.1f}{end} s</time>"
    quote = f"<q>{escape(observation['quote'])}</q>" if observation["quote"] else ""
    supports = "".join(
        f'<i style="background:{colour(label)}" title="{escape(label)}"></i>' for label in observation["supports"]
    )
    return (
        f'<li><button class="seek" data-t="{observation["start_s"] or 0.0:.3f}">'
        f"<code>{escape(observation['eid'])}</code>"
        f"<b>{named(MODALITIES, observation['modality'])}</b>{when}{supports}</button>"
        f"<span>{both(observation['text_en'], observation['text_zh'])} {quote}</span></li>"
    )
