"""Videos on S3 build to the same bytes as videos in a folder; a pushed data set is never seen half."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import builds
import pytest
import videos

from ver_pipeline import open_dataset
from ver_pipeline.export.push import push
from ver_pipeline.schemas.errors import CorruptDataError, UsageError, VerError
from ver_pipeline.shards.names import names_of
from ver_pipeline.sources.listing import list_sources
from ver_pipeline.sources.remote import fetch, list_remote

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture(scope="module")
def store() -> Iterator[Callable[[str], str]]:
    """An S3 server on loopback; gives the address of a folder in its bucket."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        host, port = server.get_host_and_port()
        options = f"scheme=http&endpoint_override={host}%3A{port}&region=us-east-1"
        _client(f"http://{host}:{port}").create_bucket(Bucket="bucket")
        yield lambda name: f"s3://bucket/{name}?{options}"
    server.stop()


def _client(endpoint: str):
    import boto3

    return boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")


def _upload(address: str, folder: Path) -> None:
    from pyarrow import fs

    target, root = fs.FileSystem.from_uri(address)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with target.open_output_stream(f"{root}/{path.relative_to(folder).as_posix()}") as out:
            out.write(path.read_bytes())


def _names(address: str) -> set[str]:
    from pyarrow import fs

    system, root = fs.FileSystem.from_uri(address)
    found = system.get_file_info(fs.FileSelector(root, recursive=True))
    return {info.path.removeprefix(f"{root}/") for info in found if info.type == fs.FileType.File}


def _read(address: str, name: str) -> bytes:
    from pyarrow import fs

    system, root = fs.FileSystem.from_uri(address)
    with system.open_input_stream(f"{root}/{name}") as stream:
        return stream.read()


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stores") / "raw"
    (folder / "sub").mkdir(parents=True)
    videos.good(folder / "a.mp4", 2.5)
    videos.good(folder / "sub" / "电影 b.mp4", 3.0, hz=300)
    (folder / "a.json").write_text(json.dumps({"license": "CC-BY-4.0", "consent": "explicit", "title": "A"}))
    (folder / "bad.mp4").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def built(store: Callable[[str], str], raw: Path) -> tuple[Path, Path]:
    _upload(store("raw"), raw)
    outs = raw.parent / "from_folder", raw.parent / "from_s3"
    for source, out in zip((raw, store("raw")), outs, strict=True):
        done = builds.ver("build", "--source", source, "--out", out, *builds.QUICK)
        assert done.returncode == 0, done.stderr
    return outs


def test_videos_on_s3_build_to_the_bytes_of_videos_in_a_folder(built):
    from_folder, from_s3 = built
    assert builds.content(from_s3) == builds.content(from_folder)
    assert {row["license"] for row in builds.rows(from_s3, "sources")} == {"CC-BY-4.0", "LicenseRef-unknown"}
    assert [row["reason"] for row in builds.rows(from_s3, "rejects")] == ["empty_file"]


