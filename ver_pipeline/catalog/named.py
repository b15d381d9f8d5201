"""The named queries: one ``.sql`` file each, whose leading comment says what it answers."""

from __future__ import annotations

from importlib.resources import files

from ver_pipeline.schemas.errors import UsageError
from ver_pipeline.schemas.nearest import did_you_mean


def named_queries() -> dict[str, str]:
    """Name (without the ``@``) to meaning, in alphabetical order."""
    folder = files(__package__).joinpath("queries")
    texts = {item.name: item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".sql")}
    return {name.removesuffix(".sql"): _meaning(texts[name]) for name in sorted(texts)}


def load_query(name: str) -> str:
    """The SQL of a named query; ``name`` may begin with ``@``.

    Raises:
        UsageError: there is none of that name.
    """
    plain = name.removeprefix("@")
    known = named_queries()
    if plain not in known:
        raise UsageError(f"no query is named @{plain}", did_you_mean(f"@{plain}", [f"@{query}" for query in known]))
    return files(__package__).joinpath("queries", f"{plain}.sql").read_text("utf-8")


def _meaning(text: str) -> str:
    lines = [line.removeprefix("--").strip() for line in text.splitlines() if line.startswith("--")]
    return " ".join(lines)
