"""Manifests, records, tables and tars that somebody mangled.

What comes of them is a typed error or a finding: never a traceback, a hang, or a file outside.
"""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factory import make_records
from hypothesis import given, settings
from hypothesis import strategies as st
from mangle import EXAMPLES, VALUES, bounded, json_text, mangled_bytes, mangled_json, outcome
from published import publish, reseal

from ver_pipeline import open_dataset
from ver_pipeline.catalog.records import read_records
from ver_pipeline.export.run import Export, export
from ver_pipeline.lint.run import lint_dataset
from ver_pipeline.model.data.shards import open_shards
from ver_pipeline.model.data.webfolder import open_webfolder
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.migrate import record_of
from ver_pipeline.shards.manifest import load_manifest, manifest_bytes

RECORD = make_records(1)[0]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "set"
    publish(folder, make_records(6), shard_samples=6)
    return folder


def use(out: Path) -> None:
    """What a reader does with a data set: ask, read every record, write its videos elsewhere, train from it."""

    def read() -> None:
        with open_dataset(out, threads=1) as data:
            for table in ("samples", "clips", "rejects", "words"):
                data.sql(f"SELECT * FROM {table} LIMIT 5").rows()
            for _ in read_records(data):
                pass

    outside = out.parent / "to"
    shutil.rmtree(outside, ignore_errors=True)
    before = {path for path in out.parent.rglob("*") if ".ver" not in path.parts}
    outcome(read, VerError)
    outcome(lambda: export(out, outside, Export("llava")), VerError)
    outcome(lambda: open_shards(out, "all"), VerError)
    now = {path for path in out.parent.rglob("*") if ".ver" not in path.parts and outside not in (path, *path.parents)}
    assert now == before


@bounded
@given(data=st.data())
def test_a_mangled_manifest_is_refused_in_one_line(whole: Path, tmp_path_factory, data) -> None:
    out = tmp_path_factory.mktemp("manifest") / "set"
    shutil.copytree(whole, out)
    manifest = data.draw(mangled_json(json.loads((whole / "manifest.json").read_bytes())))
    sealed = outcome(lambda: manifest_bytes(manifest) if isinstance(manifest, dict) else json_text(manifest), Exception)
    (out / "manifest.json").write_bytes(sealed if isinstance(sealed, bytes) else json_text(manifest))
    outcome(lambda: load_manifest(out), VerError)
    use(out)


@bounded
@given(data=mangled_bytes(canonical_json({"schema": "ver-manifest/1", "files": [], "counts": {}})))
def test_bytes_for_a_manifest_are_refused_in_one_line(tmp_path_factory, data: bytes) -> None:
    out = tmp_path_factory.mktemp("bytes")
    (out / "manifest.json").write_bytes(data)
    assert isinstance(outcome(lambda: load_manifest(out), VerError), VerError)


@bounded
@given(value=mangled_json(RECORD.model_dump(mode="json")))
def test_a_mangled_record_is_refused_or_is_a_record(value) -> None:
    outcome(lambda: record_of(json_text(value), RECORD.key, "x.tar"), VerError)


@bounded
@given(data=mangled_bytes(RECORD.to_json()))
def test_bytes_for_a_record_are_refused_or_are_a_record(data: bytes) -> None:
    outcome(lambda: record_of(data, RECORD.key, "x.tar"), VerError)


costly = settings(bounded, max_examples=max(8, EXAMPLES // 4))  # each writes, opens and lints a whole set


@costly
@given(data=st.data())
def test_a_mangled_table_is_refused_or_read(whole: Path, tmp_path_factory, data) -> None:
    out = tmp_path_factory.mktemp("table") / "set"
    shutil.copytree(whole, out)
    path = data.draw(st.sampled_from(sorted([*out.glob("index-*"), *out.glob("catalog/*")])))
    table = pq.read_table(path)
    name = data.draw(st.sampled_from(table.column_names))
    what = data.draw(st.sampled_from(["bytes", "drop", "text", "null", "rows", "rename", "values"]))
    if what == "bytes":
        path.write_bytes(data.draw(mangled_bytes(path.read_bytes())))
    else:
        at = table.column_names.index(name)
        values = [
            data.draw(VALUES.filter(lambda v: v is None or isinstance(v, str | int | float)))
            for _ in range(table.num_rows)
        ]
        column = outcome(
            lambda: pa.array(values, table.schema.field(at).type), pa.ArrowException, OverflowError, UnicodeEncodeError
        )
        changed = {
            "drop": lambda: table.drop_columns([name]),
            "text": lambda: table.set_column(at, name, pa.array(["../x"] * table.num_rows)),
            "null": lambda: table.set_column(at, name, pa.nulls(table.num_rows, table.schema.field(at).type)),
            "rows": lambda: pa.concat_tables([table, table]),
            "rename": lambda: table.rename_columns([f"{n}x" if n == name else n for n in table.column_names]),
            "values": lambda: table.set_column(at, name, column) if isinstance(column, pa.Array) else table.slice(1),
        }[what]()
        pq.write_table(changed, path)
    reseal(out)
    use(out)
    if what == "bytes":
        lint_dataset(out, fast=True, workers=1)


@costly
@given(data=st.data())
def test_a_mangled_shard_is_found_by_lint_and_harms_no_reader(whole: Path, tmp_path_factory, data) -> None:
    out = tmp_path_factory.mktemp("shard") / "set"
    shutil.copytree(whole, out)
    path = data.draw(st.sampled_from(sorted(out.glob("*.tar"))))
    changed = data.draw(mangled_bytes(path.read_bytes()))
    different = changed != path.read_bytes()
    path.write_bytes(changed)
    if data.draw(st.booleans()):
        reseal(out)
    else:
        assert not different or not lint_dataset(out, fast=True, workers=1).is_sound
    use(out)


NAMES = st.one_of(
    st.sampled_from(
        ["a.txt", "a.json", "../up.txt", "/abs.txt", "a" * 200 + ".txt", "d/" * 80 + "a.txt", ".txt", "a.", "é.txt"]
    ),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=30),
)
KINDS = st.sampled_from(
    [tarfile.REGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
FORMATS = st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])


@st.composite
def foreign_tars(draw: st.DrawFn) -> bytes:
    """Tars with every kind of member, long and hostile names, wrong sizes, and a cut end."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=draw(FORMATS)) as tar:
        for name in draw(st.lists(NAMES, max_size=4)):
            info = tarfile.TarInfo(name)
            info.type = draw(KINDS)
            info.linkname = draw(NAMES)
            body = json.dumps(
                {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}
            ).encode()
            info.size = len(body) if info.type == tarfile.REGTYPE else 0
            outcome(lambda info=info, body=body: tar.addfile(info, io.BytesIO(body)), ValueError)
    data = buffer.getvalue()
    return draw(st.one_of(st.just(data), mangled_bytes(data)))


@bounded
@given(data=foreign_tars(), index=st.one_of(st.none(), VALUES))
def test_somebody_s_tar_is_read_or_refused_whatever_lies_in_it(tmp_path_factory, data: bytes, index) -> None:
    folder = tmp_path_factory.mktemp("tars")
    (folder / "x.tar").write_bytes(data)

    def read() -> None:
        opened = open_webfolder(folder)
        for row in range(len(opened)):
            outcome(lambda row=row: opened.turns(row), ValueError)
            outcome(lambda row=row: opened.media(row), ValueError)

    outcome(read, VerError)
    for kept in folder.glob(".ver-index-*"):
        kept.write_bytes(json_text(index))
    outcome(read, VerError)
