#!/usr/bin/env bash
# Lint, types and all tests, in the project's own environment, from nothing.
#
#   bash scripts/test.sh [PYTEST ARGUMENTS]
#
# The report's tests need Chromium.  Where there is none it is installed if that can be done here (root on a
# Debian-like system); elsewhere those tests are left out, and it says so.

VER_EXTRAS="${VER_EXTRAS:-train,teacher,dev}"
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

tests() { python -m pytest ${selection[@]+"${selection[@]}"} "$@"; }

if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
  tests "$@"
  exit
fi
# Builds as a user starts them mostly wait for their own processes: they run beside all other tests.  The loader's and
# the trainer's tests fork: they run in a process that no other library has put threads into.
beside="$(mktemp)"
(tests tests/guarantees tests/engine -p no:cacheprovider "$@" >"$beside" 2>&1) &
builds=$!
trap 'kill "$builds" 2>/dev/null || true; rm -f "$beside"' EXIT
failed=0
tests --ignore=tests/guarantees --ignore=tests/engine --ignore=tests/train --ignore=tests/loader "$@" || failed=1
tests tests/loader tests/train "$@" || failed=1
echo "tests of builds, which ran beside these:"
wait "$builds" || failed=1
cat "$beside"
exit "$failed"
