"""What a subtitle file says becomes speech, what it shows besides becomes captions, and what it loses is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from ver_pipeline.transcribers.base import AudioError, Caption, TranscriptSegment
from ver_pipeline.transcribers.clean import simplifier
from ver_pipeline.transcribers.subtitles.fit import Move
from ver_pipeline.transcribers.subtitles.layout import BACKWARDS, EMPTY, HIDDEN, NO_LENGTH, NO_TIME, seconds
from ver_pipeline.transcribers.subtitles.reader import (
    BEFORE_START,
    PAST_END,
    REPEATED,
    TOO_LONG,
    TWICE,
    read_subtitles,
    to_segments,
)
from ver_pipeline.transcribers.subtitles.words import split_words

Read = tuple[list[TranscriptSegment], list[Caption], dict[str, int]]


def read(folder: Path, text: str, suffix: str = ".srt", told: str | None = None, duration_s: float = 60.0) -> Read:
    path = folder / f"film{suffix}"
    path.write_bytes(text.encode())
    return to_segments(read_subtitles(path), told, simplifier(), duration_s)


def said(folder: Path, text: str, suffix: str = ".srt", **more: str) -> list[str]:
    return [segment.text for segment in read(folder, text, suffix, **more)[0]]


def cue(*lines: str, at_s: int = 1) -> str:
    """A SubRip file of one cue."""
    return f"1\n00:00:{at_s:02d},000 --> 00:00:{at_s + 2:02d},000\n" + "\n".join(lines) + "\n"


def cues(*texts: str) -> str:
    """A SubRip file with a cue every four seconds."""
    return "\n".join(
        f"{i}\n00:00:{4 * i:02d},000 --> 00:00:{4 * i + 3:02d},000\n{text}\n" for i, text in enumerate(texts, 1)
    )


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


ROLLING = """WEBVTT

00:00:00.000 --> 00:00:02.000 align:start position:0%

where<00:00:00.500><c> have</c><00:00:01.000><c> you</c><00:00:01.500><c> been</c>

00:00:02.000 --> 00:00:02.010 align:start position:0%
where have you been

00:00:02.010 --> 00:00:04.000 align:start position:0%
where have you been
I<00:00:02.500><c> looked</c><00:00:03.000><c> everywhere</c>

00:00:04.000 --> 00:00:04.010 align:start position:0%
I looked everywhere

