"""What a subtitle file says becomes speech in its language, and what it shows besides becomes captions."""

from __future__ import annotations

import pytest
from subtitle_kit import cue, cues, read, said

from ver_pipeline.transcribers.subtitles.layout import HIDDEN
from ver_pipeline.transcribers.subtitles.reader import TWICE
from ver_pipeline.transcribers.subtitles.words import split_words


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


def test_chinese_is_simplified_split_by_character_and_spread_over_its_cue(tmp_path) -> None:
    ((found,), _, _) = read(tmp_path, cue("你好,我叫Anna."))
    assert found.text == "你好，我叫Anna."
    assert [w.word for w in found.words] == ["你", "好，", "我", "叫", "Anna."]
    assert (found.words[0].start_s, found.words[-1].end_s) == (1.0, pytest.approx(3.0))
    assert said(tmp_path, cue("為什麼？")) == ["为什么？"]
    assert split_words("我爱 NLP 和 AI。") == ["我", "爱", "NLP", "和", "AI。"]
