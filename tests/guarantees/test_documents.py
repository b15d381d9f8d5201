"""What the documents say of commands and settings is what the program does."""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import yaml

import ver_pipeline
from ver_pipeline import reference
from ver_pipeline.annotators import options
from ver_pipeline.cli import COMMANDS
from ver_pipeline.config_file import load_config, show_config
from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.schemas.reasons import CURE, MEANING, Reason

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
COMMAND = re.compile(r"(?:^|`)\s*(ver (?:[a-z]+)\b[^`\n]*)", re.M)


def settings() -> list[tuple[str, str, str | None]]:
    sections = [(field.alias or name, field.annotation) for name, field in BuildConfig.model_fields.items()]
    sections += [("options", kind) for kind in (options.OpenAIOptions, options.TransformersOptions,
                                                options.VllmOptions, options.ReplayOptions)]  # fmt: skip
    return [(section, name, field.description) for section, kind in sections
            for name, field in kind.model_fields.items()]  # fmt: skip


def test_every_setting_has_a_description():
    assert len(settings()) > 100
    assert [f"{section}.{name}" for section, name, description in settings() if not description] == []


def test_the_configuration_that_is_shown_describes_every_setting_and_is_read_back(tmp_path):
    text = show_config(BuildConfig())
    (tmp_path / "ver.yaml").write_text(text, "utf-8")
    assert load_config(str(tmp_path / "ver.yaml")) == load_config()
    assert BuildConfig.model_validate(yaml.safe_load(text)) == BuildConfig()
    shown = {line.strip() for line in text.splitlines()}
    for section, name, description in settings():
        if section != "options":
            assert "# " + description.replace("``", "")[:60] in {line[:62] for line in shown}, f"{section}.{name}"


@pytest.mark.parametrize("name", sorted(reference.pages()))
def test_a_reference_page_is_what_the_code_says(name):
    committed = (reference.FOLDER / name).read_text("utf-8")
    assert committed == reference.pages()[name], "run: python -m ver_pipeline.reference"


def test_every_reject_reason_has_a_meaning_and_a_cure():
    assert set(MEANING) == set(CURE) == set(Reason)


def parser_of(command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=command, exit_on_error=False)
    importlib.import_module(f"ver_pipeline.cli.{command}").configure(parser)
    return parser


def known_flags(parser: argparse.ArgumentParser) -> set[str]:
    flags = {flag for action in parser._actions for flag in action.option_strings} | {"-v", "--verbose"}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                flags |= known_flags(inner)
    return flags


def mentions() -> list[tuple[str, str]]:
    found = []
    for path in DOCUMENTS:
        if path.parent.name != "reference":
            found += [(path.relative_to(ROOT).as_posix(), text) for text in COMMAND.findall(path.read_text("utf-8"))]
    return found


def test_every_command_that_a_document_mentions_exists_with_its_options():
    wrong = []
    for document, text in mentions():
        line = text.split("  #")[0].split(" | ")[0]
        try:
            words = shlex.split(line)
        except ValueError:
            words = line.split()
        if words[1] not in COMMANDS:
            wrong.append(f"{document}: {text}")
            continue
        flags = known_flags(parser_of(words[1]))
        unknown = [word for word in words[2:] if word.startswith("--") and word.partition("=")[0] not in flags]
        wrong += [f"{document}: {text}: {flag}" for flag in unknown]
    assert len(mentions()) > 80
    assert wrong == []


def test_every_link_between_documents_leads_somewhere():
    broken = []
    for path in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", path.read_text("utf-8")):
            if not (path.parent / target).exists():
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert broken == []


def test_the_readme_in_chinese_keeps_step_with_the_one_in_english():
    english, chinese = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md"))
    assert len(re.findall("^## ", english, re.M)) == len(re.findall("^## ", chinese, re.M))
    for pattern in (
        r"^    (?:ver|bash|pip) [^#\n]*",
        r"\]\((docs/[^)]*)\)",
        r"^- \*\*",
        r"^\d\. ",
        r"`(?:train|teacher|s3)`",
    ):
        one, other = (re.findall(pattern, text, re.M) for text in (english, chinese))
        assert sorted(line.strip() for line in one) == sorted(line.strip() for line in other), pattern


def python_blocks() -> list[tuple[str, str]]:
    return [
        (path.relative_to(ROOT).as_posix(), block)
        for path in DOCUMENTS
        for block in re.findall(r"^```python\n(.*?)^```", path.read_text("utf-8"), re.M | re.S)
    ]


@pytest.mark.parametrize(("document", "block"), python_blocks(), ids=[name for name, _ in python_blocks()])
def test_python_in_a_document_imports_what_exists(document, block):
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ver_pipeline"):
            module = importlib.import_module(node.module)
            assert [a.name for a in node.names if not hasattr(module, a.name)] == []
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ver_pipeline":
            assert node.attr in ver_pipeline.__all__ or importlib.util.find_spec(f"ver_pipeline.{node.attr}")


def test_the_site_names_every_page():
    named = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text("utf-8")))
    assert named == {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
