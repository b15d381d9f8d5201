"""The wish that samples be gone, written down before anything is done about it, and the note that it was done.

As long as the wish lies in the work folder, whoever works on the data set finishes it first: a kill can delay
a withdrawal, never lose it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.canonical import canonical_json, parse_json
from ver_pipeline.schemas.errors import CorruptDataError
from ver_pipeline.schemas.untrusted import read_plain
from ver_pipeline.shards.files import sync, write_atomically
from ver_pipeline.shards.journals import withdrawal_journal
from ver_pipeline.shards.tombstone_hash import tombstone_of
from ver_pipeline.shards.workdir import WorkFolder

LEDGER_NAME = "ledger.jsonl"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The keys that shall occur nowhere in the data set, why, and the sha256 of the condition that chose them."""

    keys: frozenset[str]
    reason: str
    condition: str = ""


def ledger_path(out_dir: Path) -> Path:
    """Where every finished withdrawal is noted, by hash."""
    return WorkFolder(out_dir / ".ver").root / LEDGER_NAME


def write_down(out_dir: Path, wish: Withdrawal) -> None:
    """Keep the wish until it is fulfilled.  On disk when this returns."""
    entry = {"keys": sorted(wish.keys), "reason": wish.reason, "condition": wish.condition}
    write_atomically(withdrawal_journal(out_dir), canonical_json(entry))
    sync(out_dir)  # the work folder may be new


def pending(out_dir: Path) -> Withdrawal | None:
    """The withdrawal that was begun and is not finished; None where there is none.

    Raises:
        CorruptDataError: it cannot be read, so nobody knows what must go.
    """
    path = withdrawal_journal(out_dir)
    try:
        entry = parse_json(read_plain(path))
        wish = Withdrawal(frozenset(entry["keys"]), entry["reason"], entry.get("condition", ""))
        if not all(isinstance(text, str) for text in (wish.reason, wish.condition, *wish.keys)):
            raise ValueError("keys and reason must be text")
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        cure = "remove it, and say again what shall go: ver drop OUT --where ..."
        raise CorruptDataError(f"{path} holds a withdrawal that cannot be read: {error}", cure) from error
    return wish


def cross_out(out_dir: Path) -> None:
    """Forget the wish, keys and all.  Should a power cut bring it back, there is nothing left to do for it."""
    withdrawal_journal(out_dir).unlink()


def note(out_dir: Path, wish: Withdrawal) -> None:
    """Add to the ledger that the keys are gone, once each; by hash, never by key."""
    entry = {"event": "drop", "reason": wish.reason, "condition_sha256": wish.condition}
    known = {row["key_sha256"] for row in _ledger(out_dir) if row.items() >= entry.items()}
    when = datetime.now(UTC).isoformat(timespec="seconds")
    hashes = sorted({tombstone_of(key) for key in wish.keys} - known)
    path = ledger_path(out_dir)
    before = read_plain(path) if path.exists() else b""
    gap = b"" if before[-1:] in (b"", b"\n") else b"\n"  # a line that a kill cut off stays a line of its own
    lines = (canonical_json({**entry, "key_sha256": key, "when_utc": when}) + b"\n" for key in hashes)
    write_atomically(path, before + gap + b"".join(lines))


def noted(out_dir: Path) -> dict[str, str]:
    """sha256 of key -> reason of every withdrawal that the ledger holds."""
    return {row["key_sha256"]: row["reason"] for row in _ledger(out_dir)}


def is_fulfilled(out_dir: Path, condition: str) -> bool:
    """Whether what a condition (its sha256) chose is gone already, whoever brought that to its end."""
    return any(row.get("condition_sha256") == condition for row in _ledger(out_dir))


def _ledger(out_dir: Path) -> Iterator[dict[str, Any]]:
    """Rows of the ledger; lines that are not whole are left out."""
    path = ledger_path(out_dir)
    for line in read_plain(path).splitlines() if path.exists() else ():
        try:
            row = parse_json(line)
            if all(isinstance(row[name], str) for name in ("key_sha256", "reason")):
                yield row
        except (ValueError, KeyError, TypeError):
            continue
