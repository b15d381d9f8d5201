"""What is written down in a data set's work folder before it is changed, for whoever comes after a kill.

Light to import: every command asks.
"""

from __future__ import annotations

from pathlib import Path


def switch_journal(out_dir: Path) -> Path:
    """What a switch brings in and takes away (``shards/switch.py``)."""
    return out_dir / ".ver" / "switch.json"


def withdrawal_journal(out_dir: Path) -> Path:
    """What shall be gone (``shards/withdrawal.py``)."""
    return out_dir / ".ver" / "drop.json"
