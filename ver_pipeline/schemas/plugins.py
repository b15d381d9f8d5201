"""What other installed packages add, by entry points: annotators, transcribers, rules, export layouts, stages.

A package names them in its own metadata (docs/extending.md); nothing runs that the configuration does not ask for by
name.  Installed code is trusted, as ours is (SECURITY.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.schemas.nearest import did_you_mean

Kind = Literal["annotators", "transcribers", "diarizers", "rules", "layouts", "stages"]


@dataclass(frozen=True, slots=True)
class Plugin:
    """One thing that a package adds: its name, what the entry point loads, and which release it is of."""

    name: str
    value: Any
    release: str
    """Distribution and version: part of the fingerprint of whatever the plugin shapes."""


def names(kind: Kind) -> tuple[str, ...]:
    """Names of all plugins of a kind, ascending."""
    return tuple(sorted(_found(kind)))


def load(kind: Kind, name: str, ours: Iterable[str] = ()) -> Plugin:
    """The plugin of this name.

    Args:
        ours: names that exist without plugins; they are offered in the message.

    Raises:
        ConfigError: no installed package adds it, or it cannot be imported.
    """
    point = _found(kind).get(name)
    if point is None:
        raise ConfigError(f"no {kind[:-1]} is called {name!r}", did_you_mean(name, [*ours, *names(kind)]))
    release = f"{point.dist.name} {point.dist.version}" if point.dist is not None else "unknown"
    try:
        return Plugin(name, point.load(), release)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"the {kind[:-1]} {name!r} of {release} cannot be loaded: {error}", "mend the package"
        ) from error


@cache
def _found(kind: Kind) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"ver_pipeline.{kind}")}
