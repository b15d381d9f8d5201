"""Subtitle files made up at random: whatever format, encoding and layout, each word arrives once, at its time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ver_pipeline.transcribers.clean import simplifier
from ver_pipeline.transcribers.subtitles.layout import HIDDEN
from ver_pipeline.transcribers.subtitles.reader import read_subtitles, to_segments

ENGLISH = (
    "I don't know where she went.", "Are you sure about that?", "We've been waiting for an hour now.", "Come in.",
    "That's the well-known one for $1,500.", "He said it was 3.5 miles from here.", "Nobody told me anything!",
    "You look tired today.", "Café Müller is closed on Mondays.", "It isn't over yet.", "Take the 10.30 train, then.",
)  # fmt: skip
CHINESE = (
    "我不知道她去哪里了。", "你确定吗？", "我们已经等了一个小时。", "请进来坐一会儿。", "没有人告诉过我。",
    "他昨天晚上才回家。",
    "今天的天气真不错。", "我真的很难过。", "这件事以后再说吧。", "你为什么不早一点告诉我？",
)  # fmt: skip
ENCODINGS = {"en": ("utf-8", "utf-8-sig", "utf-16", "cp1252"), "zh": ("utf-8", "utf-8-sig", "utf-16", "gb18030")}
FORMATS = ("srt", "vtt", "ass")
SIMPLIFIED = simplifier()
EXAMPLES = int(os.environ.get("VER_SUBTITLE_EXAMPLES", "60"))


@dataclass(frozen=True)
class Made:
    """A file and what is said in it: (start, end, text) in seconds."""

    suffix: str
    data: bytes
    said: tuple[tuple[float, float, str], ...]


@st.composite
def files(draw: st.DrawFn) -> Made:
    language = draw(st.sampled_from(["en", "zh"]))
    texts = draw(st.lists(st.sampled_from(ENGLISH if language == "en" else CHINESE), min_size=5, max_size=12))
    texts = [text for text, before in zip(texts, [None, *texts], strict=False) if text != before]
    at_ms, said = 0, []
    for text in texts:
        begin_ms = at_ms + draw(st.integers(1, 300)) * 10
        at_ms = begin_ms + draw(st.integers(80, 500)) * 10
        said.append((begin_ms / 1000, at_ms / 1000, text))
    suffix = draw(st.sampled_from(FORMATS))
    bodies = [draw(_written(text, suffix)) for _, _, text in said]
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    whole = {"srt": _srt, "vtt": _vtt, "ass": _ass}[suffix](said, bodies, draw)
    return Made(suffix, whole.replace("\n", newline).encode(draw(st.sampled_from(ENCODINGS[language]))), tuple(said))


@st.composite
def _written(draw: st.DrawFn, text: str, suffix: str) -> str:
    """The text as a file holds it: broken over two lines, slanted, with entities."""
    if " " in text and draw(st.booleans()):
        words = text.split(" ")
        at = draw(st.integers(1, len(words) - 1))
        text = " ".join(words[:at]) + ("\\N" if suffix == "ass" else "\n") + " ".join(words[at:])
    if suffix == "vtt" and draw(st.booleans()):
        text = text.replace("'", "&#39;")
    marks = {"srt": ("<i>{}</i>", "{{\\an8}}{}", '<font color="#fff">{}</font>'), "vtt": ("<i>{}</i>", "<c.w>{}</c>"),
             "ass": ("{{\\an8}}{}", "{{\\i1}}{}{{\\i0}}", "{{\\fad(200,200)}}{}")}[suffix]  # fmt: skip
    return draw(st.sampled_from(("{}", *marks))).format(text)


def _stamp(at_s: float, mark: str) -> str:
    ms = round(at_s * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}{mark}{ms % 1000:03d}"


def _srt(said, bodies, draw) -> str:
    gap = draw(st.sampled_from(["\n\n", "\n\n\n"]))
    cues = [
        f"{n}\n{_stamp(a, ',')} --> {_stamp(b, ',')}\n{body}"
        for n, ((a, b, _), body) in enumerate(zip(said, bodies, strict=True), 1)
    ]
    return gap.join(cues) + draw(st.sampled_from(["", "\n", "\n\n"]))


def _vtt(said, bodies, draw) -> str:
    head = draw(st.sampled_from(["WEBVTT", "WEBVTT - made up", "WEBVTT\nKind: captions"]))
    note = draw(st.sampled_from(["", "NOTE nobody says this\n\n", "STYLE\n::cue { color: white }\n\n"]))
    place = draw(st.sampled_from(["", " align:start position:0%", " line:90%"]))
    cues = [
        f"{_stamp(a, '.')} --> {_stamp(b, '.')}{place}\n{body}" for (a, b, _), body in zip(said, bodies, strict=True)
    ]
    return f"{head}\n\n{note}" + "\n\n".join(cues) + "\n"


def _ass(said, bodies, draw) -> str:
    head = (
        "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: Default,Arial\n\n[Events]\n"
    )
    rows = "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    lines = [
        f"Dialogue: 0,{_stamp(a, '.')[1:-1]},{_stamp(b, '.')[1:-1]},Default,,0,0,0,,{body}"
        for (a, b, _), body in zip(said, bodies, strict=True)
    ]
    if draw(st.booleans()):
        lines.append("Comment: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,nobody says this")
    return head + rows + "\n".join(draw(st.permutations(lines))) + "\n"


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=files())
def test_every_word_of_a_made_up_file_arrives_once_and_at_its_time(tmp_path: Path, made: Made) -> None:
    path = tmp_path / f"film.{made.suffix}"
    path.write_bytes(made.data)
    segments, captions, lost = to_segments(read_subtitles(path), None, SIMPLIFIED, 200.0)
    assert [(round(s.start_s, 3), round(s.end_s, 3), s.text) for s in segments] == list(made.said)
    assert not captions and set(lost) <= {HIDDEN}
