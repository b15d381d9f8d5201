"""Whether media may be passed on: only with a licence that allows it and a stated right to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ver_pipeline.catalog.where import select_keys
from ver_pipeline.schemas.errors import VerError

if TYPE_CHECKING:
    from ver_pipeline.catalog.dataset import Dataset

ALLOWED_LICENSES = frozenset(
    {
        "CC0-1.0", "PDDL-1.0", "CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0",
        "Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "Unlicense",
    }
)  # fmt: skip
"""SPDX ids under which copies may be given to anybody."""

ALLOWED_BASES = ("own", "consented", "licensed")
SHOWN = 20


def check_public(data: Dataset, where: str, allow: Iterable[str] = ()) -> None:
    """Refuse to pass on media whose rights are not clear.

    Args:
        where: which samples would be passed on (``catalog/where.py``).
        allow: further licence ids that the user vouches for.

    Raises:
        VerError: naming every source that stands in the way, with its licence and rights basis.
    """
    allowed = sorted(ALLOWED_LICENSES | set(allow))
    rows = data.sql(
        f"""SELECT coalesce(uri, source_id) AS video, license, coalesce(rights_basis, 'unknown') AS basis, count(*) AS n
            FROM samples WHERE key IN ({select_keys(data, where)}) AND media_policy = 'embed'
            AND NOT (list_contains(?, license) AND list_contains(?, coalesce(rights_basis, 'unknown')))
            GROUP BY ALL ORDER BY video, license, basis""",
        [allowed, list(ALLOWED_BASES)],
    ).dicts()
    if not rows:
        return
    named = "; ".join(f"{r['video']} ({r['license']}, basis {r['basis']}, {r['n']} samples)" for r in rows[:SHOWN])
    more = f"; and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    raise VerError(
        f"media of {len(rows)} sources may not be passed on: {named}{more}",
        "state licence and rights_basis in the manifest and build again; or use --where, or --media none",
    )
