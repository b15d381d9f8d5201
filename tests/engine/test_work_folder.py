"""What is not whole in the work folder, whatever became of it, is as good as absent."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import toy_stages as toys
from hypothesis import given, settings
from hypothesis import strategies as st

from ver_pipeline.annotators.teacher.answers import KEPT, AnswerStore
from ver_pipeline.annotators.teacher.rate_limits import RateLimiter
from ver_pipeline.editing.forget import Traces, forget
from ver_pipeline.editing.settle import settle
from ver_pipeline.engine.cache import Cache, entry_bytes
from ver_pipeline.engine.runner import Runner
from ver_pipeline.publishing.unchanged import NOTE_NAME, is_published, untouched
from ver_pipeline.runs import Summary, note_build
from ver_pipeline.schemas.catalog_tables import RUNS
from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.schemas.hashing import hash_file
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.shards.journals import switch_journal, withdrawal_journal
from ver_pipeline.shards.lock import locked
from ver_pipeline.shards.switch import recover
from ver_pipeline.shards.tombstones import read_tombstones
from ver_pipeline.shards.withdrawal import Withdrawal, ledger_path, note, noted, pending
from ver_pipeline.shards.workdir import WorkFolder

KEY = "ab" * 32
many = settings(deadline=None, max_examples=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
DEEP = b"[" * 100_000
GARBAGE = st.one_of(st.binary(max_size=40), st.sampled_from([b"", b"null", b"[]", b"7", b"{}", DEEP, b"\xff", b"NaN"]))


def fields(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with the right names and anything under them."""
    return st.fixed_dictionaries(dict.fromkeys(names, JSON))


def texts(*names: str) -> st.SearchStrategy[bytes]:
    """What may stand in a file of the work folder: garbage, any JSON, JSON that looks nearly right."""
    values = JSON | fields(*names)
    return GARBAGE | values.map(lambda value: json.dumps(value).encode())


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> WorkFolder:
    return WorkFolder(tmp_path_factory.mktemp("out") / ".ver")


@pytest.fixture(autouse=True)
def fresh(work: WorkFolder) -> Iterator[None]:
    work.root.mkdir(exist_ok=True)
    yield
    shutil.rmtree(work.root)


def stored(work: WorkFolder, data: bytes) -> list[dict[str, Any]] | Reject | None:
    """What the cache makes of an entry's bytes."""
    path = work.root / "cache" / "toy" / KEY[:2] / f"{KEY}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return Cache(work, "toy").get(KEY)


def video(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"a video")
    return path


def told(path: Path) -> list[Any]:
    info = path.stat()
    return [info.st_size, info.st_mtime_ns, hash_file(path)[0]]


def test_an_entry_comes_back_as_it_was_put(work):
    media = video(work.media / "ab" / "x.mp4")
    for outcome in (
        [{"media_path": str(media), "n": 1.5}, {"media_path": None}],
        [],
        Reject(Reason.NO_VIDEO, "toy", "x"),
    ):
        Cache(work, "toy").put(KEY, outcome)
        assert Cache(work, "toy").get(KEY) == outcome


@many
@given(data=texts("rows", "reject", "files"))
def test_any_other_text_is_no_entry(work, data):
    assert stored(work, data) is None


@many
@given(
    value=fields("rows", "reject", "files").filter(lambda v: "NaN" not in json.dumps(v) and "Inf" not in json.dumps(v))
)
def test_an_entry_of_wrong_types_is_none_even_where_its_own_hash_fits(work, value):
    got = stored(work, entry_bytes(value))
    assert got is None or value["files"] == {}


@many
@given(cut=st.integers(0, 400), put=st.binary(max_size=3))
def test_a_damaged_entry_is_none(work, cut, put):
    Cache(work, "toy").put(KEY, [{"n": 1}])
    whole = Cache(work, "toy")._path(KEY).read_bytes()
    cut %= len(whole)
    damaged = whole[:cut] + put + whole[cut + 1 :]
    assert stored(work, damaged) == (None if damaged != whole else [{"n": 1}])


@pytest.mark.parametrize(
    "name", ["../../secret.mp4", "{outside}", "media/../../../secret.mp4", "media//x.mp4", ".", ""]
)
def test_an_entry_that_names_a_file_outside_is_none(work, tmp_path, name):
    outside = video(tmp_path / "secret.mp4")
    video(work.root.parent.parent / "secret.mp4")
    video(work.media / "x.mp4")
    name = name.format(outside=outside)
    entry = {"rows": [{"media_path": name}], "reject": None, "files": {name: told(outside)}}
    assert stored(work, entry_bytes(entry)) is None
    unlisted = {"rows": [{"media_path": name}], "reject": None, "files": {}}
    assert stored(work, entry_bytes(unlisted)) is None


def test_a_file_that_changed_takes_its_entry_along_and_one_that_was_copied_does_not(work):
    media = video(work.media / "x.mp4")
    cache = Cache(work, "toy")
    cache.put(KEY, [{"media_path": str(media)}])
    os.utime(media, ns=(1, 1))
    assert cache.get(KEY) == [{"media_path": str(media)}]
    media.write_bytes(b"b video")
    assert cache.get(KEY) is None
    media.unlink()
    assert cache.get(KEY) is None


