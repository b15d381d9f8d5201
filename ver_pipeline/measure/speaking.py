"""Which face speaks: a mouth that moves while a voice is heard, and whether the voice is on the screen at all.

Mouth motion is the change of the inner lips' opening from look to look, about eight a second, as a share of the
face's height, with the head's movement taken out (``face_shape``): the mean over ``WINDOW_S`` around a look, without
the largest change (a smile that begins is no speech).  The voice is known by the times of the words.  What it comes
to on the sample footage, ``benchmarks/speaking_face.py`` prints; the bounds below lie between what it shows of a man
who speaks and of people who cry, laugh and smile under other voices.

A mouth that moves as much while nobody is heard as while somebody is, is not believed: it chews, or speaks words that
were dubbed over.  One voice is given to one face: where several move, to the one that moves most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from ver_pipeline.measure.face_shape import FACE_HEIGHT_CM, ShapeLook

Decision = Literal["on", "off", "mixed", "unknown"]

LOOK_S = 0.125
"""Time between two looks at a mouth that motion is given for; closer looks are left out."""
MIN_LOOKS_PER_S = 6.0
WINDOW_S = 1.0
MOVES = 0.009
"""Mouth motion from which a mouth moves: between the speakers' least and the silent faces' most (see above)."""
STILL, LIVELY = 0.004, 0.014
"""Mouth motion that scores 0, and that scores 1."""
WORD_GAP_S = 0.3
"""A shorter gap between words is no pause of the voice."""
ALIKE = 0.75
"""Motion outside the voice, as a share of that inside, from which a mouth is not believed to be the voice's."""
MIN_OUTSIDE_S = 0.75
MIN_VOICE_S = 0.5
"""Less voice decides nothing."""
MIN_KNOWN = 0.5
"""Share of the voice's time in which it must be known whether a visible mouth moves."""
ON, OFF = 0.6, 0.35
"""Share of the known time with a speaking face from which the voice is on the screen, and up to which it is off."""
JOIN_S, MIN_SPAN_S = 0.5, 0.3


@dataclass(frozen=True, slots=True)
class Mouth:
    """One face's mouth: times, and motion at each (None where it is hidden or the looks are too far apart)."""

    times_s: tuple[float, ...]
    motion: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Speaking:
    """One face against the voice.  ``score`` (0 to 1): how much its mouth moves while the voice is heard; motions are
    means, None where there was nothing to measure; ``spans`` is when it speaks, (start, end) in seconds."""

    score: float | None
    motion_in_voice: float | None
    motion_outside: float | None
    spans: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class OnScreen:
    """Whether the voice is on the screen, and from what: seconds of voice, of it with a readable mouth or no face at
    all (``known_s``), and of it with a speaking face (``speaking_s``)."""

    decision: Decision
    voice_s: float
    known_s: float
    speaking_s: float


def voice_spans(speech: Mapping[str, Any], duration_s: float) -> list[tuple[float, float]]:
    """When somebody is heard: words joined over short gaps, or segments where words carry no times."""
    items = speech.get("words") or speech.get("segments") or ()
    spans: list[tuple[float, float]] = []
    for start_s, end_s in sorted((float(item["start_s"]), float(item["end_s"])) for item in items):
        if spans and start_s - spans[-1][1] < WORD_GAP_S:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end_s))
        else:
            spans.append((start_s, end_s))
    return [(start_s, min(end_s, duration_s)) for start_s, end_s in spans if start_s < min(end_s, duration_s)]


def mouth_of(looks: Sequence[ShapeLook]) -> Mouth:
    """The motion of a face's mouth at each look that is about ``LOOK_S`` after the one before."""
    looks_kept: list[ShapeLook] = []
    for look in looks:
        if not looks_kept or look.t_s - looks_kept[-1].t_s >= 0.8 * LOOK_S:
            looks_kept.append(look)
    steps: list[tuple[float, float] | None] = [None]
    for before, after in pairwise(looks_kept):
        gap_s = after.t_s - before.t_s
        readable = before.detailed and after.detailed and gap_s <= 1 / MIN_LOOKS_PER_S
        change = abs(after.measures.mouth_open - before.measures.mouth_open) / FACE_HEIGHT_CM
        steps.append(((before.t_s + after.t_s) / 2, change * LOOK_S / max(gap_s, LOOK_S)) if readable else None)
    known = [step for step in steps if step is not None]
    motion: list[float | None] = []
    for look in looks_kept:
        near = sorted(change for t_s, change in known if abs(t_s - look.t_s) <= WINDOW_S / 2)[:-1]
        motion.append(sum(near) / len(near) if len(near) >= 3 else None)
    return Mouth(tuple(look.t_s for look in looks_kept), tuple(motion))


