"""Small charts as HTML and inline SVG: no library, no script, readable without colour.

Every mark carries its figure as text (a title or a label), and every string that comes from data is
escaped here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ver_pipeline.report.words import both, label_name, say

Row = Mapping[str, Any]
PLANE_SIDE = 360
PLANE_PAD = 26
GREATEST_RADIUS = 22.0
HIST_WIDTH, HIST_HEIGHT = 360, 120
MOST_BINS = 40
WIDEST_COLUMN = 38.0


def number(value: float | None, digits: int = 0) -> str:
    """A figure as people read it: thousands apart, no digits that mean nothing."""
    if value is None:
        return "–"
    return f"{value:,.{digits}f}"


def figure_of(query: str, value: float | str) -> str:
    """Attributes that say which query a shown figure comes from, and its exact value."""
    return f'data-figure="{escape(query)}" data-value="{escape(str(value))}"'


def colour(label: str) -> str:
    """The CSS variable of a label's colour; ``label`` is one of ours or a plain grey."""
    return f"var(--e-{label})" if label.isalpha() and label.isascii() else "var(--muted)"


def bars(rows: Sequence[tuple[str, int, str]], figure: str) -> str:
    """Horizontal bars.  ``rows``: markup of the name, count, CSS colour; ``figure`` names the query."""
    if not rows:
        return f'<p class="none">{say("not_recorded")}</p>'
    most, total = max(n for _, n, _ in rows) or 1, sum(n for _, n, _ in rows) or 1
    lines = [
        f'<li><span class="name">{name}</span>'
        f'<span class="track"><i style="width:{100 * n / most:.2f}%;background:{tint}"></i></span>'
        f'<span class="n" {figure_of(figure, n)}>{number(n)}<small>{100 * n / total:.1f}%</small></span></li>'
        for name, n, tint in rows
    ]
    return f'<ul class="bars">{"".join(lines)}</ul>'


def ribbon(rows: Sequence[Row]) -> str:
    """All samples as one band, split by label."""
    total = sum(row["n"] for row in rows) or 1
    parts = [
        f'<i style="flex:{row["n"]};background:{colour(row["label"])}" '
        f'title="{escape(row["label"])}: {row["n"]} ({100 * row["n"] / total:.1f}%)"></i>'
        for row in rows
    ]
    return f'<div class="ribbon" role="img" aria-label="labels">{"".join(parts)}</div>'


def histogram(rows: Sequence[Row], step: int, figure: str, whole: tuple[int, int] | None = None) -> str:
    """Columns over equal bins that begin at ``row["bin"]`` and are ``step`` wide.

    ``whole`` is the first and last bin where the scale is fixed.  Bins beyond :data:`MOST_BINS` are drawn
    in the last column, which then says so with a plus.
    """
    if not rows:
        return f'<p class="none">{say("not_recorded")}</p>'
    first, end = whole or (min(row["bin"] for row in rows), max(row["bin"] for row in rows))
    top = min(end, first + step * (MOST_BINS - 1))
    last = "+" if end > top else ""
    counts = dict.fromkeys(range(first, top + 1, step), 0)
    for row in rows:
        counts[min(row["bin"], top)] += row["n"]
    most, width = max(counts.values()), min(WIDEST_COLUMN, HIST_WIDTH / len(counts))
    marks = []
    for i, (bin_, n) in enumerate(counts.items()):
        high = max(1.5, (HIST_HEIGHT - 30) * n / most) if n else 0
        marks.append(
            f'<rect x="{i * width + 0.5:.2f}" y="{HIST_HEIGHT - 18 - high:.2f}" width="{max(1.0, width - 1.5):.2f}" '
            f'height="{high:.2f}" rx="1.5" data-bin="{bin_}" {figure_of(figure, n)}>'
            f"<title>{_range(bin_, step, bin_ == top, last)}: {n}</title></rect>"
        )
    every = max(1, math.ceil(len(counts) / 8))
    ticks = "".join(
        f'<text x="{(i + 0.5) * width:.1f}" y="{HIST_HEIGHT - 4}" text-anchor="middle">'
        f"{bin_}{last if bin_ == top else ''}</text>"
        for i, bin_ in enumerate(counts)
        if i % every == 0
    )
    return f'<svg class="hist" viewBox="0 0 {HIST_WIDTH} {HIST_HEIGHT}" role="img">{"".join(marks)}{ticks}</svg>'


def _range(bin_: int, step: int, is_top: bool, last: str) -> str:
    if is_top and last:
        return f"{bin_}{last}"
    return f"{bin_}" if step == 1 else f"{bin_}–{bin_ + step - 1}"


