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
    words = [(Fraction(i, 2), Fraction(i, 2) + Fraction(2, 5)) for i in range(60) if i not in (29, 30, 31)]
    spans = plan_spans(750, Fraction(25), [], words, LIMITS)
    assert len(spans) == 2
    assert 14.4 < spans[1].first / 25 < 16
    assert spans[1].boundary_start == "pause"


def test_a_word_that_barely_overhangs_a_cut_is_snapped_and_one_that_does_not_stays():
    cut = Fraction(5)
    near, far = (Fraction(4), Fraction(508, 100)), (Fraction(4), Fraction(56, 10))
    assert snap_words([near], [cut]) == [(Fraction(4), cut)]
    assert snap_words([far], [cut]) == [far]
