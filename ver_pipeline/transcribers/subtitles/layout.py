"""The cues of a subtitle file as they stand there, whatever liberties it takes with its format.

pysubs2 reads formats that are kept to.  Files keep to little: blank lines are missing or stand inside cues, times
lack hours or milliseconds or run backwards, arrows are short, ASS tables have other columns.  So the text is first
brought into the standard layout, and what that costs is counted.  What a file *is* is told by its text, not its name.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

ASS_COLUMNS = ("layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text")
READ_S_PER_SIGN = 0.08
"""How long a cue without a length is shown, a sign (12 a second is a usual reading speed)."""
LEAST_S, MOST_S = 0.8, 6.0

NO_TIME = "text without a time that is understood"
BACKWARDS = "times that run backwards, exchanged"
NO_LENGTH = "cues without a length, given one"
EMPTY = "cues without text"
HIDDEN = "comments that are not shown"
DRAWING = "drawings"


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue in seconds; ``text`` still has its markup, lines end with ``\\n``.  ``style`` and ``speaker`` are those
    of ASS; ``positioned`` says that ASS puts it at a place on the picture."""

    start_s: float
    end_s: float
    text: str
    style: str = ""
    speaker: str = ""
    positioned: bool = False


@dataclass(slots=True)
class Layout:
    """The cues of a file, its format, and what was lost or put right: a phrase and how often."""

    format: str
    cues: list[Cue] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)


_ONE_TIME = r"-?\d+(?:[:;.,]\d+){1,3}"
_TIMES = re.compile(
    rf"^\s*(?P<start>{_ONE_TIME})\s*(?:[-–—=]+\s*[-–—=]*\s*[>＞]|→|(?<=:\d\d\.\d\d),)\s*(?P<end>{_ONE_TIME})(?:\s.*)?$"
)
_ARROW = re.compile(r"-->|->|→")
_PLACED = re.compile(r"\\(?:pos|move|org|clip|iclip|fr[xyz]?-?\d)")
_NUMBER = re.compile(r"^\s*#?\d+\s*$")
_VTT_COMMENT = re.compile(r"^(NOTE|STYLE|REGION)(\s|$)")


def lay_out(text: str) -> Layout:
    """The cues of SubRip, WebVTT, SubStation (ASS, SSA), and of what else pysubs2 knows by its text."""
    text = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    if re.search(r"^\s*Dialogue\s*:", text, re.MULTILINE | re.IGNORECASE) and re.search(r"^\s*\[", text, re.MULTILINE):
        return _substation(text)
    vtt = text.lstrip().startswith("WEBVTT")
    timed = _timed(text, vtt)
    return timed if timed.cues else _other(text) or timed


def seconds(stamp: str) -> float | None:
    """``1:02:03,5``, ``02:03.500``, ``00:00:04:500``, ``00:01:05``, ``7.25`` in seconds; None where it is no time.

    Of three numbers between colons the last is a fraction where it has three digits, else seconds.
    """
    sign = -1.0 if stamp.startswith("-") else 1.0
    numbers = re.findall(r"\d+", stamp)
    signs = re.findall(r"[:;.,]", stamp)
    fraction = 0.0
    if signs and (signs[-1] in ".," or len(numbers) == 4 or (len(numbers) == 3 and len(numbers[-1]) == 3)):
        fraction = float(f"0.{numbers.pop()}")
    if not 1 <= len(numbers) <= 3 or any(len(n) > 5 for n in numbers):
        return None
    whole = 0
    for number in numbers:
        whole = whole * 60 + int(number)
    return sign * (whole + fraction)


def _timed(text: str, vtt: bool) -> Layout:
    """SubRip and WebVTT: a line with two times, and all that follows up to the next.

    What stands above a line with times belongs to it where it is the cue's number (in a file that numbers its cues)
    or, in WebVTT, its name.
    """
    lines, layout = text.split("\n"), Layout("vtt" if vtt else "srt")
    at = [(i, match) for i, line in enumerate(lines) if (match := _TIMES.match(_plain_signs(line)))]
    numbered = sum(i > 0 and bool(_NUMBER.match(lines[i - 1])) for i, _ in at) * 2 > len(at)
    spaced = sum(i > 1 and not lines[i - 1].strip() and bool(_NUMBER.match(lines[i - 2])) for i, _ in at) * 2 > len(at)
    bodies, begin = [], 0
    for i, _ in at:
        bodies.append(lines[begin : _above(lines, i, begin, vtt, numbered, spaced)])
        begin = i + 1
    bodies.append(lines[begin:])
    head = bodies[0]
    if not vtt and any(line.strip() and not _NUMBER.match(line) for line in head):
        layout.told[NO_TIME] += 1
    for (_, match), body in zip(at, bodies[1:], strict=True):
        without_comments = _without_vtt_comments(body, layout) if vtt else body
        _add(layout, match, _body(without_comments, layout))
    _give_lengths(layout)
    return layout


def _above(lines: list[str], i: int, begin: int, vtt: bool, numbered: bool, spaced: bool) -> int:
    """The first line that belongs to the cue whose times stand in line ``i``."""
    one_up = i - 1
    if one_up < begin:
        return i
    if numbered and _NUMBER.match(lines[one_up]):
        return one_up
    if spaced and not lines[one_up].strip() and i - 2 >= begin and _NUMBER.match(lines[i - 2]):
        return i - 2
    if vtt and lines[one_up].strip() and (one_up == begin or not lines[one_up - 1].strip()):
        return one_up
    return i


