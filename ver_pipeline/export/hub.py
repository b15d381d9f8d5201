"""A loading recipe for Hugging Face ``datasets``: the shards stay where they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RECIPE_NAME = "load_ver.py"
_TEMPLATE = '''"""Load this data set with Hugging Face datasets: python load_ver.py FOLDER_OR_URL

The shards are read where they are; each item has "__key__", "json" (the record), and "mp4" and "jpg" where the
data set holds media.  File names are those of manifest {dataset_id}.
"""

import sys

SHARDS = {shards}


def load(base, streaming=True):
    """One streaming data set a split."""
    from datasets import load_dataset

    base = str(base).rstrip("/")
    files = {{split: [f"{{base}}/{{name}}" for name in names] for split, names in SHARDS.items()}}
    return load_dataset("webdataset", data_files=files, streaming=streaming)


if __name__ == "__main__":
    for split, data in load(sys.argv[1]).items():
        first = next(iter(data))
        print(split, first["__key__"], first["json"]["emotion"]["primary"])
'''


def write_recipe(manifest: dict[str, Any], folder: Path) -> Path:
    """Write the recipe for the shards that a manifest names."""
    shards: dict[str, list[str]] = {}
    for file in manifest["files"]:
        if file["kind"] == "shard":
            split = "validation" if file["split"] == "val" else file["split"]
            shards.setdefault(split, []).append(file["path"])
    ordered = {split: sorted(names) for split, names in sorted(shards.items())}
    text = _TEMPLATE.format(dataset_id=manifest["dataset_id"][:16], shards=json.dumps(ordered, indent=4))
    path = folder / RECIPE_NAME
    path.write_text(text, encoding="utf-8")
    return path
