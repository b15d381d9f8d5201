"""The data set card: Hugging Face form, figures from the catalog, the same text twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml
from factory import make_records
from published import publish

from ver_pipeline import open_dataset
from ver_pipeline.publishing.card import write_card


def _card(out: Path, n: int = 24) -> str:
    publish(out, make_records(n))
    return write_card(out).read_text("utf-8")


def test_the_header_is_yaml_that_the_hub_understands(tmp_path: Path) -> None:
    _, header, _ = _card(tmp_path).split("---\n", 2)
    fields = yaml.safe_load(header)
    assert set(fields["language"]) == {"en", "zh"}
    assert fields["license"] == "cc-by-4.0"
    assert fields["size_categories"] == ["n<1K"]
    (config,) = fields["configs"]
    assert {"split": "train", "path": "train-*.tar"} in config["data_files"]


def test_unknown_or_several_licences_are_not_given_a_name(tmp_path: Path) -> None:
    one, *rest = make_records(8)
    rights = one.source.rights.model_copy(update={"license": "LicenseRef-unknown"})
    other = one.model_copy(update={"source": one.source.model_copy(update={"rights": rights})})
    publish(tmp_path, [other, *rest])
    text = write_card(tmp_path).read_text("utf-8")
    assert yaml.safe_load(text.split("---\n", 2)[1])["license"] == "other"
    assert "LicenseRef-unknown" in text


def test_the_python_on_the_card_runs_as_it_stands_beside_it(tmp_path: Path) -> None:
    text = _card(tmp_path)
    code = text.partition("```python\n")[2].partition("```")[0] + "    print(record['key'], len(video))\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    with open_dataset(tmp_path) as data:
        keys = [key for (key,) in data.sql("SELECT key FROM samples WHERE split = 'train'")]
    assert sorted(line.split()[0] for line in done.stdout.splitlines()) == sorted(keys)


def test_the_cards_figures_are_those_of_the_sql(tmp_path: Path) -> None:
    text = _card(tmp_path)
    with open_dataset(tmp_path) as data:
        for row in data.sql("SELECT label, count(*) AS n FROM clips GROUP BY label").dicts():
            assert f"| {row['label']} | {row['n']} |" in text
        ((hours,),) = data.sql("SELECT sum(duration_s) / 3600 FROM clips").rows()
    assert f"24 clips, {hours:.3f} hours" in text


def test_the_card_is_the_same_twice_and_holds_no_clock(tmp_path: Path) -> None:
    assert _card(tmp_path / "a") == _card(tmp_path / "b")


def test_an_empty_data_set_has_a_card(tmp_path: Path) -> None:
    assert "0 clips" in _card(tmp_path, 0)
