"""The commands that change a data set, as scenarios for the killer."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from killing import Found, sweep
from outfolder import with_video
from small_sets import PAGES, RECORDS, STUBS, VICTIM, build, gone, manifest_of, n_samples, plain, settled, whole


def remember(out: Path) -> None:
    """A work folder that knows the victim: an outcome, a record, its video; half a video and more of killed runs."""
    record, video = with_video(RECORDS[0])
    work = out / ".ver"
    for name in ("cache/annotate", "records/ab", "media/ab", "media/clip-left", "annotate-media/ab", "staging"):
        (work / name).mkdir(parents=True, exist_ok=True)
    told = json.dumps({"rows": [{"measured": record.model_dump(mode="json")["measured"], "key": record.key}]})
    (work / "cache" / "annotate" / "1.json").write_text(told)
    (work / "records" / "ab" / f"{record.key}-0123456789abcdef.json").write_bytes(record.to_json())
    (work / "media" / "ab" / f"{hashlib.sha256(video).hexdigest()}.mp4").write_bytes(video)
    half = video[len(video) // 2 :]
    for name in ("media/ab/.film.mp4.0a1b2c3d", "media/clip-left/0.mp4", f"annotate-media/ab/{record.key}.mp4",
                 "staging/.0a1b.writing"):  # fmt: skip
        (work / name).write_bytes(half)
    (out / ".report.html.0a1b2c3d").write_text(f"half a page about {record.key}")


def drop(place: Path, where: str = f"key = '{VICTIM}'") -> None:
    from ver_pipeline.editing.drop import drop

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

    def other(*command: str, to: bool = False) -> Callable[[Path], None]:
        """Another command on the set; what it brings elsewhere is without the victim from the moment of the wish."""

        def run(place: Path) -> None:
            begun = (place / "out" / ".ver" / "drop.json").exists()
            options = [f"file://{place}/there"] if command[0] == "push" else command[1:]
            cli(command[0], place / "out", *options, *(["--to", place / "there"] if to else []))
            assert not begun or n_samples(place / "out") == 5, "begun and not finished"
            if begun and (place / "there").exists():
                gone(place / "there", [VICTIM])

        return run

    def again(place: Path) -> None:
        drop(place)
        assert n_samples(place / "out") == 5

    def end(place: Path) -> None:
        if n_samples(place / "out") == 5:
            settled(place / "out", 5)
            gone(place / "out", [VICTIM])

    others = {
        "query": other("query", "SELECT count(*) FROM samples"),
        "push": other("push"),
        "export": other("export", "--format", "llava", to=True),
        "annotate": other("annotate", "--human-scores"),
    }
    return sweep(folder, prepare, again, lambda place: whole(place / "out", [5, 6]), end, others)


def by_an_older_release(out: Path) -> None:
    """The data set as it was published when pages had no hash in their names."""
    from ver_pipeline.shards.manifest import manifest_bytes

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
        from ver_pipeline.editing.merge import merge

        merge([place / "out", place / "b"], place / "c", STUBS)

    def end(place: Path) -> None:
        settled(place / "c", 5)
        gone(place / "c", [VICTIM])

    return sweep(folder, prepare, merge, lambda place: whole(place / "c", [None, 5]), end)


def _pushing(folder: Path) -> Found:
    """To where the version before a drop was brought; another push was killed there on its way to yet another."""

    def push(place: Path) -> None:
        from ver_pipeline.export import push

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

    return {name: SCENARIOS[name](folder / re.sub(r"\W+", "-", name)) for name in chosen or SCENARIOS}


if __name__ == "__main__":
    found = run(Path(sys.argv[1]), sys.argv[2:])
    sys.stdout.write(json.dumps({name: vars(one) for name, one in found.items()}) + "\n")
