"""F12: what became of the subtitle files beside a video."""

from __future__ import annotations

from ver_pipeline.schemas.record import Record
from ver_pipeline.schemas.rules.base import Context, Found, NotRun, Rule


def f12_subtitles_in_step(record: Record, context: Context) -> list[Found] | NotRun:
    """A subtitle file beside the video lost nothing, was used, and says what is heard when it is heard."""
    if not record.speech.subtitles:
        return NotRun("there is no subtitle file")
    defects, limits = [], context.limits
    for i, file in enumerate(record.speech.subtitles):
        pointer = f"/speech/subtitles/{i}"
        if not file.used:
            defects.append(Found(f"{file.name} was not used: {file.why}", pointer))
            continue
        defects += [Found(f"{file.name}: {n} {what}", f"{pointer}/told") for what, n in sorted(file.told.items())]
        if abs(file.offset_s) > 0 or file.rate != 1:
            moved = f"{file.name} was moved by {file.offset_s:+.2f} s at rate {file.rate:.5f}"
            defects.append(Found(moved, f"{pointer}/offset_s"))
        if file.voice_s is not None and file.voice_s < limits["voice_s"]:
            defects.append(Found(f"{file.name} could not be checked: hardly a voice is heard", f"{pointer}/voice_s"))
        elif file.voice_covered is not None and file.voice_covered < limits["voice_covered"]:
            covered = f"{file.name} has words for {file.voice_covered:.0%} of the voice that is heard"
            defects.append(Found(covered, f"{pointer}/voice_covered", "flag"))
    return defects


READY_TEXT: tuple[Rule, ...] = (
    Rule(
        "F12",
        "info",
        "a subtitle file lost nothing and fits the sound",
        "字幕文件没有丢失内容，并与声音吻合",
        f12_subtitles_in_step,
        limits={"voice_s": 3.0, "voice_covered": 0.5},
    ),
)
