"""The commands that change a data set, as scenarios for the killer, and what must hold of a data set at any time."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from factory import make_records
from killing import Found, sweep
from outfolder import with_film

PAGES = {"README.md", "report.html", "expectations.json", "tombstones.json"}
VICTIM = make_records(1)[0].key
RECORDS = make_records(6)
Place = Path


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
    from ver_pipeline.stages.shard import Sample

    samples, sources = [], {}
    cache.mkdir(parents=True, exist_ok=True)
    for record, film in map(with_film, records):
        base = cache / record.key
        base.with_suffix(".json").write_bytes(record.to_json())
        base.with_suffix(".mp4").write_bytes(film)
        paths = (str(base.with_suffix(".json")), str(base.with_suffix(".mp4")))
        samples.append(Sample(record.key, record.split, *paths, None, len(film) + 4096))
        sources[record.source.id] = record.source.model_dump(mode="json")
    return Content(samples, list(sources.values()), [], [], BuildConfig(), {"clip": "ab"}, {"ffmpeg": "7"})


def build(place: Path, records: Iterable[Any], out: str = "out") -> None:
    """What a build does at its end; its records and films lie beside the data set, not in it."""
    from ver_pipeline.publishing.publish import publish

    (place / out).mkdir(exist_ok=True)
    made = content(place / f"cache-{out}", records)
    publish(place / out, place / out / ".ver" / "staging", made, STUBS, workers=1)


def remember(out: Path) -> None:
    """A work folder that knows the victim: an outcome, a record, its film; half a film and more of killed runs."""
    record, film = with_film(RECORDS[0])
    work = out / ".ver"
    for name in ("cache/annotate", "records/ab", "media/ab", "media/clip-left", "annotate-media/ab", "staging"):
        (work / name).mkdir(parents=True, exist_ok=True)
    told = json.dumps({"rows": [{"measured": record.model_dump(mode="json")["measured"], "key": record.key}]})
    (work / "cache" / "annotate" / "1.json").write_text(told)
    (work / "records" / "ab" / f"{record.key}-0123456789abcdef.json").write_bytes(record.to_json())
    (work / "media" / "ab" / f"{hashlib.sha256(film).hexdigest()}.mp4").write_bytes(film)
    half = film[len(film) // 2 :]
    for name in ("media/ab/.film.mp4.0a1b2c3d", "media/clip-left/0.mp4", f"annotate-media/ab/{record.key}.mp4",
                 "staging/.0a1b.writing"):  # fmt: skip
        (work / name).write_bytes(half)
    (out / ".report.html.0a1b2c3d").write_text(f"half a page about {record.key}")


def drop(place: Path, where: str = f"key = '{VICTIM}'") -> None:
    from ver_pipeline.growth.drop import drop

    drop(place / "out", where, "asked", STUBS)


def stub_pages() -> None:
    """The command line makes the stubs as well."""
    import ver_pipeline.publishing.pages

    ver_pipeline.publishing.pages.PAGES = STUBS  # type: ignore[assignment]


def cli(*arguments: str | Path) -> None:
    from ver_pipeline.cli import main

    stub_pages()
    status = main([str(argument) for argument in arguments])
    assert status == 0, f"ver {arguments[0]} ended with {status}"


def _dropping(folder: Path) -> Found:
    """Whoever comes next finishes a withdrawal that was begun; of one that was not nothing is left."""

    def prepare(place: Path) -> None:
        build(place, RECORDS)
        shutil.rmtree(place / "cache-out")
        remember(place / "out")

    def query(place: Path) -> None:
        begun = (place / "out" / ".ver" / "drop.json").exists()
        cli("query", place / "out", "SELECT count(*) FROM samples")
        assert not begun or n_samples(place / "out") == 5, "begun and not finished"

    def again(place: Path) -> None:
        drop(place)
        assert n_samples(place / "out") == 5

    def end(place: Path) -> None:
        if n_samples(place / "out") == 5:
            settled(place / "out", 5)
            gone(place / "out", [VICTIM])

    return sweep(folder, prepare, again, lambda place: whole(place / "out", [5, 6]), end, {"query": query})


def by_an_older_release(out: Path) -> None:
    """The data set as it was published when pages had no hash in their names."""
    from ver_pipeline.schemas.manifest import manifest_bytes

    manifest = manifest_of(out) or {}
    for file in manifest["files"]:
        if plain(file["path"]) in PAGES:
            (out / file["path"]).rename(out / plain(file["path"]))
            file["path"] = plain(file["path"])
    (out / "manifest.json").write_bytes(manifest_bytes(manifest))


def _publishing(before: int, after: int, older: bool = False) -> Callable[[Path], Found]:
    def scenario(folder: Path) -> Found:
        def prepare(place: Path) -> None:
            if before:
                build(place, RECORDS[:before])
            if older:
                by_an_older_release(place / "out")

        return sweep(
            folder,
            prepare,
            lambda place: build(place, RECORDS[:after]),
            lambda place: whole(place / "out", [before or None, after]),
            lambda place: settled(place / "out", after),
        )

    return scenario


def _annotating(folder: Path) -> Found:
    return sweep(
        folder,
        lambda place: build(place, RECORDS[:3]),
        lambda place: cli("annotate", place / "out", "--annotator", "cues"),
        lambda place: whole(place / "out", [3]),
        lambda place: settled(place / "out", 3),
        in_earnest=0,
    )


def _merging(folder: Path) -> Found:
    def prepare(place: Path) -> None:
        build(place, RECORDS[:4], "out")
        drop(place)
        build(place, RECORDS[4:], "b")

    def merge(place: Path) -> None:
        from ver_pipeline.growth.merge import merge

        merge([place / "out", place / "b"], place / "c", STUBS)

    def end(place: Path) -> None:
        settled(place / "c", 5)
        gone(place / "c", [VICTIM])

    return sweep(folder, prepare, merge, lambda place: whole(place / "c", [None, 5]), end)


def _pushing(folder: Path) -> Found:
    """To where the version before a drop was brought; another push was killed there on its way to yet another."""

    def push(place: Path) -> None:
        from ver_pipeline.publishing import push

        push.WORKERS = 1
        push.push(place / "out", f"file://{place / 'there'}")

    def prepare(place: Path) -> None:
        build(place, RECORDS)
        push(place)
        stray = next((place / "there").glob("*.tar"))
        shutil.copy(stray, place / "there" / "train-0a1b2c-0a1b2c3d.tar")
        (place / "there" / "train-0a1b2d-0a1b2c3d.tar.part").write_bytes(stray.read_bytes()[:5000])
        (place / "there" / "notes.txt").write_text("not ours")
        drop(place)

    def end(place: Path) -> None:
        assert (place / "there" / "notes.txt").exists()
        (place / "there" / "notes.txt").unlink()
        settled(place / "there", 5)
        gone(place / "there", [VICTIM])

    return sweep(folder, prepare, push, lambda place: whole(place / "there", [5, 6]), end)


SCENARIOS: dict[str, Callable[[Path], Found]] = {
    "drop": _dropping,
    "the first build": _publishing(0, 4),
    "a build that grows": _publishing(3, 6),
    "a build over a set of an older release": _publishing(6, 3, older=True),
    "annotate": _annotating,
    "merge": _merging,
    "push": _pushing,
}


def run(folder: Path, chosen: Iterable[str]) -> dict[str, Found]:
    """Sweep the chosen scenarios (all by default).  Imports first: forked processes then only work."""
    import av  # noqa: F401
    import duckdb  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import webdataset  # noqa: F401

    import ver_pipeline.annotating.reannotate
    import ver_pipeline.catalog.write
    import ver_pipeline.cli.annotate
    import ver_pipeline.growth.merge
    import ver_pipeline.publishing.push  # noqa: F401

    return {name: SCENARIOS[name](folder / re.sub(r"\W+", "-", name)) for name in chosen or SCENARIOS}


if __name__ == "__main__":
    found = run(Path(sys.argv[1]), sys.argv[2:])
    sys.stdout.write(json.dumps({name: vars(one) for name, one in found.items()}) + "\n")
