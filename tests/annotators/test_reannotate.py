"""``ver annotate``: a new version of a data set, its videos untouched; human decisions win; costs are kept."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from factory import make_records

from ver_pipeline.annotators.base import Usage
from ver_pipeline.annotators.cues.annotator import VERSION
from ver_pipeline.annotators.registry import make
from ver_pipeline.annotators.reviewed import load_reviews
from ver_pipeline.annotators.teacher.cost import Cost, actual, estimate, run_rows, text_tokens
from ver_pipeline.catalog.dataset import open_dataset
from ver_pipeline.cli import main
from ver_pipeline.publishing.publish import Content, publish
from ver_pipeline.quality.reviews import cohen_kappa, human_scores, macro_f1
from ver_pipeline.reannotation.reannotate import _spoken, said_around
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.config import AnnotateConfig, BuildConfig
from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.schemas.record import parse_record
from ver_pipeline.shards.layout import Sample
from ver_pipeline.stages.annotate import AnnotateStage, request_of, wants_context

N = 12


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    """A published data set of the factory's records, with a few bytes where the videos are."""
    return make_data_set(tmp_path, [f"video {i}".encode() for i in range(N)])


def make_data_set(tmp_path: Path, videos: list[bytes]) -> Path:
    """A published data set of the factory's first records with these videos."""
    out, samples, sources = tmp_path / "shards", [], {}
    for i, (record, video) in enumerate(zip(make_records(len(videos)), videos, strict=True)):
        data = {**record.model_dump(mode="json"), "split": ("train", "heldout")[i // 4 % 2]}
        sources[data["source"]["id"]] = data["source"]
        data["media"] |= {"sha256": hashlib.sha256(video).hexdigest(), "size_bytes": len(video)}
        paths = {"json": tmp_path / f"{record.key}.json", "mp4": tmp_path / f"{record.key}.mp4"}
        paths["json"].write_bytes(canonical_json(data))
        paths["mp4"].write_bytes(video)
        samples.append(Sample(record.key, data["split"], str(paths["json"]), str(paths["mp4"]), None, 4096))
    reject = {"reason": "not_media", "stage": "ingest", "message": "x", "source_id": None, "uri": "a.txt", "key": None,
              "retryable": False}  # fmt: skip
    content = Content(
        samples, list(sources.values()), [reject], [], BuildConfig(), {"annotate": "old"}, {"ffmpeg": "7"}
    )
    (out / ".ver").mkdir(parents=True)
    publish(out, out / ".ver" / "staging", content)
    return out


def read(out: Path) -> tuple[dict[str, dict[str, Any]], dict[str, bytes]]:
    """Records and videos by key."""
    records, videos = {}, {}
    for path in sorted(out.glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                key, extension = member.name.split(".")
                data = tar.extractfile(member).read()  # type: ignore[union-attr]
                if extension == "json":
                    records[key] = json.loads(data)
                elif extension == "mp4":
                    videos[key] = data
    return records, videos


def test_new_annotations_replace_old_ones_and_videos_stay_byte_for_byte(
    data_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, videos = read(data_set)
    keys = sorted(before)
    reviews = tmp_path / "reviews.jsonl"
    decided = {"reviewer": "ann", "decided_utc": "2026-05-01T10:00:00Z"}
    rows = [
        {"key": keys[0], "decision": "reject", **decided},
        {"key": keys[1], "decision": "accept", **decided},
        {"key": keys[2], "decision": "corrected", **decided, "fields": {"intensity": 1}},
    ]
    reviews.write_bytes(b"\n".join(canonical_json(row) for row in rows))
    assert main(["annotate", str(data_set), "--annotator", "cues", "--reviews", str(reviews)]) == 0
    after, videos_after = read(data_set)
    assert videos_after == {key: video for key, video in videos.items() if key != keys[0] and key in after}
    assert keys[0] not in after
    for key, record in after.items():
        parse_record(record)
        assert record["split"] == before[key]["split"]
        replaced = [a["description"] for a in record["alternatives"]]
        assert before[key]["description"] in replaced or before[key]["description"] == record["description"]
    assert {after[key]["tier"] for key in keys[3:] if key in after} == {"cue"}
    assert after[keys[1]]["tier"] == "human"
    assert after[keys[1]]["human"]["reviewers"] == ["ann"]
    with open_dataset(data_set) as data:
        told = dict(data.sql("SELECT reason, count(*) FROM rejects GROUP BY reason").rows())
        assert told["human_rejected"] == told["not_media"] == 1
        stages = {row[0] for row in data.sql("SELECT stage FROM runs").rows()}
        assert stages == {"annotate", "annotate-estimate"}
        n_sources = data.sql("SELECT count(*) FROM sources").rows()[0][0]
        assert n_sources == len({record["source"]["id"] for record in before.values()})
    assert not (data_set / ".ver" / "annotate-media").exists()
    capsys.readouterr()
    assert main(["annotate", str(data_set), "--human-scores"]) == 0
    assert f"cues:{VERSION}" in capsys.readouterr().out


def test_added_annotations_leave_the_adopted_ones_in_place(data_set: Path) -> None:
    before, _ = read(data_set)
    chosen = sorted(before)[0]
    assert main(["annotate", str(data_set), "--add", "--where", f"key = '{chosen}'"]) == 0
    after, _ = read(data_set)
    assert after[chosen]["description"] == before[chosen]["description"]
    assert after[chosen]["alternatives"][0]["provenance"]["annotator"] == "cues"
    assert {key: r for key, r in after.items() if key != chosen} == {k: r for k, r in before.items() if k != chosen}


def test_local_model_that_writes_nothing_worth_keeping_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch
    from video_shards import make_video

    from ver_pipeline.model.tiny import write_tiny

    torch.set_num_threads(1)
    write_tiny(tmp_path / "tiny")
    out = make_data_set(tmp_path, [make_video("happiness", "red", i, n_frames=8) for i in range(10)])
    before, videos = read(out)
    options = {"model": str(tmp_path / "tiny"), "batch_size": 5, "n_frames": 2, "max_side": 56, "few_shot": False,
               "retries": 0, "repairs": 0, "answer_scale": 0.03, "max_new_tokens": 200}  # fmt: skip
    override = "annotate.options=" + json.dumps({"transformers": options})
    command = ["annotate", str(out), "--annotator", "transformers", "--add", "--set", override]
    assert main(command) == 1  # random weights write nothing worth keeping
    assert "8 of 8 answers of transformers cannot be used" in capsys.readouterr().err
    assert main([*command, "--set", "annotate.max_unread=1.0"]) == 1
    assert "no clip got a usable answer (10 " in capsys.readouterr().err
    assert read(out) == (before, videos)


def test_written_answers_replay_to_the_same_annotations(data_set: Path, tmp_path: Path) -> None:
    before, _ = read(data_set)
    answers = tmp_path / "answers.jsonl"
    assert main(["annotate", str(data_set), "--write-answers", str(answers)]) == 0
    override = "annotate.options=" + json.dumps({"replay": {"path": str(answers)}})
    assert main(["annotate", str(data_set), "--annotator", "replay", "--set", override]) == 0
    after, _ = read(data_set)
    assert sorted(after) == sorted(before)
    for name in ("observations", "description", "provenance"):
        assert {key: r[name] for key, r in after.items()} == {key: r[name] for key, r in before.items()}


def test_questions_about_a_run_change_nothing(
    data_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = (data_set / "manifest.json").read_bytes()
    options = "annotate.options={openai: {model: m, price_in: 1.0}}"
    assert main(["annotate", str(data_set), "--annotator", "openai", "--set", options, "--estimate"]) == 0
    assert f"expected: {N} clips, {N} calls" in capsys.readouterr().out
    skill = tmp_path / "skill.json"
    assert main(["annotate", str(data_set), "--fit-source-skill", str(skill)]) == 0
    assert json.loads(skill.read_text())["schema"] == "ver-voters/1"
    assert (data_set / "manifest.json").read_bytes() == manifest


def test_prompts_are_listed_shown_and_rendered_for_a_clip(data_set: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prompts", "list"]) == 0
    assert "annotate/3.zh" in capsys.readouterr().out
    assert main(["prompts", "show", "describe.en"]) == 0
    assert "{{evidence}}" in capsys.readouterr().out
    key, record = next((k, r) for k, r in sorted(read(data_set)[0].items()) if r["speech"]["present"])
    assert main(["prompts", "render", key, "--data", str(data_set), "--schema"]) == 0
    shown = capsys.readouterr().out
    assert record["speech"]["text"] in shown
    assert '"additionalProperties": false' in shown
    assert main(["prompts", "show", "nothing"]) == 2
    assert main(["prompts", "render", "x'; DROP", "--data", str(data_set)]) == 2


def test_estimate_counts_every_prompt_of_a_pass() -> None:
    requests = [request_of({**record.model_dump(mode="json"), "media_path": "f"}) for record in make_records(4)]
    single = estimate(make("openai", {"model": "m", "price_out": 2.0}), requests, 400)
    staged = estimate(make("openai", {"model": "m", "flow": "staged"}), requests, 400)
    assert (single.calls, staged.calls) == (400, 1600)
    assert single.tokens_in > 400 * 8 * 256  # eight frames of 448 x 448
    assert single.money == pytest.approx(single.tokens_out / 1e6 * 2.0)
    assert estimate(make("cues"), requests, 400).tokens_in == 0
    assert text_tokens("你好，世界") == 5
    assert text_tokens("abcdefgh") == 2


def test_money_of_a_run_stands_in_runs_and_in_the_named_query(data_set: Path) -> None:
    spent = Cost(2, 3, 4000, 500, None, 0.25)
    expected = Cost(2, 2, 3000, 400, None, 0.125)
    rows = run_rows("r1", "2026-01-01", expected, spent, rows_out=2)
    assert [row.get("cost_estimate") for row in rows] == [0.125, None]
    assert [row.get("cost") for row in rows] == [None, 0.25]
    assert main(["annotate", str(data_set)]) == 0
    with open_dataset(data_set) as data:
        told = dict(data.sql("SELECT stage, coalesce(cost_estimate, cost) FROM runs").rows())
        assert told == {"annotate-estimate": 0.0, "annotate": 0.0}  # the cues cost nothing, and that is known
        paid = [row for row in data.sql("@teacher-cost").dicts() if row["about"] == "run"]
    assert [(row["cost_estimate"], row["cost"]) for row in paid] == [(0.0, 0.0)]


def test_money_without_prices_is_unknown_not_free() -> None:
    requests = [request_of({**record.model_dump(mode="json"), "media_path": "f"}) for record in make_records(2)]
    unpriced = make("openai", {"model": "m"})
    assert estimate(unpriced, requests, 9).money is None
    assert actual(unpriced, Usage(1000, 1000, 1), 9).money is None
    assert estimate(make("cues"), requests, 9).money == 0.0
    by_the_hour = make("vllm", {"model": "m", "price_hour": 2.0})
    assert estimate(by_the_hour, requests, 9).money is None
    assert actual(by_the_hour, Usage(1, 1, 1, 0, 1800.0), 9).money == pytest.approx(1.0)


def test_neighbours_of_a_clip_reach_the_teacher_that_wants_them(data_set: Path) -> None:
    with open_dataset(data_set) as data:
        spoken = _spoken(data)
    (one, other), record = sorted(spoken)[:2], make_records(1)[0].model_dump(mode="json")
    record["clip"] |= {"prev_key": one, "next_key": "gone"}
    record["source"]["title"] = "Northern Line"
    told = request_of({**record, **said_around(record, spoken)}).context
    assert told == {"before": spoken[one], "after": None, "title": "Northern Line"}
    assert said_around(record, None) == {}
    wanted = {"openai": {"model": "m", "flow": "staged", "context": True}}
    curious = AnnotateStage(AnnotateConfig(annotator="openai", options=wanted))
    assert wants_context(curious)
    assert set(curious.reads) - set(AnnotateStage(AnnotateConfig()).reads) == {"context", "source.title"}
    assert spoken[other] is not None


def test_kappa_and_f1_equal_hand_computed_values() -> None:
    pairs = [("a", "a")] * 20 + [("a", "b")] * 5 + [("b", "a")] * 10 + [("b", "b")] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4)
    assert macro_f1(pairs) == pytest.approx((40 / 55 + 30 / 45) / 2)
    assert cohen_kappa([("a", "a")] * 3) is None
    assert human_scores([{"human": None}]) == []


KEY = "0123456789abcdef_00000000_00001000"


def test_latest_decision_counts_and_bad_lines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    rows = [
        {"key": KEY, "decision": "reject", "reviewer": "b", "decided_utc": "2026-02-01"},
        {"key": KEY, "decision": "accept", "reviewer": "a", "decided_utc": "2026-01-01"},
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    review = load_reviews(path)[KEY]
    assert (review.decision, review.reviewers) == ("reject", ("a", "b"))
    for bad in ('{"key": "k"}', "nonsense", json.dumps({**rows[0], "decision": "maybe"}),
                json.dumps({**rows[0], "decision": "corrected", "fields": {"primary": "joyous"}}),
                json.dumps({**rows[0], "decision": "corrected", "fields": {"split": "test"}})):  # fmt: skip
        path.write_text("\n" + bad, encoding="utf-8")
        with pytest.raises(ConfigError, match="line 2"):
            load_reviews(path)
