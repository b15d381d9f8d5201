"""What the folder listing says holds: imports run one way, and the front door is light."""

from __future__ import annotations

import ast
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "ver_pipeline"
HEAVY = {"torch", "transformers", "ray", "great_expectations", "webdataset", "duckdb", "pandas", "pyarrow", "cv2", "av"}


def rooms_of_the_table() -> dict[str, set[str] | None]:
    """The table of docs/architecture.md: room to the rooms that it may import; None means all."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rooms: dict[str, set[str] | None] = {}
    for name, imports in re.findall(r"^\| `(\w+)(?:/|\.py)` \|[^|]*\| ([^|]*) \|$", text, re.M):
        rooms[name] = None if imports == "everything" else set(re.findall(r"`(\w+)`", imports))
    return rooms


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rooms_imported(path: Path) -> set[str]:
    """The rooms of ours that a file imports; it may not import relative to its own place."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: import by full name"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("ver_pipeline.")}
    return rooms - {room_of(path)}


def imports_between_rooms() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        found.setdefault(room_of(path), set()).update(rooms_imported(path))
    return found


def test_the_table_of_rooms_is_what_the_imports_are():
    table, real = rooms_of_the_table(), imports_between_rooms()
    assert set(real) - {"__init__", "__main__"} == set(table)
    for room, imports in table.items():
        if imports is not None:
            assert real[room] == imports, room


def test_no_rooms_import_each_other_in_a_circle():
    from graphlib import TopologicalSorter

    assert "schemas" in TopologicalSorter(imports_between_rooms()).static_order()


def modules_imported(path: Path) -> set[str]:
    """Dotted names that a file imports anywhere, also inside functions, but not for its types alone."""
    names: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
            names.add(str(node.module))
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text("utf-8")))
    return names


def test_no_files_import_each_other_in_a_circle():
    from graphlib import TopologicalSorter

    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in PACKAGE.rglob("*.py")
    }
    # A package's own ``__init__`` holds a docstring, or names that it hands on: it is above what it imports.
    imports = {name: (modules_imported(path) & set(files)) - {name} for name, path in files.items()}
    for name, path in files.items():
        if path.name == "__init__.py":
            continue
        imports[name] -= {other for other in files if name.startswith(f"{other}.")}
    assert len(list(TopologicalSorter(imports).static_order())) == len(files)


@pytest.mark.skipif((ROOT / "PKG-INFO").exists(), reason="a source archive is without the links, which nothing needs")
def test_the_folders_of_the_design_lead_to_the_same_files_from_the_top():
    for name in ("stages", "schemas", "model", "annotation_prompts"):
        assert not (PACKAGE / name).is_symlink()
        link = ROOT / name
        target = (
            link.resolve() if link.is_symlink() else ROOT / link.read_text("utf-8").strip()
        )  # a checkout without links
        assert target == (PACKAGE / name).resolve()


def test_only_the_engine_knows_ray():
    allowed = {"ver_pipeline/engine/on_ray.py", "ver_pipeline/launch/on_ray.py", "ver_pipeline/cli/doctor.py"}
    users = set()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.walk(ast.parse(path.read_text("utf-8")))
        modules = [n.module or "" for n in tree if isinstance(n, ast.ImportFrom)]
        tree = ast.walk(ast.parse(path.read_text("utf-8")))
        modules += [alias.name for n in tree if isinstance(n, ast.Import) for alias in n.names]
        if any(module.split(".")[0] == "ray" for module in modules):
            users.add(path.resolve().relative_to(ROOT).as_posix())
    # vLLM inside Ray is asked through ray.data.llm: that annotator is Ray's by nature.
    assert users - allowed == {"ver_pipeline/annotators/backends/vllm.py"}


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)


def test_help_pulls_in_nothing_heavy_and_answers_in_a_fifth_of_a_second_of_cpu_time():
    code = (
        "import sys, contextlib\n"
        "from ver_pipeline.cli import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "print('MODULES', *{m.split('.')[0] for m in sys.modules})"
    )
    took_s = []
    for _ in range(3):  # the first may find cold disks
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        said = run(code).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took_s.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    loaded = set(said.rpartition("MODULES")[2].split())
    assert "build" in said
    assert not loaded & HEAVY
    assert min(took_s) < 0.2


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


def test_every_column_that_a_stage_reads_or_writes_is_described(tmp_path):
    from ver_pipeline.dag import LISTED_COLUMNS, make_dag
    from ver_pipeline.schemas.config import BuildConfig
    from ver_pipeline.shards.workdir import WorkFolder
    from ver_pipeline.stages.columns import COLUMNS

    dag = make_dag(BuildConfig(), WorkFolder(tmp_path), ["0" * 64])
    used = {name.partition(".")[0] for stage in dag for name in (*stage.reads, *stage.writes)} | set(LISTED_COLUMNS)
    assert used == set(COLUMNS)