def _without_vtt_comments(body: list[str], layout: Layout) -> list[str]:
    lines_kept: list[str] = []
    skipping = False
    for i, line in enumerate(body):
        after_blank = i > 0 and not body[i - 1].strip()
        if after_blank and _VTT_COMMENT.match(line):
            skipping = True
            layout.told[HIDDEN] += 1
        skipping = skipping and bool(line.strip())
        if not skipping:
            lines_kept.append(line)
    return lines_kept


def _body(lines: list[str], layout: Layout) -> str:
    """The text of a cue.  A line with an arrow that gives no times was meant to begin a cue: its text has no time."""
    for i, line in enumerate(lines):
        if _ARROW.search(line) and line.count(":") >= 2 and any(c.isdigit() for c in line):
            layout.told[NO_TIME] += 1
            above = i - 1 if i and _NUMBER.match(lines[i - 1]) else i
            lines = lines[:above]
            break
    return "\n".join(line.strip() for line in lines if line.strip())


def _add(layout: Layout, match: re.Match[str], body: str) -> None:
    start_s, end_s = seconds(match["start"]), seconds(match["end"])
    if start_s is None or end_s is None:
        layout.told[NO_TIME] += 1
        return
    if not body.strip():
        layout.told[EMPTY] += 1
        return
    if end_s < start_s:
        layout.told[BACKWARDS] += 1
        start_s, end_s = end_s, start_s
    layout.cues.append(Cue(max(start_s, 0.0), max(end_s, 0.0), body, positioned=bool(_PLACED.search(body))))


def _give_lengths(layout: Layout) -> None:
    """A cue that ends where it begins is shown as long as it takes to read, at most until the next begins."""
    starts = sorted({cue.start_s for cue in layout.cues})
    following = dict(pairwise([*starts, float("inf")]))
    for i, cue in enumerate(layout.cues):
        if cue.end_s > cue.start_s:
            continue
        layout.told[NO_LENGTH] += 1
        length_s = min(MOST_S, max(LEAST_S, READ_S_PER_SIGN * len(cue.text)), following[cue.start_s] - cue.start_s)
        layout.cues[i] = replace(cue, end_s=cue.start_s + length_s)


def _substation(text: str) -> Layout:
    """ASS and SSA: the columns are those that the table's own Format line names."""
    layout = Layout("ass")
    columns: list[str] = list(ASS_COLUMNS)
    events = []
    for line in text.split("\n"):
        kind, _, rest = line.partition(":")
        kind = kind.strip().lower()
        if kind == "format" and "text" in rest.lower():
            columns = [name.strip().lower() for name in rest.split(",")]
        elif kind == "comment" and rest.count(",") >= len(columns) - 1:
            layout.told[HIDDEN] += 1
        elif kind == "dialogue":
            values = dict(zip(columns, rest.split(",", len(columns) - 1), strict=False))
            times = [seconds(_plain_signs(values.get(name, "").strip())) for name in ("start", "end")]
            if times[0] is None or times[1] is None:
                layout.told[NO_TIME] += 1
            else:
                events.append((times[0], times[1], values))
    for event, (start_s, end_s, values) in zip(_read_events(events), events, strict=True):
        if end_s < start_s:
            layout.told[BACKWARDS] += 1
            start_s, end_s = end_s, start_s
        raw, style = event.text, values.get("style", "").strip().lstrip("*")
        if event.is_drawing or not re.sub(r"\{[^}]*\}", "", raw).strip():
            layout.told[DRAWING if event.is_drawing else EMPTY] += 1
            continue
        placed = bool(_PLACED.search(raw))
        layout.cues.append(Cue(max(start_s, 0), max(end_s, 0), raw, style, event.name.strip(), placed))
    _give_lengths(layout)
    return layout


def _read_events(events: list[tuple[float, float, dict[str, str]]]) -> list[Any]:
    """The events as pysubs2 reads them from a table in the standard layout."""
    import pysubs2

    table = [
        ",".join((
            "0", "0:00:00.00", "0:00:00.00", values.get("style", "").strip(),
            values.get("name", values.get("actor", "")).strip(),
            "0", "0", "0", values.get("effect", "").strip(), values.get("text", "").strip(),
        ))
        for _, _, values in events
    ]  # fmt: skip
    lines = ["[Script Info]", "ScriptType: v4.00+", "", "[Events]", *(f"Dialogue: {row}" for row in table)]
    return list(pysubs2.SSAFile.from_string("\n".join(lines), format_="ass").events)


def _other(text: str) -> Layout | None:
    """TTML, SAMI, MPL2 and the like, where pysubs2 knows the text for one of them."""
    import pysubs2

    try:
        parsed = pysubs2.SSAFile.from_string(text)
    except (pysubs2.exceptions.Pysubs2Error, ValueError, KeyError, IndexError, SyntaxError):
        return None  # SyntaxError: TTML that is no XML
    layout = Layout(str(parsed.format or "other"))
    for event in parsed.events:
        cue = Cue(max(event.start, 0) / 1000, max(event.end, 0) / 1000, event.plaintext)
        if not cue.text.strip():
            layout.told[EMPTY] += 1
        elif cue.end_s < cue.start_s:
            layout.told[BACKWARDS] += 1
            layout.cues.append(Cue(cue.end_s, cue.start_s, cue.text))
        else:
            layout.cues.append(cue)
    _give_lengths(layout)
    return layout if layout.cues else None


def _plain_signs(line: str) -> str:
    """Full-width digits and colons, and spaces that are none, as ASCII."""
    return line.translate(_FULL_WIDTH) if not line.isascii() else line


_FULL_WIDTH = str.maketrans("０１２３４５６７８９：；．，－\u00a0\u3000", "0123456789:;.,-  ")
