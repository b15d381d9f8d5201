"""The encoding of a subtitle file is told by what it decodes to."""

from __future__ import annotations

import pytest

from ver_pipeline.transcribers.subtitles.encodings import decode_text

CURLY = "She didn’t say “maybe” — they’re at the café… aren’t they?"
ACCENTS = "Où êtes-vous allée hier ? Le garçon a déjà mangé, c'est très drôle."
UMLAUTS = "Übermorgen fahren wir über die große Brücke zurück."
SIMPLIFIED = "你昨天为什么没有来？大家都在等你，我们很担心。"
TRADITIONAL = "你昨天為什麼沒有來？大家都在等妳，我們很擔心。"
MIXED = "这个plan很crazy，你really要去吗？"
JAPANESE = "きのうはどうして来なかったの？みんな待っていたよ。"
KOREAN = "어제 왜 안 왔어요? 모두 당신을 기다리고 있었어요."
RUSSIAN = "Почему ты вчера не пришёл? Все тебя ждали."
POLISH = "Dlaczego wczoraj nie przyszedłeś? Wszyscy na ciebie czekaliśmy, było późno."
GREEK = "Γιατί δεν ήρθες χθες; Όλοι σε περίμεναν."


def file_of(text: str) -> str:
    return f"1\r\n00:00:01,000 --> 00:00:02,500\r\n{text}\r\n\r\n"


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        (CURLY, ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "mac_roman")),
        ("It’s", ("cp1252",)),
        (ACCENTS, ("cp1252", "mac_roman", "cp850")),
        (UMLAUTS, ("cp1252", "cp850")),
        (SIMPLIFIED, ("utf-8", "utf-16", "utf-16-le", "gb18030", "gbk")),
        ("别走", ("gb18030",)),
        ("我很冷", ("gb18030",)),
        (TRADITIONAL, ("utf-8", "utf-16", "big5", "gb18030")),
        ("別走", ("big5",)),
        ("我沒事", ("big5",)),
        (MIXED, ("gb18030", "big5hkscs")),
        (JAPANESE, ("cp932", "euc_jp", "utf-8")),
        (KOREAN, ("cp949",)),
        (RUSSIAN, ("cp1251", "koi8_r")),
        (POLISH, ("cp1250",)),
        (GREEK, ("cp1253",)),
    ],
)
def test_text_comes_back_from_every_encoding(text: str, encodings: tuple[str, ...]) -> None:
    for encoding in encodings:
        if text is MIXED and encoding == "big5hkscs":
            text = "這個plan很crazy，你really要去嗎？"
        found = decode_text(file_of(text).encode(encoding))
        assert found.text.lstrip("\ufeff") == file_of(text), (encoding, found.encoding)
        assert found.n_broken == 0


def test_a_long_file_with_one_apostrophe_is_not_chinese() -> None:
    text = "".join(file_of("Nothing but plain words here.") for _ in range(400)) + file_of("I don’t know")
    assert decode_text(text.encode("cp1252")).text == text


def test_damaged_utf_8_stays_utf_8_and_tells_what_is_lost() -> None:
    data = file_of(SIMPLIFIED).encode()
    broken = data[:45] + data[46:]  # one byte of one character is gone
    found = decode_text(broken)
    assert (found.encoding, found.text[-20:]) == ("utf-8", file_of(SIMPLIFIED)[-20:])
    assert 1 <= found.n_broken <= 3


def test_utf_8_that_was_written_twice_is_taken_back() -> None:
    twice = file_of(CURLY.replace("”", "'")).encode().decode("cp1252").encode()
    assert decode_text(twice).text == file_of(CURLY.replace("”", "'"))
    norwegian = file_of("Åtte år går så fort på øya")
    assert decode_text(norwegian.encode()).text == norwegian


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xfe", b"\x00", bytes(range(256))])
def test_any_bytes_decode_to_something(data: bytes) -> None:
    assert isinstance(decode_text(data).text, str)
