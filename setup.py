"""What pyproject.toml cannot say: a wheel and a source archive remember the commit that they were built from."""

from __future__ import annotations

import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

ROOT = Path(__file__).parent
PLACE = "ver_pipeline/built_from.txt"


def note_commit(folder: str) -> None:
    """Write the commit into ``folder``; outside a checkout leave what a source archive brought, or nothing."""
    if not (ROOT / ".git").exists():
        return
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return
    Path(folder, PLACE).write_text(said, encoding="utf-8")


class BuildPy(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            note_commit(self.build_lib)


class Sdist(sdist):
    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        note_commit(base_dir)


setup(cmdclass={"build_py": BuildPy, "sdist": Sdist})
