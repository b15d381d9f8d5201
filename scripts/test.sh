#!/usr/bin/env bash
# Lint, types and all tests, in the project's own environment, from nothing.
#
#   bash scripts/test.sh [PYTEST ARGUMENTS]
#
# The report's tests need Chromium.  Where there is none it is installed if that can be done here (root on a
# Debian-like system); elsewhere those tests are left out, and it says so.

source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

has_browser() { [ -n "${VER_CHROMIUM:-}" ] || command -v chromium chromium-browser google-chrome >/dev/null; }

selection=()
if ! has_browser && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing Chromium for the report's tests"
  (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk) >/dev/null 2>&1 || true
fi
if ! has_browser; then
  echo "no Chromium here: the tests of the report in a browser are LEFT OUT (install chromium to run them)" >&2
  selection=(-m "not browser")
fi

ruff check .
ruff format --check .
mypy
NO_MKDOCS_2_WARNING=1 mkdocs build -q

tests() { python -m pytest ${selection[@]+"${selection[@]}"} "$@"; }

if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
  tests "$@"
  exit
fi
# What models and codecs take part in is tested again as on two poorer processors: no test may depend on how one rounds.
# Tests that compare one processor's runs with each other (marked "once") are not.
rounding=(tests/speech tests/evidence tests/store/test_sample_footage.py tests/stages/test_instruction_set.py
          tests/guarantees/test_sample_video.py)
sse42() { eval "$(python -m ver_pipeline.hardware.instruction_set x86-64-v2)"; tests "${rounding[@]}" -m "not once" -p no:cacheprovider; }
avx() {
  export CT2_FORCE_CPU_ISA=AVX CT2_USE_MKL=0 ONEDNN_MAX_CPU_ISA=AVX OPENBLAS_CORETYPE=Sandybridge
  export NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4 AVX512_ICL AVX512_SPR" OPENCV_CPU_DISABLE=FP16,AVX2,AVX512-SKX
  tests "${rounding[@]}" -m "not once" -p no:cacheprovider
}
ceilings=""
grep -q avx2 /proc/cpuinfo 2>/dev/null && ceilings=yes
[ -n "$ceilings" ] || echo "no x86-64 processor with AVX2: the tests under other instruction sets are LEFT OUT" >&2

# Builds as a user starts them mostly wait for their own processes: they run beside all other tests.  The loader's and
# the trainer's tests fork: they run in a process that no other library has put threads into.
builds() {
  local failed=0
  echo "tests of builds:"
  tests tests/guarantees -p no:cacheprovider "$@" || failed=1
  echo "tests of what the machine may do to a build:"
  tests tests/faults -p no:cacheprovider "$@" || failed=1
  echo "tests of the loader and the trainer:"
  tests tests/loader tests/train -p no:cacheprovider "$@" || failed=1
  [ -z "$ceilings" ] || { echo "tests of models, held to SSE4.2:"; (sse42) || failed=1; }
  [ -z "$ceilings" ] || { echo "tests of models, held to AVX:"; (avx) || failed=1; }
  return "$failed"
}
beside="$(mktemp)"
(builds "$@" >"$beside" 2>&1) &
running=$!
trap 'kill "$running" 2>/dev/null || true; rm -f "$beside"' EXIT
failed=0
apart=(guarantees engine faults train loader)
tests "${apart[@]/#/--ignore=tests/}" "$@" || failed=1
tests tests/engine -p no:cacheprovider "$@" || failed=1
wait "$running" || failed=1
cat "$beside"
exit "$failed"
