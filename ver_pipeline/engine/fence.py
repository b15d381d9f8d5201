"""What a stage raises about one row costs that row alone: one fence, for builds and for annotating a finished set."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ver_pipeline.engine.machine import machine_fault
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.stages.base import Outcome, Row, Stage

log = logging.getLogger(__name__)


def run_fenced(stage: Stage, rows: Sequence[Row]) -> list[Outcome]:
    """One outcome per row.  Rows of a batch that raises are run one by one; one that raises alone is a reject
    ``internal_error``, its traceback in the log.

    Raises:
        VerError: the machine or the set-up is at fault, and no row would fare better.
    """
    try:
        return stage.run(rows)
    except VerError:
        raise
    except Exception as error:
        fault = machine_fault(error)
        if fault is not None:
            raise fault from error
        if len(rows) > 1:
            return [outcome for row in rows for outcome in run_fenced(stage, [row])]
        log.exception("stage %s failed", stage.name)
        words = str(error).encode("utf-8", "replace").decode()[:500]
        return [Reject(Reason.INTERNAL, stage.name, f"{type(error).__name__}: {words}", key=rows[0].get("key"))]
