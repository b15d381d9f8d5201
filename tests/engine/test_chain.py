"""Stages in one process: what travels with a row, and what is left behind."""

from __future__ import annotations

import toy_stages as toys

from ver_pipeline.build import FINISHED
from ver_pipeline.dag import make_dag
from ver_pipeline.engine.local_runner import LocalRunner, live_columns
from ver_pipeline.schemas.config import BuildConfig
from ver_pipeline.shards.workdir import WorkFolder


def test_a_video_s_transcript_does_not_travel_with_each_of_its_clips(tmp_path):
    dag = make_dag(BuildConfig(), WorkFolder(tmp_path))
    live = dict(zip((stage.name for stage in dag), live_columns(dag, FINISHED), strict=True))
    assert {"shots", "transcript"} <= live["speech"]
    assert not {"shots", "transcript"} & live["chunks"]
    assert not {"chunk", "shots", "transcript"} & live["clip"]
    assert "record" not in live["collect"]
    for number, stage in enumerate(dag):
        later = {name.partition(".")[0] for after in dag[number + 1 :] for name in after.reads}
        written = {name for before in dag[: number + 1] for name in before.writes}
        assert later & written <= live[stage.name], f"after {stage.name}"


def test_a_chain_drops_what_nobody_reads_and_keeps_what_says_whose_a_row_is(tmp_path):
    runner = LocalRunner([toys.Picky(), toys.Fan()], WorkFolder(tmp_path), lambda *_: None, {"key"})
    rows = [{"uri": f"{text}.mp4", "text": text, "ballast": "x" * 1000} for text in ("t1", "bad")]
    out = runner(rows)
    assert {row["key"] for row in out if "key" in row} == {f"T1{part}" for part in range(3)}
    assert [row["reject"]["uri"] for row in out if "reject" in row] == ["bad.mp4"]
    assert not [row for row in out if "ballast" in row or "said" in row]
