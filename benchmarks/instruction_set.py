"""What it costs to hold arithmetic to an instruction set: CPU seconds of whole builds of the sample videos, as ratios.

    python benchmarks/instruction_set.py [--rounds 3] [--out FOLDER]

Rounds of all levels take turns, so that a busy moment of the machine meets all of them; the least of each counts.
Also said: of how many clips the video, the words and the label are those of the native build.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
from pathlib import Path

from ver_pipeline import open_dataset
from ver_pipeline.footage.compose import fetch_samples
from ver_pipeline.hardware.instruction_set import LEVELS, NATIVE, in_use, processor_flags

COLUMNS = ("media_sha256", "transcript", "label")


def build_cpu_s(raw: Path, out: Path, level: str) -> float:
    """CPU seconds of the whole command with all its processes."""
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "ver_pipeline", "build", "--source", raw, "--out", out, "--engine", "local"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    level_of = ["--set", f"runtime.instruction_set={level}"]
    subprocess.run([*map(str, command), *level_of], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def clips(out: Path) -> dict[str, tuple[str, ...]]:
    """By key, what may differ from processor to processor."""
    with open_dataset(out) as data:
        return {key: told for key, *told in data.sql(f"SELECT key, {', '.join(COLUMNS)} FROM clips")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("out/instruction-set"))
    args = parser.parse_args()
    fetch_samples(args.out / "raw")
    levels = [NATIVE, *(name for name, level in LEVELS.items() if level.needs <= processor_flags())]
    spent = {level: [] for level in levels}
    for _ in range(args.rounds):
        for level in levels:
            spent[level].append(build_cpu_s(args.out / "raw", args.out / level, level))
    native = clips(args.out / NATIVE)
    print(f"native is {in_use()}; {args.rounds} rounds; {len(native)} clips")
    for level in levels:
        found = clips(args.out / level)
        same = [sum(found.get(key, [None] * 3)[i] == told[i] for key, told in native.items()) for i in range(3)]
        cost = min(spent[level])
        print(f"{level:10} {cost:6.1f} CPU s, {cost / min(spent[NATIVE]):.2f} of native; ", end="")
        print(f"keys equal: {set(found) == set(native)}; same video, words, label: {same[0]}, {same[1]}, {same[2]}")


if __name__ == "__main__":
    main()
