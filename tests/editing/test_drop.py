"""``ver drop``: the sample is gone from every byte, and only what had to change did."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from factory import make_records
from outfolder import published
from published import publish

from ver_pipeline import open_dataset
from ver_pipeline.cli import main
from ver_pipeline.editing.drop import drop
from ver_pipeline.lint import lint_dataset
from ver_pipeline.publishing.card import write_card
from ver_pipeline.report.page import write_report
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.errors import CorruptDataError, UsageError, VerError
from ver_pipeline.schemas.record import Record, parse_record
from ver_pipeline.shards.manifest import load_manifest
from ver_pipeline.shards.names import names_of, plain_name
from ver_pipeline.shards.read import read_offsets
from ver_pipeline.shards.tombstones import is_withdrawn, read_tombstones, tombstone_of

N = 60
PAGES = (write_card, write_report)


def _sums(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _bytes_that_hold(folder: Path, key: str) -> list[str]:
    """Files whose bytes, or whose Parquet cells once unpacked, hold the key."""
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        if path.suffix == ".parquet":
            data += repr(pq.read_table(path).to_pylist()).encode()
        if key.encode() in data or key in path.name:
            found.append(path.name)
    return found


def _remember(work: Path, records: list[Record]) -> None:
    """A work folder as builds leave it: cached outcomes in several forms, records, videos."""
    transcript = [word.model_dump(mode="json") for record in records for word in record.speech.words]
    (work / "cache" / "speech").mkdir(parents=True)
    (work / "media").mkdir()
    (work / "records").mkdir()
    (work / "cache" / "speech" / "film.json").write_bytes(
        canonical_json({"rows": [{"transcript": {"words": transcript}}]})
    )
    for i, record in enumerate(records):
        data = record.model_dump(mode="json")
        (work / "cache" / f"evidence-{i}.json").write_bytes(canonical_json({"rows": [{"measured": data["measured"]}]}))
        answer = {"annotation": {"description": data["description"], "provenance": data["provenance"]}}
        (work / "cache" / f"annotate-{i}.json").write_bytes(canonical_json({"rows": [answer]}))
        (work / "records" / f"{record.key}-0.json").write_bytes(record.to_json())
        (work / "media" / f"{i}.mp4").write_bytes(record.key.encode() * 20)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    publish(tmp_path / "out", make_records(N))
    return tmp_path / "out"


def test_a_dropped_key_occurs_in_no_byte_afterwards(out: Path) -> None:
    records = sorted(make_records(N), key=lambda record: record.key)
    victims = [record for record in records if record.clip.next_key or record.clip.prev_key][5:8]
    keys = ", ".join(f"'{record.key}'" for record in victims)
    _remember(out / ".ver", records)
    write_report(out)
    drop(out, f"key IN ({keys})", "consent withdrawn", PAGES)
    for record in victims:
        assert _bytes_that_hold(out, record.key) == []
    with open_dataset(out) as data:
        assert data.sql("SELECT count(*) FROM samples").rows() == [(N - 3,)]
        assert data.sql("SELECT count(*) FROM words").rows() == [
            (sum(len(r.speech.words) for r in records if r not in victims),)
        ]


def test_only_shards_that_held_it_or_a_neighbour_are_written_again(out: Path) -> None:
    before = {f["path"]: f for f in load_manifest(out)["files"] if f["kind"] == "shard"}
    with open_dataset(out) as data:
        ((key, shard, near),) = data.sql(
            "SELECT i.key, i.shard, (SELECT shard FROM index WHERE key = coalesce(c.next_key, c.prev_key))"
            " FROM index i JOIN clips c ON c.key = i.key WHERE i.split = 'train' ORDER BY i.key LIMIT 1"
        ).rows()
    done = drop(out, f"key = '{key}'", "withdrawn", ())
    after = {f["path"]: f for f in load_manifest(out)["files"] if f["kind"] == "shard"}
    assert set(done.shards_rewritten) == set(before) - set(after) == {shard, near}
    assert len(before) > 10
    assert {path for path in before if (out / path).exists()} == set(before) & set(after)


def test_what_is_left_is_whole(out: Path) -> None:
    drop(out, "label IN ('anger', 'fear')", "withdrawn", PAGES)
    manifest = load_manifest(out)
    for file in manifest["files"]:
        data = (out / file["path"]).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (file["sha256"], file["size_bytes"]), file["path"]
    assert set(_sums(out)) == names_of(manifest) | {"manifest.json", ".ver/lock", ".ver/ledger.jsonl"}
    assert {file["kind"]: plain_name(file["path"]) for file in manifest["files"] if plain_name(file["path"])} == {
        "card": "README.md", "report": "report.html", "tombstones": "tombstones.json"
    }  # fmt: skip
    with open_dataset(out) as data:
        rows = {row["key"]: row for row in data.sql('SELECT * FROM "index"').dicts()}
        assert manifest["counts"]["samples"] == len(rows) == data.sql("SELECT count(*) FROM clips").rows()[0][0]
        neighbours = data.sql("SELECT prev_key, next_key FROM clips").rows()
    assert {key for pair in neighbours for key in pair if key} <= set(rows)
    for file in manifest["files"]:
        if file["kind"] == "shard":
            for key, members in read_offsets(out / file["path"]).items():
                row = rows.pop(key)
                assert (row["json_offset"], row["json_size"]) == members["json"]
                assert (row["mp4_offset"], row["mp4_size"]) == members["mp4"]
                with (out / file["path"]).open("rb") as tar:
                    tar.seek(members["json"][0])
                    assert parse_record(tar.read(members["json"][1])).key == key
    assert rows == {}


def test_a_data_set_without_a_neighbour_is_still_proven_byte_by_byte(tmp_path: Path) -> None:
    out = published(tmp_path, make_records(8))
    with open_dataset(out) as data:
        ((key,),) = data.sql("SELECT key FROM clips WHERE next_key IS NOT NULL ORDER BY key LIMIT 1").rows()
    drop(out, f"key = '{key}'", "withdrawn", ())
    assert lint_dataset(out).defects == ()


def test_a_video_whose_every_sample_is_dropped_leaves_the_sources(out: Path) -> None:
    with open_dataset(out) as data:
        ((uri,),) = data.sql("SELECT uri FROM samples ORDER BY key LIMIT 1").rows()
    drop(out, f"uri = '{uri}'", "withdrawn", ())
    assert _bytes_that_hold(out, uri) == []


def test_the_work_folder_forgets_the_dropped_and_keeps_the_rest(out: Path) -> None:
    records = make_records(N)
    victim = next(r for r in records if r.speech.words and r.observations)
    _remember(out / ".ver", [victim, records[-1]])
    done = drop(out, f"key = '{victim.key}'", "withdrawn", ())
    left = {path.name for path in (out / ".ver").rglob("*") if path.is_file()} - {"lock", "ledger.jsonl"}
    assert left == {"evidence-1.json", "annotate-1.json", "1.mp4", f"{records[-1].key}-0.json"}
    assert done.n_leftovers == 5


def test_what_was_withdrawn_is_remembered_by_hash_and_added_to(out: Path) -> None:
    one, two = (record.key for record in make_records(2))
    drop(out, f"key = '{one}'", "first", ())
    drop(out, f"key = '{two}'", "second", ())
    tombstones = read_tombstones(out)
    assert tombstones == {tombstone_of(one): "first", tombstone_of(two): "second"}
    assert is_withdrawn(one, tombstones) and not is_withdrawn("0" * 16, tombstones)
    ledger = [json.loads(line) for line in (out / ".ver" / "ledger.jsonl").read_text().splitlines()]
    assert [row["reason"] for row in ledger] == ["first", "second"]
    for lost in ("manifest.json", "tombstones.json", ".ver/ledger.jsonl"):
        (out / lost).unlink()
        assert read_tombstones(out) == tombstones, lost
    (out / "tombstones.json").write_text("[]")
    with pytest.raises(CorruptDataError):
        read_tombstones(out)


def test_the_same_drop_gives_the_same_data_set(tmp_path: Path) -> None:
    for name in ("a", "b"):
        publish(tmp_path / name, make_records(24))
        drop(tmp_path / name, "label = 'anger'", "withdrawn", PAGES)
    sums = [_sums(tmp_path / name) for name in ("a", "b")]
    for found in sums:
        del found[".ver/ledger.jsonl"]
    assert sums[0] == sums[1]


def test_a_failed_drop_leaves_the_data_set_as_it_was_and_the_next_command_finishes_it(
    out: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = _sums(out)

    def breaks(_: Path) -> None:
        raise VerError("no room")

    with pytest.raises(VerError, match="no room"):
        drop(out, "label = 'anger'", "withdrawn", (breaks,))
    after = _sums(out)
    assert after.pop(".ver/drop.json") and after.pop(".ver/lock")
    assert after == before
    with pytest.raises(VerError, match="no room"):
        drop(out, "label = 'anger'", "withdrawn", (breaks,))
    drop(out, "label = 'anger'", "withdrawn", ())
    assert "an earlier withdrawal is finished now" in caplog.text
    assert not (out / ".ver" / "drop.json").exists()
    with open_dataset(out) as data:
        assert data.sql("SELECT count(*) FROM samples WHERE label = 'anger'").rows() == [(0,)]


def test_a_condition_that_chooses_nothing_or_a_telling_reason_is_refused(out: Path) -> None:
    key = make_records(1)[0].key
    with pytest.raises(UsageError, match="no sample"):
        drop(out, "label = 'nothing'", "withdrawn", ())
    with pytest.raises(UsageError, match="reason names"):
        drop(out, f"key = '{key}'", f"because of {key}", ())
    with pytest.raises(VerError, match="refused"):
        drop(out, "key IN (SELECT * FROM read_csv('/etc/passwd'))", "withdrawn", ())


def test_a_dry_run_changes_nothing(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = _sums(out)
    assert main(["drop", str(out), "--where", "label = 'anger'", "--dry-run"]) == 0
    assert "would be dropped" in capsys.readouterr().out
    assert _sums(out) == before
