"""The committed schemas are those of the code, reject what the code rejects, and old records stay readable."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest
from factory import make_dict, make_record, make_records

from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.schemas.derive import FOLDER, derived_files, record_json_schema
from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.schemas.migrate import config_of, read_record
from ver_pipeline.schemas.record import SCHEMA_VERSION
from ver_pipeline.schemas.split import split_of
from ver_pipeline.schemas.strict import record_errors
from ver_pipeline.shards.manifest import add_checksum, checksum_matches, load_manifest, manifest_bytes

Data = dict[str, Any]

BREAKS: dict[str, tuple[str, Callable[[Data], object]]] = {
    "unknown field": ("/emotion/mood", lambda d: d["emotion"].update(mood="x")),
    "identity embedding of a face": (
        "/measured/faces/tracks/0/embedding",
        lambda d: d["measured"]["faces"]["tracks"][0].update(embedding=[0.1, 0.2]),
    ),
    "name of a person": (
        "/measured/faces/tracks/0/name",
        lambda d: d["measured"]["faces"]["tracks"][0].update(name="x"),
    ),
    "missing field": ("/emotion/confidence", lambda d: d["emotion"].pop("confidence")),
    "wrong type": ("/clip/n_frames", lambda d: d["clip"].update(n_frames="100")),
    "unknown enum value": ("/emotion/primary", lambda d: d["emotion"].update(primary="joyful")),
    "percent in place of a share": ("/emotion/confidence", lambda d: d["emotion"].update(confidence=74.0)),
    "pixels in place of fractions": (
        "/measured/faces/tracks/0/mean_box/0",
        lambda d: d["measured"]["faces"]["tracks"][0].update(mean_box=[224, 72, 128, 126]),
    ),
    "negative time": ("/speech/words/0/start_s", lambda d: d["speech"]["words"][0].update(start_s=-0.1)),
    "key with a dot": ("/key", lambda d: d.update(key="a.b")),
    "other version": ("/schema_version", lambda d: d.update(schema_version="ver-record/9")),
    "valence on another scale": ("/emotion/valence", lambda d: d["emotion"].update(valence=-3.0)),
    "evidence id with spaces": ("/observations/0/eid", lambda d: d["observations"][0].update(eid="e 1")),
}
RELATIONS: dict[str, tuple[str, Callable[[Data], object]]] = {
    "word in milliseconds": ("/speech/words/2/end_s", lambda d: d["speech"]["words"][2].update(end_s=1800.0)),
    "evidence after the clip": ("/observations/1/end_s", lambda d: d["observations"][1].update(end_s=60.0)),
    "box out of the frame": (
        "/measured/faces/tracks/0/boxes/3/box",
        lambda d: d["measured"]["faces"]["tracks"][0]["boxes"][3].update(box=[0.8, 0.2, 0.4, 0.3]),
    ),
    "clip after its source": ("/clip/end_s", lambda d: d["source"].update(duration_s=2.0)),
    "distribution above one": ("/emotion/dist", lambda d: d["emotion"].update(dist={"happiness": 0.9, "neutral": 0.9})),
}


@pytest.mark.parametrize("name", sorted(derived_files()))
def test_committed_schema_is_the_derived_one(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == derived_files()[name], (
        "schemas drifted: run python -m ver_pipeline.schemas.derive, and think about the version"
    )


def test_json_schema_is_valid_and_accepts_good_records() -> None:
    schema = record_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for record in make_records(30):
        validator.validate(json.loads(record.to_json()))


@pytest.mark.parametrize("what", sorted(BREAKS))
def test_what_the_schema_forbids_is_found_by_both_readers_at_the_same_place(what: str) -> None:
    pointer, change = BREAKS[what]
    data = make_dict(0)
    assert record_errors(data) == []
    change(data)
    assert pointer in {error.pointer for error in record_errors(data)}
    assert not jsonschema.Draft202012Validator(record_json_schema()).is_valid(data)


@pytest.mark.parametrize("what", sorted(RELATIONS))
def test_what_relates_parts_is_found_with_its_place(what: str) -> None:
    pointer, change = RELATIONS[what]
    data = make_dict(0)
    change(data)
    assert pointer in {error.pointer for error in record_errors(data)}


def test_nan_and_infinity_are_errors_with_their_place() -> None:
    for value in (float("nan"), float("inf")):
        data = make_dict(0)
        data["measured"]["picture"]["sharpness"] = value
        assert [error.pointer for error in record_errors(data)] == ["/measured/picture/sharpness"]
        assert record_errors(json.dumps(data).encode())


def test_sql_definitions_are_what_duckdb_understands() -> None:
    connection = duckdb.connect()
    connection.execute(derived_files()["tables.v1.sql"])
    names = {row[0] for row in connection.execute("SHOW TABLES").fetchall()}
    assert {"clips", "index", "samples", "words"} <= names


def test_reader_reads_today_and_walks_from_version_to_version() -> None:
    record = make_record(3)
    assert read_record(record.to_json()) == record
    old = {**json.loads(record.to_json()), "schema_version": "ver-record/0a"}
    old["label"] = old["emotion"].pop("primary")

    def rename(value: Data) -> Data:
        return {**value, "schema_version": "ver-record/0b", "emotion": {**value["emotion"], "primary": value["label"]}}

    def drop(value: Data) -> Data:
        return {name: v for name, v in value.items() if name != "label"} | {"schema_version": SCHEMA_VERSION}

    assert read_record(json.dumps(old), {"ver-record/0a": rename, "ver-record/0b": drop}) == record


@pytest.mark.parametrize("name", ["record.v1.speech.json", "record.v1.silent.json"])
def test_a_record_of_an_earlier_release_reads_as_one_of_today(name: str) -> None:
    data = (Path(__file__).parent / name).read_bytes()
    record = read_record(data)
    assert record.schema_version == "ver-record/2" and record.people is None
    assert record_errors(data) == []
    written = {**json.loads(data), "schema_version": "ver-record/2"}
    assert _holds(json.loads(record.to_json()), written)


def _holds(now: Any, before: Any) -> bool:
    """All that was there is there; optional fields were added since."""
    if isinstance(before, dict):
        return all(name in now and _holds(now[name], value) for name, value in before.items())
    if isinstance(before, list):
        return len(now) == len(before) and all(map(_holds, now, before))
    return bool(now == before)


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"schema_version":"ver-record/99"}', b"{}"])
def test_unknown_version_is_an_error_with_a_cure(data: bytes) -> None:
    with pytest.raises(CorruptDataError) as caught:
        read_record(data)
    assert caught.value.cure


def test_manifest_seal_fits_its_content_only(tmp_path: Path) -> None:
    manifest = {
        "schema": "ver-manifest/1", "record_schema": "ver-record/2", "dataset_id": "0" * 64, "files": [],
        "counts": {"samples": 0}, "config": {}, "fingerprints": {}, "tools": {},
    }  # fmt: skip
    sealed = add_checksum(manifest)
    assert checksum_matches(sealed) and add_checksum(sealed) == sealed
    assert not checksum_matches({**sealed, "counts": {"samples": 1}})
    assert not checksum_matches(manifest)
    (tmp_path / "manifest.json").write_bytes(manifest_bytes(manifest))
    assert load_manifest(tmp_path) == sealed
    (tmp_path / "manifest.json").write_bytes(json.dumps(sealed).encode())
    with pytest.raises(CorruptDataError, match="seal"):
        load_manifest(tmp_path)


def test_split_is_stable_and_only_grows_out_of_train() -> None:
    from ver_pipeline.schemas.config import ShardConfig

    groups = [f"group-{i}" for i in range(3000)]
    before = {g: split_of(g, ShardConfig(val_frac=0.1, test_frac=0.1)) for g in groups}
    after = {g: split_of(g, ShardConfig(val_frac=0.2, test_frac=0.1)) for g in groups}
    assert all(after[g] == before[g] or (before[g], after[g]) == ("train", "val") for g in groups)
    for split in ("val", "test"):
        share = sum(name == split for name in before.values()) / len(groups)
        assert 0.08 < share < 0.12  # 3 sigma of 3000 draws at 0.1 is 0.016
    assert {split_of(g, ShardConfig(val_frac=0, test_frac=0)) for g in groups} == {"train"}


def test_the_configuration_of_an_older_manifest_is_read_under_the_names_of_today() -> None:
    old = BuildConfig().model_dump(mode="json", by_alias=True)
    for (section, today), then in {
        ("scenes", "frame_width_px"): "picture_width",
        ("evidence", "frame_side_px"): "picture_side",
        ("clip", "chunk_s"): "part_s",
        ("annotate", "source_skill"): "voter_skill",
    }.items():
        old[section][then] = old[section].pop(today)
    assert config_of({"config": old}) == BuildConfig()
    with pytest.raises(CorruptDataError, match=r"clip\.odd"):
        config_of({"config": {"clip": {"odd": 1}}})
