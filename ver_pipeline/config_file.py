"""Configuration files: one YAML for everything, typed, with unknown keys answered by a suggestion."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.schemas.nearest import did_you_mean

DEFAULT_FILE = "ver.yaml"
PROFILES = Path(__file__).parent / "profiles"
DEFAULT_PROFILE = "cpu"
"""Whatever the machine has: what a configuration gives must not depend on where it is read."""


def profiles() -> list[str]:
    """Names of the kinds of machine that settings are bundled for; each is a YAML file to read."""
    return sorted(path.stem for path in PROFILES.glob("*.yaml"))


def load_config(path: str | None = None, overrides: Sequence[str] = (), profile: str = DEFAULT_PROFILE) -> BuildConfig:
    """The configuration: defaults, then a profile, then a YAML file, then ``section.key=value`` overrides.

    Args:
        path: the file; None takes ``ver.yaml`` in the current folder when there is one.
        profile: one of :func:`profiles`.

    Raises:
        ConfigError: with the place and, for an unknown key, the nearest known one.
    """
    values: dict[str, Any] = {}
    bundled: dict[str, Any] = _yaml((PROFILES / f"{profile}.yaml").read_text("utf-8"), f"profile {profile}")
    file = Path(path) if path else Path(DEFAULT_FILE)
    if path and not file.is_file():
        raise ConfigError(f"there is no configuration file {path}", "`ver config show` prints one to start from")
    if file.is_file():
        try:
            values = _yaml(file.read_text("utf-8"), str(file)) or {}
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file} cannot be read: {error}", "it must be UTF-8, and yours to read") from error
        if not isinstance(values, dict):
            raise ConfigError(f"{file} is not a mapping of sections", "`ver config show` prints one to start from")
    values = {name: section for name, section in values.items() if section is not None}
    for override in overrides:
        _set(values, override)
    for section, settings in bundled.items():
        own = values.setdefault(section, {})
        if isinstance(own, dict):  # if not, validation says what is wrong with it
            values[section] = {**settings, **own}
    try:
        return BuildConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_first_line(error, str(file) if file.is_file() else "--set")) from error


def _set(values: dict[str, Any], override: str) -> None:
    """Put one ``section.key=value`` in its place; further dots lead into the table that the key holds."""
    name, equals, text = override.partition("=")
    *parents, last = name.split(".")
    if not equals or not parents or not all((*parents, last)):
        raise ConfigError(f"--set {override} is not section.key=value", "for example --set clip.max_s=12")
    place = values
    for parent in parents:
        if place.get(parent) is None:
            place[parent] = {}
        place = place[parent]
        if not isinstance(place, dict):
            raise ConfigError(f"--set {name}: {parent} is not a mapping", "`ver config show` prints all keys")
    place[last] = _yaml(text, f"--set {override}")


def show_config(config: BuildConfig) -> str:
    """The configuration as YAML that ``load_config`` reads back, each setting under its description."""
    lines: list[str] = []
    for name, field in BuildConfig.model_fields.items():
        section: BaseModel = getattr(config, name)
        values = section.model_dump(mode="json", by_alias=True)
        lines += [*_comment(section.__doc__, ""), f"{field.alias or name}:"]
        for key, setting in type(section).model_fields.items():
            lines += _comment(setting.description, "  ")
            text = yaml.safe_dump({key: values[key]}, sort_keys=False, allow_unicode=True, width=1000)
            lines += [f"  {line}" for line in text.splitlines()]
        lines.append("")
    return "\n".join(lines)


def _comment(text: str | None, indent: str) -> list[str]:
    return [f"{indent}# {line}" for line in textwrap.wrap((text or "").replace("``", ""), 110)]


def _yaml(text: str, where: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        line, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or "it cannot be parsed"
        at = f" in line {line.line + 1}" if line else ""
        raise ConfigError(f"{where} is not YAML: {problem}{at}", "quote values that hold signs of YAML") from error


def _first_line(error: ValidationError, where: str) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"{where}: {place}: {first['msg']}"
    return f"{where}: unknown key {place!r}; {did_you_mean(str(first['loc'][-1]), _known_keys(first['loc'][:-1]))}"


def _known_keys(parents: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = BuildConfig
    for parent in parents:
        for name, field in model.model_fields.items():
            kind = field.annotation
            if (field.alias or name) == parent and isinstance(kind, type) and issubclass(kind, BaseModel):
                model = kind
    return [field.alias or name for name, field in model.model_fields.items()]
