"""Frames are chosen by time and cut into patches as the reference processor does it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from video_shards import encode_video, make_video

from ver_pipeline.model.vision import (
    Sampling,
    UndecodableError,
    decode_frames,
    emphasise_faces,
    frame_count,
    smart_resize,
    to_patches,
)

torch.set_num_threads(1)


def reference():
    """transformers' module with the numpy processor, under its name in 5.x or 4.57."""
    try:
        from transformers.models.qwen2_vl import image_processing_pil_qwen2_vl as module
    except ImportError:
        from transformers.models.qwen2_vl import image_processing_qwen2_vl as module
    return module


def reference_processor():
    module = reference()
    return (getattr(module, "Qwen2VLImageProcessorPil", None) or module.Qwen2VLImageProcessor)()


@pytest.mark.parametrize(("height", "width"), [(112, 112), (140, 252), (336, 28)])
def test_patches_of_a_frame_are_those_of_the_reference(height, width):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    theirs = reference_processor()(images=[pixels], return_tensors="pt")
    patches, grid = to_patches(torch.from_numpy(pixels).permute(2, 0, 1)[None], 56 * 56, 1280 * 28 * 28)
    assert grid.tolist() == theirs["image_grid_thw"][0].tolist()
    # The numpy processor scales and normalises in two roundings, the torch one (ours) in one.
    assert torch.allclose(patches, theirs["pixel_values"].float(), atol=2e-6)


@pytest.mark.parametrize("size", [(130, 170), (720, 1280), (64, 48), (1080, 200)])
def test_sizes_follow_the_reference_rule(size):
    theirs = reference().smart_resize
    assert smart_resize(*size, 3136, 200_704) == theirs(*size, factor=28, min_pixels=3136, max_pixels=200_704)


def test_too_thin_a_frame_is_refused():
    with pytest.raises(UndecodableError, match="thin"):
        smart_resize(10, 3000, 3136, 200_704)


@pytest.mark.parametrize(("duration_s", "count"), [(0.4, 4), (2.0, 4), (3.4, 6), (20.0, 40), (10_000.0, 768)])
def test_frame_count_is_even_and_bounded(duration_s, count):
    assert frame_count(duration_s, Sampling()) == count


def test_odd_frames_are_padded_with_the_last_one():
    frames = torch.randint(0, 256, (3, 3, 56, 56), dtype=torch.uint8)
    patches, grid = to_patches(frames, 56 * 56, 448 * 448)
    padded, _ = to_patches(torch.cat([frames, frames[-1:]]), 56 * 56, 448 * 448)
    assert grid.tolist() == [2, 4, 4]
    assert torch.equal(patches, padded)


def gray_steps(n: int) -> list[np.ndarray]:
    return [np.full((64, 64, 3), 10 + 12 * i, np.uint8) for i in range(n)]


def test_frames_are_evenly_spaced_with_both_ends():
    frames, times = decode_frames(encode_video(gray_steps(16)), 4)
    shades = frames.float().mean((1, 2, 3))
    assert [round((float(s) - 10) / 12) for s in shades] == [0, 5, 10, 15]
    assert times == pytest.approx([0.0, 0.625, 1.25, 1.875])


def test_variable_frame_rate_is_sampled_by_time_not_by_count():
    import io

    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=8, options={"crf": "10"})
        stream.height = stream.width = 64
        stream.pix_fmt = "yuv420p"
        for shown_at, array in zip((0, 1, 2, 3, 4, 16, 17, 18), gray_steps(8), strict=True):
            frame = av.VideoFrame.from_ndarray(array, format="rgb24")
            frame.pts, frame.time_base = shown_at, Fraction(1, 8)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    frames, times = decode_frames(buffer.getvalue(), 4)
    shades = [round((float(s) - 10) / 12) for s in frames.float().mean((1, 2, 3))]
    assert times[1] == pytest.approx(times[-1] / 3)
    assert shades == [0, 4, 4, 7]  # the fifth frame stays on screen for a second and a half


def test_one_video_always_gives_the_same_patches():
    video = make_video("anger", "red", 3)
    first, second = (to_patches(decode_frames(video, 4)[0], 3136, 112 * 112)[0] for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("data", [b"", b"not a video at all", make_video("fear", "red", 1)[:200]])
def test_what_is_no_video_is_named_not_crashed_on(data):
    with pytest.raises(UndecodableError):
        decode_frames(data, 4)


def test_emphasis_dims_all_but_the_face_of_that_moment():
    frames = torch.full((2, 3, 10, 10), 200, dtype=torch.uint8)
    out = emphasise_faces(frames, [0.0, 5.0], [(0.1, (0.2, 0.2, 0.4, 0.4))])
    assert out[0, 0, 3, 3] == 200
    assert out[0, 0, 9, 9] == 70
    assert torch.equal(out[1], frames[1])
