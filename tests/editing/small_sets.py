"""Small data sets with stub pages, made by the real publisher, and what must hold of a data set at any time."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from factory import make_records
from outfolder import with_video

PAGES = {"README.md", "report.html", "expectations.json", "tombstones.json"}
VICTIM = make_records(1)[0].key
RECORDS = make_records(6)


def names(out: Path) -> set[str]:
    """Files outside the work folder, relative to the data set's."""
    found = (path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    return {name for name in found if not name.startswith(".ver/")}


def manifest_of(out: Path) -> dict[str, Any] | None:
    path = out / "manifest.json"
    return json.loads(path.read_bytes()) if path.exists() else None


def n_samples(out: Path) -> int | None:
    manifest = manifest_of(out)
    return None if manifest is None else manifest["counts"]["samples"]


def plain(name: str) -> str:
    return re.sub(r"^pages/(.+)-[0-9a-f]{8}(\.\w+)$", r"\1\2", name)


def whole(out: Path, versions: Iterable[int | None]) -> None:
    """A reader of the manifest finds one of the versions (by their counts of samples) whole, pages included."""
    manifest = manifest_of(out)
    assert n_samples(out) in versions, f"{n_samples(out)} samples"
    for file in manifest["files"] if manifest else ():
        data = (out / file["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == file["sha256"], file["path"]


def settled(out: Path, n_samples: int) -> None:
    """A reader by wildcard finds the one version, and nothing is left of any other."""
    import tarfile

    whole(out, [n_samples])
    manifest = manifest_of(out)
    assert manifest is not None
    listed = {file["path"]: file["sha256"] for file in manifest["files"]}
    copies = {plain(name): sha256 for name, sha256 in listed.items() if plain(name) in PAGES}
    surplus = names(out) ^ (set(listed) | set(copies) | {"manifest.json"})
    assert not surplus, f"left or missing: {sorted(surplus)}"
    for name, sha256 in copies.items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == sha256, name
    keys = []
    for path in out.glob("*.tar"):
        with tarfile.open(path) as tar:
            keys += [member.name[:-5] for member in tar if member.name.endswith(".json")]
    assert len(keys) == len(set(keys)) == n_samples, f"{len(keys)} records in the tars"
    work = {path.name for path in (out / ".ver").iterdir()} if (out / ".ver").exists() else set()
    assert not work & {"staging", "merge", "annotate-media", "switch.json", "drop.json", "merge.json"}, work


def gone(out: Path, keys: Iterable[str]) -> None:
    """A key occurs in no byte and in no name of the whole folder, Parquet unpacked."""
    import pyarrow.parquet as pq

    for path in sorted(out.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        if path.suffix == ".parquet":
            with suppress(OSError, ValueError):
                data += repr(pq.read_table(path).to_pylist()).encode()
        for key in keys:
            assert key.encode() not in data and key not in str(path.relative_to(out)), f"{key} is in {path}"


def card(staging: Path) -> None:
    (staging / "README.md").write_text(f"{_n(staging)} samples\n")


def report(staging: Path) -> None:
    """A page that names every key, as the real one does in its gallery."""
    import pyarrow.parquet as pq

    keys = pq.read_table(next(staging.glob("index-*.parquet")))["key"].to_pylist()
    (staging / "report.html").write_text(f"<p>{_n(staging)}</p>{keys}")


def expectations(staging: Path) -> None:
    (staging / "expectations.json").write_text(json.dumps({"suites": [], "n": _n(staging)}))


STUBS = (expectations, card, report)


def _n(staging: Path) -> int:
    return json.loads((staging / "manifest.json").read_bytes())["counts"]["samples"]


def content(cache: Path, records: Iterable[Any]) -> Any:
    from ver_pipeline.publishing.publish import Content
    from ver_pipeline.schemas.config import BuildConfig
    from ver_pipeline.shards.layout import Sample

    samples, sources = [], {}
    cache.mkdir(parents=True, exist_ok=True)
    for record, video in map(with_video, records):
        base = cache / record.key
        base.with_suffix(".json").write_bytes(record.to_json())
        base.with_suffix(".mp4").write_bytes(video)
        paths = (str(base.with_suffix(".json")), str(base.with_suffix(".mp4")))
        samples.append(Sample(record.key, record.split, *paths, None, len(video) + 4096))
        sources[record.source.id] = record.source.model_dump(mode="json")
    return Content(samples, list(sources.values()), [], [], BuildConfig(), {"clip": "ab"}, {"ffmpeg": "7"})


def build(place: Path, records: Iterable[Any], out: str = "out") -> None:
    """What a build does at its end; its records and videos lie beside the data set, not in it."""
    from ver_pipeline.publishing.publish import publish

    (place / out).mkdir(exist_ok=True)
    made = content(place / f"cache-{out}", records)
    publish(place / out, place / out / ".ver" / "staging", made, STUBS, workers=1)
