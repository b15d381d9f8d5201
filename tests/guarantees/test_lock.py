"""The lock holds all that is installed, to the byte, and says nothing of where it comes from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
TORCH = (ROOT / "requirements-torch.txt").read_text("utf-8")


def name_of(requirement: str) -> str:
    """As package indexes spell it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0]).lower()


def entries() -> dict[str, list[str]]:
    """Name to the parts of its entry: ``name==version``, perhaps a marker, hashes."""
    text = re.sub(r"^#.*\n", "", LOCK, flags=re.M).replace("\\\n", " ")
    return {name_of(line): line.split() for line in text.splitlines() if line}


def test_every_package_is_locked_to_one_version_and_to_its_bytes():
    for name, parts in entries().items():
        assert re.fullmatch(r"[a-z0-9._-]+==[^*=]+", parts[0]), name
        assert any(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", part) for part in parts), name


def test_all_that_the_readme_s_commands_need_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    wanted += [requirement for extra in ("build", "train", "teacher") for requirement in extras[extra]]
    names = set(map(name_of, wanted)) - {"ver-pipeline", "torch"}
    assert names <= set(entries())
    assert "torch" not in entries() and re.search(r"^torch==[\d.]+$", TORCH, re.M)


def test_the_lock_names_no_address():
    assert "://" not in LOCK + TORCH
    assert not re.search(r"^\s*--(index|extra|find|trusted)", LOCK + TORCH, re.M)
