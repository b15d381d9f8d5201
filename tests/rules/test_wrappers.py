"""Talk around a description is found at its beginning, its end and at line heads; descriptions that only resemble it pass."""

# ruff: noqa: E501  (a table of words reads better unbroken)
from __future__ import annotations

import pytest
from factory import make_dict

from ver_pipeline.schemas.record import parse_record
from ver_pipeline.schemas.rules import BY_ID, run_rules

OPENERS_EN = (
    "Sure, here is the description:", "Sure! Here's a bilingual description of the clip.", "Certainly! Below is the description.",
    "Of course, here is the text.", "Okay, let me describe the video.", "Let me think step by step.", "Here is the translation:",
    "Here's the English description you asked for:", "Translation:", "Final answer:", "Answer:", "**Description:**", "English:",
    "Description (EN):", "The following is a description of the video.", "Based on the provided observations, I write this.",
    "I will now describe the clip.", "As requested, a short text.", "First, I need to look at the face.", "The user wants a description.",
    "Output:", "Thought process:", "[ANSWER]", "Note:", "Great, here is the revised version:", "I have written the description as you wanted.",
    "Understood! I describe the scene.", "<answer>",
)  # fmt: skip
OPENERS_ZH = (
    "好的，以下是描述：", "好的，下面是翻译：", "当然，以下是中文描述。", "以下是对该视频的描述：", "翻译：", "描述：", "最终答案：", "中文：",
    "【回答】", "让我想想。", "我来描述一下。", "根据您提供的信息，", "根据提供的证据，", "用户要求我描述视频。", "描述如下：", "没问题，这是描述。",
    "思考过程：", "译文：", "中文描述：", "好的！我将为您描述这个片段。", "下面是一段分析：", "首先让我分析画面。",
)  # fmt: skip
CLOSERS_EN = (
    "I hope this helps!", "Hope this is helpful.", "Let me know if you need anything else.", "Feel free to ask for changes.",
    "Is there anything else you would like?", "If you need any further details, just ask.", "Would you like me to shorten it?",
    "(Word count: 52)", "This description is based on the evidence given.", "End of description.", "Please let me know if this works.",
)  # fmt: skip
CLOSERS_ZH = (
    "希望对您有帮助。", "希望以上描述对你有所帮助！", "如有其他问题，请随时告诉我。", "如果您需要进一步修改，请告诉我。", "以上是对视频的描述。",
    "（字数：80）", "您还有什么需要帮助的吗？", "描述完毕。", "希望这个回答能够帮助您。", "以上就是中文翻译。",
)  # fmt: skip
HUMAN_EN = (
    "Here a man stands by the window. ", "Sure of himself, he lifts the chin. ", "The answer comes late and in a low voice. ",
    "Let me go, the woman says, and turns away. ", "Okay is the only word that is heard. ", "First the hand moves, then the head. ",
    "The following moment brings a pause. ", "Of course the door stays closed. ", "In the video, the description on the wall is old. ",
    'He repeats "Let me think" twice. ', "Below the window stands a table. ", "The user of the machine looks down. ",
    "This is a man in a grey coat. ", "Based on the lowered gaze, the mood is quiet. ", "Great care is taken with the cup. ",
    "I hope, the person says, and stops. ", "The text on the sign cannot be read. ", "A translation is shown below the frame. ",
)  # fmt: skip
HUMAN_ZH = (
    "好的天气从窗外照进来。", "以下垂的目光看向桌面。", "画面中的描述性文字看不清。", "让我走，那人说着转身。", "当然，门还是关着。", "“让我想想”，那人重复了两遍。",
    "根据低垂的目光，此人很安静。", "首先是手的动作，然后是头部。", "下面是一张木桌。", "用户手册放在桌上。", "翻译坐在一旁。", "答案写在黑板上，字迹很淡。",
    "我会来的，那人说完就走。", "希望就在眼前。", "最后那人问还有什么事吗。",
)  # fmt: skip


def wrapped(language: str, before: str = "", after: str = "") -> bool:
    data = make_dict(0)
    text = data["description"][language]
    data["description"][language] = before + text + after
    verdict = run_rules(parse_record(data), rules=[BY_ID["L05"]])
    return bool(verdict.findings)


@pytest.mark.parametrize("opener", OPENERS_EN)
def test_english_opener_is_found(opener: str) -> None:
    assert wrapped("en", before=opener + " ") and wrapped("en", before=opener + "\n\n")


@pytest.mark.parametrize("opener", OPENERS_ZH)
def test_chinese_opener_is_found(opener: str) -> None:
    assert wrapped("zh", before=opener) and wrapped("zh", before=opener + "\n")


@pytest.mark.parametrize("closer", CLOSERS_EN)
def test_english_closer_is_found(closer: str) -> None:
    assert wrapped("en", after=" " + closer) and wrapped("en", after="\n\n" + closer)


@pytest.mark.parametrize("closer", CLOSERS_ZH)
def test_chinese_closer_is_found(closer: str) -> None:
    assert wrapped("zh", after=closer) and wrapped("zh", after="\n" + closer)


@pytest.mark.parametrize("text", HUMAN_EN)
def test_english_that_only_resembles_a_wrapper_passes(text: str) -> None:
    assert not wrapped("en", before=text) and not wrapped("en", after=" " + text.strip())


@pytest.mark.parametrize("text", HUMAN_ZH)
def test_chinese_that_only_resembles_a_wrapper_passes(text: str) -> None:
    assert not wrapped("zh", before=text) and not wrapped("zh", after=text)


@pytest.mark.parametrize(
    "label", ["Translation:", "Final answer:", "Chinese:", "翻译：", "最终答案：", "[/INST]", "【结束】"]
)
def test_label_at_a_line_head_is_found(label: str) -> None:
    assert wrapped("en", after=f"\n{label} a person stands in a kitchen.")