def plane(rows: Sequence[Row]) -> str:
    """The valence-arousal plane: a disc a place, its area the number of samples there."""
    if not rows:
        return f'<p class="none">{say("not_recorded")}</p>'
    most, inner = max(row["n"] for row in rows), PLANE_SIDE - 2 * PLANE_PAD

    def at(value: float) -> float:
        return PLANE_PAD + inner * (value + 1) / 2

    discs = []
    for row in sorted(rows, key=lambda r: -r["n"]):
        radius = max(2.2, GREATEST_RADIUS * math.sqrt(row["n"] / most))
        discs.append(
            f'<circle cx="{at(row["valence"]):.1f}" cy="{PLANE_SIDE - at(row["arousal"]):.1f}" r="{radius:.1f}" '
            f'fill="{colour(row["label"])}" {figure_of("plane", row["n"])}><title>{escape(row["label"])} '
            f"({row['valence']:+.1f}, {row['arousal']:+.1f}): {row['n']}</title></circle>"
        )
    middle, end = PLANE_SIDE / 2, PLANE_SIDE - PLANE_PAD
    axes = (
        f'<path class="axis" d="M{PLANE_PAD} {middle}H{end}M{middle} {PLANE_PAD}V{end}"/>'
        f'<circle class="axis" cx="{middle}" cy="{middle}" r="{inner / 2}"/>'
    )
    words = "".join(
        _svg_words(name, x, y, anchor)
        for name, x, y, anchor in (
            ("unpleasant", PLANE_PAD, middle - 6, "start"),
            ("pleasant", end, middle - 6, "end"),
            ("excited", middle, PLANE_PAD - 8, "middle"),
            ("calm", middle, PLANE_SIDE - 8, "middle"),
        )
    )
    return f'<svg class="plane" viewBox="0 0 {PLANE_SIDE} {PLANE_SIDE}" role="img">{axes}{"".join(discs)}{words}</svg>'


def _svg_words(name: str, x: float, y: float, anchor: str) -> str:
    from ver_pipeline.report.words import WORDS

    return svg_both(*WORDS[name], x, y, anchor)


def svg_both(en: str, zh: str, x: float, y: float, anchor: str = "start") -> str:
    """A label inside an SVG in both languages."""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="en" {place}>{escape(en)}</text><text class="zh" {place}>{escape(zh)}</text>'


def matrix(labels: Sequence[str], counts: Mapping[tuple[str, str], int], figure: str) -> str:
    """A table of counts whose cells are shaded; rows and columns are labels."""
    off = [n for (a, b), n in counts.items() if a != b]
    most = max(off, default=1) or 1
    head = "".join(f'<th scope="col"><span>{label_name(label)}</span></th>' for label in labels)
    lines = []
    for a in labels:
        cells = []
        for b in labels:
            n = counts.get((a, b), 0)
            tint = f'style="--s:{min(1.0, n / most):.3f}"' if n else ""
            kind = ' class="self"' if a == b else ""
            cells.append(f"<td{kind} {tint} {figure_of(figure, n)}>{n or ''}</td>")
        lines.append(f'<tr><th scope="row">{label_name(a)}</th>{"".join(cells)}</tr>')
    return f'<div class="wide"><table class="matrix"><tr><td></td>{head}</tr>{"".join(lines)}</table></div>'


def intensities(rows: Sequence[Row], labels: Sequence[str]) -> str:
    """A strip a label: how its samples spread over intensity 0 to 4."""
    counts = {(row["label"], row["intensity"]): row["n"] for row in rows}
    lines = []
    for label in labels:
        total = sum(counts.get((label, i), 0) for i in range(5))
        if not total:
            continue
        cells = "".join(
            f'<td class="shade" style="--c:{colour(label)};--s:{counts.get((label, i), 0) / total:.3f}" '
            f"{figure_of('intensity', counts.get((label, i), 0))}>{counts.get((label, i), 0) or ''}</td>"
            for i in range(5)
        )
        lines.append(f'<tr><th scope="row">{label_name(label)}</th>{cells}</tr>')
    if not lines:
        return f'<p class="none">{say("not_recorded")}</p>'
    head = "".join(f'<th scope="col">{i}</th>' for i in range(5))
    return f'<div class="wide"><table class="strips"><tr><td></td>{head}</tr>{"".join(lines)}</table></div>'


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], right: Sequence[int] = ()) -> str:
    """A plain table.  ``columns`` are names of phrases; a cell that is ``Markup`` goes in as it is."""
    if not rows:
        return f'<p class="none">{say("not_recorded")}</p>'
    head = "".join(f"<th{_side(i, right)}>{say(name)}</th>" for i, name in enumerate(columns))
    body = "".join(
        "<tr>" + "".join(f"<td{_side(i, right)}>{_cell(value)}</td>" for i, value in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def _side(i: int, right: Sequence[int]) -> str:
    return ' class="r"' if i in right else ""


def _cell(value: Any) -> str:
    if isinstance(value, Markup):
        return value
    if value is None:
        return "–"
    if isinstance(value, float):
        return number(value, 2)
    return escape(number(value)) if isinstance(value, int) else escape(str(value))


def words_cloud(rows: Sequence[Row]) -> str:
    """Open labels as chips, larger where more frequent, in the colour of their canonical label."""
    if not rows:
        return f'<p class="none">{say("not_recorded")}</p>'
    most = max(row["n"] for row in rows)
    chips = [
        f'<span class="word" style="--c:{colour(row["canon"] or "undetermined")};'
        f'font-size:{0.82 + 0.75 * math.sqrt(row["n"] / most):.2f}rem">'
        f"{both(row['en'], row['zh'] or row['en'])}"
        f"<small {figure_of('open_words', row['n'])}>{row['n']}</small></span>"
        for row in rows
    ]
    return f'<p class="cloud">{"".join(chips)}</p>'
