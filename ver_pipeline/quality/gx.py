"""Expectations evaluated by Great Expectations in an ephemeral context: no clock, no network, no file of its own.

pandas carries the rows (GX over a DuckDB engine fails on every SQL metric).
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ver_pipeline.quality.evaluators import EXAMPLES, Evaluation

if TYPE_CHECKING:
    import pyarrow as pa


class GxEvaluator:
    """See ``evaluators.Evaluator``."""

    def __init__(self) -> None:
        os.environ["GX_ANALYTICS_ENABLED"] = "false"
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        logging.getLogger("great_expectations").setLevel(logging.ERROR)  # its import sets a level of its own
        self.engine = f"great_expectations {gx.__version__}"
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
        self._pandas = context.data_sources.add_pandas("catalog")
        self._n_frames = 0

    def evaluate(self, rows: pa.Table, expect: dict[str, Any]) -> Evaluation:
        """Evaluate one expectation; one that raises has failed."""
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        self._n_frames += 1
        asset = self._pandas.add_dataframe_asset(f"frame-{self._n_frames}")
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": rows.to_pandas()})
        result = batch.validate(ExpectationConfiguration(**expect).to_domain_obj())
        for raised in _exceptions(result.exception_info):
            if raised.get("raised_exception"):
                return Evaluation(False, error=str(raised["exception_message"]))
        examples = [] if result.success else result.result.get("partial_unexpected_list", [])[:EXAMPLES]
        return Evaluation(bool(result.success), _observed(result.result), examples)


def _exceptions(info: dict[str, Any]) -> list[dict[str, Any]]:
    return [info] if "raised_exception" in info else list(info.values())


def _observed(result: dict[str, Any]) -> Any:
    if "observed_value" in result:
        return result["observed_value"]
    return {name: result[name] for name in ("unexpected_count", "element_count") if name in result}


@contextmanager
def quiet() -> Iterator[None]:
    """GX logs its progress at levels of its own, and warns of its own regular expressions: neither is for the user."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
