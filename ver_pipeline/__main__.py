"""``python -m ver_pipeline``: the same as ``ver``."""

from ver_pipeline.cli import run

run()
