# Makes the project's own environment in .venv and leaves it on PATH.  Sourced by demo.sh and test.sh.
#
#   PYTHON        the interpreter to build it from (3.11 to 3.13; default: the first of these on PATH)
#   TORCH_INDEX   an index of CPU builds of torch, as PyTorch runs one: it saves gigabytes
#
# Exact versions and hashes come from requirements.lock, torch's version from requirements-torch.txt.  uv installs,
# because it takes seconds where pip takes minutes; where uv cannot be had, pip does the same.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python="${PYTHON:-}"
if [ -z "$python" ]; then
  for name in python3.11 python3.12 python3.13 python3; do
    if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
      python="$name"
      break
    fi
  done
fi
if [ -z "$python" ]; then
  echo "no Python 3.11 to 3.13 on PATH; install one, or set PYTHON" >&2
  exit 1
fi

[ -x .venv/bin/python ] || "$python" -m venv .venv
# Also for uv, which installs into the environment that is active, whichever python is first on PATH.
export VIRTUAL_ENV="$PWD/.venv" PATH="$PWD/.venv/bin:$PATH"

# Folders and indexes with wheels that pip is set up to use: uv does not look there by itself.
find_links=()
for place in $(pip config get global.find-links 2>/dev/null || true) ${PIP_FIND_LINKS:-}; do
  find_links+=(--find-links "$place")
done
torch_index=()
[ -z "${TORCH_INDEX:-}" ] || torch_index=(--extra-index-url "$TORCH_INDEX")

stamp=.venv/.installed
wanted="$(cat requirements.lock requirements-torch.txt pyproject.toml | sha256sum | cut -d' ' -f1)"
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  echo "installing into .venv"
  if python -m pip install -q --disable-pip-version-check uv 2>/dev/null; then
    install=(uv pip install -q --compile-bytecode --index-strategy unsafe-best-match)
  else
    install=(python -m pip install -q)
  fi
  everything() {
    "${install[@]}" "$@" --no-deps -r requirements.lock
    "${install[@]}" "$@" ${torch_index[@]+"${torch_index[@]}"} -r requirements-torch.txt
  }
  # Such a folder may hold wheels for another Python only; uv would insist on them.
  { [ ${#find_links[@]} -gt 0 ] && everything "${find_links[@]}" 2>/dev/null; } || everything
  "${install[@]}" --no-deps -e .
  echo "$wanted" > "$stamp"
fi
