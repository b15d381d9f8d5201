#!/usr/bin/env bash
# Proves the package as users get it: the wheel of a checkout without symbolic links is that of a checkout with them;
# installed alone, outside the checkout, it asks and checks a data set; with what the extras bring it builds one.  The
# source archive is unpacked, and a quick part of its tests is run.
#
#   bash scripts/wheel_smoke.sh DATA_SET VIDEOS
#
# DATA_SET is one that a build made; VIDEOS a folder with a few seconds of video.  Prints the base's size.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ ! -x .venv/bin/python ] || PATH="$PWD/.venv/bin:$PATH"  # with uv, which installs in seconds
data_set="$(realpath "$1")" videos="$(realpath "$2")" lock="$PWD/requirements.lock"
commit="$(git rev-parse --short=12 HEAD)"
limit_mb=400
unset PYTHONPATH  # what is proven is what was installed

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

wheel_of() { # NAME, then options for git clone
  local name="$1"; shift
  git clone -q "$@" "$PWD" "$work/$name"
  python -m pip wheel -q --no-deps --disable-pip-version-check -w "$work/dist-$name" "$work/$name"
  unzipped="$work/unzipped-$name"
  python -m zipfile -e "$work/dist-$name"/*.whl "$unzipped"
  (cd "$unzipped" && find . -type f -exec sha256sum {} + | sort -k 2) > "$work/$name.list"
}
wheel_of plain
wheel_of linkless -c core.symlinks=false
diff "$work/plain.list" "$work/linkless.list"
echo "the wheel of a checkout without links holds the same $(wc -l < "$work/plain.list") files, byte for byte"

fresh="$work/venv"
python -m venv "$fresh"
wheel=("$work"/dist-linkless/*.whl)
"$fresh/bin/pip" install -q --disable-pip-version-check "${wheel[0]}"
size_mb="$(du -sm "$fresh" | cut -f1)"
echo "base installation: $size_mb MB"
[ "$size_mb" -lt "$limit_mb" ] || { echo "that is not under $limit_mb MB" >&2; exit 1; }

cd "$work"
cp -r "$data_set" copy
ver="$fresh/bin/ver"
"$ver" --version | tee said
grep -q "$commit" said || { echo "ver --version does not name the commit $commit" >&2; exit 1; }
"$ver" query copy "SELECT count(*) AS samples FROM samples"
"$ver" lint copy | tail -1
"$ver" validate copy | tail -1
"$ver" diff copy "$data_set" | tail -1
"$ver" report copy
status=0
"$ver" build --source "$videos" --out out 2> said || status=$?
grep -q 'ver-pipeline\[build\]' said && [ "$status" = 1 ] || { cat said >&2; exit 1; }

uv="$(command -v uv || true)"
if [ -n "$uv" ]; then install=("$uv" pip install -q --python "$fresh/bin/python"); else install=("$fresh/bin/pip" install -q); fi
"${install[@]}" --no-deps -r "$lock"
"$ver" build --source "$videos" --out out
"$ver" lint out | tail -1

(cd plain && "$fresh/bin/python" -c "from setuptools import build_meta; build_meta.build_sdist('$work')" > "$work/said" 2>&1)
mkdir unpacked
tar xzf ver_pipeline-*.tar.gz -C unpacked --strip-components=1
cd unpacked
"$fresh/bin/python" -m pytest -q -p no:cacheprovider tests/schemas tests/guarantees/test_architecture.py tests/guarantees/test_lock.py