@many
@given(data=texts("rows", "reject", "files"))
def test_work_whose_entry_is_not_whole_is_done_again(work, data):
    row = {"uri": "x.mp4", "text": "x"}
    out = Runner(toys.Toy(), work)([row])
    (path,) = (work.root / "cache" / "toy").rglob("*.json")
    path.write_bytes(data)
    again = Runner(toys.Toy(), work)
    assert again([row]) == out
    assert (again.stats.done, again.stats.cached) == (1, 0)


@many
@given(data=texts("content", "files"))
def test_a_note_of_what_was_published_is_believed_only_where_it_is_whole(work, data):
    (work.root / NOTE_NAME).write_bytes(data)
    assert not is_published(work.root.parent, work, "x")
    assert untouched(work.root.parent, work) == frozenset()


@many
@given(data=texts("run_id", "stage", "wall_s", "rows_in") | texts(*RUNS.names))
def test_rows_of_runs_that_are_none_are_left_out(work, data):
    from ver_pipeline.catalog.write import write_rows

    (work.root / "runs.jsonl").write_bytes(data + b"\n")
    rows = note_build(work, Summary(work.root.parent, run_id="mine"))
    assert [row["stage"] for row in rows if row["run_id"] == "mine"] == ["total"]
    write_rows(RUNS, rows, work.root / "runs.parquet", optional=True)
    (work.root / "runs.jsonl").unlink()


@many
@given(data=texts(*KEPT))
def test_an_answer_that_is_none_is_asked_again(work, data):
    store = AnswerStore(work.root / "answers")
    good = {"text": "x", "finish": "stop", "refusal": None, "tokens_in": 1, "tokens_out": 2}
    store.put(KEY, good)
    assert store.get(KEY) == good
    (path,) = (work.root / "answers").rglob("*.json")
    path.write_bytes(data)
    kept = store.get(KEY)
    assert kept is None or (isinstance(kept["text"], str | None) and kept["tokens_in"] >= 0)


@many
@given(data=texts("word", "prob", "media"))
def test_what_is_withdrawn_is_looked_for_in_anything(work, data):
    for name, content in {"x.json": data, "y.jsonl": data + b"\n" + data, "z.json": b"[" + data + b"]"}.items():
        (work.root / name).write_bytes(content)
    traces = Traces(words={("a", 0.5): [frozenset({("a", 0.5)})]}, parts={KEY})
    (work.root / "said.json").write_bytes(b'[{"word":"a","prob":0.5},null]')
    assert forget(work.root, traces) >= 1
    assert not (work.root / "said.json").exists()


@many
@given(data=texts("key_sha256", "reason"))
def test_lines_of_the_ledger_that_are_none_are_left_out(work, data):
    wish = Withdrawal(frozenset({"0123456789abcdef_00000000_00001000"}), "asked for")
    ledger_path(work.root.parent).write_bytes(data)
    note(work.root.parent, wish)
    assert "asked for" in noted(work.root.parent).values()


@many
@given(data=texts("keys", "reason", "adds", "removes"))
def test_a_journal_that_is_not_whole_removes_nothing_and_a_wish_that_cannot_be_read_is_told(work, data):
    out = work.root.parent
    video(out / "notes.txt")
    switch_journal(out).write_bytes(data)
    recover(out)
    assert (out / "notes.txt").exists()
    withdrawal_journal(out).write_bytes(data)
    with contextlib.suppress(CorruptDataError):
        assert pending(out) is not None
    withdrawal_journal(out).unlink()


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "-inf", "1e999", "null", "1" * 400])
def test_the_shared_clock_of_requests_survives_anything(work, text):
    folder = work.root / "pace"
    folder.mkdir()
    (folder / "next").write_text(text)
    RateLimiter(1000.0, folder).wait()
    assert float((folder / "next").read_text()) > 0


@pytest.mark.parametrize("name", [".", "lock", "media", "staging", "cache/toy", "records/ab/x.json"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_a_work_folder_that_leads_elsewhere_is_refused_and_nothing_elsewhere_is_touched(work, tmp_path, name, kind):
    outside = tmp_path / "outside"
    for kept in ("media/clip-1/kept.mp4", "staging/kept", "lock", "x.json"):
        video(outside / kept)
    place = work.root / name
    if name == ".":
        work.root.rmdir()
    place.parent.mkdir(parents=True, exist_ok=True)
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to(outside / name.rpartition("/")[2])
    with pytest.raises(CorruptDataError, match="is a link, a pipe"), locked(work):
        pass
    assert sum(path.read_bytes() == b"a video" for path in outside.rglob("*") if path.is_file()) == 4
    place.unlink()
    work.root.mkdir(exist_ok=True)


@pytest.mark.parametrize("name", ["switch.json", "drop.json", "ledger.jsonl"])
def test_a_journal_that_is_no_file_is_not_waited_for(work, name):
    os.mkfifo(work.root / name)
    settle(work.root.parent)
    with contextlib.suppress(OSError):
        read_tombstones(work.root.parent)


@many
@given(
    data=texts("schema", "withdrawn")
    | texts("key_sha256", "reason").map(lambda row: b'{"schema":"ver-tombstones/1","withdrawn":[' + row + b"]}")
)
def test_a_list_of_withdrawn_keys_holds_texts_or_is_refused(work, data):
    path = work.root.parent / "tombstones.json"
    path.write_bytes(data)
    with contextlib.suppress(CorruptDataError):
        assert all(isinstance(text, str) for row in read_tombstones(work.root.parent).items() for text in row)
    path.unlink()
