"""The planner's promises, over thousands of made-up videos."""

from __future__ import annotations

import itertools
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from ver_pipeline.timeline.spans import Limits, plan_spans, snap_words

FPS = [Fraction(25), Fraction(30000, 1001), Fraction(24), Fraction(15)]
LIMITS = Limits()


@st.composite
def videos(draw):
    fps = draw(st.sampled_from(FPS))
    n_frames = draw(st.integers(1, int(90 * fps)))
    cuts = sorted(
        {draw(st.integers(1, n_frames)): draw(st.floats(0, 1)) for _ in range(draw(st.integers(0, 12)))}.items()
    )
    words, at = [], Fraction(0)
    for _ in range(draw(st.integers(0, 120))):
        at += Fraction(draw(st.sampled_from([0, 0, 0, 20, 100, 400, 2500])), 1000)
        end = at + Fraction(draw(st.integers(40, 900)), 1000)
        words.append((at, end))
        at = end
    return n_frames, fps, cuts, [w for w in words if w[1] <= Fraction(n_frames) / fps]


@settings(max_examples=300, deadline=None)
@given(videos())
def test_clips_tile_the_video_and_no_boundary_lies_inside_a_word(video):
    n_frames, fps, cuts, words = video
    spans = plan_spans(n_frames, fps, cuts, words, LIMITS)
    if n_frames < LIMITS.min_s * fps:
        assert spans == []
        return
    assert spans[0].first == 0
    assert spans[-1].end == n_frames
    assert all(a.end == b.first for a, b in itertools.pairwise(spans))
    half = 1 / (2 * fps)
    for span in spans[1:]:
        at = span.first / fps
        assert not [w for w in words if w[0] + half < at < w[1] - half]


@settings(max_examples=300, deadline=None)
@given(videos())
def test_every_clip_lasts_between_the_limits(video):
    n_frames, fps, cuts, words = video
    for span in plan_spans(n_frames, fps, cuts, words, LIMITS):
        assert LIMITS.min_s <= (span.end - span.first) / fps <= LIMITS.max_s


@settings(max_examples=100, deadline=None)
@given(videos())
def test_nothing_of_the_speech_is_lost_between_clips(video):
    n_frames, fps, cuts, words = video
    spans = plan_spans(n_frames, fps, cuts, words, LIMITS)
    if spans:
        held = [sum(s.first / fps <= (a + b) / 2 < s.end / fps for s in spans) for a, b in words]
        assert all(count == 1 for count in held)


def test_shots_are_kept_whole_where_they_fit():
    spans = plan_spans(666, Fraction(25), [(144, 0.4), (319, 0.4), (516, 0.4)], [], LIMITS)
    assert [(s.first, s.end) for s in spans] == [(0, 144), (144, 319), (319, 516), (516, 666)]


def test_alike_shots_are_joined_and_a_flash_is_not_a_clip():
    spans = plan_spans(250, Fraction(25), [(100, 0.97), (175, 0.2), (185, 0.2)], [], LIMITS)
    assert 100 not in [s.first for s in spans]
    assert all(s.end - s.first >= 50 for s in spans)


def test_a_long_shot_is_cut_in_its_longest_pause():
    words = [(Fraction(i, 2), Fraction(i, 2) + Fraction(2, 5)) for i in range(30) if i not in (14, 15, 16)]
    spans = plan_spans(375, Fraction(25), [], words, LIMITS)
    assert len(spans) == 2
    assert 7 < spans[1].first / 25 < 8.5
    assert spans[1].boundary_start == "pause"


def sentences(lengths_s, pause_s):
    """Words of 0.4 s with 0.1 s between them, in sentences with pauses between."""
    words, at = [], Fraction(0)
    for length in lengths_s:
        end = at + Fraction(length)
        while at + Fraction(2, 5) <= end:
            words.append((at, at + Fraction(2, 5)))
            at += Fraction(1, 2)
        at = end + Fraction(pause_s)
    return words, at - Fraction(pause_s)


def test_sentences_with_pauses_between_are_clips_of_their_own():
    words, end = sentences([3, 4, 3], 3)
    spans = plan_spans(int(end * 25), Fraction(25), [], words, LIMITS)
    assert len(spans) == 3
    assert {span.boundary_start for span in spans[1:]} == {"pause"}


def test_a_sentence_within_the_preferred_length_is_not_cut():
    words, end = sentences([7], 0)
    assert len(plan_spans(int(end * 25), Fraction(25), [], words, LIMITS)) == 1


def test_a_monologue_is_cut_in_its_pauses_into_clips_of_about_the_preferred_length():
    words, end = sentences([4, 3, 5, 4, 3, 5, 4], Fraction(1, 2))
    spans = plan_spans(int(end * 25), Fraction(25), [], words, LIMITS)
    assert all(2 <= (span.end - span.first) / 25 <= 10 for span in spans)
    assert {span.boundary_start for span in spans[1:]} == {"pause"}


def test_a_stretch_without_speech_or_cuts_is_cut_into_clips_of_about_the_preferred_length():
    spans = plan_spans(1500, Fraction(25), [], [], LIMITS)
    assert all(4 <= (span.end - span.first) / 25 <= 11 for span in spans)


def test_the_preferred_length_is_the_users():
    words, end = sentences([3, 4, 3], 3)
    long = Limits(target_s=16.0)
    assert len(plan_spans(int(end * 25), Fraction(25), [], words, long)) == 1


def test_a_word_that_barely_overhangs_a_cut_is_snapped_and_one_that_does_not_stays():
    cut = Fraction(5)
    near, far = (Fraction(4), Fraction(508, 100)), (Fraction(4), Fraction(56, 10))
    assert snap_words([near], [cut]) == [(Fraction(4), cut)]
    assert snap_words([far], [cut]) == [far]


def test_a_clip_ends_where_the_speaker_changes_rather_than_between_two_words_of_one_speaker():
    fps, words = Fraction(25), [(Fraction(k, 2), Fraction(k, 2) + Fraction(2, 5)) for k in range(20)]
    assert len(plan_spans(250, fps, [], words, LIMITS)) == 1  # nobody pauses for long enough
    for k in (8, 9, 10, 11):
        change = (words[k][1] + words[k + 1][0]) / 2
        first, second = plan_spans(250, fps, [], words, LIMITS, [change])
        assert first.boundary_end == second.boundary_start == "turn"
        assert first.end == round(change * fps)
