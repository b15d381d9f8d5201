#!/usr/bin/env bash
# Lint, types and all tests, in the project's own environment, from nothing.
#
#   bash scripts/test.sh [PYTEST ARGUMENTS]

VER_EXTRAS="${VER_EXTRAS:-train,teacher,dev}"
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

ruff check .
ruff format --check .
mypy
python -m pytest "$@"
