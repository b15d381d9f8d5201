#!/usr/bin/env bash
# The main job on real footage, from nothing: environment, sample videos, models, `ver build`, a first query.
#
#   bash scripts/demo.sh [FOLDER]     (default: demo; videos in FOLDER/raw, the data set in FOLDER/shards)

source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
folder="${1:-demo}"

ver footage fetch "$folder/raw"
ver models fetch
ver build --source "$folder/raw" --out "$folder/shards"
echo
ver query "$folder/shards" "SELECT key, language, label, round(confidence, 2) AS conf, transcript FROM samples"
