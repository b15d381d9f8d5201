"""The example package keeps every contract, and a build with all of its extensions is a build like any other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import builds
import pytest
import videos
from factory import make_record, make_records

from ver_pipeline import conformance
from ver_pipeline.annotators.base import Request
from ver_pipeline.catalog.dataset import open_dataset
from ver_pipeline.catalog.records import read_records
from ver_pipeline.conformance import ConformanceError
from ver_pipeline.lint import lint_dataset
from ver_pipeline.schemas.config import BuildConfig, SpeechConfig
from ver_pipeline.schemas.rules import Found, Rule
from ver_pipeline.transcribers.base import Video

EXAMPLE = Path(__file__).parents[2] / "examples" / "extension"
SETTINGS = ["--set", "speech.engine=filename", "--set", "annotate.annotator=length",
            "--set", 'extend.rules=["example-rules"]', "--set", 'extend.stages=["dark-clips"]']  # fmt: skip


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The example as an installer would leave it: its modules, and its entry points beside them."""
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(EXAMPLE / "ver_example", site / "ver_example")
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text("utf-8"))["project"]
    info = site / f"ver_example-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = [f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
              for group, entries in project["entry-points"].items()]  # fmt: skip
    (info / "entry_points.txt").write_text("\n".join(points))
    return site


@pytest.fixture
def example(installed, monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(installed))
    import ver_example.annotator
    import ver_example.layout
    import ver_example.rules
    import ver_example.stage
    import ver_example.transcriber

    return ver_example


def request(i: int) -> Request:
    record = make_record(i).model_dump(mode="json")
    return Request(record["key"], None, record["clip"], record["speech"], record["measured"])


def ver(installed: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), str(EXAMPLE.parents[1])])}
    command = [sys.executable, "-P", "-m", "ver_pipeline", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=300)


def test_every_extension_of_the_example_keeps_its_contract(example, tmp_path):
    video = Video("a-b-c.mp4", track=0)
    annotator = example.annotator.LengthAnnotator("length", {}, None)
    results = conformance.check_annotator(annotator, [request(i) for i in range(2)])
    assert {r.annotation["provenance"]["annotator"] for r in results} == {"length"}
    conformance.check_transcriber(example.transcriber.FilenameTranscriber(SpeechConfig()), video)
    conformance.check_rules(example.rules.RULES, make_records(8))
    conformance.check_layout(example.layout.write_jsonl, make_records(4), tmp_path)
    rows = [{"key": r.key, "measured": r.model_dump(mode="json")["measured"]} for r in make_records(4)]
    conformance.check_stage(example.stage.DarkClips(BuildConfig(), tmp_path), rows)


def test_what_breaks_a_contract_is_named(example, tmp_path):
    impure = Rule(
        "X02", "flag", "a", "b", lambda record, context: [Found(str(len(calls)))] if not calls.append(1) else []
    )
    calls: list[int] = []
    with pytest.raises(ConformanceError, match="X02 is no pure function"):
        conformance.check_rules([impure], [make_record(0)])
    with pytest.raises(ConformanceError, match="0 samples are said to be written"):
        conformance.check_layout(lambda records, folder: 0, [make_record(0)], tmp_path)
    stage = example.stage.DarkClips(BuildConfig(), tmp_path)
    stage.writes = ("measured", "more")
    with pytest.raises(ConformanceError, match="declared are"):
        conformance.check_stage(stage, [{"key": "k", "measured": make_record(0).model_dump(mode="json")["measured"]}])


def test_a_build_with_every_extension_is_whole_and_read_without_the_package(installed, tmp_path):
    (tmp_path / "raw").mkdir()
    videos.good(tmp_path / "raw" / "happy-day-today.mp4", 3.0)
    dark = tmp_path / "raw" / "dark.mp4"
    videos.ffmpeg("-f", "lavfi", "-i", "color=black:s=320x240:r=25:d=3", *videos.X264, dark)
    out = tmp_path / "out"
    done = ver(installed, "build", "--source", tmp_path / "raw", "--out", out, "--engine", "local", *SETTINGS)
    assert done.returncode == 0, done.stderr
    with open_dataset(out) as data:
        (row,), rejects = [list(read_records(data)), data.sql("SELECT * FROM rejects").dicts()]
    record = row[1]
    assert record["speech"]["text"] == "happy day today" and record["speech"]["recogniser"]["engine"] == "filename"
    assert record["provenance"]["annotator"] == "length"
    judged = record["verdict"]
    assert "X01" in judged["passed"] or "X01" in {f["code"] for f in judged["findings"]}
    assert [(r["stage"], r["uri"]) for r in rejects if r["key"]] == [("dark-clips", "dark.mp4")]
    assert lint_dataset(out).is_sound

    again = ver(installed, "build", "--source", tmp_path / "raw", "--out", out, "--engine", "local", *SETTINGS)
    assert again.returncode == 0 and builds.content(out)
    to = tmp_path / "samples"
    assert ver(installed, "export", out, "--format", "jsonl", "--to", to).returncode == 0
    (line,) = (to / "samples.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line)["key"] == record["key"]


def test_a_new_release_of_the_package_reruns_what_it_shapes(installed, tmp_path):
    (tmp_path / "raw").mkdir()
    videos.good(tmp_path / "raw" / "a-b.mp4", 3.0)
    plan = ("plan", "--source", tmp_path / "raw", "--out", tmp_path / "out", *SETTINGS)
    build = ("build", *plan[1:], "--engine", "local")
    assert ver(installed, *build).returncode == 0
    newer = shutil.copytree(installed, tmp_path / "newer")
    (info,) = newer.glob("*.dist-info")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ver-example\nVersion: 0.2.0\n")
    done = ver(newer, *build)
    assert done.returncode == 0
    counts = {
        line.split()[0]: line.split() for line in done.stdout.splitlines() + done.stderr.splitlines() if line.strip()
    }
    assert counts["speech"][3] == "0" and counts["scenes"][3] == "1"


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--set", "annotate.annotator=lenght"), "no annotator is called 'lenght' (did you mean 'length'?"),
        (("--set", "speech.engine=filenam"), "no transcriber is called 'filenam' (did you mean 'filename'?"),
        (("--set", 'extend.rules=["examples"]'), "no rule is called 'examples'"),
        (("--set", 'extend.stages=["dark"]'), "no stage is called 'dark'"),
    ],
)
def test_a_plugin_that_nobody_adds_is_refused_with_the_nearest_name(installed, tmp_path, arguments, what):
    done = ver(installed, "plan", "--source", EXAMPLE, "--out", tmp_path / "out", *arguments)
    assert done.returncode == 2, done.stderr
    assert what in done.stderr and "Traceback" not in done.stderr
