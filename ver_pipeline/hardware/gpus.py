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
