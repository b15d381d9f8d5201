"""Local voices of overlapping windows, joined to the speakers of a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ver_pipeline.measure.speaker_embedding import Vector

SAME = 0.45
"""Two groups of voices of at least this mean cosine similarity are one speaker (fitted: benchmarks/diarization.py)."""
MIN_SPEAKER_S = 1.0
"""A speaker whose voice is heard alone for less than this in all is none of their own."""
MAX_CLUSTERED = 4000
"""Comparing all with all beyond this would need more than 128 MB; others go to the nearest speaker."""

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LocalVoice:
    """One of a window's voices: how long it is heard alone in the window, and its vector."""

    window: int
    alone_s: float
    vector: Vector


def speakers_of(voices: Sequence[LocalVoice], same: float | None = None) -> list[int | None]:
    """The number of each voice's speaker; None where it is like no speaker and too short to be one.

    Agglomerative clustering with average linkage of cosine distances (scipy); voices of one window are never joined
    directly, since the network heard them as two.

    Args:
        same: the least mean cosine similarity of one speaker; None takes ``SAME``.
    """
    if not voices:
        return []
    same = SAME if same is None else same
    order = sorted(range(len(voices)), key=lambda i: (-voices[i].alone_s, i))[:MAX_CLUSTERED]
    chosen = sorted(order)
    labels = dict(zip(chosen, _clusters([voices[i] for i in chosen], same), strict=True))
    heard_s: dict[int, float] = {}
    for i, label in labels.items():
        heard_s[label] = heard_s.get(label, 0.0) + voices[i].alone_s
    whole = sorted(label for label, total_s in heard_s.items() if total_s >= MIN_SPEAKER_S)
    if not whole:
        return [None] * len(voices)
    centres = np.stack([_centre([voices[i] for i, label in labels.items() if label == cluster]) for cluster in whole])
    labels_of_all: list[int | None] = []
    for i, voice in enumerate(voices):
        own = labels.get(i)
        if own in whole:
            labels_of_all.append(own)
            continue
        near = centres @ voice.vector
        best = int(np.argmax(near))
        labels_of_all.append(whole[best] if near[best] >= same else None)
    return labels_of_all


def centres_of(voices: Sequence[LocalVoice], who: Sequence[int | None]) -> dict[int, tuple[float, ...]]:
    """The mean unit vector of each speaker, weighted by time, to four decimals."""
    centres = {}
    for number in sorted({cluster for cluster in who if cluster is not None}):
        centre = _centre([voice for voice, one in zip(voices, who, strict=True) if one == number])
        centres[number] = tuple(round(float(value), 4) for value in centre)
    return centres


def _centre(voices: Sequence[LocalVoice]) -> Matrix:
    total = np.sum([voice.alone_s * voice.vector.astype(np.float64) for voice in voices], axis=0)
    return np.asarray(total / np.linalg.norm(total))


def _clusters(voices: Sequence[LocalVoice], same: float) -> list[int]:
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(voices) == 1:
        return [1]
    vectors = np.stack([voice.vector for voice in voices]).astype(np.float64)
    distance = np.clip(1 - vectors @ vectors.T, 0, 2)
    window = np.array([voice.window for voice in voices])
    distance[window[:, None] == window[None, :]] = 2.0
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(np.round(distance, 6), checks=False), "average")
    return [int(label) for label in fcluster(tree, 1 - same, "distance")]
