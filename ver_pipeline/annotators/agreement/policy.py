"""What happens to an annotation that independent sources do not back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from ver_pipeline.annotators.agreement.dawid_skene import Skill, skill_from_dict
from ver_pipeline.schemas.errors import ConfigError

Verdict = Literal["keep", "flag", "adjudicate", "reject"]
_ORDER = {"A": 0, "B": 1, "C": 2}


def verdict(agreement: Mapping[str, Any], on_disagreement: str, min_tier: str) -> Verdict:
    """What the policy says.  Where nothing could be compared (tier None) the annotation is kept."""
    reached = agreement["tier"]
    if reached is None or _ORDER[reached] <= _ORDER[min_tier] or on_disagreement == "accept":
        return "keep"
    if on_disagreement == "flag":
        return "flag"
    return "adjudicate" if on_disagreement == "adjudicate" else "reject"


def load_skill(path: str | None) -> Skill | None:
    """The labeling sources' skill that a former run fitted, or None where none is configured.

    Raises:
        ConfigError: the file is missing or not such a file.
    """
    if path is None:
        return None
    try:
        return skill_from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"annotate.source_skill: cannot read {path}", "write it with ver annotate --fit-source-skill"
        ) from error
