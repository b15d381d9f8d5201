"""The text rules accept what people write, and find the defects that published files are known for.

Every row here is our own; the defects are those found in public gold files.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from ver_pipeline.cli import main
from ver_pipeline.quality.emer import HumanText, judge, read_emer
from ver_pipeline.schemas.errors import UsageError

GOOD = (
    HumanText("a", "sad", "I'm sorry.", "对不起。",
              'In the video, she whispers "I\'m sorry" and looks at the floor, her brows are furrowed and her '
              "shoulders sink. Therefore, it is inferred that her emotional state is sadness and guilt.",
              "在视频中，她低声说“对不起”，看向地面，眉头紧锁，肩膀下沉。因此，推测她的情感状态为悲伤和内疚。"),
    HumanText("b", "happy", "Thank you! I have waited for this letter.", "谢谢！这封信我等了很久。",
              'In the video, he says "Thank you!" with raised eyebrows and a wide smile. Therefore, it can be '
              "inferred that his emotional state is happy and grateful.",
              "在视频中，他说”谢谢！“，眉毛抬起，笑得很开心。因此，推测他的情感状态为高兴和感激。"),
    HumanText("c", "worried", "", "",
              "In the video, his left hand is on his hip and he holds a phone with the right one. Therefore, it is "
              "inferred that his emotional state is one of worry.",
              "在视频中，他左手叉腰，右手拿着电话，眉头微皱。因此，推测他的情感状态为担忧。"),
    HumanText("d", "angry", "Do you even listen to me?", "你到底有没有在听我说？",
              'In the video, the question "Do you even listen to me?" is asked loudly, and the speech becomes faster. '
              "Therefore, it is inferred that his emotional state is anger.",
              "在视频中，他大声反问“你到底有没有在听我说？”，语速加快。因此，推测他的情感状态为生气。"),
    HumanText("e", "surprise", "As an AI I cannot assist, said the robot in the play.",
              "戏里的机器人说，作为人工智能我无法协助。",
              'In the video, he repeats "As an AI I cannot assist" with wide eyes and a laugh, and turns around. '
              "Therefore, it is inferred that his emotional state is surprise.",
              "在视频中，他睁大眼睛，笑着重复“作为人工智能我无法协助”这句台词，转过身去。因此，推测他的情感状态为惊讶。"),
    HumanText("f", "happy", "Xiaoming is here, everyone!", "小明来了，大家！",
              'In the video, "小明" is called out with a bright voice, the arms are raised and the mouth is wide open. '
              "Therefore, it is inferred that her emotional state is happy.",
              "在视频中，她用明亮的声音喊出“小明”，双臂举起，嘴巴张开。因此，推测她的情感状态为高兴。"),
)  # fmt: skip

EN, ZH = GOOD[3].en, GOOD[3].zh
DEFECTS = {
    "leaked tag at the head": ("L05", "Input: " + EN, ZH),
    "doubled answer": ("L06", f"{EN} Output: {EN}", f"{ZH}{ZH}"),
    "untranslated subtitle without a gloss": ("L02", EN + " Then “我跟你说过很多次了不要再来” follows.", ZH),
    "Chinese outside quotes": ("L02", EN + " 语速加快。", ZH),
    "lengths out of proportion": ("L07", EN * 3, ZH),
    "quotation of another sentence": ("G01", EN.replace("Do you even listen to me?", "Give me the car keys"), ZH),
    "code fence and keys left": ("L05", '```json {"text": "' + EN + '"}', ZH),
    "refusal": ("L09", "I'm sorry, but I can't analyze this video. " + EN, ZH),
    "languages swapped": ("L01", ZH, EN),
    "opposite emotions": ("C02", EN.replace("anger", "joy"), ZH),
}


@pytest.mark.parametrize("row", GOOD, ids=lambda row: row.name)
def test_human_row_is_not_rejected(row: HumanText) -> None:
    assert judge([row])["rejected"] == {}


@pytest.mark.parametrize("defect", DEFECTS)
def test_known_defect_of_published_files_is_rejected_by_its_rule(defect: str) -> None:
    rule, en, zh = DEFECTS[defect]
    row = HumanText("x", "angry", GOOD[3].subtitle_en, GOOD[3].subtitle_zh, en, zh)
    found = judge([row])["rejected"]["x"]
    assert rule in {line.split()[0] for line in found}, found


def test_single_changed_word_in_a_quotation_is_a_flag_not_a_reject() -> None:
    row = HumanText("x", "sad", "I do not want to see him.", "我不想见他。",
                    GOOD[0].en.replace("I'm sorry", "I do not want to see him."),
                    GOOD[0].zh.replace("对不起", "我不想见到他"))  # fmt: skip
    told = judge([row])
    assert told["n_passed"] == 1 and told["by_rule"]["flag G01"] == 1


def test_gloss_after_a_foreign_quotation_is_enough() -> None:
    row = HumanText(
        "x",
        "angry",
        "",
        "",
        EN.replace('"Do you even listen to me?"', "“你到底有没有在听” (are you listening at all)"),
        ZH,
    )
    assert judge([row])["rejected"] == {}


def write_pair(folder: Path, rows: tuple[HumanText, ...]) -> list[str]:
    """The two files of layout 1, the Chinese one with a byte order mark as spreadsheets write it."""
    for name, encoding in (("en", "utf-8"), ("zh", "utf-8-sig")):
        with (folder / f"{name}.csv").open("w", encoding=encoding, newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["names", "emotions", "subtitles", "reasons"])
            for row in rows:
                writer.writerow([row.name, row.emotion, getattr(row, f"subtitle_{name}"), getattr(row, name)])
    return [str(folder / "en.csv"), str(folder / "zh.csv")]


def test_both_layouts_load(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, GOOD)
    assert read_emer([Path(p) for p in pair]) == list(GOOD)
    single = tmp_path / "v2.csv"
    single.write_text("name,chinese,english\nx,画面很暗。,It is dark.\n", encoding="utf-8")
    assert read_emer([single])[0].zh == "画面很暗。"


def test_files_of_different_clips_are_refused(tmp_path: Path) -> None:
    write_pair(tmp_path, GOOD)
    (tmp_path / "zh.csv").write_text("names,emotions,subtitles,reasons\nother,生气,,好。\n", encoding="utf-8")
    with pytest.raises(UsageError, match="one file only"):
        read_emer([tmp_path / "en.csv", tmp_path / "zh.csv"])


def test_command_reports_pass_rate_and_names_rejected_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = HumanText("bad", "angry", "", "", "Output: " + EN, ZH)
    pair = write_pair(tmp_path, (*GOOD, bad))
    assert main(["validate", "--emer", *pair, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["n"], told["n_passed"]) == (7, 6)
    assert list(told["rejected"]) == ["bad"]
    assert main(["validate", "--emer", *pair]) == 0
    assert "6 of 7" in capsys.readouterr().out
    assert main(["validate", "--emer", *pair, "--strict"]) == 1
