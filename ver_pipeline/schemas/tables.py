"""The index, and the view ``samples`` over index and catalog.

The definitions are data: the Parquet files, the SQL views, ``ver query --list`` and the documentation all come from
here and from ``catalog_tables.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ver_pipeline.schemas.catalog_tables import CLIPS
from ver_pipeline.schemas.columns import Table, columns
from ver_pipeline.schemas.sources_table import SOURCES

INDEX = Table(
    "index",
    "One row a sample: where its bytes lie in the shards, and what people select by.",
    ("key",),
    columns("""
key               string  the sample
split             string  train, val, test or heldout
shard             string  file name of the tar
json_offset       int     first byte of the record in the tar
json_size         int     size of the record
mp4_offset        int     first byte of the media in the tar; null when the data set holds none
mp4_size          int     size of the media
jpg_offset        int     first byte of the poster in the tar; null when there is none
jpg_size          int     size of the poster
json_sha256       string  sha256 of the record's bytes in the tar (that of the media is in the record)
jpg_sha256        string  sha256 of the poster's bytes; null when there is none
source_id         string  the video
group_id          string  videos that must not be split over train and test share it
start_s           float   start in the video
end_s             float   end in the video
duration_s        float   length
language          string  language spoken; und when none
tier              string  who annotated: cue, teacher or human
label             string  apparent emotion of the subject
valence           float   unpleasant to pleasant, -1 to 1
arousal           float   calm to excited, -1 to 1
intensity         int     0 to 4
confidence        float   confidence in the label, 0 to 1
n_faces           int     face tracks
n_words           int     words with a time
agreement_tier    string  A, B or C; null where agreement could not be computed
license           string  licence of the video
"""),
)


_SAMPLES: dict[str, tuple[Table, str]] = {
    "i": (INDEX, "key split shard"),
    "s": (SOURCES, "uri title rights_basis consent"),
    "c": (
        CLIPS,
        """source_id group_id license start_s end_s duration_s has_audio language transcript transcript_en
        transcript_zh n_words speech_s n_faces label labels_open valence arousal dominance intensity confidence
        mixed tier annotator model n_evidence description_en description_zh n_votes label_agreement agreement_tier
        status n_findings human_decision media_policy media_bytes""",
    ),
}
"""The columns of ``samples``: alias in :data:`SAMPLES_SQL`, table they come from, names."""

SAMPLES = Table(
    "samples",
    "One row a sample: the flat join that most people want.",
    ("key",),
    tuple(
        column
        for table, names in _SAMPLES.values()
        for name in names.split()
        for column in table.columns
        if column.name == name
    ),
)

SAMPLES_SQL = (
    "SELECT "
    + ", ".join(f"{alias}.{name}" for alias, (_, names) in _SAMPLES.items() for name in names.split())
    + ' FROM clips c JOIN "index" i ON i.key = c.key LEFT JOIN sources s ON s.source_id = c.source_id'
)
"""The view ``samples``."""


def flat_columns(record: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of an index row that come from the record (all but ``shard``, offsets and sizes)."""
    source, clip, emotion = record["source"], record["clip"], record["emotion"]
    return {
        "key": record["key"],
        "split": record["split"],
        "source_id": source["id"],
        "group_id": source["group_id"],
        "start_s": clip["start_s"],
        "end_s": clip["end_s"],
        "duration_s": clip["duration_s"],
        "language": record["speech"]["language"],
        "tier": record["tier"],
        "label": emotion["primary"],
        "valence": emotion["valence"],
        "arousal": emotion["arousal"],
        "intensity": emotion["intensity"],
        "confidence": emotion["confidence"],
        "n_faces": record["measured"]["faces"]["n_tracks"],
        "n_words": len(record["speech"]["words"]),
        "agreement_tier": (record.get("agreement") or {}).get("tier"),
        "license": source["rights"]["license"],
    }
