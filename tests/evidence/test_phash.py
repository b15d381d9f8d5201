"""The perceptual hash: stable under scaling and small noise, different for different frames."""

from __future__ import annotations

import numpy as np
import pytest

from ver_pipeline.measure.phash import distance, phash


def picture(seed: int) -> np.ndarray:
    """A smooth random frame of 180 x 320."""
    coarse = np.random.default_rng(seed).uniform(0, 255, (9, 16))
    return np.kron(coarse, np.ones((20, 20)))


def test_the_same_frame_at_another_size_and_with_noise_is_near() -> None:
    original = picture(1)
    noisy = np.clip(original + np.random.default_rng(2).normal(0, 4, original.shape), 0, 255).astype(np.uint8)
    assert distance(phash(original), phash(original[::2, ::2])) <= 4
    assert distance(phash(original), phash(noisy)) <= 4


def test_brightness_alone_changes_nothing_much() -> None:
    assert distance(phash(picture(1)), phash(picture(1) * 0.6 + 20)) <= 2


def test_different_frames_are_far() -> None:
    hashes = [phash(picture(seed)) for seed in range(8)]
    assert min(distance(a, b) for i, a in enumerate(hashes) for b in hashes[:i]) >= 12


def test_a_flat_frame_has_the_zero_hash_and_a_wrong_shape_is_named() -> None:
    assert phash(np.full((90, 160), 128, np.uint8)) == "0" * 16
    with pytest.raises(ValueError, match="luma frame"):
        phash(np.zeros((2, 2, 3)))
