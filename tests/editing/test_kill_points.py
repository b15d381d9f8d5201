"""Whatever moment a command is killed at: readers of the manifest see the old data set whole or the new one, and once
the command has run again nothing of the other is left, nor of what was withdrawn.

By hand, with the counts: PYTHONPATH=tests:tests/editing python tests/editing/kill_points.py FOLDER [SCENARIO ...]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kill_points import SCENARIOS

HERE = Path(__file__).parent
STEPS_AT_LEAST = 50


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """All sweeps, from one process that no test has put threads into."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)])}
    command = [sys.executable, "-P", str(HERE / "kill_points.py"), str(tmp_path_factory.mktemp("kills"))]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_kill_at_any_step_leaves_a_whole_data_set_and_the_next_run_leaves_nothing_else(
    found: dict[str, dict[str, Any]], scenario: str
) -> None:
    seen = found[scenario]
    sys.stdout.write(f"{scenario}: {seen['n_points']} kill points, {seen['n_states']} states on the disk\n")
    assert seen["failures"] == []
    assert seen["n_points"] > STEPS_AT_LEAST
