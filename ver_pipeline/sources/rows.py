"""Listed files as the first rows of a build."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ver_pipeline.schemas.reasons import Reason, Reject
from ver_pipeline.sources.listing import SourceRef

Row = dict[str, Any]


def source_rows(refs: Sequence[SourceRef]) -> tuple[list[Row], list[Row]]:
    """Rows for the first stage, and rejects for files on which no work is to be spent."""
    rows, rejects = [], []
    for ref in refs:
        try:
            ref.path.encode("utf-8")
            if ref.refused is not None:
                reason, message = ref.refused
                rejects.append(Reject(reason, "ingest", f"{ref.uri}: {message}", uri=ref.uri).to_row())
                continue
            rows.append({
                "uri": ref.uri, "path": ref.path, "entry": ref.entry, "remote": ref.remote, "stat": _stat(ref),
                "beside": {"sidecars": ref.beside.sidecars, "subtitles": ref.beside.subtitles},
            })  # fmt: skip
        except UnicodeEncodeError:
            shown = os.fsencode(ref.uri).decode("utf-8", "replace")
            message = f"{shown}: its name is not valid UTF-8; rename it"
            rejects.append(Reject(Reason.UNREADABLE, "ingest", message, uri=shown).to_row())
    return rows, rejects


def _stat(ref: SourceRef) -> list[int]:
    """What tells a changed file from an unchanged one without reading it (as make and git do); of a video that
    is to be fetched its ``remote`` tells that."""
    path = ref.path
    state = []
    folder = os.path.dirname(path)
    for name in (*([] if ref.remote else [path]), *(os.path.join(folder, name) for name in ref.beside.names())):
        try:
            info = os.stat(name)
            state += [info.st_size, info.st_mtime_ns, info.st_mode]
        except OSError:
            state.append(-1)
    return state
