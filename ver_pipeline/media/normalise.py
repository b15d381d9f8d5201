"""What is done to a video's frames on their way into clips, so that all of them can be read alike.

Progressive, upright, square pixels, 8 bits, BT.709's range of light and colour, limited range, a matrix that is
named, nothing transparent.  The steps are a function of what is known of the source (``record.Source``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from ver_pipeline.media.color import Color
from ver_pipeline.media.tone import write_lut

TELECINE_RATIO = Fraction(4, 5)
"""Of every five frames that 3:2 pulldown wrote, four are the film's."""
TELECINE_CYCLE = 5
PEAK_SLACK = 1.1
"""Light up to this, in units of SDR white, is rounding and not a highlight: nothing is compressed for it."""
SCALER = "bicubic+accurate_rnd+bitexact"


@dataclass(frozen=True, slots=True)
class Stored:
    """A video's frames as they are stored.  ``width`` and ``height`` are as displayed (upright, square pixels)."""

    width: int
    height: int
    rotated: bool
    field_order: str
    telecined: bool
    color: Color
    peak: float
    has_alpha: bool
    video_codec: str
    pixel_format: str
    dolby_vision: bool

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> Stored:
        """From a row's ``source``; what an older source does not say is taken as ordinary."""
        return cls(
            width=source["width"],
            height=source["height"],
            rotated=bool(source["rotation_deg"]),
            field_order=source.get("field_order") or "progressive",
            telecined=bool(source.get("telecined")),
            color=Color(
                source.get("color_matrix"),
                source.get("color_primaries"),
                source.get("color_transfer"),
                bool(source.get("full_range")),
            ),
            peak=source.get("peak") or 1.0,
            has_alpha=bool(source.get("has_alpha")),
            video_codec=source["video_codec"],
            pixel_format=source["pixel_format"],
            dolby_vision=bool(source.get("dolby_vision")),
        )

    @property
    def steps(self) -> tuple[str, ...]:
        """Names of what is done, in order, as the record tells them; sizes and the frame rate speak for themselves."""
        names = {
            "inverse_telecine": self.telecined,
            "deinterlaced": self.field_order != "progressive" and not self.telecined,
            "rotated": self.rotated,
            "alpha_over_black": self.has_alpha,
            "tone_mapped": self.color.hdr,
            "gamut_mapped": self.color.wide,
            "limited_range": self.color.full_range,
        }
        return tuple(name for name, done in names.items() if done)

    @property
    def missed(self) -> tuple[str, ...]:
        """What would have to be done and cannot: nobody publishes how."""
        return ("dolby_vision",) if self.dolby_vision else ()

    @property
    def plain(self) -> bool:
        """Nothing needs to be done: the packets may be copied as they are."""
        return not self.steps and not self.missed and self.pixel_format == "yuv420p"


def frame_rate(fps: Fraction, telecined: bool) -> Fraction:
    """The rate of the frames that were there before 3:2 pulldown."""
    return fps * TELECINE_RATIO if telecined else fps


def input_options(stored: Stored) -> dict[str, str]:
    """Options of ffmpeg's input: VP8's and VP9's transparency is read by libvpx alone."""
    decoders = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
    if stored.has_alpha and stored.video_codec in decoders:
        return {"c:v": decoders[stored.video_codec]}
    return {}


def whole_frames(node: Any, stored: Stored) -> Any:
    """Frames out of fields, at the video's own size and before any other filter (an ffmpeg-python node).

    The size is fixed first: a filter on fields cannot follow one that changes in mid-stream.  Inverse telecine repeats
    the last frame a few times.
    """
    if stored.field_order == "progressive" and not stored.telecined:
        return node
    node = node.filter("scale", stored.width, stored.height, flags=SCALER)
    if not stored.telecined:
        return node.filter("bwdif", mode="send_frame", parity=stored.field_order, deint="all")
    node = node.filter("tpad", stop=TELECINE_CYCLE, stop_mode="clone")  # else the last cycle is never finished
    node = node.filter("fieldmatch", order=stored.field_order, combmatch="full")
    return node.filter("bwdif", mode="send_frame", parity=stored.field_order, deint="interlaced").filter("decimate")


def normal_frames(node: Any, stored: Stored, side: int, folder: Path) -> Any:
    """Frames of even size, the longer side at most ``side``, in yuv420p with limited range, their colour named
    (an ffmpeg-python node).

    Args:
        folder: where a look-up table is written that the run needs.
    """
    width, height = even_size(stored.width, stored.height, side)
    color = stored.color
    matrix = color.matrix_of(stored.height)
    input_matrix = {} if color.matrix or not stored.pixel_format.startswith("yuv") else {"in_color_matrix": matrix}
    if stored.has_alpha:
        node = node.filter("scale", width, height, flags=SCALER, **input_matrix).filter("format", "gbrap")
        node = node.filter("premultiply", inplace=1).filter("format", "gbrp")
        input_matrix = {}
    if color.hdr or color.wide:
        peak = stored.peak if stored.peak > PEAK_SLACK else 1.0
        lut = write_lut(folder / "color.cube", color, peak)
        node = node.filter("scale", width, height, flags=SCALER, **input_matrix).filter("format", "gbrp10le")
        node = node.filter("lut3d", file=str(lut), interp="tetrahedral")
        input_matrix, matrix = {}, "bt709"
    node = node.filter("scale", width, height, flags=SCALER, **input_matrix, out_color_matrix=matrix, out_range="tv")
    return node.filter("setsar", 1).filter("format", "yuv420p").filter("setparams", **_named(color, matrix))


def _named(color: Color, matrix: str) -> dict[str, str]:
    """What the frames say of their own colour."""
    if color.hdr or color.wide:
        return {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709", "range": "tv"}
    known = {"color_primaries": color.primaries, "color_trc": color.transfer}
    return {"colorspace": matrix, "range": "tv", **{name: value for name, value in known.items() if value}}


def even_size(width: int, height: int, side: int) -> tuple[int, int]:
    """The size in pixels, both even, the longer one at most ``side``."""
    share = min(Fraction(1), Fraction(side, max(width, height)))
    return max(2, int(width * share / 2) * 2), max(2, int(height * share / 2) * 2)
