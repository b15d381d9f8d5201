"""Arithmetic that is held to an instruction set: in this process, its children, every library that has a switch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ver_pipeline.engine.cache import unit_key
from ver_pipeline.hardware import instruction_set
from ver_pipeline.hardware.instruction_set import LEVELS, environment, hold, in_use, offered, processor_flags
from ver_pipeline.schemas.errors import ConfigError

LOWEST = "x86-64-v2"
needs_x86 = pytest.mark.skipif(not LEVELS[LOWEST].needs <= processor_flags(), reason="not an x86-64-v2 processor")

SEEN = """
import ctypes, glob, json, os, sys
from ver_pipeline.hardware.instruction_set import hold, hold_libav
hold(sys.argv[1])
hold_libav()
import av, cv2, numpy
numpy_has = numpy._core._multiarray_umath.__cpu_features__
(libav,) = glob.glob(os.path.join(os.path.dirname(os.path.dirname(av.__file__)), "av.libs", "libavutil*"))
print(json.dumps({
    "numpy": numpy_has["X86_V3"],
    "opencv": "*AVX2?" not in cv2.getCPUFeaturesLine(),
    "libav": bool(ctypes.CDLL(libav).av_get_cpu_flags() & 0x8000),
}))
"""

HEARD = """
import sys
from pathlib import Path
from ver_pipeline.hardware.instruction_set import hold, hold_libav
hold(sys.argv[1])
hold_libav()
from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.config import SpeechConfig
from ver_pipeline.footage.compose import CRYING
from ver_pipeline.stages.speech import SpeechStage
source = {"id": "0" * 64, "audio_track": 0, "clock_jumps": [], "duration_s": 3.5}
video = {"source": source, "path": str(CRYING), "sidecar": {}}
stage = SpeechStage(SpeechConfig())
stage.open()
print(digest(stage.run([video])[0]))
"""


def run(script: str, level: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, level],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@needs_x86
def test_every_library_with_a_switch_obeys() -> None:
    assert json.loads(run(SEEN, LOWEST)) == {"numpy": False, "opencv": False, "libav": False}


@pytest.mark.once
@needs_x86
def test_words_are_the_same_bytes_whatever_the_processor_offers_beyond_the_level() -> None:
    """The recogniser is told by its own switches that it runs on other processors; the level wins."""
    poorer = {"CT2_FORCE_CPU_ISA": "AVX", "ONEDNN_MAX_CPU_ISA": "AVX", "OPENBLAS_CORETYPE": "Sandybridge"}
    assert run(HEARD, LOWEST) == run(HEARD, LOWEST, **poorer)


def test_a_processor_that_lacks_the_level_is_named_with_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text("vendor_id\t: GenuineIntel\nflags\t\t: " + " ".join(LEVELS[LOWEST].needs) + "\n")
    monkeypatch.setattr(instruction_set, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert offered() == LOWEST
    assert "GenuineIntel" in in_use() or in_use() == instruction_set.held()
    with pytest.raises(ConfigError, match=r"is not x86-64-v3: it lacks avx.*runtime\.instruction_set"):
        hold("x86-64-v3")


def test_another_architecture_is_named_and_refuses_the_levels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text("Features\t: fp asimd\n")
    monkeypatch.setattr(instruction_set, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert offered() == "aarch64"
    with pytest.raises(ConfigError, match=r"\(aarch64\) is not x86-64-v2"):
        hold(LOWEST)


def test_work_that_is_held_is_not_taken_for_work_that_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(instruction_set.VARIABLE, raising=False)
    free = unit_key("stage", {"a": 1})
    keys = {free}
    for level in LEVELS:
        monkeypatch.setenv(instruction_set.VARIABLE, environment(level)[instruction_set.VARIABLE])
        keys.add(unit_key("stage", {"a": 1}))
    assert len(keys) == 1 + len(LEVELS)
