"""Scores agree with hand-computed cases, and the traps of published scripts stay shut."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from video_shards import make_data_set, make_video, make_web_folder

from ver_pipeline.cli import main
from ver_pipeline.model import load
from ver_pipeline.model.data.shards import open_shards
from ver_pipeline.model.data.webfolder import open_webfolder
from ver_pipeline.model.evaluate.answers import answers, general_score
from ver_pipeline.model.evaluate.closed import closed_scores, interval
from ver_pipeline.model.evaluate.layouts import read_rows
from ver_pipeline.model.evaluate.openset import set_scores
from ver_pipeline.model.evaluate.overlap import chrf, label_f1
from ver_pipeline.model.evaluate.reply import claimed_label, claimed_words, classes_of
from ver_pipeline.model.evaluate.report import score_files
from ver_pipeline.model.tiny import write_tiny
from ver_pipeline.model.vision import Sampling
from ver_pipeline.schemas import labels
from ver_pipeline.schemas.errors import UsageError

torch.set_num_threads(1)


def test_unweighted_recall_averages_over_the_true_classes_only():
    """An answer outside the labels is a miss; taken for a class of its own it would give .50."""
    scores = closed_scores(["a", "a", "b", "b"], ["a", None, "b", "b"], ["a", "b", "c"])
    assert scores.uar == 0.75
    assert scores.accuracy == scores.war == 0.75
    assert scores.classes == ("a", "b")
    assert scores.unanswered == 0.25


def test_closed_scores_of_a_case_computed_by_hand():
    scores = closed_scores(list("aaabbc"), list("aabbcc"), list("abc"))
    # recall a 2/3, b 1/2, c 1; precision a 1, b 1/2, c 1/2; F a .8, b .5, c 2/3
    assert scores.accuracy == pytest.approx(4 / 6)
    assert scores.uar == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert scores.macro_f1 == pytest.approx((0.8 + 0.5 + 2 / 3) / 3)
    assert scores.weighted_f1 == pytest.approx((3 * 0.8 + 2 * 0.5 + 2 / 3) / 6)
    assert scores.confusion["b"] == {"b": 1, "c": 1}


def test_a_reference_outside_the_labels_is_an_error():
    with pytest.raises(ValueError, match="outside"):
        closed_scores(["x"], ["a"], ["a"])


def test_interval_covers_the_share_and_repeats_itself():
    low, high = interval([True] * 30 + [False] * 10)
    assert low < 0.75 < high
    assert (low, high) == interval([True] * 30 + [False] * 10)


@pytest.mark.parametrize(
    ("reply", "language", "label"),
    [
        ("happiness", "en", "happiness"), ("Happy.", "en", "happiness"), ("高兴", "zh", "happiness"),
        ("The person seems angry.", "en", "anger"), ("She looks unhappy", "en", "sadness"),
        ("She is not happy.", "en", None), ("happy, sad, angry, neutral, surprise", "en", None),
        ("undetermined", "en", "undetermined"), ("无法判断。", "zh", "undetermined"),
        ("他不高兴", "zh", None), ("", "en", None), ('She says "I am happy"', "en", None),
    ],
)  # fmt: skip
def test_a_reply_claims_one_label_or_none(reply, language, label):
    assert claimed_label(reply, language) == label


def test_every_label_is_understood_by_the_name_the_trainer_teaches():
    for label in labels.LABEL_IDS:
        for language in ("en", "zh"):
            assert claimed_label(labels.display(label, language), language) == label


def test_listing_every_class_scores_nothing():
    everything = ", ".join(labels.display(label, "en") for label in labels.LABEL_IDS)
    assert claimed_label(everything, "en") is None


def test_taxonomies_have_their_published_classes():
    assert set(classes_of("mer6")) == {"happy", "sad", "neutral", "angry", "surprise", "worried"}
    assert len(classes_of("dfew7")) == 7
    assert "undetermined" not in classes_of("canonical")


def test_set_scores_follow_the_formula_of_means():
    wheel = {"glad": "joy", "happy": "joy", "sad": "low", "mad": "hot"}
    truth = [["happy"], ["sad", "mad"], ["strange"]]
    scores = set_scores(truth, [["glad", "sad"], ["sad", "odd"], ["happy"]], wheel)
    # clip 1: P 1/2, R 1; clip 2: P 1 (odd is unmapped), R 1/2; clip 3 has no truth on the wheel
    assert (scores.precision, scores.recall, scores.f1) == (0.75, 0.75, 0.75)
    assert (scores.n, scores.skipped) == (2, 1)
    assert scores.unmapped == 0.25
    assert scores.mean_size == 1.5


def test_set_scores_compare_both_languages_on_our_wheel():
    assert set_scores([["angry"]], [["恼火"]]).f1 == 1.0
    assert set_scores([["neutral"]], [["neutral"]]).n == 1
    with pytest.raises(ValueError, match="wheel"):
        set_scores([["qwerty"]], [["happy"]])


def test_claimed_words_leave_out_what_is_denied_or_quoted():
    assert claimed_words('She is worried, not angry, and says "I am happy".', "en") == ["worried"]


def test_text_overlap_is_one_for_equal_and_zero_for_unrelated_text():
    assert chrf("她笑了", "她 笑了") == pytest.approx(1.0)
    assert chrf("abc", "xyz") == 0.0
    assert 0 < chrf("the corners of the mouth rise", "the mouth rises") < 1
    assert label_f1("angry and sad", "she is angry", "en") == pytest.approx(2 / 3)
    assert label_f1("nothing", "nothing", "en") == 1.0


def write_csv(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_mer_and_dfew_layouts_are_scored(tmp_path):
    mer = write_csv(tmp_path / "mer.csv", "name,discrete\na,happy\nb,worried\nc,sad\n")
    mine = write_csv(tmp_path / "mine.csv", "name,label\na,happiness\nb,anxiety\nc,angry\n")
    report = score_files(mer, mine, "mer2024")["label"]
    assert (report["n"], report["accuracy"]) == (3, pytest.approx(2 / 3))
    dfew = write_csv(tmp_path / "dfew.csv", "video_name,label\n1,1\n2,4\n3,7\n4,2\n")
    mine = write_csv(tmp_path / "mine.csv", "name,label\n00001.mp4,happy\n2,angry\n3,sad\n")
    report = score_files(dfew, mine, "dfew")["label"]
    assert report["accuracy"] == 0.5
    assert report["unanswered"] == 0.25  # clip 4 has no prediction and is a miss
    assert report["uar"] == 0.5


def test_emer_layout_scores_labels_words_and_clues(tmp_path):
    gold = write_csv(
        tmp_path / "g.csv", "names,emotions,subtitles,reasons\nx,生气,滚,他皱着眉头，声音很大，显得很愤怒。\n"
    )
    mine = write_csv(tmp_path / "m.csv", "name,label,text\nx,愤怒,他声音很大，看起来很生气。\n")
    report = score_files(gold, mine, "emer")
    assert report["label"]["accuracy"] == 1.0
    assert report["open"]["f1"] == 1.0
    assert 0 < report["overlap"]["clue_chrf"] < 1


@pytest.mark.parametrize(
    ("gold", "mine", "said"),
    [("name,discrete\na,happy\n", "name,label\nb,sad\n", "unknown clips"),
     ("name,discrete\na,happy\na,sad\n", "name,label\na,sad\n", "twice"),
     ("clip,x\na,happy\n", "name,label\na,sad\n", "columns")],
)  # fmt: skip
def test_files_that_do_not_fit_are_refused(tmp_path, gold, mine, said):
    with pytest.raises(UsageError, match=said):
        score_files(write_csv(tmp_path / "g", gold), write_csv(tmp_path / "m", mine), "mer2024")
    with pytest.raises(UsageError, match="unknown layout"):
        read_rows(tmp_path / "g", "mer2099")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("m") / "tiny"
    write_tiny(folder)
    return folder


def test_answers_cover_every_clip_task_and_language_once(tiny, tmp_path):
    folder = make_data_set(tmp_path, n_train=3)
    model, tokenizer, _ = load(tiny)
    given = list(
        answers(model, tokenizer, open_shards(folder), ["label"], ["en", "zh"], sampling=Sampling(max_pixels=3136))
    )
    assert len({(a.key, a.task, a.language) for a in given}) == len(given) == 6
    blind = answers(model, tokenizer, open_shards(folder), ["label"], ["en"], blind=True)
    assert len({a.reply for a in blind}) == 1  # without pixels all clips are the same


def test_eval_writes_a_report_for_each_language(tiny, tmp_path, capsys):
    folder = make_data_set(tmp_path / "s", n_train=2, n_test=2)
    arguments = ["eval", "--checkpoint", str(tiny), "--shards", str(folder), "--tasks", "label", "--max-pixels", "3136"]
    assert main([*arguments, "--json", str(tmp_path / "r.json"), "--replies", str(tmp_path / "a.jsonl")]) == 0
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["en"]["label"]["n"] == report["zh"]["label"]["n"] == 2
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 4
    assert "accuracy" in capsys.readouterr().out


def test_forgetting_compares_loss_and_accuracy_on_the_same_set(tiny, tmp_path, capsys):
    general = make_web_folder(tmp_path / "g", n=3)
    model, tokenizer, _ = load(tiny)
    score = general_score(model, tokenizer, open_webfolder(general), sampling=Sampling(image_max_pixels=3136))
    assert score.n == 3
    assert score.loss > 3
    arguments = ["eval", "--forgetting", str(tiny), str(tiny), "--general", str(general)]
    assert main([*arguments, "--json", str(tmp_path / "f.json")]) == 0
    report = json.loads((tmp_path / "f.json").read_text())
    assert report["gained_loss"] == report["lost_accuracy"] == 0
    assert "before" in capsys.readouterr().out


def test_infer_answers_in_one_command_and_refuses_what_is_no_video(tiny, tmp_path, capsys):
    video = tmp_path / "film.mp4"
    video.write_bytes(make_video("anger", "blue", 1))
    arguments = ["infer", str(tiny), str(video), "--lang", "zh", "--max-new-tokens", "3"]
    assert main(arguments) == 0
    capsys.readouterr()
    video.write_bytes(b"x")
    assert main(arguments) == 2
    assert "is it a video" in capsys.readouterr().err


def test_eval_without_anything_to_measure_is_a_usage_error(capsys):
    assert main(["eval"]) == 2
    assert "nothing to measure" in capsys.readouterr().err


def test_model_commands_write_what_train_takes(tmp_path, capsys):
    assert main(["checkpoint", "tiny", str(tmp_path / "t")]) == 0
    assert main(["checkpoint", "init", "--from", str(tmp_path / "t"), str(tmp_path / "i")]) == 1
    assert "emotion_qwen" in capsys.readouterr().err
    folder = make_data_set(tmp_path / "s", n_train=2)
    with pytest.raises(SystemExit):  # a model is never chosen in silence
        main(["train", "--shards", str(folder), "--out", str(tmp_path / "run")])
    assert "--model" in capsys.readouterr().err
    arguments = ["train", "--shards", str(folder), "--out", str(tmp_path / "run"), "--model", str(tmp_path / "t")]
    assert main([*arguments, "--stage", "emotion", "--dry-run"]) == 0
    assert "model.visual" not in capsys.readouterr().out
    assert not (tmp_path / "run" / "emotion").exists()
