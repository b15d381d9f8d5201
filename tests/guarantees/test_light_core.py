"""Who only reads, asks and checks data sets needs none of what builds and trains."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from factory import make_records
from outfolder import published

import ver_pipeline
from ver_pipeline.schemas.extras import PACKAGES

PROGRAM = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

ABSENT = set(sys.argv.pop(1).split(","))
sys.meta_path.insert(0, Absent())
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name.partition(".")[0] in ABSENT else found(name, *rest)
from ver_pipeline.cli import main
sys.exit(main(sys.argv[1:]))
"""
MODEL = ("--set", "annotate.options.transformers.model=FOLDER")
EVERYTHING = ",".join(name for names in PACKAGES.values() for name in names)


PACKAGE = Path(ver_pipeline.__file__).parent
PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]


def package(requirement: str) -> str:
    """The name alone of a requirement."""
    return re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0].lower()


def third_party_imports() -> set[str]:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"ver_pipeline"}


@pytest.fixture(scope="module")
def shards(tmp_path_factory) -> Path:
    return published(tmp_path_factory.mktemp("light"), make_records(8))


@pytest.fixture
def ver(tmp_path):
    """Runs a command in a folder of its own, where the packages named first cannot be imported."""

    def run(absent: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-c", PROGRAM, absent, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path)

    return run


@pytest.mark.parametrize(
    "command",
    [
        ("query", "OUT", "@hours"), ("lint", "OUT"), ("validate", "OUT"), ("diff", "OUT", "OUT"), ("report", "OUT"),
        ("push", "OUT", "OTHER"), ("export", "OUT", "--format", "emer", "--to", "OTHER"), ("config", "show"),
        ("models", "list"), ("prompts", "list"), ("drop", "OUT", "--where", "true", "--dry-run"),
        ("annotate", "OUT", "--human-scores"), ("annotate", "OUT", "--write-answers", "OTHER"),
    ],
)  # fmt: skip
def test_reading_asking_and_checking_need_the_base_alone(shards, tmp_path, ver, command):
    places = {"OUT": shards, "OTHER": tmp_path / "other"}
    done = ver(EVERYTHING, *(places.get(word, word) for word in command))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("absent", "extra", "command"),
    [
        ("ray", "build", ("build", "--source", ".", "--out", "out")),
        ("scenedetect", "build", ("plan", "--source", ".", "--out", "out")),
        ("webdataset", "build", ("drop", "OUT", "--where", "true")),
        ("cv2", "build", ("annotate", "OUT", "--annotator", "cues")),
        ("torch", "teacher", ("annotate", "OUT", "--annotator", "transformers", *MODEL)),
        ("torch", "train", ("train", "--shards", "OUT", "--tiny", "--out", "run")),
        ("transformers", "train", ("infer", "model", "video.mp4")),
        ("torch", "train", ("eval", "--checkpoint", "model", "--shards", "OUT")),
    ],
)
def test_a_command_whose_extra_is_missing_says_so_in_one_line(shards, tmp_path, ver, absent, extra, command):
    (tmp_path / "config.json").write_text('{"model_type": "qwen2_5_vl"}')
    (tmp_path / "model.safetensors").touch()
    done = ver(absent, *(shards if word == "OUT" else word.replace("FOLDER", str(tmp_path)) for word in command))
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines() == [
        f'ver {command[0]}: {absent} is not installed (pip install "ver-pipeline[{extra}]")'
    ]


def test_doctor_says_on_the_base_alone_what_the_extras_would_bring(ver):
    done = ver(EVERYTHING, "doctor", "--json")
    found = {finding["name"]: finding for finding in map(json.loads, done.stdout.splitlines())}
    assert (done.returncode, found["extra build"]["state"], found["extra train"]["state"]) == (1, "bad", "note")
    assert "asked, checked and shown all the same" in found["extra build"]["cost"]
    assert found["extra teacher"]["cure"] == 'pip install "ver-pipeline[teacher]"'


def test_every_package_that_our_code_imports_is_in_the_base_or_has_its_extra():
    base = {name.replace("pyyaml", "yaml") for name in map(package, PROJECT["dependencies"])}
    known = base | {name for names in PACKAGES.values() for name in names}
    with_others = {
        "pip": "asked for its own index",
        "polars": "says so itself",
        "xllamacpp": "the same",
        "nltk": "whisperx brings it",
    }
    assert third_party_imports() - known == set(with_others)
    assert set(PACKAGES) <= set(PROJECT["optional-dependencies"])


def test_one_place_says_how_an_extra_is_installed():
    told = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "pip install" in path.read_text("utf-8") or "ver-pipeline[" in path.read_text("utf-8")
    }
    assert told == {"schemas/extras.py", "catalog/database.py", "serving/llama.py"}  # polars and xllamacpp: in no extra
