"""One sample's evidence over time, as an SVG: words, faces, voice, and each observation where it lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ver_pipeline.report.charts import colour, svg_both
from ver_pipeline.report.words import MODALITIES

WIDTH = 640
LEFT = 74
LANE = 24
FACE_LANE = 34
FOOT = 18
LANES = {"words": ("transcript", "字词"), "faces": ("expression", "表情")}
"""What was measured, above what was said about it."""

MAX_PEOPLE = 6
ROLES = {
    "speaker": ("speaks", "说话"),
    "listener": ("listens", "倾听"),
    "bystander": ("present", "在场"),
    "offscreen_voice": ("off screen", "画外"),
    "unknown": ("unclear", "未知"),
}

Record = Mapping[str, Any]


def timeline(record: Record) -> str:
    """The drawing.  Spans without a time are drawn over the whole clip, faintly."""
    length_s = max(float(record["clip"]["duration_s"]), 1e-6)
    lanes: list[str] = []
    y = 4
    words = record["speech"]["words"] or record["speech"]["segments"]
    if words:
        lanes.append(svg_both(*LANES["words"], LEFT - 8, y + 14, "end") + _words(words, y, length_s))
        y += LANE
    tracks = record["measured"]["faces"]["tracks"]
    if tracks:
        lanes.append(
            svg_both(*LANES["faces"], LEFT - 8, y + 20, "end")
            + "".join(_face(track, y, length_s) for track in tracks[:3])
        )
        y += FACE_LANE
    for person in (record.get("people") or ())[:MAX_PEOPLE]:
        lanes.append(_person(person, record["speech"].get("turns") or (), y, length_s))
        y += LANE
    for modality in ("face", "body", "scene", "acoustic", "lexical", "context"):
        seen = [o for o in record["observations"] if o["modality"] == modality]
        if seen:
            lanes.append(_name(modality, y) + "".join(_span(o, y, length_s) for o in seen))
            y += LANE
    changes = "".join(_change(t, y, length_s) for t in record["emotion"]["transitions"])
    foot = _axis(y, length_s)
    return (
        f'<svg class="time" viewBox="0 0 {WIDTH} {y + FOOT}" role="img" data-length="{length_s:.3f}">'
        f'<g class="grid">{_grid(y, length_s)}</g>{"".join(lanes)}{changes}{foot}'
        f'<line class="now" x1="{LEFT}" x2="{LEFT}" y1="0" y2="{y}"/></svg>'
    )


def _x(t_s: float, length_s: float) -> float:
    return LEFT + (WIDTH - LEFT - 4) * min(max(t_s / length_s, 0.0), 1.0)


def _name(modality: str, y: float) -> str:
    return svg_both(*MODALITIES[modality], LEFT - 8, y + 14, "end")


def _words(words: Sequence[Record], y: float, length_s: float) -> str:
    marks = []
    for word in words:
        x0, x1 = _x(word["start_s"], length_s), _x(word["end_s"], length_s)
        text = word.get("word") or word.get("text") or ""
        marks.append(
            f'<rect class="word" x="{x0:.1f}" y="{y + 5}" width="{max(1.2, x1 - x0 - 0.8):.1f}" height="12" rx="2">'
            f"<title>{escape(text)} ({word['start_s']:.2f} s)</title></rect>"
        )
    return "".join(marks)


def _person(person: Record, turns: Sequence[Record], y: float, length_s: float) -> str:
    """One person: what they seem to feel as bars above, when they speak as a line beneath."""
    en, zh = ROLES[person["role"]]
    name = f"{person['person_id']} {'★ ' if person['is_subject'] else ''}"
    bars = []
    for felt in person["emotions"]:
        x0, x1 = _x(felt["start_s"], length_s), _x(felt["end_s"], length_s)
        title = f"{person['person_id']}: {felt['label']} {felt['confidence']:.2f} ({', '.join(felt['sources'])})"
        bars.append(
            f'<rect class="span" x="{x0:.1f}" y="{y + 4}" width="{max(3.0, x1 - x0):.1f}" height="10" rx="3" '
            f'style="--c:{colour(felt["label"])}" data-t="{felt["start_s"]:.3f}"><title>{escape(title)}</title></rect>'
        )
    for number in person["turns"]:
        turn = turns[number]
        x0, x1 = _x(turn["start_s"], length_s), _x(turn["end_s"], length_s)
        bars.append(
            f'<rect class="word" x="{x0:.1f}" y="{y + 16}" width="{max(2.0, x1 - x0):.1f}" height="4" rx="2">'
            f"<title>{escape(turn['speaker'] or '')}: {escape(turn['text'])}</title></rect>"
        )
    return svg_both(name + en, name + zh, LEFT - 8, y + 14, "end") + "".join(bars)


def _face(track: Record, y: float, length_s: float) -> str:
    """Presence as a line, and how far the expression is from neutral as an area."""
    base = y + FACE_LANE - 6
    x0, x1 = _x(track["start_s"], length_s), _x(track["end_s"], length_s)
    dominant = track["dominant"] or "neutral"
    tint = colour(dominant)
    points = [
        (_x(box["t_s"], length_s), base - 24 * (1 - float(box["expression"].get("neutral", 0.0))))
        for box in track["boxes"]
        if box["expression"]
    ]
    area = ""
    if len(points) > 1:
        path = "L".join(f"{x:.1f} {y_:.1f}" for x, y_ in points)
        area = (
            f'<path class="face" style="--c:{tint}" d="M{points[0][0]:.1f} {base}L{path}L{points[-1][0]:.1f} {base}Z"/>'
        )
    title = f"<title>{escape(track['track_id'])}: {escape(dominant)}</title>"
    place = f'x="{x0:.1f}" y="{base}" width="{max(2.0, x1 - x0):.1f}"'
    bar = f'<rect {place} height="3" rx="1.5" fill="{tint}">{title}</rect>'
    return area + bar


def _span(observation: Record, y: float, length_s: float) -> str:
    timed = observation["start_s"] is not None
    x0 = _x(observation["start_s"] or 0.0, length_s)
    x1 = _x(observation["end_s"] if observation["end_s"] is not None else length_s, length_s)
    tint = colour(observation["supports"][0]) if observation["supports"] else "var(--muted)"
    kind = "span" if timed else "span always"
    text = f"{observation['eid']}: {observation['text_en']} / {observation['text_zh']}"
    eid = (
        f'<text class="eid" x="{x0 + 5:.1f}" y="{y + 14.5}">{escape(observation["eid"])}</text>' if x1 - x0 > 26 else ""
    )
    return (
        f'<rect class="{kind}" x="{x0:.1f}" y="{y + 4}" width="{max(3.0, x1 - x0):.1f}" height="14" rx="4" '
        f'style="--c:{tint}" data-t="{observation["start_s"] or 0.0:.3f}"><title>{escape(text)}</title></rect>{eid}'
    )


def _change(transition: Record, y: float, length_s: float) -> str:
    x = _x(transition["t_s"], length_s)
    text = f"{transition['from_label']} → {transition['to_label']} ({transition['t_s']:.1f} s)"
    return f'<line class="change" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{y}"><title>{escape(text)}</title></line>'


def _ticks(length_s: float) -> list[float]:
    step = next((s for s in (0.5, 1, 2, 5, 10, 20, 60, 120) if length_s / s <= 8), 300)
    return [i * step for i in range(int(length_s / step) + 1)]


def _grid(y: float, length_s: float) -> str:
    return "".join(
        f'<line x1="{_x(t, length_s):.1f}" x2="{_x(t, length_s):.1f}" y1="0" y2="{y}"/>' for t in _ticks(length_s)
    )


def _axis(y: float, length_s: float) -> str:
    return "".join(
        f'<text x="{_x(t, length_s):.1f}" y="{y + 13}" text-anchor="middle">{t:g}</text>' for t in _ticks(length_s)
    )
