"""``python -m ver_pipeline``: the same as ``ver``."""

import sys

from ver_pipeline.cli import main

sys.exit(main())