00:00:04.010 --> 00:00:06.000 align:start position:0%
I looked everywhere
for<00:00:04.500><c> you</c>
"""


def test_captions_that_roll_say_each_line_once(tmp_path) -> None:
    segments, captions, told = read(tmp_path, ROLLING, ".vtt")
    assert [s.text for s in segments] == ["where have you been", "I looked everywhere", "for you"]
    assert min(s.end_s - s.start_s for s in segments) > 1
    assert (captions, told) == ([], {REPEATED: 2})
    growing = "".join(
        f"{i}\n00:00:{i:02d},000 --> 00:00:{i + 1:02d},000\n{text}\n\n"
        for i, text in enumerate(["I never", "I never said", "I never said that", "I never said that to you"], 1)
    )
    assert said(tmp_path, growing) == ["I never", "said", "that", "to you"]


def test_captions_of_television_that_roll_up_three_lines_say_each_once(tmp_path) -> None:
    shown = [
        "Good evening.",
        "Good evening.\nThe rain",
        "Good evening\nthe rain\nhas come",
        "the rain\nhas come\nto stay.",
    ]
    text = "".join(f"{i}\n00:00:{i:02d},000 --> 00:00:{i + 1:02d},000\n{t}\n\n" for i, t in enumerate(shown, 1))
    assert said(tmp_path, text) == ["Good evening.", "The rain", "has come", "to stay."]


def test_a_sentence_that_goes_on_after_a_cut_is_said_once(tmp_path) -> None:
    again = "1\n00:00:01,000 --> 00:00:02,000\nI will never go.\n\n2\n00:00:02,000 --> 00:00:04,000\nI will never go.\n"
    segments, _, told = read(tmp_path, again)
    assert [(s.text, s.start_s, s.end_s) for s in segments] == [("I will never go.", 1.0, 4.0)]
    assert told == {REPEATED: 1}
    assert said(tmp_path, again.replace("00:00:02,000 -->", "00:00:02,500 -->")) == ["I will never go."] * 2


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


def test_people_who_repeat_each_other_are_no_rolling_captions(tmp_path) -> None:
    texts = ["No.", "No.", "I said no.", "You said no?", "I did.", "You did."]
    touching = "".join(
        f"{i}\n00:00:{i:02d},000 --> 00:00:{i + 1:02d},000\n{text}\n\n" for i, text in enumerate(texts, 1)
    )
    assert said(tmp_path, touching) == texts


def test_speakers_who_overlap_keep_their_own_times(tmp_path) -> None:
    text = (
        "1\n00:00:01,000 --> 00:00:09,000\nI talk all the way through this, whatever you may say to me.\n\n"
        "2\n00:00:03,000 --> 00:00:05,000\nStop it!\n\n3\n00:00:03,000 --> 00:00:05,000\nPlease!\n"
    )
    segments, _, told = read(tmp_path, text)
    assert [(s.start_s, s.end_s) for s in segments] == [(1.0, 9.0), (3.0, 5.0), (3.0, 5.0)]
    assert told == {}
    shown_on = "1\n00:00:01,000 --> 00:00:05,000\nFirst me.\n\n2\n00:00:03,000 --> 00:00:07,000\nThen you.\n"
    assert [(s.start_s, s.end_s) for s in read(tmp_path, shown_on)[0]] == [(1.0, 3.0), (3.0, 7.0)]


def test_entities_and_tags_are_read_and_what_only_looks_like_them_stays(tmp_path) -> None:
    assert said(tmp_path, cue('<font color="#fff">Don&#39;t</font> say &quot;no&quot; &amp;amp; go')) == [
        'Don\'t say "no" & go'
    ]
    assert said(tmp_path, cue("{\\an8}{y:i}If a < b, I <3 you, &lt;i&gt;right&lt;/i&gt;?")) == [
        "If a < b, I <3 you, right?"
    ]
    assert said(tmp_path, cue("<ruby>漢<rt>かん</rt></ruby>字です", at_s=1)) == ["漢字です"]


@pytest.mark.parametrize(
    ("text", "spoken", "captions"),
    [
        ("[glass breaks]", [], [("sound", "[glass breaks]")]),
        ("(sighs) All right.", ["All right."], [("sound", "(sighs)")]),
        ("（叹气）好吧。", ["好吧。"], [("sound", "（叹气）")]),
        ("我（笑）不知道", ["我不知道"], [("sound", "（笑）")]),
        ("Get out! (door slams)", ["Get out!"], [("sound", "(door slams)")]),
        ("I can't [inaudible] you", ["I can't you"], [("sound", "[inaudible]")]),
        ("He was fifty (or sixty) then", ["He was fifty (or sixty) then"], []),
        ("You're number #2 (so far)!", ["You're number #2 (so far)!"], []),
        ("*coughs* Sorry, I *am* sorry", ["Sorry, I am sorry"], [("sound", "*coughs*")]),
        ("♪ over the hills\nand far away ♪", [], [("music", "♪ over the hills and far away ♪")]),
        ("Listen. ♪ la la ♪", ["Listen."], [("music", "♪ la la ♪")]),
        ("# hum hum #", [], [("music", "# hum hum #")]),
        ("♪♪", [], [("music", "♪♪")]),
        ("REMEMBER: meet at 10:30", ["REMEMBER: meet at 10:30"], []),
        ("GRACE: Meet at 10:30", ["Meet at 10:30"], [("speaker", "GRACE")]),
        (">> O'NEIL: Go on", ["Go on"], [("speaker", "O'NEIL")]),
        ("医生：别动", ["别动"], [("speaker", "医生")]),
        ("她说：别动", ["她说：别动"], []),
        ("- Where?\n- There.", ["Where? There."], []),
        ("(MAN): Where?", ["Where?"], [("speaker", "MAN")]),
        ("【王】：在哪儿？", ["在哪儿？"], [("speaker", "王")]),
        ("PHONE RINGS", [], [("sound", "PHONE RINGS")]),
        ("GET OUT", ["GET OUT"], []),
        ("Get more at osdb.example.com/ext", [], [("credit", "Get more at osdb.example.com/ext")]),
        ("欢迎关注某某微博", [], [("credit", "欢迎关注某某微博")]),
        ("-7 degrees outside", ["-7 degrees outside"], []),
        ("Synced & corrected by someone", [], [("credit", "Synced & corrected by someone")]),
        ("翻译：某某 校对：某某", [], [("credit", "翻译：某某 校对：某某")]),
        ("Visit www.example.org now", [], [("credit", "Visit www.example.org now")]),
        ("Thank you for watching!", [], [("credit", "Thank you for watching!")]),
        ("Thank you for watching over me.", ["Thank you for watching over me."], []),
        ("We translated the letter.", ["We translated the letter."], []),
    ],
)  # fmt: skip
def test_what_is_said_is_speech_and_the_rest_is_kept_apart(tmp_path, text, spoken, captions) -> None:
    segments, found, told = read(tmp_path, cue(text))
    assert [s.text for s in segments] == spoken
    assert [(c.kind, c.text) for c in found] == captions
    assert told == {}


def test_a_name_before_a_colon_speaks_where_it_comes_again(tmp_path) -> None:
    text = cues("Anna: Who is it?", "Me.", "Anna: Come in.", "One thing: close the door.", "小王：坐。", "小王：喝茶。")
    segments, captions, _ = read(tmp_path, text)
    assert [s.text for s in segments] == [
        "Who is it?",
        "Me.",
        "Come in.",
        "One thing: close the door.",
        "坐。",
        "喝茶。",
    ]
    assert [c.text for c in captions] == ["Anna", "Anna", "小王", "小王"]


def test_drawings_signs_and_songs_of_ass_are_not_spoken(tmp_path) -> None:
    rows = [
        "0:00:01.00,0:00:09.00,Shape,,{\\p1}m 0 0 l 9 9{\\p0}",
        "0:00:01.00,0:00:02.00,Default,Eve,{\\k10}You {\\k20}came\\Nback, {not shown}then",
        "0:00:01.00,0:00:02.00,Default,Eve,{\\k10}You {\\k20}came\\Nback, {not shown}then",
        "0:00:03.00,0:00:04.00,Signs,,CLOSED",
        "0:00:03.00,0:00:04.00,Default,,{\\pos(10,20)}EXIT",
        "0:00:05.00,0:00:06.00,OP - Lyrics,,na na na",
        "0:00:07.00,0:00:08.00,Default,,{\\an8\\i1}I did.",
    ]
    text = "[Events]\nFormat: Start, End, Style, Name, Text\n" + "".join(f"Dialogue: {row}\n" for row in rows)
    segments, captions, told = read(tmp_path, text + "Comment: 0:00:01.00,0:00:02.00,Default,,note\n", ".ass")
    assert [s.text for s in segments] == ["You came back, then", "I did."]
    assert [(c.kind, c.text) for c in captions] == [
        ("speaker", "Eve"), ("sign", "CLOSED"), ("sign", "EXIT"), ("music", "na na na"),
    ]  # fmt: skip
    assert told == {"drawings": 1, TWICE: 1, HIDDEN: 1}


def test_a_file_that_places_every_line_has_no_signs(tmp_path) -> None:
    rows = "".join(
        f"Dialogue: 0,0:00:0{i}.00,0:00:0{i}.90,Default,,0,0,0,,{{\\pos(9,9)}}Line {i}\n" for i in range(1, 5)
    )
    assert said(tmp_path, "[Events]\n" + rows, ".ass") == [f"Line {i}" for i in range(1, 5)]


def test_in_two_languages_the_told_one_is_spoken_and_the_other_is_kept(tmp_path) -> None:
    text = cues("你去哪儿？\nWhere are you going?", "回家。\nHome.")
    assert said(tmp_path, text, told="en") == ["Where are you going?", "Home."]
    segments, captions, _ = read(tmp_path, text, told="zh")
    assert [(s.text, s.language) for s in segments] == [("你去哪儿？", "zh"), ("回家。", "zh")]
    assert [(c.kind, c.text) for c in captions] == [("translation", "Where are you going?"), ("translation", "Home.")]


def test_two_languages_in_one_sentence_are_both_spoken(tmp_path) -> None:
    segments, captions, _ = read(
        tmp_path, cues("你的idea很nice，OK？", "Let us 休息 now", "你好\nHello to you", "走吧")
    )
    assert [s.text for s in segments] == ["你的idea很nice，OK？", "Let us 休息 now", "你好Hello to you", "走吧"]
    assert [s.language for s in segments] == ["zh", "en", "en", "zh"]
    assert captions == []


def test_a_file_in_another_language_is_not_called_english(tmp_path) -> None:
    french = cues("Où est-ce que vous êtes allés hier soir ?", "Nous avons mangé chez les voisins avec leurs enfants.")
    assert {s.language for s in read(tmp_path, french)[0]} == {"und"}
    assert {s.language for s in read(tmp_path, french, told="fr")[0]} == {"fr"}
    english = cues("Where did you all go last night, then?", "We had dinner with the neighbours and their children.")
    assert {s.language for s in read(tmp_path, english)[0]} == {"en"}


def test_cues_past_the_end_are_counted_and_one_across_it_is_kept_whole(tmp_path) -> None:
    segments, _, told = read(tmp_path, cues("In it", "Across the end", "Behind it"), duration_s=9.0)
    assert [(s.text, s.end_s) for s in segments] == [("In it", 7.0), ("Across the end", 9.0)]
    assert all(word.end_s <= 9.0 for s in segments for word in s.words)
    assert told == {PAST_END: 1}


def test_chinese_is_simplified_split_by_character_and_spread_over_its_cue(tmp_path) -> None:
    ((found,), _, _) = read(tmp_path, cue("你好,我叫Anna."))
    assert found.text == "你好，我叫Anna."
    assert [w.word for w in found.words] == ["你", "好，", "我", "叫", "Anna."]
    assert (found.words[0].start_s, found.words[-1].end_s) == (1.0, pytest.approx(3.0))
    assert said(tmp_path, cue("為什麼？")) == ["为什么？"]
    assert split_words("我爱 NLP 和 AI。") == ["我", "爱", "NLP", "和", "AI。"]


def test_a_song_that_repeats_itself_is_not_shortened(tmp_path) -> None:
    assert said(tmp_path, cue("no no no no no no no no")) == ["no no no no no no no no"]


@pytest.mark.parametrize("text", ["this is no subtitle file", "", "WEBVTT\n\n", "1\n00:00:01,000 --> 00:00:02,000\n\n"])
def test_a_file_without_any_cue_is_an_error_that_names_it(tmp_path, text: str) -> None:
    with pytest.raises(AudioError, match=r"film\.srt"):
        read(tmp_path, text)
