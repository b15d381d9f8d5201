"""Take samples out of a published data set for good: the wish is written down first and crossed out last.

In between everything may be killed and done again; what fulfilling means stands in ``fulfil.py``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ver_pipeline.catalog.dataset import open_dataset
from ver_pipeline.catalog.where import keys_where
from ver_pipeline.editing.fulfil import Dropped, fulfil, n_shards
from ver_pipeline.editing.settle import writing
from ver_pipeline.schemas.errors import UsageError
from ver_pipeline.shards.manifest import load_manifest
from ver_pipeline.shards.staged import PageWriter
from ver_pipeline.shards.withdrawal import Withdrawal, cross_out, is_fulfilled, write_down


def drop(out_dir: Path, where: str, reason: str, pages: Sequence[PageWriter]) -> Dropped:
    """Drop every sample that ``where`` chooses (``catalog/where.py``).

    A withdrawal that was killed before is finished first: the same command again ends as the first would have, also
    where another command has finished it meanwhile.

    Raises:
        UsageError: nothing is chosen (and nothing was left to finish, and this condition never chose anything), or
            ``reason`` names a key.
        VerError: a build is writing to the data set, or a dropped key would stay somewhere.  What was asked for stays
            written down then, and whoever works on the data set next finishes it.
    """
    out_dir = out_dir.resolve()
    load_manifest(out_dir)  # no work folder where there is no data set
    with writing(out_dir, pages) as finished:
        with open_dataset(out_dir) as data:
            data.check_texts()
            keys = frozenset(keys_where(data, where))
            condition = hashlib.sha256(where.encode()).hexdigest()
            if not keys and (finished is not None or is_fulfilled(out_dir, condition)):
                return finished or Dropped(0, (), n_shards(data.manifest), 0)
            if not keys:
                cure = "try it first: ver query OUT 'SELECT key FROM samples WHERE ...'"
                raise UsageError("the condition chooses no sample", cure)
            if any(key in reason for key in keys):
                raise UsageError("the reason names a key that is dropped", "say why without naming the sample")
            wish = Withdrawal(keys, reason, condition)
            write_down(out_dir, wish)
            done = fulfil(data, out_dir, wish, pages)
        cross_out(out_dir)
        return done
