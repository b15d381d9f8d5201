"""Cues, times and texts are read however a subtitle file writes them, and what it loses is counted."""

from __future__ import annotations

import pytest
from subtitle_kit import cue, cues, read, said

from ver_pipeline.transcribers.base import AudioError
from ver_pipeline.transcribers.subtitles.fit import Move
from ver_pipeline.transcribers.subtitles.layout import BACKWARDS, EMPTY, HIDDEN, NO_LENGTH, NO_TIME, seconds
from ver_pipeline.transcribers.subtitles.reader import BEFORE_START, PAST_END, TOO_LONG, read_subtitles, to_segments

SRT = "\ufeff1\r\n00:00:01,500 --> 00:00:03,000\r\n<i>Hello,</i> there\r\n"
VTT = "WEBVTT\n\nNOTE x\n\n00:01.500 --> 00:03.000 align:start\nHello, there\n"
ASS = (
    "[Events]\nFormat: Layer, Start, End, Style, Text\n"
    "Dialogue: 0,0:00:01.50,0:00:03.00,Default,{\\an8}Hello,\\Nthere\n"
)
SSA = (
    "[Script Info]\nScriptType: v4.00\n[V4 Styles]\nStyle: broken,line\n[Events]\nFormat: Marked, Start, End, Style, "
    "Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Dialogue: Marked=0,0:00:01.50,0:00:03.00,*Default,,0000,0000,0000,,Hello, there\n"
)
TTML = (
    '<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml"><body><div>'
    '<p begin="00:00:01.500" end="00:00:03.000">Hello, there</p></div></body></tt>'
)


@pytest.mark.parametrize(
    ("suffix", "text"), [(".srt", SRT), (".vtt", VTT), (".ass", ASS), (".ssa", SSA), (".ttml", TTML), (".srt", VTT)]
)
def test_every_format_gives_the_same_words_and_times_and_is_told_by_its_text(tmp_path, suffix, text) -> None:
    ((found,), captions, _) = read(tmp_path, text, suffix)
    assert (found.text, found.start_s, found.end_s, found.language) == ("Hello, there", 1.5, 3.0, "en")
    assert [word.word for word in found.words] == ["Hello,", "there"]
    assert captions == []


def test_cues_without_blank_lines_between_stay_apart(tmp_path) -> None:
    text = cues("Are you there?", "I am here.", "7", "Come.").replace("\n\n", "\n")
    assert said(tmp_path, text) == ["Are you there?", "I am here.", "7", "Come."]
    unnumbered = "00:00:01,000 --> 00:00:02,000\nIt was\n1984\n00:00:03,000 --> 00:00:04,000\nand cold\n"
    assert said(tmp_path, unnumbered) == ["It was 1984", "and cold"]


def test_blank_lines_inside_a_cue_lose_nothing(tmp_path) -> None:
    assert said(tmp_path, cues("One line\n\nand another", "Next")) == ["One line and another", "Next"]
    assert said(tmp_path, cues("One", "Two").replace("\n", "\n\n")) == ["One", "Two"]
    assert said(tmp_path, cues("One", "Two").replace("\n", "\r\r\n")) == ["One", "Two"]
    vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\nOne\n\nmore\n\nNOTE hidden\nhidden too\n\n"
    vtt += "name\n00:03.000 --> 00:04.000\nTwo\n"
    segments, _, told = read(tmp_path, vtt, ".vtt")
    assert [s.text for s in segments] == ["One more", "Two"]
    assert told == {HIDDEN: 1}


@pytest.mark.parametrize(
    ("stamp", "at_s"),
    [
        ("00:00:04,500", 4.5), ("00:00:04.5", 4.5), ("00:00:04:500", 4.5), ("0:04.50", 4.5), ("00:00:04", 4.0),
        ("00:04:500", 4.5), ("1:02:03,004", 3723.004), ("4.5", 4.5), ("100:00:00,000", 360000.0),
        ("-00:00:01,000", -1.0),
    ],
)  # fmt: skip
def test_a_time_is_read_however_it_is_written(stamp: str, at_s: float) -> None:
    assert seconds(stamp) == pytest.approx(at_s)


