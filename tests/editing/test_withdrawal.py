"""Consent withdrawn means gone: a withdrawal that was begun is finished by whoever comes next, or named to them."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from factory import make_records
from small_sets import RECORDS, STUBS, VICTIM, build, gone, n_samples, settled

from ver_pipeline.catalog.dataset import open_dataset
from ver_pipeline.cli import main
from ver_pipeline.editing.drop import drop
from ver_pipeline.editing.merge import merge
from ver_pipeline.editing.settle import finish_withdrawal, settle, writing
from ver_pipeline.export.push import push
from ver_pipeline.lint import lint_dataset
from ver_pipeline.schemas.errors import CorruptDataError, VerError
from ver_pipeline.shards.tombstones import is_withdrawn, read_tombstones
from ver_pipeline.shards.withdrawal import Withdrawal, write_down

KILLED_AFTER_THE_MANIFEST = """
import os, sys
real = os.replace
def replace(source, target, **options):
    real(source, target, **options)
    if str(target).endswith("/manifest.json") and "staging" not in str(target):
        os._exit(137)
os.replace = replace
from ver_pipeline.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small data set with stub pages, which the command line makes as well."""
    import ver_pipeline.publishing.pages

    monkeypatch.setattr(ver_pipeline.publishing.pages, "PAGES", STUBS)
    build(tmp_path, RECORDS)
    return tmp_path / "out"


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Another process is writing."""
    (out / ".ver").mkdir(exist_ok=True)
    with open(out / ".ver" / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def begun(out: Path) -> None:
    """A drop that was killed right after it was asked for."""
    write_down(out, Withdrawal(frozenset([VICTIM]), "asked"))


def test_the_command_killed_after_the_manifest_ends_well_when_it_is_given_again(tmp_path: Path) -> None:
    build(tmp_path, RECORDS)
    out = tmp_path / "out"
    command = ["drop", str(out), "--where", f"key = '{VICTIM}'", "--reason", "asked"]
    killed = subprocess.run(
        [sys.executable, "-P", "-c", KILLED_AFTER_THE_MANIFEST, *command], capture_output=True, text=True, check=False
    )
    assert killed.returncode == 137, killed.stderr
    assert n_samples(out) == 5 and len(list(out.glob("index-*.parquet"))) == 2
    assert {defect.code for defect in lint_dataset(out).defects} >= {"withdrawal", "copy"}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "ver_pipeline", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (
        "an earlier withdrawal is finished now: 1 sample(s)" in done.stderr and "chooses no sample" not in done.stderr
    )
    settled(out, 5)
    gone(out, [VICTIM])
    assert {"README.md", "report.html", "expectations.json", "tombstones.json"} <= {path.name for path in out.iterdir()}
    report = lint_dataset(out)
    assert report.is_sound and not report.defects


def test_the_same_command_ends_well_also_where_another_has_finished_its_work(out: Path, tmp_path: Path) -> None:
    """Killed in mid-work, finished by a query, given again; and once more."""
    command = ["drop", str(out), "--where", f"key = '{VICTIM}'"]
    run = [sys.executable, "-P", "-c", KILLED_AFTER_THE_MANIFEST, *command]
    assert subprocess.run(run, capture_output=True, check=False).returncode == 137
    for again in (["query", str(out), "SELECT 1"], command, command):
        assert main(again) == 0
        settled(out, 5)
        gone(out, [VICTIM])
    assert main(["drop", str(out), "--where", "label = 'nothing'"]) == 2


@pytest.mark.parametrize("command", ["query", "push", "export", "validate", "annotate", "report", "diff", "merge"])
def test_any_later_command_finishes_it(out: Path, tmp_path: Path, command: str) -> None:
    begun(out)
    build(tmp_path, make_records(8)[6:], "other")
    arguments = {
        "query": [out, "SELECT 1"],
        "push": [out, f"file://{tmp_path}/there"],
        "export": [out, "--format", "llava", "--to", tmp_path / "to"],
        "validate": [out, "--suite", "completeness"],
        "annotate": [out, "--human-scores"],
        "report": [out, "--output", tmp_path / "page.html"],
        "diff": [out, out],
        "merge": [out, tmp_path / "other", "--out", tmp_path / "joined"],
    }[command]
    assert main([command, *map(str, arguments)]) == 0
    settled(out, 5)
    gone(out, [VICTIM])
    for folder in ("there", "to", "joined"):
        if (tmp_path / folder).exists():
            gone(tmp_path / folder, [VICTIM])


def test_nothing_leaves_a_data_set_from_which_a_withdrawal_cannot_be_finished_and_reading_goes_on(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    begun(out)
    with held(out):
        for arguments in (
            ["push", out, f"file://{tmp_path}/there"],
            ["export", out, "--format", "llava", "--to", tmp_path / "to"],
            ["annotate", out, "--write-answers", tmp_path / "answers.jsonl"],
            ["merge", out, out, "--out", tmp_path / "joined"],
        ):
            assert main(list(map(str, arguments))) == 1
            said = capsys.readouterr().err
            assert said.count("\n") == 1 and ("to be withdrawn" in said or "given twice" in said)
        assert main(["query", str(out), "SELECT count(*) FROM samples"]) == 0
        assert "cannot be finished now" in caplog.text
    assert not any((tmp_path / name).exists() for name in ("there", "to", "answers.jsonl", "joined"))
    assert n_samples(out) == 6


def test_a_wish_that_cannot_be_read_is_named_not_ignored(out: Path) -> None:
    for text in ("null", "[]", '{"keys": 3, "reason": "x"}', '{"keys": ["a"]}', "{"):
        (out / ".ver").mkdir(exist_ok=True)
        (out / ".ver" / "drop.json").write_text(text)
        with pytest.raises(CorruptDataError, match=r"drop\.json"), writing(out):
            pass
        with pytest.raises(VerError, match="to be withdrawn"):
            push(out, f"file://{out.parent}/there")


@pytest.mark.parametrize("damaged", ["manifest", "index"])
def test_a_build_over_a_damaged_data_set_brings_nothing_withdrawn_back_and_ends_the_withdrawal(
    out: Path, tmp_path: Path, damaged: str
) -> None:
    begun(out)
    path = out / "manifest.json" if damaged == "manifest" else next(out.glob("index-*.parquet"))
    path.write_bytes(path.read_bytes()[:-9])
    shutil.copytree(tmp_path / "cache-out", out / ".ver" / "records" / "ab")  # what builds left
    settle(out)
    assert is_withdrawn(VICTIM, read_tombstones(out))
    with writing(out, mends=True):
        build(tmp_path, [record for record in RECORDS if not is_withdrawn(record.key, read_tombstones(out))])
        finish_withdrawal(out)
    settled(out, 5)
    gone(out, [VICTIM])
    assert is_withdrawn(VICTIM, read_tombstones(out))


def test_what_a_half_done_drop_of_an_older_release_left_goes_with_the_next_one(out: Path) -> None:
    """Its rerun cleaned nothing; files under our names that no manifest lists are of no data set."""
    for name in ("train-0a1b2c-{}.tar", "index-{}.parquet", "catalog/clips-{}.parquet", "pages/report-{}.html"):
        of_that_kind = name.replace("0a1b2c", "*").format("*")
        shutil.copy(next(out.glob(of_that_kind)), out / name.format("0a1b2c3d"))
    (out / "notes.txt").write_text("mine")
    (out / "labels.csv").write_text(f"{VICTIM},sad\n")
    drop(out, f"key = '{VICTIM}'", "asked", STUBS)
    gone(out, [VICTIM])
    assert (out / "notes.txt").read_text() == "mine"
    (out / "notes.txt").unlink()
    settled(out, 5)


def test_what_a_killed_push_left_goes_with_the_next_drop(out: Path, tmp_path: Path) -> None:
    """Half a packed table shows no key, and half a page may show a face before the key."""
    push(out, f"file://{tmp_path}/there")
    there = tmp_path / "there"
    half = {"index-0a1b2c3d.parquet.part": next(out.glob("index-*.parquet")), "report.html.part": out / "README.md",
            "catalog/clips-0a1b2c3d.parquet.part": next(out.glob("catalog/clips-*.parquet")),
            "pages/report-0a1b2c3d.html.part": out / "README.md", "manifest.json.part": out / "README.md"}  # fmt: skip
    for name, source in half.items():
        (there / name).write_bytes(source.read_bytes()[:-8])
    drop(there, f"key = '{VICTIM}'", "asked", STUBS)
    settled(there, 5)
    gone(there, [VICTIM])


def test_a_data_set_inside_a_data_set_is_another_one(out: Path, caplog: pytest.LogCaptureFixture) -> None:
    shutil.copytree(out, out / "kept" / "inner")
    drop(out, f"key = '{VICTIM}'", "asked", STUBS)
    assert n_samples(out) == 5 and n_samples(out / "kept" / "inner") == 6
    assert lint_dataset(out / "kept" / "inner").is_sound
    assert "a data set of its own" in caplog.text


def test_annotations_of_a_data_set_that_was_changed_meanwhile_are_not_published(out: Path) -> None:
    from ver_pipeline.reannotation.reannotate import reannotate
    from ver_pipeline.schemas.config import BuildConfig

    with open_dataset(out) as data:
        drop(out, f"key = '{VICTIM}'", "asked", STUBS)
        with pytest.raises(VerError, match="changed by another command meanwhile"):
            reannotate(data, BuildConfig())
    settled(out, 5)
    gone(out, [VICTIM])


def test_a_finished_merge_is_a_data_set_like_any_other(out: Path, tmp_path: Path) -> None:
    """Only the command that was killed may go on where its own result stands, and only as long as nobody else wrote."""
    build(tmp_path, make_records(8)[6:], "other")
    merge([out, tmp_path / "other"], tmp_path / "joined", STUBS)
    joined = tmp_path / "joined"
    note = joined / ".ver" / "merge.json"
    assert not note.exists()
    note.write_bytes(b"{}")
    assert main(["merge", str(out), str(tmp_path / "other"), "--out", str(joined)]) == 2
    drop(joined, f"key = '{VICTIM}'", "asked", STUBS)
    assert not note.exists()
    gone(joined, [VICTIM])


def test_no_set_that_a_training_binds_shows_what_is_to_be_withdrawn(out: Path, tmp_path: Path) -> None:
    from argparse import Namespace

    from ver_pipeline.launch.plan import settle_sets

    build(tmp_path, make_records(8)[6:], "other")
    for arguments in (
        Namespace(shards=tmp_path / "other", general=None, data=[f"more={out}"]),
        Namespace(shards=tmp_path / "other", general=out, data=[]),
        Namespace(shards=out, general=None, data=[]),
    ):
        begun(out)
        settle_sets(arguments)
        assert n_samples(out) == 5 and not (out / ".ver" / "drop.json").exists()
