#!/usr/bin/env bash
# Writes requirements.lock anew: exact versions with hashes for every supported Python, without any registry's address.
#
#   bash scripts/lock.sh             keep the versions that are locked, as far as pyproject.toml allows
#   bash scripts/lock.sh --upgrade   take the newest
#
# torch and what its CUDA builds bring are left out (requirements-torch.txt says why).

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python -m pip install -q --disable-pip-version-check uv
lock() {
  uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
    --extra build --extra train --extra teacher --group dev pyproject.toml "$@"
}
lock "$@" -o requirements.lock
apart=(torch triton cuda-bindings cuda-pathfinder cuda-toolkit)
apart+=($(sed -n 's/^\(nvidia-[a-z0-9-]*\)==.*/\1/p' requirements.lock | sort -u))
lock "${apart[@]/#/--no-emit-package=}" -o requirements.lock
header="# Written by scripts/lock.sh from pyproject.toml: the extras build, train and teacher, and the group dev, for Python
# 3.11 to 3.13.  It names no index: pip and uv take the one that they are set up with.  Install it with --no-deps;
# torch stands in requirements-torch.txt."
printf '%s\n' "$header" "$(cat requirements.lock)" > requirements.lock
