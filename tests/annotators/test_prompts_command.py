"""``ver prompts``: what a model would be shown, to be read by anybody."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_reannotate import make_data_set, read

from ver_pipeline.annotation_prompts.load import load_prompts
from ver_pipeline.cli import main


def test_list_names_every_prompt_and_show_gives_its_whole_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prompts", "list"]) == 0
    listed = capsys.readouterr().out
    for prompt in load_prompts().values():
        assert f"{prompt.name} " in listed
        assert prompt.purpose in listed
    assert main(["prompts", "show", "merge.zh"]) == 0
    shown = capsys.readouterr().out
    prompt = load_prompts()["merge", "zh"]
    assert prompt.system in shown
    assert prompt.user in shown
    assert '# sampling: {"temperature": 0.2}' in shown
    assert main(["prompts", "show", "mirth"]) == 2
    assert "label_mer6" in capsys.readouterr().err


def test_every_prompt_renders_for_a_clip_of_a_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = make_data_set(tmp_path, [f"video {i}".encode() for i in range(4)])
    records, _ = read(out)
    key, record = next((k, r) for k, r in sorted(records.items()) if r["clip"]["next_key"] in records)
    for name, language in [*list(load_prompts())[::2], ("merge", "zh"), ("judge", "zh")]:
        assert main(["prompts", "render", key, "--data", str(out), "--prompt", name, "--lang", language]) == 0
        told = capsys.readouterr().out
        assert told.startswith(f"# {name}/")
        assert f".{language}\n" in told
        assert "{{" not in told
    assert main(["prompts", "render", key, "--data", str(out), "--prompt", "clue_context"]) == 0
    assert records[record["clip"]["next_key"]]["speech"]["text"] in capsys.readouterr().out
    for bad in (["x'; --"], ["ffff"], [key, "--prompt", "mirth"]):
        assert main(["prompts", "render", *bad, "--data", str(out)]) == 2
