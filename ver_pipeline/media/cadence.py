"""How a video's frames are made of fields: a short look at the frames themselves.

Flags alone are not believed: progressive films are broadcast as interlaced, and combed frames are re-encoded as
progressive.  Where nothing moves the flags decide.

A pixel is combed where it moves and stands out from the lines above and below by the same sign (the measure of
ffmpeg's ``fieldmatch``); a frame is combed where whole blocks of it are.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt

from ver_pipeline.media.fields import Cadence, FieldOrder

Luma = npt.NDArray[np.int16]
"""Brightness in 0..255, ``[lines, columns]``; signed, so that differences can be taken."""

STRETCH_FRAMES = 20
"""Frames looked at in one place: four turns of the five-frame pattern of 3:2 pulldown."""
S_PER_STRETCH = 60
MOST_STRETCHES = 5
MAX_COLUMNS = 640
"""Combs are looked for in the middle of a wider frame."""

MOVES = 12
"""Levels by which a pixel must differ from the frame before to count as moving."""
STANDS_OUT = 9
"""Levels by which a line must stand out from its neighbours (``fieldmatch``'s ``cthresh``)."""
BLOCK = 16
COMBED_PIXELS = 12
"""Of a block's 256: from here on it is combed."""
MOVING_PIXELS = 24
LEAST_BLOCKS = 1
COMBED_BLOCKS_SHARE = 0.1
"""Of the blocks that move: from here on the frame is combed."""
LEAST_MOVING_FRAMES = 4
COMBED_FRAMES_SHARE = 0.5
SAME_ORDER_SHARE = 0.8
"""Of the combed frames that show which field comes first: the fields of a video come in one order."""

TELECINE_RATES = (Fraction(29), Fraction(61, 2))
"""Between these frame rates 3:2 pulldown of 24 frames a second is looked for."""
TELECINE_CYCLE = 5
PULLDOWN_RATIO = 2


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring frames: for each, how many of its blocks move and how many of those are combed, and how many frames
    speak for either field order."""

    moving: tuple[int, ...]
    combed: tuple[int, ...]
    tff_votes: int = 0
    bff_votes: int = 0

    @property
    def kind(self) -> FieldOrder | Literal["telecined"] | None:
        """None where nothing moved enough to tell."""
        known = [(moving, combed) for moving, combed in zip(self.moving, self.combed, strict=True) if moving]
        if len(known) < LEAST_MOVING_FRAMES:
            return None
        if self._is_pulldown():
            return "telecined"
        n_combed = sum(_is_combed(*blocks) for blocks in known)
        if n_combed <= COMBED_FRAMES_SHARE * len(known) or self._is_noise(n_combed):
            return "progressive"
        return "bff" if self.bff_votes > self.tff_votes else "tff"

    def _is_noise(self, n_combed: int) -> bool:
        """Grain looks combed too, but in no order of fields: most combed frames must speak for one and the same."""
        votes = self.tff_votes + self.bff_votes
        return max(self.tff_votes, self.bff_votes) < SAME_ORDER_SHARE * max(votes, COMBED_FRAMES_SHARE * n_combed)

    def _is_pulldown(self) -> bool:
        """Two neighbouring frames of every five are combed far more than the other three."""
        places = [self.combed[start::TELECINE_CYCLE] for start in range(TELECINE_CYCLE)]
        if any(len(blocks) < 2 for blocks in places):
            return False
        for first in range(TELECINE_CYCLE):
            turned = [places[(first + step) % TELECINE_CYCLE] for step in range(TELECINE_CYCLE)]
            least = min(_middle(blocks) for blocks in turned[:2])
            if least > PULLDOWN_RATIO * max(_middle(blocks) for blocks in turned[2:]):
                return True
        return False


def look(frames: Sequence[Luma]) -> Stretch:
    """What neighbouring frames show.

    Args:
        frames: brightness in 0..255, int16 ``[lines, columns]``, all alike.
    """
    moving_blocks, combed_blocks = [], []
    tff = bff = 0
    for before, now in itertools.pairwise(frames):
        if before.shape != now.shape:
            continue
        moving = np.abs(now - before) > MOVES
        n_moving = int((_per_block(moving) >= MOVING_PIXELS).sum())
        n_combed = _combed_blocks(now, moving) if n_moving >= LEAST_BLOCKS else 0
        moving_blocks.append(n_moving)
        combed_blocks.append(n_combed)
        if n_moving and _is_combed(n_moving, n_combed):
            # The fields that follow each other in time comb less when they are woven together.
            as_tff, as_bff = (_combed_blocks(_woven(*pair), moving) for pair in ((now, before), (before, now)))
            tff, bff = tff + (as_tff < as_bff), bff + (as_bff < as_tff)
    return Stretch(tuple(moving_blocks), tuple(combed_blocks), tff, bff)


def cadence(stretches: Sequence[Stretch], flagged: FieldOrder | None, fps: Fraction) -> Cadence:
    """What the stretches say together.

    One combed stretch makes a video interlaced: a few progressive parts lose little when they are deinterlaced, combs
    are there for good.  It is telecined only where every stretch that moves is.

    Args:
        flagged: the codec's own claim, None where it claims progressive or nothing.
    """
    kinds = [stretch.kind for stretch in stretches if stretch.kind is not None]
    if not kinds:
        return Cadence(flagged or "progressive")
    if all(kind == "progressive" for kind in kinds):
        return Cadence("progressive")
    tff, bff = sum(stretch.tff_votes for stretch in stretches), sum(stretch.bff_votes for stretch in stretches)
    seen: FieldOrder = "bff" if bff > tff else "tff"
    clear = max(tff, bff) >= max(LEAST_MOVING_FRAMES, SAME_ORDER_SHARE * (tff + bff))
    low, high = TELECINE_RATES
    telecined = low <= fps <= high and all(kind == "telecined" for kind in kinds)
    return Cadence(seen if clear or flagged is None else flagged, telecined)


def stretch_starts(duration_s: float) -> Iterator[Fraction]:
    """Where to look, in seconds: spread evenly over the video, more of it the longer it is."""
    count = max(1, min(MOST_STRETCHES, 1 + int(duration_s // S_PER_STRETCH)))
    for number in range(count):
        yield Fraction(duration_s).limit_denominator(1000) * (2 * number + 1) / (2 * count + 1)


def luma_of(frame: object) -> Luma:
    """The brightness of a decoded frame (PyAV) in 0..255.

    Returns:
        int16 ``[lines, columns]``: its middle columns, at most ``MAX_COLUMNS`` of them.
    """
    grey = frame.to_ndarray(format="gray")  # type: ignore[attr-defined]
    spare = max(0, grey.shape[1] - MAX_COLUMNS) // 2
    return np.ascontiguousarray(grey[:, spare : spare + MAX_COLUMNS]).astype(np.int16)


def _woven(top: Luma, bottom: Luma) -> Luma:
    woven = top.copy()
    woven[1::2] = bottom[1::2]
    return woven


def _combed_blocks(frame: Luma, moving: npt.NDArray[np.bool_]) -> int:
    above, line, below = frame[:-2], frame[1:-1], frame[2:]
    up, down = line - above, line - below
    out = (np.minimum(up, down) > STANDS_OUT) | (np.maximum(up, down) < -STANDS_OUT)
    combs = out & (np.abs(above - below) <= STANDS_OUT) & moving[1:-1]
    return int((_per_block(combs) >= COMBED_PIXELS).sum())


def _per_block(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    lines, columns = (side // BLOCK * BLOCK for side in mask.shape)
    blocks = mask[:lines, :columns].reshape(lines // BLOCK, BLOCK, columns // BLOCK, BLOCK)
    return np.asarray(blocks.sum(axis=(1, 3)))


def _is_combed(moving: int, combed: int) -> bool:
    return combed >= max(LEAST_BLOCKS, COMBED_BLOCKS_SHARE * moving)


def _middle(counts: Sequence[int]) -> int:
    return sorted(counts)[len(counts) // 2]