def test_an_unchanged_video_is_not_fetched_again_and_a_changed_one_is(store, raw, tmp_path):
    _upload(store("twice"), raw)
    (video,) = [one for one in list_remote(store("twice")) if one.uri == "a.mp4"]
    fetch(store("twice"), video, tmp_path / "a.mp4")
    first = (tmp_path / "a.mp4").stat().st_ino
    fetch(store("twice"), video, tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").stat().st_ino == first
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "a.mp4").write_bytes(b"another video")
    _upload(store("twice"), tmp_path / "new")
    (video,) = [one for one in list_remote(store("twice")) if one.uri == "a.mp4"]
    fetch(store("twice"), video, tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == b"another video"


def test_a_video_that_cannot_be_fetched_leaves_nothing_half_written(store, raw, tmp_path):
    from dataclasses import replace

    _upload(store("half"), raw)
    video = next(one for one in list_remote(store("half")) if one.uri == "a.mp4")
    for broken in (replace(video, path="bucket/half/gone.mp4"), replace(video, size_bytes=video.size_bytes + 1)):
        with pytest.raises(OSError):
            fetch(store("half"), broken, tmp_path / "a.mp4")
        assert not list(tmp_path.iterdir())


def test_a_video_gone_since_it_was_listed_is_a_reject_that_a_rerun_tries_again(store, raw, tmp_path):
    from ver_pipeline.schemas.config import IngestConfig
    from ver_pipeline.sources.rows import source_rows
    from ver_pipeline.stages.ingest import IngestStage

    _upload(store("gone"), raw)
    refs = list_sources(store("gone"), mirror=tmp_path)
    assert [ref.uri for ref in refs] == ["a.mp4", "bad.mp4", "sub/电影 b.mp4"]
    row = source_rows(refs)[0][0]
    row["remote"] = {**row["remote"], "path": "bucket/gone/nothing.mp4"}
    (reject,) = IngestStage(IngestConfig()).run([row])
    assert reject.reason == "unreadable"
    assert "cannot be fetched" in reject.message
    assert reject.retryable


def test_an_address_where_nothing_is_says_so_without_showing_keys(store):
    with pytest.raises(UsageError, match="cannot list s3://bucket/nothing") as told:
        list_sources(store("nothing").replace("s3://", "s3://key:secret@"), mirror=Path("unused"))
    assert "secret" not in str(told.value)


def test_a_pushed_data_set_answers_as_it_does_at_home_and_a_second_push_sends_nothing(built, store):
    first = push(built[0], store("set"))
    assert first.n_sent == len(builds.manifest(built[0])["files"])
    with open_dataset(store("set")) as there, open_dataset(built[0]) as here:
        question = "SELECT key, label FROM samples ORDER BY key"
        assert there.sql(question).rows() == here.sql(question).rows()
    again = push(built[0], store("set"))
    assert (again.n_sent, again.n_kept, again.n_removed) == (0, first.n_sent, 0)


def test_a_push_that_fails_leaves_the_version_before_it_whole(built, raw, store, tmp_path):
    push(built[0], store("live"))
    out = tmp_path / "next"
    done = builds.ver("build", "--source", raw / "a.mp4", "--out", out, *builds.QUICK)
    assert done.returncode == 0, done.stderr
    shard = next(out.glob("*.tar"))
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1] + b"x")
    with pytest.raises(CorruptDataError, match="is not what the manifest says"):
        push(out, store("live"))
    with open_dataset(store("live")) as data:
        assert data.sql("SELECT count(*) FROM samples").rows() == [(2,)]
    shard.write_bytes(whole)
    done = push(out, store("live"))
    assert done.n_removed > 0
    with open_dataset(store("live")) as data:
        assert data.sql("SELECT count(*) FROM samples").rows() == [(1,)]


def test_what_a_killed_push_left_goes_with_the_next_and_nothing_of_others_does(built, store, tmp_path):
    push(built[0], store("mended"))
    shard = next(built[0].glob("*.tar"))
    for name in ("train-0a1b2c-0a1b2c3d.tar", "catalog/clips-0a1b2c3d.parquet", "pages/report-0a1b2c3d.html"):
        (tmp_path / "left" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(shard, tmp_path / "left" / name)
    (tmp_path / "left" / "README.md").write_text("of the version before")
    others = {"notes.txt", "sub/train-0a1b2c-0a1b2c3d.tar", "model.tar"}
    for name in others:
        (tmp_path / "left" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "left" / name).write_text("not ours")
    _upload(store("mended"), tmp_path / "left")
    assert push(built[0], store("mended")).n_removed == 3
    assert _names(store("mended")) == names_of(builds.manifest(built[0])) | others | {"manifest.json"}
    card = next(f for f in builds.manifest(built[0])["files"] if f["kind"] == "card")
    assert hashlib.sha256(_read(store("mended"), "README.md")).hexdigest() == card["sha256"]


def test_push_onto_a_plain_filesystem_and_to_nowhere(built, tmp_path):
    target = tmp_path / "mounted" / "set"
    assert builds.ver("push", built[0], f"file://{target}").returncode == 0
    assert builds.content(target) == builds.content(built[0])
    assert not list(target.rglob("*.part"))
    with pytest.raises(VerError, match="cannot push"):
        push(built[0], "nonsense://x/y")
