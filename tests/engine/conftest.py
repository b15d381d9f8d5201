import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def toys_are_importable_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Child processes and Ray workers find ``toy_stages`` through PYTHONPATH."""
    here = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH")))))
