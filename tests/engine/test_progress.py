"""What a build says of itself while it runs."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys

import toy_stages as toys

from ver_pipeline.engine.runner import StageStats
from ver_pipeline.progress import Progress, expected, plain_line, time_left_s

STAGES = [toys.Toy(), toys.Fan()]


def test_later_stages_expect_what_the_cut_gave_so_far():
    stats_by_stage = {"toy": StageStats(done=4, rows_out=2), "fan": StageStats(done=2, rows_out=6)}
    assert expected(stats_by_stage, 10, STAGES) == {"toy": 10, "fan": 5}


def test_no_time_is_promised_before_every_stage_has_begun():
    started = {"toy": StageStats(done=5, rows_out=5)}
    assert time_left_s(started, expected(started, 10, STAGES), 10.0) is None
    both = {**started, "fan": StageStats(done=2, rows_out=6)}
    assert time_left_s(both, expected(both, 10, STAGES), 10.0) == 40.0


def test_without_a_terminal_there_are_plain_lines():
    stream = io.StringIO()
    progress = Progress(stream)
    progress.say("publishing")
    assert stream.getvalue() == "ver: publishing\n"
    line = plain_line({"toy": StageStats(done=5, rows_out=4, rejected=1)}, 10, STAGES, 3.0)
    assert line == "3 s: toy 5/10, 1 rejected"
    assert plain_line({}, 10, STAGES, 3.0) == "3 s: starting"


SHOW_WHILE_SILENCED = """
import logging, time
from ver_pipeline.cli import show_log
from ver_pipeline.engine.on_ray import _no_chatter
from ver_pipeline.progress import Progress
show_log(logging.INFO)
progress = Progress()
with progress.watch(dict, 1, ()):
    with _no_chatter():
        time.sleep(1.5)
    progress.say("a line")
    logging.getLogger("ver").info("a note")
    time.sleep(1.5)
"""


def test_a_live_table_goes_on_while_ray_is_silenced_and_lines_stand_above_it():
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    show = [sys.executable, "-P", "-c", SHOW_WHILE_SILENCED]
    with subprocess.Popen(show, stderr=theirs, stdin=subprocess.DEVNULL, env=environment) as process:
        os.close(theirs)
        written = b""
        while chunk := read(ours):
            written += chunk
    assert process.returncode == 0
    assert b"rejected" in written.partition(b"a line")[0]
    assert [line for line in screen(written.decode()) if line] == ["ver: a line", "INFO ver: a note"]


def read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end is closed
        return b""


def screen(written: str) -> list[str]:
    """What a terminal shows in the end: lines, carriage returns, cursor up and erase line."""
    lines, row = [""], 0
    for mark, text in re.findall(r"(\x1b\[[0-9;?]*[A-Za-z]|\r|\n)|([^\x1b\r\n]+)", written):
        if mark == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif mark.endswith("A"):
            row = max(0, row - int(mark[2:-1] or 1))
        elif mark.endswith("K"):
            lines[row] = ""
        elif text:
            lines[row] = text.rstrip()
    return lines
