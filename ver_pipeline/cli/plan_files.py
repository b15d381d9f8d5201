"""What ``ver plan --files`` says: what each file of the source folder becomes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ver_pipeline.sources.listing import SourceRef


def file_lines(refs: Sequence[SourceRef], source: str, out: Path) -> list[str]:
    """A line for every file under ``source``, in order of name.

    Args:
        refs: as ``list_sources`` gives them.
        out: the data set; what lies in it is told as one line.
    """
    fate_by_name = dict(line for ref in refs for line in _of_video(ref))
    if Path(source).is_dir():
        fate_by_name.update(_passed_over(Path(source), out, fate_by_name))
    return [f"{name}: {what}" for name, what in sorted(fate_by_name.items())]


def summary(refs: Sequence[SourceRef]) -> list[str]:
    """What stands beside the videos, in a few lines; nothing where there is nothing to say."""
    lines = []
    refused = [ref for ref in refs if ref.refused is not None]
    with_text = [ref for ref in refs if ref.refused is None and ref.beside.subtitles]
    if with_text:
        lines.append(
            f"{len(with_text)} video(s) have subtitles: in the told language first, then without a language in the "
            "name; the first that the sound bears out is the transcript"
        )
    if refused:
        reason, message = refused[0].refused or ("", "")
        lines.append(
            f"{len(refused)} file(s) are rejected before any work, first: {refused[0].uri} ({reason}): {message}"
        )
    if with_text or refused:
        lines.append("--files tells what each file becomes")
    return lines


def _of_video(ref: SourceRef) -> Iterator[tuple[str, str]]:
    """The line of a file that is ingested, and of each that belongs to it."""
    from ver_pipeline.media.tracks import told_language
    from ver_pipeline.sources.beside import ranked
    from ver_pipeline.stages.ingest import read_sidecar

    folder = ref.uri.rpartition("/")[0]
    own = ref.uri.rpartition("/")[2]

    def uri(name: str) -> str:
        return f"{folder}/{name}" if folder else name

    if ref.refused is not None:
        reason, message = ref.refused
        yield ref.uri, f"rejected before any work ({reason}): {message}"
        for name in ref.beside.names():
            yield uri(name), f"waits for {own}, which is rejected"
        return
    try:
        stated_language = read_sidecar(Path(ref.path), ref.entry, ref.beside).get("language")
    except ValueError as error:
        yield ref.uri, f"will be rejected (bad_sidecar): {error}"
        stated_language = None
    else:
        yield ref.uri, "looked at: a video becomes clips, anything else a row of the rejects"
    for name in ref.beside.sidecars:
        yield uri(name), f"sidecar of {own}"
    order = ranked(ref.beside.subtitles, os.path.basename(ref.path), told_language(stated_language))
    for number, subtitle in enumerate(order, 1):
        language = f", {subtitle.language}" if subtitle.language else ""
        place = f"choice {number} of {len(order)}{language}" if subtitle.why is None else f"not used: {subtitle.why}"
        yield uri(subtitle.name), f"subtitles of {own}, {place}"


def _passed_over(root: Path, out: Path, told: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Files that listing leaves out, and why."""
    from ver_pipeline.sources.listing import shown_uri

    ours = os.path.realpath(out)
    for folder, folders, names in os.walk(root):
        relative = os.path.relpath(folder, root)
        for name in sorted(folders):
            full = os.path.join(folder, name)
            if os.path.realpath(full) == ours:
                yield shown_uri(os.path.relpath(full, root)) + "/", "the data set itself"
            elif name.startswith("."):
                yield shown_uri(os.path.relpath(full, root)) + "/", "hidden, with all that is in it"
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(os.path.join(folder, name)) != ours
        ]
        for name in sorted(names):
            uri = shown_uri(name if relative == "." else os.path.join(relative, name))
            if uri not in told:
                yield (
                    uri,
                    "hidden"
                    if name.startswith(".")
                    else "not a source: the manifest, or a link that leads in a circle",
                )
