"""A clip shows its video's colours: high dynamic range, wide primaries, ranges, matrices and transparency.

The cards are made from the standards' own formulas, and compared with what is read back from the clips.
"""

from __future__ import annotations

from pathlib import Path

import av
import numbered
import numpy as np
import pytest
import videos
from cutting import cut


def hdr(path: Path, transfer: str) -> Path:
    """A test card in BT.2020, made from an SDR one by the standards' own formulas."""
    card = sdr_card()
    linear = np.where(card < 0.081, card / 4.5, ((card + 0.099) / 1.099) ** (1 / 0.45))
    wide = linear @ np.linalg.inv(np.array([[1.660491, -0.587641, -0.07285], [-0.12455, 1.1329, -0.008349],
                                            [-0.018151, -0.100579, 1.11873]])).T  # fmt: skip
    if transfer == "smpte2084":
        m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
        power = (np.clip(wide, 0, 1) * 203 / 10_000) ** m1
        signal = ((c1 + c2 * power) / (1 + c3 * power)) ** m2
    else:
        scene = np.clip(wide, 0, 1) * 0.26496256
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        signal = np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-6)) + c)
    raw = (signal * 65535).round().astype("<u2").tobytes() * 75
    tags = f"setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc:range=tv"
    command = [
        numbered.ffmpeg_path(), "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb48le",
        "-s", "320x240", "-r", "25", "-i", "pipe:",
        "-vf", f"scale=out_color_matrix=bt2020nc:out_range=tv,format=yuv420p10le,{tags}", "-c:v", "libx265",
        "-crf", "12", "-x265-params", "log-level=error", str(path),
    ]  # fmt: skip
    numbered.subprocess.run(command, input=raw, check=True)
    return path


def sdr_card() -> np.ndarray:
    """RGB in 0..1: a grey ramp above, patches of colour below."""
    card = np.zeros((240, 320, 3))
    card[:120] = np.repeat(np.linspace(0, 1, 16), 20)[None, :, None]
    colours = [(0.7, 0.5, 0.4), (0.2, 0.3, 0.6), (0.3, 0.6, 0.2), (0.8, 0.2, 0.2), (0.9, 0.8, 0.1), (0.5, 0.2, 0.5)]
    for number, colour in enumerate(colours):
        card[120:, number * 53 : (number + 1) * 53] = colour
    return card


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_high_dynamic_range_comes_out_as_its_sdr_twin(tmp_path, transfer):
    clip = cut(hdr(tmp_path / "hdr.mp4", transfer), tmp_path / "out")[0]
    assert "tone_mapped" in clip["media"]["normalised"]
    with av.open(clip["media_path"]) as video:
        shown = next(video.decode(video=0)).to_ndarray(format="rgb24").astype(float)
    assert np.abs(shown - sdr_card() * 255).mean() < 6
    with av.open(clip["poster_path"]) as poster:
        small = next(poster.decode(video=0)).to_ndarray(format="rgb24").astype(float)
    assert np.abs(small - sdr_card() * 255).mean() < 8


@pytest.mark.parametrize("matrix", ["bt601", "bt709"])
@pytest.mark.parametrize("levels", ["tv", "pc"])
def test_matrix_and_range_keep_the_colours(tmp_path, matrix, levels):
    raw = (sdr_card() * 255).round().astype(np.uint8).tobytes() * 75
    tags = ("-colorspace", {"bt601": "smpte170m", "bt709": "bt709"}[matrix], "-color_range", levels)
    path = tmp_path / "colours.mp4"
    command = [
        numbered.ffmpeg_path(), "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "320x240",
        "-r", "25", "-i", "pipe:", "-vf", f"scale=out_color_matrix={matrix}:out_range={levels},format=yuv420p",
        "-c:v", "libx264", "-crf", "12", *tags, str(path),
    ]  # fmt: skip
    numbered.subprocess.run(command, input=raw, check=True)
    clip = cut(path, tmp_path / "out")[0]
    with av.open(clip["media_path"]) as video:
        frame = next(video.decode(video=0))
        shown = frame.to_ndarray(format="rgb24").astype(float)
    assert int(frame.color_range) == 1
    assert np.abs(shown - sdr_card() * 255).mean() < 4
    assert clip["media"]["normalised"] == (("limited_range",) if levels == "pc" else ())


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("alpha.mov", ("-c:v", "qtrle", "-pix_fmt", "argb")),
        ("alpha.webm", ("-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-b:v", "2M")),
    ],
)
def test_what_is_transparent_is_black(tmp_path, name, codec):
    path = tmp_path / name
    source = "color=red:s=320x240:r=25:d=3,format=rgba,geq=r=255:g=0:b=0:a='if(lt(X,160),255,0)'"
    videos.ffmpeg("-f", "lavfi", "-i", source, *codec, path)
    clip = cut(path, tmp_path / "out")[0]
    assert clip["media"]["normalised"][:1] == ("alpha_over_black",)
    with av.open(clip["media_path"]) as video:
        shown = next(video.decode(video=0)).to_ndarray(format="rgb24")
    assert shown[120, 40, 0] > 220
    assert shown[120, 280].max() < 20
