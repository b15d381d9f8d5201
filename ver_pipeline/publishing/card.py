"""The data set card: ``README.md`` in the Hugging Face form (YAML header), with a datasheet.

Every number is computed from the catalog; the text is the same whenever the data is the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ver_pipeline.catalog.dataset import open_dataset
from ver_pipeline.catalog.render import write_markdown
from ver_pipeline.report.figures import Figures, collect

CARD_NAME = "README.md"
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
LANGUAGES = {"en": "English", "zh": "Chinese", "und": "no speech or unknown", "mixed": "several"}
SPDX_ON_HUB = {
    "CC-BY-4.0": "cc-by-4.0", "CC-BY-SA-4.0": "cc-by-sa-4.0", "CC0-1.0": "cc0-1.0", "Apache-2.0": "apache-2.0",
    "MIT": "mit", "CC-BY-3.0": "cc-by-3.0", "CC-BY-NC-4.0": "cc-by-nc-4.0",
}  # fmt: skip


def write_card(out_dir: Path) -> Path:
    """Write the card of the data set in ``out_dir`` and return its path."""
    with open_dataset(out_dir) as data:
        text = card_text(data.manifest, collect(data, runs=False))
    path = Path(out_dir) / CARD_NAME
    path.write_text(text, encoding="utf-8")
    return path


def card_text(manifest: dict[str, Any], figures: Figures) -> str:
    """The whole card."""
    parts = [_header(figures), _summary(figures), _datasheet(manifest, figures), _use()]
    return "\n".join(parts)


def _header(figures: Figures) -> str:
    n = figures["totals"][0]["samples"]
    size = next((name for limit, name in SIZES if n < limit), "n>1M")
    spoken = {row["language"] for row in figures["languages"]} | {"en", "zh"}  # the descriptions are in both
    languages = sorted(language for language in spoken if language not in ("und", "mixed"))
    licenses = {row["license"] for row in figures["rights"]}
    license_ = SPDX_ON_HUB.get(next(iter(licenses)), "other") if len(licenses) == 1 else "other"
    lines = ["---", "pretty_name: " + json.dumps("VER-style emotion reasoning clips"), "language:"]
    lines += [f"- {json.dumps(language)}" for language in languages]
    lines += [f"license: {license_}"]
    if license_ == "other":
        lines += ["license_name: see-rights-table"]
    lines += ["task_categories:", "- video-text-to-text", "- video-classification", f"size_categories:\n- {size}"]
    lines += [
        "tags:",
        "- emotion",
        "- multimodal",
        "- webdataset",
        "- ver-pipeline",
        "configs:",
        "- config_name: default",
    ]
    if figures["splits"]:
        lines += ["  data_files:"]
        for row in figures["splits"]:
            lines += [f"  - split: {_hub_split(row['split'])}", f"    path: {row['split']}-*.tar"]
    return "\n".join([*lines, "---", ""])


def _hub_split(split: str) -> str:
    return "validation" if split == "val" else split


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    import io

    out = io.StringIO()
    numeric = ["BIGINT" if rows and isinstance(rows[0][i], (int, float)) else "VARCHAR" for i in range(len(columns))]
    write_markdown(out, columns, numeric, rows, None)
    return out.getvalue()


def _share(n: int, of: int) -> str:
    return f"{100 * n / of:.1f} %" if of else "-"


def _number(value: float | None, digits: int = 2) -> str:
    return "not measured" if value is None else f"{value:.{digits}f}"


def _summary(figures: Figures) -> str:
    t = figures["totals"][0]
    n = t["samples"]
    labels = [(r["label"], r["n"], _share(r["n"], n), r["train"], r["val"], r["test"]) for r in figures["labels"]]
    splits = [(r["split"], r["n"], round(r["hours"], 3), r["videos"], r["groups"]) for r in figures["splits"]]
    languages = [(LANGUAGES.get(r["language"], r["language"]), r["n"], r["words"]) for r in figures["languages"]]
    return f"""# VER-style emotion reasoning clips

{n} clips, {t["hours"]:.3f} hours, from {t["videos"]} videos in {t["groups"]} groups. Each clip has a transcript,
measured evidence, a label with valence and intensity, and a description in English and Chinese that cites its evidence.
Numbers on this page come from the catalog; `report.html` shows them.

