"""What the folder listing says holds: imports run one way, and the front door is light."""

from __future__ import annotations

import ast
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAY_IMPORT = {
    "schemas": {"schemas"},
    "demuxing": {"demuxing", "schemas"},
    "annotation_prompts": {"annotation_prompts", "schemas"},
    "stages": {"stages", "annotation_prompts", "model", "demuxing", "schemas"},
    "model": {"model", "demuxing", "schemas"},
}
"""Rooms (at the top, or inside ``ver_pipeline/``) to the rooms that they may import."""
HEAVY = {"torch", "transformers", "ray", "great_expectations", "webdataset", "duckdb", "pandas", "pyarrow", "cv2", "av"}


def imports_of(path: Path) -> set[str]:
    """Names of our folders that a file imports, absolute or relative."""
    found = set()
    depth = tuple(part for part in path.relative_to(ROOT).parts[:-1] if part != "ver_pipeline")
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ("ver_pipeline", *depth)[: len(depth) + 2 - node.level]
            names = [".".join((*base, node.module or "", alias.name)) for alias in node.names]
        for name in names:
            parts = [part for part in name.split(".") if part]
            if parts[0] == "ver_pipeline":
                found.add(parts[1] if len(parts) > 1 and parts[1] in MAY_IMPORT else "ver_pipeline")
    return found


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_run_one_way(folder):
    room = next(place for place in (ROOT / folder, ROOT / "ver_pipeline" / folder) if place.is_dir())
    wrong = {
        str(path.relative_to(ROOT)): sorted(bad)
        for path in room.rglob("*.py")
        if (bad := imports_of(path) - MAY_IMPORT[folder])
    }
    assert not wrong


def test_only_the_engine_knows_ray():
    allowed = {"ver_pipeline/engine/on_ray.py", "ver_pipeline/training/on_ray.py", "ver_pipeline/cli/doctor.py"}
    users = set()
    for path in (p for folder in ("ver_pipeline", "stages", "schemas") for p in (ROOT / folder).rglob("*.py")):
        tree = ast.walk(ast.parse(path.read_text("utf-8")))
        modules = [n.module or "" for n in tree if isinstance(n, ast.ImportFrom)]
        tree = ast.walk(ast.parse(path.read_text("utf-8")))
        modules += [alias.name for n in tree if isinstance(n, ast.Import) for alias in n.names]
        if any(module.split(".")[0] == "ray" for module in modules):
            users.add(path.resolve().relative_to(ROOT).as_posix())
    # vLLM inside Ray is asked through ray.data.llm: that annotator is Ray's by nature.
    assert users - allowed <= {"stages/annotators/vllm.py", "ver_pipeline/doctor.py"}


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)


def test_help_pulls_in_nothing_heavy_and_answers_in_half_a_second_of_cpu_time():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = (
        "import sys, contextlib\n"
        "from ver_pipeline.cli import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "print('MODULES', *{m.split('.')[0] for m in sys.modules})"
    )
    said = run(code).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    loaded = set(said.rpartition("MODULES")[2].split())
    assert "build" in said
    assert not loaded & HEAVY
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


def test_every_command_of_the_help_has_its_file_and_its_own_help():
    from ver_pipeline.cli import COMMANDS

    code = (
        "import argparse, importlib\n"
        f"for name in {sorted(COMMANDS)!r}:\n"
        "    module = importlib.import_module(f'ver_pipeline.cli.{name}')\n"
        "    parser = argparse.ArgumentParser(prog=name)\n"
        "    module.configure(parser)\n"
        "    print(len(parser.format_help()) > 80, callable(module.run))\n"
    )
    assert set(run(code).stdout.split()) == {"True"}
