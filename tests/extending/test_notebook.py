"""The example notebook runs as it stands on a published data set."""

from __future__ import annotations

import json
from pathlib import Path

from factory import make_records
from outfolder import published

NOTEBOOK = Path(__file__).parents[2] / "examples" / "first_look.ipynb"


def test_every_cell_of_the_notebook_runs(tmp_path):
    shards = published(tmp_path, make_records(8))
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    program = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert '"../demo/shards"' in program
    known: dict[str, object] = {}
    exec(compile(program.replace('"../demo/shards"', repr(str(shards))), str(NOTEBOOK), "exec"), known)
    assert known["record"]["key"] == known["sample"]["__key__"]
    assert known["visual"].patches.shape[0] > 0
    assert all(not cell.get("outputs") for cell in cells)