## Splits

{_table(["split", "samples", "hours", "videos", "groups"], splits)}
Videos of one group are in one split.

## Labels

{_table(["label", "samples", "share", "train", "val", "test"], labels)}
The label is the *apparent* emotion of the subject. `undetermined` is an answer: the evidence is too weak.

## Languages

{_table(["spoken", "samples", "words"], languages)}"""


def _datasheet(manifest: dict[str, Any], figures: Figures) -> str:
    t = figures["totals"][0]
    n = t["samples"]
    rights = [(r["license"], r["rights_basis"], r["consent"], r["media_policy"], r["n"], r["videos"])
              for r in figures["rights"]]  # fmt: skip
    makers = [(r["tier"], r["annotator"], r["model"], r["n"]) for r in figures["tiers"]]
    rejects = [(r["stage"], r["reason"], r["meaning"], r["n"]) for r in figures["rejects"]]
    evidence = [(r["modality"], r["n"], _share(r["samples"], n)) for r in figures["evidence"]]
    texts = figures["texts"][0]
    rejected = (
        f"{t['rejects']} videos or clips were looked at and are not in the data set:\n\n"
        + _table(["stage", "reason", "meaning", "count"], rejects)
        if rejects
        else "Nothing that was looked at was rejected.\n"
    )
    return f"""
# Datasheet

## Motivation

To train and test models that say which emotion a clip shows *and why*, in English and Chinese. "VER-style": it follows
the published idea of the VER data set and holds none of its data.

## Composition

A sample is one clip of {_number(t["min_s"])} to {_number(t["max_s"])} s (mean {_number(t["mean_s"])} s).
{_share(t["with_faces"], n)} show a face, {_share(t["with_speech"], n)} hold speech. The median description has
{texts["words_en"] or 0} English words and {texts["chars_zh"] or 0} Chinese characters. Evidence per modality:

{_table(["modality", "pieces", "samples with it"], evidence)}
## Collection

Videos are cut at shots and pauses of speech, transcribed, measured (faces, voice, frame, words), annotated, checked by
record rules, and laid out in tars. {rejected}
## Annotation

{_table(["tier", "annotator", "model", "samples"], makers)}
`cue` labels are composed from measurements by rule, `teacher` labels come from a model, `human` labels from reviewers.
{t["reviewed"]} of {n} samples were looked at by a human. Independent label sources agree with the adopted label at a
mean of {_number(t["label_agreement"])}; {t["tiered"]} samples have an agreement tier, {t["tier_a"]} of them A.
Agreement between automatic sources is not accuracy.

## Licence and consent

{_table(["licence", "rights basis", "consent", "media", "samples", "videos"], rights)}
`LicenseRef-unknown` means that nobody stated the rights: do not pass such media on (`ver export --public` refuses it).

## Known limits

- {t["undetermined"]} of {n} samples carry no determined emotion.
- Labels are judgements of what is shown, not of what is felt.
- Detectors of faces, speech and expressions err more on some people than on others; this was not measured here.
- Who is shown (age, origin, gender) is not recorded, so its balance is unknown.
- Rules that could not run on some samples: {_rules(figures)}.

## Uses

Meant for research on describing apparent emotion. Not for judging individuals at work, at school, at borders, in
policing or in health; in the European Union such uses are partly forbidden. No identity is stored and none should be
derived.

## Withdrawal

`ver drop` removes samples from tars, index, catalog and cache for good; `tombstones.json`, where present, lists what
was withdrawn, by hash.

## How it was made

{_table(["tool", "version"], sorted(manifest.get("tools", {}).items()))}"""


def _rules(figures: Figures) -> str:
    return ", ".join(f"{row['rule']} ({row['n']})" for row in figures["not_run"]) or "none"


def _use() -> str:
    return """
# Use

```bash
ver query . "SELECT label, count(*) AS n FROM samples GROUP BY label"
ver lint .
```

```python
import json
import webdataset

files = json.load(open("manifest.json"))["files"]
shards = [file["path"] for file in files if file["kind"] == "shard" and file["split"] == "train"]
for sample in webdataset.WebDataset(shards, shardshuffle=False).decode():
    record, video = sample["json"], sample["mp4"]
```
"""
