"""Hold arithmetic to one instruction set, so that machines with other processors agree to the last bit.

Libraries pick their kernels by what the processor offers, and each kernel sums in another order.  Here is every switch
that such a library has, for the levels of the x86-64 psABI; the environment carries them, so that child processes and
Ray's workers have them too.  ONNX Runtime has no switch: what its networks see (faces, expressions, pauses) may still
differ in the last decimal between processors with and without AVX-512.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ver_pipeline.schemas.errors import ConfigError

NATIVE = "native"
CPUINFO = Path("/proc/cpuinfo")
VARIABLE = "VER_INSTRUCTION_SET"
"""Holds the level of this process and its children; absent where they are not held."""


@dataclass(frozen=True, slots=True)
class Level:
    """``needs``: flags as ``/proc/cpuinfo`` names them; ``environment``: each library's own switch; ``libav``: names
    that ffmpeg's ``-cpuflags`` takes, and ``libav_bits``, the same as libavutil's ``AV_CPU_FLAG_*``."""

    needs: frozenset[str]
    environment: Mapping[str, str]
    libav: str
    libav_bits: int


_V2 = frozenset({"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"})
_V3 = _V2 | {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"}
_V4 = _V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}

_MMX_TO_SSE42 = 0x0001 | 0x0002 | 0x0008 | 0x0010 | 0x0040 | 0x0080 | 0x0100 | 0x0200 | 0x1000
_AVX2_FMA_BMI = 0x4000 | 0x8000 | 0x10000 | 0x20000 | 0x40000

LEVELS: Mapping[str, Level] = {
    "x86-64-v2": Level(
        needs=_V2,
        environment={
            "CT2_FORCE_CPU_ISA": "GENERIC",
            "CT2_USE_MKL": "0",
            "ONEDNN_MAX_CPU_ISA": "SSE41",
            "OPENBLAS_CORETYPE": "Nehalem",
            "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
            "OPENCV_CPU_DISABLE": "AVX,FP16,AVX2,AVX512-SKX",
            "ATEN_CPU_CAPABILITY": "default",
            "MKL_CBWR": "COMPATIBLE",
            "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX,-AVX2,-FMA,-FMA4,-AVX512F",
        },
        libav="sse4.2",
        libav_bits=_MMX_TO_SSE42,
    ),
    "x86-64-v3": Level(
        needs=_V3,
        environment={
            "CT2_FORCE_CPU_ISA": "AVX2",
            "CT2_USE_MKL": "0",
            "ONEDNN_MAX_CPU_ISA": "AVX2",
            "OPENBLAS_CORETYPE": "Haswell",
            "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
            "OPENCV_CPU_DISABLE": "AVX512-SKX",
            "ATEN_CPU_CAPABILITY": "avx2",
            "MKL_CBWR": "COMPATIBLE",
            "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F",
        },
        libav="avx2+fma3+bmi2",
        libav_bits=_MMX_TO_SSE42 | _AVX2_FMA_BMI,
    ),
}


def hold(level: str) -> None:
    """Hold this process and all that it starts to ``level``; ``native`` leaves them as they were started.

    Call it before numpy and the like are imported: they look at the processor once.  So a held process stays so.

    Raises:
        ConfigError: the processor lacks the level, or the level is not known.
    """
    if level == NATIVE:
        return
    if level not in LEVELS:
        raise ConfigError(f"there is no instruction set {level!r}", f"known: {', '.join((NATIVE, *LEVELS))}")
    missing = sorted(LEVELS[level].needs - processor_flags())
    if missing:
        what = f"this processor ({offered()}) is not {level}: it lacks {missing[0]}"
        raise ConfigError(what, "set runtime.instruction_set to native, or to a lower level")
    os.environ.update(environment(level))


def environment(level: str) -> dict[str, str]:
    """The variables that hold a process to ``level``."""
    return {**LEVELS[level].environment, VARIABLE: level}


def held() -> str:
    """The level that this process is held to; ``native`` where it is not."""
    level = os.environ.get(VARIABLE, NATIVE)
    return level if level in LEVELS else NATIVE


def in_use() -> str:
    """What a manifest says of the arithmetic behind it: the level it was held to (``x86-64-v3``), else what the
    processor offers and who made it (``native: x86-64-v3 AuthenticAMD``), since libraries choose by both."""
    if held() != NATIVE:
        return held()
    return " ".join(filter(None, (f"{NATIVE}: {offered()}", _cpuinfo("vendor_id"))))


def offered() -> str:
    """The highest level of this processor; on other machines than x86-64 its architecture (``aarch64``)."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return platform.machine()
    flags = processor_flags()
    levels = (("x86-64-v4", _V4), ("x86-64-v3", _V3), ("x86-64-v2", _V2))
    return next((name for name, needs in levels if needs <= flags), "x86-64")


def processor_flags() -> frozenset[str]:
    """The processor's features as Linux names them; empty where the system does not say."""
    return frozenset(_cpuinfo("flags").split())


def _cpuinfo(field: str) -> str:
    """A field of the first processor in ``/proc/cpuinfo``; empty where there is none."""
    try:
        lines = CPUINFO.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(field)), "")


def ffmpeg_options() -> tuple[str, ...]:
    """Options that hold the ffmpeg program to the level of this process."""
    return () if held() == NATIVE else ("-cpuflags", LEVELS[held()].libav)


def hold_libav() -> None:
    """Hold the libraries inside PyAV, which look at no environment, to the level of this process.

    Raises:
        ConfigError: PyAV's libavutil is not found where its wheels keep it.
    """
    if held() == NATIVE:
        return
    import av

    folders = (Path(av.__file__).parent.parent / "av.libs", Path(av.__file__).parent / ".dylibs")
    libraries = [path for folder in folders for path in sorted(folder.glob("libavutil*"))]
    if not libraries:
        what = f"PyAV's libavutil cannot be held to {held()}: it is not where its wheels keep it"
        raise ConfigError(what, "install av from its wheel, or set runtime.instruction_set to native")
    ctypes.CDLL(str(libraries[0])).av_force_cpu_flags(LEVELS[held()].libav_bits)


if __name__ == "__main__":
    for name, value in environment(sys.argv[1]).items():
        sys.stdout.write(f"export {name}='{value}'\n")
