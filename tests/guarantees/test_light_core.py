"""Who only reads, asks and checks data sets needs none of what builds and trains."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from factory import make_records
from outfolder import published

from ver_pipeline.cli.extras import PACKAGES

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
EVERYTHING = ",".join(name for names in PACKAGES.values() for name in names)


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
        ("models", "list"), ("prompts", "list"),
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
        ("torch", "train", ("train", "--shards", "OUT", "--tiny", "--out", "run")),
        ("transformers", "train", ("infer", "model", "video.mp4")),
        ("torch", "train", ("eval", "--checkpoint", "model", "--shards", "OUT")),
    ],
)
def test_a_command_whose_extra_is_missing_says_so_in_one_line(shards, ver, absent, extra, command):
    done = ver(absent, *(shards if word == "OUT" else word for word in command))
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines() == [
        f'ver {command[0]}: {absent} is not installed (pip install "ver-pipeline[{extra}]")'
    ]


def test_every_package_of_an_extra_is_one_that_pyproject_names():
    import tomllib

    text = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    assert set(PACKAGES) <= set(text["project"]["optional-dependencies"])