def who_speaks(
    mouths: Sequence[Mouth], voice: Sequence[tuple[float, float]], duration_s: float
) -> tuple[list[Speaking], OnScreen]:
    """Judge every face of a clip against its voice.

    Args:
        mouths: one a face.
        voice: when somebody is heard, in order, as ``voice_spans`` gives it.
        duration_s: of the clip.

    Returns:
        One ``Speaking`` a face, in order, and the decision for the clip.
    """
    rates = [_rates(mouth, voice) for mouth in mouths]
    believed = [not _alike(inside, outside) for inside, outside in rates]
    grid = [n * LOOK_S for n in range(int(duration_s / LOOK_S) + 1)]
    voiced = [t_s for t_s in grid if _within(t_s, voice)]
    chosen: list[list[float]] = [[] for _ in mouths]
    known = speaking = 0
    for t_s in voiced:
        here = [_at(mouth, t_s) for mouth in mouths]
        seen = [(motion, n) for n, (motion, present) in enumerate(here) if present and motion is not None]
        hidden = any(present and motion is None for motion, present in here)
        moving = [(motion, -n) for motion, n in seen if motion >= MOVES and believed[n]]
        if moving:
            chosen[-max(moving)[1]].append(t_s)
            speaking += 1
        known += bool(moving) or not hidden
    return [
        _speaking(mouth, voice, times, rate) for mouth, times, rate in zip(mouths, chosen, rates, strict=True)
    ], _decide(len(mouths), len(voiced) * LOOK_S, known * LOOK_S, speaking * LOOK_S)


def _decide(faces: int, voice_s: float, known_s: float, speaking_s: float) -> OnScreen:
    decision: Decision = "unknown"
    if faces and voice_s >= MIN_VOICE_S and known_s >= MIN_KNOWN * voice_s:
        share = speaking_s / known_s
        decision = "on" if share >= ON else ("off" if share <= OFF else "mixed")
    return OnScreen(decision, round(voice_s, 3), round(known_s, 3), round(speaking_s, 3))


def _speaking(
    mouth: Mouth,
    voice: Sequence[tuple[float, float]],
    times_s: Sequence[float],
    rates: tuple[float | None, float | None],
) -> Speaking:
    values = [m for t, m in zip(mouth.times_s, mouth.motion, strict=True) if m is not None and _within(t, voice)]
    score = sum(min(1.0, max(0.0, (m - STILL) / (LIVELY - STILL))) for m in values) / len(values) if values else None
    if score is not None and _alike(*rates):
        score = 0.0
    return Speaking(score, *rates, _spans(times_s))


def _rates(mouth: Mouth, voice: Sequence[tuple[float, float]]) -> tuple[float | None, float | None]:
    """Mean motion while the voice is heard, and well outside of it; None where there is too little."""
    near = [(start_s - WINDOW_S / 3, end_s + WINDOW_S / 3) for start_s, end_s in voice]
    pairs = [(t, m) for t, m in zip(mouth.times_s, mouth.motion, strict=True) if m is not None]
    inside = [m for t, m in pairs if _within(t, voice)]
    outside = [m for t, m in pairs if not _within(t, near)]
    return (
        sum(inside) / len(inside) if inside else None,
        sum(outside) / len(outside) if len(outside) * LOOK_S >= MIN_OUTSIDE_S else None,
    )


def _alike(inside: float | None, outside: float | None) -> bool:
    return inside is not None and outside is not None and outside >= MOVES and outside >= ALIKE * inside


def _at(mouth: Mouth, t_s: float) -> tuple[float | None, bool]:
    """The motion at the look nearest to a time, and whether the face is there at all."""
    if not mouth.times_s or not mouth.times_s[0] - LOOK_S <= t_s <= mouth.times_s[-1] + LOOK_S:
        return None, False
    nearest = min(range(len(mouth.times_s)), key=lambda n: abs(mouth.times_s[n] - t_s))
    return mouth.motion[nearest], True


def _within(t_s: float, spans: Sequence[tuple[float, float]]) -> bool:
    return any(start_s <= t_s < end_s for start_s, end_s in spans)


def _spans(times_s: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Times of a grid joined to spans; the short ones are dropped."""
    spans: list[list[float]] = []
    for t_s in times_s:
        if spans and t_s - spans[-1][1] <= JOIN_S:
            spans[-1][1] = t_s + LOOK_S
        else:
            spans.append([t_s, t_s + LOOK_S])
    return tuple((round(a, 3), round(b, 3)) for a, b in spans if b - a >= MIN_SPAN_S)