@pytest.mark.parametrize(
    "line",
    [
        "00:00:04 --> 00:00:06", "00:04,000 --> 00:06,000", "00:00:04,0-->00:00:06.000", "00:00:04,000 -> 00:00:06,000",
        "00:00:04,000 --> 00:00:06,000 X1:1 X2:2 Y1:3 Y2:4", "００：００：０４，０００ --> ００：００：０６，０００",
        "00:00:06,000 --> 00:00:04,000", "00:00:04,000 → 00:00:06,000", "00:00:04.00,00:00:06.00",
    ],
)  # fmt: skip
def test_a_line_of_times_is_known_however_it_is_written(tmp_path, line: str) -> None:
    ((found,), _, told) = read(tmp_path, f"1\n{line}\nHere\n")
    assert (found.start_s, found.end_s, found.text) == (4.0, 6.0, "Here")
    assert told == ({BACKWARDS: 1} if line.startswith("00:00:06") else {})


def test_a_cue_without_a_length_is_shown_as_long_as_it_takes_to_read(tmp_path) -> None:
    text = "1\n00:00:01,000 --> 00:00:01,000\nA sentence of some length\n\n2\n00:00:02,000 --> 00:00:03,000\nNext\n"
    segments, _, told = read(tmp_path, text)
    assert [(s.start_s, s.end_s) for s in segments] == [(1.0, 2.0), (2.0, 3.0)]
    assert told == {NO_LENGTH: 1}


def test_text_whose_times_nobody_can_read_is_counted_and_joins_no_other_cue(tmp_path) -> None:
    text = cues("First") + "\n2\n00:0a:05,000 --> 00:00:06,000\nLost\n\n3\n00:00:09,000 --> 00:00:10,000\nLast\n"
    segments, _, told = read(tmp_path, text)
    assert [s.text for s in segments] == ["First", "Last"]
    assert told == {NO_TIME: 1}


def test_a_whole_text_in_one_cue_is_no_cue_and_costs_no_time(tmp_path) -> None:
    segments, _, told = read(tmp_path, cues("word-" * 200_000, "Here"))
    assert ([s.text for s in segments], told) == (["Here"], {TOO_LONG: 1})
    two = "".join(f"{i}\n00:00:0{i},000 --> 00:00:0{i + 1},000\n{'no ' * 600}\n\n" for i in (1, 2))
    assert len(read(tmp_path, two)[0]) == 1, "held over a cut"


def test_an_arrow_in_a_sentence_is_no_time(tmp_path) -> None:
    assert said(tmp_path, cues("From 2019 -> 2021 it rained", "Then -> not")) == [
        "From 2019 -> 2021 it rained",
        "Then -> not",
    ]


def test_a_cue_that_says_and_shows_nothing_is_counted(tmp_path) -> None:
    segments, captions, told = read(tmp_path, cues("...", "Here"))
    assert ([s.text for s in segments], captions, told) == (["Here"], [], {EMPTY: 1})


def test_cues_that_a_move_takes_before_the_start_are_counted(tmp_path) -> None:
    path = tmp_path / "film.srt"
    path.write_text(cues("Gone", "Here"), "utf-8")
    segments, _, told = to_segments(read_subtitles(path).moved(Move(-7.5)), None, str, 60.0)
    assert ([(s.text, s.start_s) for s in segments], told) == ([("Here", 0.5)], {BEFORE_START: 1})


def test_entities_and_tags_are_read_and_what_only_looks_like_them_stays(tmp_path) -> None:
    assert said(tmp_path, cue('<font color="#fff">Don&#39;t</font> say &quot;no&quot; &amp;amp; go')) == [
        'Don\'t say "no" & go'
    ]
    assert said(tmp_path, cue("{\\an8}{y:i}If a < b, I <3 you, &lt;i&gt;right&lt;/i&gt;?")) == [
        "If a < b, I <3 you, right?"
    ]
    assert said(tmp_path, cue("<ruby>漢<rt>かん</rt></ruby>字です", at_s=1)) == ["漢字です"]


def test_cues_past_the_end_are_counted_and_one_across_it_is_kept_whole(tmp_path) -> None:
    segments, _, told = read(tmp_path, cues("In it", "Across the end", "Behind it"), duration_s=9.0)
    assert [(s.text, s.end_s) for s in segments] == [("In it", 7.0), ("Across the end", 9.0)]
    assert all(word.end_s <= 9.0 for s in segments for word in s.words)
    assert told == {PAST_END: 1}


@pytest.mark.parametrize("text", ["this is no subtitle file", "", "WEBVTT\n\n", "1\n00:00:01,000 --> 00:00:02,000\n\n"])
def test_a_file_without_any_cue_is_an_error_that_names_it(tmp_path, text: str) -> None:
    with pytest.raises(AudioError, match=r"film\.srt"):
        read(tmp_path, text)
