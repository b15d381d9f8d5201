"""A line that stays, rolls or grows is said once; people who repeat or interrupt each other are left alone."""

from __future__ import annotations

from subtitle_kit import cue, read, said

from ver_pipeline.transcribers.subtitles.reader import REPEATED

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


def test_people_who_repeat_each_other_are_no_rolling_captions(tmp_path) -> None:
    texts = ["No.", "No.", "I said no.", "You said no?", "I did.", "You did."]
    touching = "".join(
        f"{i}\n00:00:{i:02d},000 --> 00:00:{i + 1:02d},000\n{text}\n\n" for i, text in enumerate(texts, 1)
    )
    assert said(tmp_path, touching) == texts


def test_a_song_that_repeats_itself_is_not_shortened(tmp_path) -> None:
    assert said(tmp_path, cue("no no no no no no no no")) == ["no no no no no no no no"]


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
