"""How a video's colour is coded: the names and numbers of ITU-T H.273."""

from __future__ import annotations

from dataclasses import dataclass

SD_MAX_LINES = 576
"""A video of at most this many lines that does not name its matrix has BT.601's, a larger one BT.709's: the
convention of players."""

MATRICES = {1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc", 10: "bt2020nc"}
PRIMARIES = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020", 11: "smpte431",
             12: "smpte432"}  # fmt: skip
TRANSFERS = {1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 11: "iec61966-2-4",
             13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 18: "arib-std-b67"}  # fmt: skip
"""ITU-T H.273's code points to the names that ffmpeg gives them; a code that is not here is unknown."""

TO_BT709 = {
    "bt2020": ((1.660491, -0.587641, -0.072850), (-0.124550, 1.132900, -0.008349), (-0.018151, -0.100579, 1.118730)),
    "smpte432": ((1.224940, -0.224940, 0.0), (-0.042057, 1.042057, 0.0), (-0.019638, -0.078636, 1.098274)),
}
"""Linear RGB in these primaries (white point D65) to linear RGB in BT.709's."""


@dataclass(frozen=True, slots=True)
class Color:
    """How a video's colour is coded; None where it does not say.  ``full_range``: black is 0, not 16."""

    matrix: str | None
    primaries: str | None
    transfer: str | None
    full_range: bool

    @property
    def hdr(self) -> bool:
        """High dynamic range: PQ or HLG."""
        return self.transfer in ("smpte2084", "arib-std-b67")

    @property
    def wide(self) -> bool:
        """Primaries that BT.709 does not hold."""
        return self.primaries in TO_BT709

    def matrix_of(self, lines: int) -> str:
        """The YCbCr matrix, by convention where the video names none."""
        return self.matrix or ("smpte170m" if lines <= SD_MAX_LINES else "bt709")
