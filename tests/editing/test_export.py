"""``ver export``: every layout holds every sample, and nobody's media leaves without the right to it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from factory import make_records
from published import publish

from ver_pipeline.cli import main
from ver_pipeline.export.run import Export, export
from ver_pipeline.model.data.webfolder import read_turns
from ver_pipeline.quality.emer import read_emer
from ver_pipeline.schemas.errors import UsageError, VerError
from ver_pipeline.schemas.record import Record

N = 24


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "out"
    publish(folder, make_records(N))
    return folder


def _items(folder: Path) -> list[dict]:
    found: list[dict] = []
    for path in sorted(folder.glob("*.json")):
        if path.name != "dataset_info.json":
            found += json.loads(path.read_text("utf-8"))
    for path in sorted(folder.glob("*.jsonl")):
        found += [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return found


@pytest.mark.parametrize("layout", ["llava", "emotion-qwen", "llama-factory", "ms-swift"])
def test_each_conversation_has_its_video_and_one_placeholder(out: Path, tmp_path: Path, layout: str) -> None:
    done = export(out, tmp_path / "to", Export(layout, tasks=("describe",)))
    items = _items(tmp_path / "to")
    assert (done.n_samples, done.n_videos, len(items)) == (N, N, 2 * N)
    answers = {text for record in make_records(N) for text in (record.description.en, record.description.zh)}
    for item in items:
        video = item["video"] if "video" in item else item["videos"][0]
        key = Path(video).stem
        assert (tmp_path / "to" / video).read_bytes() == key.encode() * 20
        turns = item.get("conversations") or item["messages"]
        texts = [turn.get("value") or turn["content"] for turn in turns]
        assert texts[0].startswith("<video>\n") and sum(text.count("<video>") for text in texts) == 1
        assert texts[1] in answers
        assert [turn.role for turn in read_turns({"conversations": turns})] == ["user", "assistant"]
    assert not list(tmp_path.glob("*.partial"))


def test_splits_stay_apart(out: Path, tmp_path: Path) -> None:
    export(out, tmp_path / "to", Export("llava", tasks=("label",), languages=("en",), media="none"))
    by_split = {path.stem: {item["id"].split("-")[0] for item in json.loads(path.read_text())}
                for path in (tmp_path / "to").glob("*.json")}  # fmt: skip
    assert by_split == {
        split: {record.key for record in make_records(N) if record.split == split}
        for split in {record.split for record in make_records(N)}
    }


def test_llama_factory_finds_its_files(out: Path, tmp_path: Path) -> None:
    export(out, tmp_path / "to", Export("llama-factory", media="none"))
    info = json.loads((tmp_path / "to" / "dataset_info.json").read_text())
    assert all((tmp_path / "to" / entry["file_name"]).exists() for entry in info.values())


def test_the_emer_files_are_read_back(out: Path, tmp_path: Path) -> None:
    export(out, tmp_path / "to", Export("emer"))
    texts = read_emer([tmp_path / "to" / "emer-en.csv", tmp_path / "to" / "emer-zh.csv"])
    assert {(t.name, t.en, t.zh) for t in texts} == {
        (r.key, r.description.en, r.description.zh) for r in make_records(N)
    }
    assert len(read_emer([tmp_path / "to" / "emer-bilingual.csv"])) == N


def test_the_recipe_names_the_shards_of_the_manifest(out: Path, tmp_path: Path) -> None:
    export(out, tmp_path / "to", Export("hf"))
    scope: dict = {"__name__": "recipe"}
    exec(compile((tmp_path / "to" / "load_ver.py").read_text(), "load_ver.py", "exec"), scope)
    named = {name for names in scope["SHARDS"].values() for name in names}
    assert named == {path.name for path in out.glob("*.tar")}


def test_without_media_the_references_say_where_to_cut(out: Path, tmp_path: Path) -> None:
    export(out, tmp_path / "to", Export("llava", media="none", where="language = 'zh'"))
    with (tmp_path / "to" / "references.csv").open(newline="") as file:
        rows = {row["key"]: row for row in csv.DictReader(file)}
    expected = {r.key: r for r in make_records(N) if r.speech.language == "zh"}
    assert set(rows) == set(expected)
    for key, row in rows.items():
        assert (row["uri"], float(row["start_s"])) == (expected[key].source.uri, expected[key].clip.start_s)
        assert row["media_sha256"] == expected[key].media.sha256
    assert not (tmp_path / "to" / "videos").exists()


def _with_rights(record: Record, **rights: str) -> Record:
    source = record.source.model_copy(update={"rights": record.source.rights.model_copy(update=rights)})
    return record.model_copy(update={"source": source})


@pytest.mark.parametrize(
    "rights",
    [
        {"license": "LicenseRef-unknown"},
        {"license": "CC-BY-NC-4.0"},
        {"rights_basis": "unknown"},
        {"rights_basis": "research-exception"},
    ],
)
def test_public_media_without_a_clear_right_is_refused_and_named(tmp_path: Path, rights: dict[str, str]) -> None:
    one, *rest = make_records(8)[::2]
    publish(tmp_path / "out", [_with_rights(one, **rights), *rest])
    for layout in ("llava", "hf"):
        with pytest.raises(VerError, match=one.source.uri) as caught:
            export(tmp_path / "out", tmp_path / "to", Export(layout, public=True))
        assert rest[0].source.uri not in str(caught.value)
        assert not (tmp_path / "to").exists()
    export(tmp_path / "out", tmp_path / "text", Export("llava", public=True, media="none"))
    export(tmp_path / "out", tmp_path / "rest", Export("llava", public=True, where=f"key <> '{one.key}'"))
    assert not (tmp_path / "rest" / "videos" / f"{one.key}.mp4").exists()


def test_a_licence_the_user_vouches_for_is_allowed(tmp_path: Path) -> None:
    publish(tmp_path / "out", [_with_rights(record, license="LicenseRef-ours") for record in make_records(2)])
    assert main(["export", str(tmp_path / "out"), "--format", "llava", "--to", str(tmp_path / "a"), "--public"]) == 1
    arguments = ["--format", "llava", "--to", str(tmp_path / "b"), "--public", "--allow-license", "LicenseRef-ours"]
    assert main(["export", str(tmp_path / "out"), *arguments]) == 0


def test_nothing_chosen_a_full_folder_or_an_unknown_task_is_said(out: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no sample"):
        export(out, tmp_path / "to", Export("emer", where="label = 'nothing'"))
    assert not (tmp_path / "to").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        export(out, tmp_path / "full", Export("emer"))
    assert (tmp_path / "full" / "x").read_text() == "mine"
    assert main(["export", str(out), "--format", "llava", "--to", str(tmp_path / "t"), "--tasks", "dance"]) == 2
