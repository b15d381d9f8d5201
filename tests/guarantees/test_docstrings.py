"""What the code says of itself holds: whoever reads a docstring learns how the call can fail, by names that exist.

That every public class, method and function has a docstring is ruff's to check (D101, D102, D103).
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "ver_pipeline"
TREES = {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
CLASSES = {node.name: node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def is_error(name: str) -> bool:
    """Whether the class of ours is an exception, by its bases."""
    bases = [ast.unparse(base) for base in CLASSES[name].bases] if name in CLASSES else []
    return any(is_error(base) or base.endswith(("Error", "Exception")) for base in bases)


def public_functions(node: ast.AST) -> Iterator[ast.FunctionDef]:
    for child in getattr(node, "body", []):
        if isinstance(child, ast.ClassDef | ast.FunctionDef) and not child.name.startswith("_"):
            yield from [child] if isinstance(child, ast.FunctionDef) else public_functions(child)


def raised_in(function: ast.FunctionDef) -> set[str]:
    calls = [node.exc for node in ast.walk(function) if isinstance(node, ast.Raise) and node.exc is not None]
    names = {ast.unparse(exc.func if isinstance(exc, ast.Call) else exc) for exc in calls}
    return {name for name in names if is_error(name)}


def section(docstring: str, title: str) -> str:
    """The indented lines under ``title``."""
    match = re.search(rf"^{title}:\n((?:    .*\n?|\n)+)", docstring, re.M)
    return match[1] if match else ""


def entries(docstring: str, title: str) -> set[str]:
    """What stands before the colons of a section."""
    lines = re.findall(r"^    (\*{0,2}[A-Za-z_][\w., ]*):", section(docstring, title), re.M)
    return {name.strip() for line in lines for name in line.split(",")}


def test_a_public_function_says_under_raises_which_of_our_errors_it_raises():
    silent = [
        f"{path.relative_to(PACKAGE)}:{function.lineno} {function.name}: {name}"
        for path, tree in TREES.items()
        for function in public_functions(tree)
        for name in sorted(raised_in(function) - entries(ast.get_docstring(function) or "", "Raises"))
    ]
    assert not silent, "\n".join(silent)


def test_errors_and_arguments_that_a_docstring_names_exist():
    wrong = []
    for path, tree in TREES.items():
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            docstring = ast.get_docstring(function) or ""
            raised = {name for name in entries(docstring, "Raises") if "." not in name}
            unknown = {name for name in raised if name not in CLASSES and not hasattr(builtins, name)}
            arguments = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
            unknown |= entries(docstring, "Args") - arguments
            place = f"{path.relative_to(PACKAGE)}:{function.lineno} {function.name}"
            wrong += [f"{place}: {name}" for name in sorted(unknown)]
    assert not wrong, "\n".join(wrong)
