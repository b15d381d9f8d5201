"""What a build says of itself while it runs."""

from __future__ import annotations

import io

import toy_stages as toys

from ver_pipeline.engine.runner import Tally
from ver_pipeline.progress import Progress, expected, plain_line, time_left_s

STAGES = [toys.Toy(), toys.Fan()]


def test_later_stages_expect_what_the_cut_gave_so_far():
    tallies = {"toy": Tally(done=4, rows_out=2), "fan": Tally(done=2, rows_out=6)}
    assert expected(tallies, 10, STAGES) == {"toy": 10, "fan": 5}


def test_no_time_is_promised_before_every_stage_has_begun():
    started = {"toy": Tally(done=5, rows_out=5)}
    assert time_left_s(started, expected(started, 10, STAGES), 10.0) is None
    both = {**started, "fan": Tally(done=2, rows_out=6)}
    assert time_left_s(both, expected(both, 10, STAGES), 10.0) == 40.0


def test_without_a_terminal_there_are_plain_lines():
    stream = io.StringIO()
    progress = Progress(stream)
    progress.say("publishing")
    assert stream.getvalue() == "ver: publishing\n"
    line = plain_line({"toy": Tally(done=5, rows_out=4, rejected=1)}, 10, STAGES, 3.0)
    assert line == "3 s: toy 5/10, 1 rejected"
    assert plain_line({}, 10, STAGES, 3.0) == "3 s: starting"
