"""``ver diff`` and ``ver merge``: nothing enters, leaves, changes or leaks unsaid."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from factory import make_record, make_records
from published import publish

from ver_pipeline import open_dataset
from ver_pipeline.catalog.records import read_records
from ver_pipeline.cli import main
from ver_pipeline.editing.diff import diff
from ver_pipeline.editing.drop import drop
from ver_pipeline.editing.merge import merge
from ver_pipeline.schemas.errors import UsageError
from ver_pipeline.schemas.record import Record
from ver_pipeline.shards.manifest import load_manifest, manifest_bytes
from ver_pipeline.shards.tombstones import read_tombstones, tombstone_of


def _relabelled(record: Record) -> Record:
    changed = record.emotion.model_copy(
        update={"primary": "contempt" if record.emotion.primary != "contempt" else "fear"}
    )
    return record.model_copy(update={"emotion": changed})


def test_equal_sets_have_no_difference(tmp_path: Path) -> None:
    for name in "ab":
        publish(tmp_path / name, make_records(12))
    assert diff(tmp_path / "a", tmp_path / "b").is_empty
    assert main(["diff", str(tmp_path / "a"), str(tmp_path / "b"), "--exit-code"]) == 0


def test_what_entered_left_and_changed_is_said_with_its_reason(tmp_path: Path) -> None:
    records = make_records(12)
    publish(tmp_path / "old", records[:10])
    publish(tmp_path / "new", [_relabelled(records[0]), *records[2:12]])
    found = diff(tmp_path / "old", tmp_path / "new")
    assert (found.n_old, found.n_new, found.n_changed) == (10, 11, 1)
    assert found.changed["label"] == [records[0].key]
    assert found.left == {"cut otherwise": [records[1].key]}
    assert found.entered == {"new video": sorted([records[10].key, records[11].key])}


def test_a_withdrawn_sample_is_called_withdrawn(tmp_path: Path) -> None:
    for name in ("old", "new"):
        publish(tmp_path / name, make_records(6))
    key = make_record(2).key
    drop(tmp_path / "new", f"key = '{key}'", "asked", ())
    assert diff(tmp_path / "old", tmp_path / "new").left == {"withdrawn": [key]}
    back = diff(tmp_path / "new", tmp_path / "old")
    assert back.entered == {"cut otherwise": [key]}


def test_the_command_prints_a_table_or_every_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish(tmp_path / "old", make_records(4))
    publish(tmp_path / "new", make_records(6))
    assert main(["diff", str(tmp_path / "old"), str(tmp_path / "new"), "--exit-code"]) == 1
    assert "new video" in capsys.readouterr().out
    assert main(["diff", str(tmp_path / "old"), str(tmp_path / "new"), "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["entered"]["new video"]) == 2


def _records(out: Path) -> dict[str, dict]:
    with open_dataset(out) as data:
        return {row["key"]: record for row, record in read_records(data)}


def test_a_merge_holds_every_sample_once_with_its_video(tmp_path: Path) -> None:
    records = make_records(16)
    publish(tmp_path / "a", records[:10])
    publish(tmp_path / "b", records[8:])
    done = merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c", ())
    assert (done.n_samples, done.n_same) == (16, 2)
    assert _records(tmp_path / "c") == {r.key: r.model_dump(mode="json") for r in records}
    with open_dataset(tmp_path / "c") as data:
        row = data.sql('SELECT shard, mp4_offset, mp4_size, key FROM "index" ORDER BY key LIMIT 1').dicts()[0]
        assert data.sql("SELECT count(*) FROM sources").rows() == [(8,)]
    with (tmp_path / "c" / row["shard"]).open("rb") as tar:
        tar.seek(row["mp4_offset"])
        assert tar.read(row["mp4_size"]) == row["key"].encode() * 20
    assert load_manifest(tmp_path / "c")["counts"]["samples"] == 16
    assert not (tmp_path / "c" / ".ver" / "merge").exists()


def test_a_merge_in_another_order_gives_the_same_samples(tmp_path: Path) -> None:
    records = make_records(12)
    publish(tmp_path / "a", records[:6])
    publish(tmp_path / "b", records[6:])
    for name, order in (("x", "ab"), ("y", "ba")):
        merge([tmp_path / part for part in order], tmp_path / name, ())
    shards = [[f["path"] for f in load_manifest(tmp_path / n)["files"] if f["kind"] == "shard"] for n in "xy"]
    assert shards[0] == shards[1]


def test_a_sample_that_differs_between_sets_needs_a_decision(tmp_path: Path) -> None:
    records = make_records(4)
    publish(tmp_path / "a", records)
    publish(tmp_path / "b", [_relabelled(records[0])])
    sets = [tmp_path / "a", tmp_path / "b"]
    with pytest.raises(UsageError, match=records[0].key):
        merge(sets, tmp_path / "c", ())
    assert not (tmp_path / "c" / "manifest.json").exists()
    for prefer, label in (("first", records[0].emotion.primary), ("last", _relabelled(records[0]).emotion.primary)):
        merge(sets, tmp_path / prefer, (), prefer)  # type: ignore[arg-type]
        assert _records(tmp_path / prefer)[records[0].key]["emotion"]["primary"] == label


def test_a_group_in_two_splits_is_refused_or_split_anew(tmp_path: Path) -> None:
    one, two = make_records(2)
    publish(tmp_path / "a", [one])
    publish(tmp_path / "b", [two.model_copy(update={"split": "test" if one.split != "test" else "train"})])
    sets = [tmp_path / "a", tmp_path / "b"]
    with pytest.raises(UsageError, match="several splits"):
        merge(sets, tmp_path / "c", ())
    merge(sets, tmp_path / "d", (), resplit=True)
    assert len({record["split"] for record in _records(tmp_path / "d").values()}) == 1


def test_what_was_withdrawn_from_one_set_does_not_come_back_through_another(tmp_path: Path) -> None:
    for name in "ab":
        publish(tmp_path / name, make_records(6))
    key = make_record(3).key
    drop(tmp_path / "a", f"key = '{key}'", "asked", ())
    drop(tmp_path / "b", f"key IN (SELECT coalesce(next_key, prev_key) FROM clips WHERE key = '{key}')", "asked", ())
    done = merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c", (), prefer="first")
    assert done.n_withdrawn == 2
    assert key not in json.dumps(_records(tmp_path / "c"))
    with open_dataset(tmp_path / "c") as data:
        assert data.sql("SELECT count(*) FROM sources").rows() == [(2,)]
    assert read_tombstones(tmp_path / "c")[tombstone_of(key)] == "asked"


def test_a_merge_never_overwrites_and_needs_two_sets(tmp_path: Path) -> None:
    publish(tmp_path / "a", make_records(2))
    publish(tmp_path / "b", make_records(4)[2:])
    assert main(["merge", str(tmp_path / "a"), "--out", str(tmp_path / "c")]) == 2
    assert main(["merge", str(tmp_path / "a"), str(tmp_path / "a"), "--out", str(tmp_path / "c")]) == 1
    with pytest.raises(UsageError, match="holds a data set"):
        merge([tmp_path / "a", tmp_path / "b"], tmp_path / "a", ())


def _computed_on(out: Path, processor: str, **other: object) -> None:
    manifest = {**load_manifest(out), "processor": processor, **other}
    (out / "manifest.json").write_bytes(manifest_bytes(manifest))


def test_what_only_the_processor_can_explain_is_called_rounding(tmp_path: Path) -> None:
    records = [record.model_copy(update={"tier": "cue"}) for record in make_records(6)]
    publish(tmp_path / "old", records)
    publish(tmp_path / "new", [_relabelled(records[0]), *records[2:]])
    _computed_on(tmp_path / "old", "x86-64-v2")
    _computed_on(tmp_path / "new", "x86-64-v3")
    found = diff(tmp_path / "old", tmp_path / "new")
    assert found.processors == ("x86-64-v2", "x86-64-v3")
    assert found.changed["rounding: label"] == [records[0].key]
    assert found.left == {"rounding: cut otherwise": [records[1].key]}


@pytest.mark.parametrize("other", [{"tools": {"ffmpeg": "8.0"}}, {"fingerprints": {"clip": "1" * 16}}])
def test_what_another_tool_or_setting_may_explain_is_not_called_rounding(tmp_path: Path, other: dict) -> None:
    records = [record.model_copy(update={"tier": "cue"}) for record in make_records(4)]
    publish(tmp_path / "old", records)
    publish(tmp_path / "new", [_relabelled(records[0]), *records[1:]])
    _computed_on(tmp_path / "old", "x86-64-v2")
    _computed_on(tmp_path / "new", "x86-64-v3", **other)
    assert set(diff(tmp_path / "old", tmp_path / "new").changed) == {"label"}


def test_a_teacher_s_other_answer_is_not_called_rounding(tmp_path: Path) -> None:
    records = [record.model_copy(update={"tier": "teacher"}) for record in make_records(4)]
    publish(tmp_path / "old", records)
    publish(tmp_path / "new", [_relabelled(records[0]), *records[1:]])
    _computed_on(tmp_path / "old", "x86-64-v2")
    _computed_on(tmp_path / "new", "x86-64-v3")
    assert set(diff(tmp_path / "old", tmp_path / "new").changed) == {"label"}
