"""The GPUs of this machine, as the driver's own program tells them."""

from __future__ import annotations

import shutil
import subprocess


def gpu_names() -> list[str]:
    """Name and memory of each GPU; empty where there is none, or no driver."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True, check=False)
    return done.stdout.strip().splitlines() if done.returncode == 0 else []


def gpu_memory_gb() -> list[float]:
    """Memory of each GPU in 10^9 bytes; empty where there is none, or no driver."""
    sizes = []
    for line in gpu_names():
        number = line.rpartition(",")[2].split()
        if number and number[0].isdigit():
            sizes.append(int(number[0]) * 2**20 / 1e9)
    return sizes
