# Makes the project's own environment in .venv and leaves it on PATH.  Sourced by demo.sh and test.sh.
#
#   PYTHON        the interpreter to build it from (3.11 to 3.13; default: the first of these on PATH)
#   VER_EXTRAS    extras to install (default: train,teacher)
#   TORCH_INDEX   index for CPU builds of torch (default: PyTorch's own, where it can be reached)
#
# Exact versions come from constraints.txt.  uv installs, because it takes seconds where pip takes minutes;
# where uv cannot be had, pip does the same.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

extras="${VER_EXTRAS:-train,teacher}"
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
# A CPU build of torch saves gigabytes.  Where PyTorch's index can't be reached, the default index serves.
torch_index=()
cpu_index="${TORCH_INDEX:-https://download.pytorch.org/whl/cpu}"
if [ ${#find_links[@]} -eq 0 ] && python - "$cpu_index" <<'PY' 2>/dev/null
import sys, urllib.request
urllib.request.urlopen(sys.argv[1].rstrip("/") + "/torch/", timeout=5)
PY
then
  torch_index=(--extra-index-url "$cpu_index")
fi

stamp=.venv/.installed
wanted="$(cat constraints.txt pyproject.toml | sha256sum | cut -d' ' -f1) $extras"
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  echo "installing into .venv (extras: $extras)"
  if python -m pip install -q --disable-pip-version-check uv 2>/dev/null; then
    install=(uv pip install -q --compile-bytecode --index-strategy unsafe-best-match)
  else
    install=(python -m pip install -q)
  fi
  everything() { "${install[@]}" "$@" ${torch_index[@]+"${torch_index[@]}"} -c constraints.txt -e ".[$extras]"; }
  # Such a folder may hold wheels for another Python only; uv would insist on them.
  { [ ${#find_links[@]} -gt 0 ] && everything "${find_links[@]}" 2>/dev/null; } || everything
  echo "$wanted" > "$stamp"
fi
