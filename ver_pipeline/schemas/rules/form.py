"""F rules: format and integrity of the record itself (F07's decoding is proven by ``ver lint``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from pydantic import ValidationError

from ver_pipeline.schemas.keys import parse_key, source_key
from ver_pipeline.schemas.record import Record, parse_record
from ver_pipeline.schemas.rules.base import Context, Found, NotRun, Rule
from ver_pipeline.schemas.rules.characters import SPECIAL_TOKEN, unclean

_MOVING = frozenset({"", "main", "master", "latest", "head", "unknown", "dev", "tip"})
_HASH = re.compile(r"[0-9a-f]{7,}")


def f01_fits_schema(record: Record, context: Context) -> list[Found]:
    """The canonical JSON reads back to the same record under the closed, strict schema."""
    try:
        same = parse_record(record.to_json()) == record
    except (ValidationError, ValueError) as error:
        return [Found(f"does not fit the schema: {_first_line(error)}", _pointer_of(error))]
    return [] if same else [Found("reads back as another record")]


def f02_key_is_recomputable(record: Record, context: Context) -> list[Found]:
    """The key is ``<16 hex of source>_<start ms>_<end ms>``; the end may differ by one frame."""
    clip, (source, start_ms, end_ms) = record.clip, parse_key(record.key)
    slack_ms = 1000 / clip.fps + 1
    defects = []
    if source != source_key(record.source.id):
        defects.append(Found("the key does not begin with the source's id", "/key"))
    if abs(start_ms - clip.start_s * 1000) > 1:
        defects.append(Found("the key's start is not the clip's start", "/key"))
    if abs(end_ms - clip.end_s * 1000) > slack_ms:
        defects.append(Found("the key's end is not the clip's end", "/key"))
    return defects


def f03_span_is_sound(record: Record, context: Context) -> list[Found]:
    """0 <= start < end <= source duration; duration = end - start = frames / rate, within a frame."""
    clip = record.clip
    frame_s = context.limits["frames"] / clip.fps + 0.001
    defects = []
    if clip.start_s >= clip.end_s:
        defects.append(Found("the clip ends before it starts", "/clip/end_s"))
    if clip.end_s > record.source.duration_s + frame_s:
        defects.append(Found("the clip ends after its source", "/clip/end_s"))
    if abs(clip.duration_s - (clip.end_s - clip.start_s)) > frame_s:
        defects.append(Found("the duration is not end minus start", "/clip/duration_s"))
    if abs(clip.duration_s - clip.n_frames / clip.fps) > frame_s:
        defects.append(Found("the duration does not fit the frames at the frame rate", "/clip/n_frames"))
    if len(clip.shot_cuts_s) != clip.n_shots - 1:
        defects.append(Found("the number of shots does not fit the cuts", "/clip/n_shots"))
    if record.speech.speech_s > clip.duration_s + frame_s + 0.05:
        defects.append(Found("more speech than clip", "/speech/speech_s"))
    return defects


def f04_duration_in_range(record: Record, context: Context) -> list[Found]:
    """Duration within the hard bounds; a flag outside the usual range."""
    limits, duration_s = context.limits, record.clip.duration_s
    if not limits["min_s"] <= duration_s <= limits["max_s"]:
        return [Found(f"the clip lasts {duration_s:g} s", "/clip/duration_s")]
    if not limits["usual_min_s"] <= duration_s <= limits["usual_max_s"]:
        return [Found(f"the clip lasts {duration_s:g} s, outside the usual range", "/clip/duration_s", "flag")]
    return []


def f05_times_inside(record: Record, context: Context) -> list[Found]:
    """Every time lies inside the clip, every span runs forwards, words and cuts are in order."""
    end_s = record.clip.duration_s + context.limits["slack_s"]
    defects = []
    for pointer, at_s in _times(record):
        if at_s > end_s:
            defects.append(Found(f"{at_s:g} s is past the clip's end", pointer))
    for pointer, start_s, stop_s in _spans(record):
        if stop_s < start_s:
            defects.append(Found("the span ends before it starts", pointer))
    words = record.speech.words
    for i in range(1, len(words)):
        if words[i].start_s < words[i - 1].start_s - 0.001:
            defects.append(Found("words are not in order of time", f"/speech/words/{i}"))
            break
    segments = record.speech.segments
    if any(b.start_s < a.start_s - 0.001 for a, b in pairwise(segments)):
        defects.append(Found("segments are not in order of time", "/speech/segments"))
    cuts = record.clip.shot_cuts_s
    if list(cuts) != sorted(set(cuts)):
        defects.append(Found("cuts are not in order of time", "/clip/shot_cuts_s"))
    return defects


def f06_numbers_in_range(record: Record, context: Context) -> list[Found]:
    """Boxes have a size and lie in the frame; distributions sum to one."""
    slack = context.limits["slack"]
    defects = []
    for pointer, box in _boxes(record):
        x, y, width, height = box
        if width <= 0 or height <= 0:
            defects.append(Found("the box is empty", pointer))
        elif x + width > 1 + slack or y + height > 1 + slack:
            defects.append(Found("the box reaches out of the picture", pointer))
    for pointer, distribution in _distributions(record):
        total = sum(distribution.values())
        if distribution and abs(total - 1) > slack:
            defects.append(Found(f"the distribution sums to {total:.3f}", pointer))
    faces = record.measured.faces
    if faces.n_tracks != len(faces.tracks):
        defects.append(Found("n_tracks is not the number of tracks", "/measured/faces/n_tracks"))
    if faces.max_simultaneous > faces.n_tracks:
        defects.append(Found("more faces at once than tracks", "/measured/faces/max_simultaneous"))
    return defects


def f07_media_agrees(record: Record, context: Context) -> list[Found]:
    """What the record says of its media agrees with itself; decoding is proven by ``ver lint``."""
    clip, media, found = record.clip, record.media, []
    if (media.audio_codec is not None) != clip.has_audio:
        found.append(Found("has_audio and the media's audio codec disagree", "/media/audio_codec"))
    if record.measured.voice is not None and not clip.has_audio:
        found.append(Found("a voice was measured in a clip without sound", "/measured/voice"))
    if record.speech.words and not record.speech.present:
        found.append(Found("words in a clip without speech", "/speech/words"))
    if bool(record.speech.text.strip()) != record.speech.present:
        found.append(Found("speech.present and speech.text disagree", "/speech/text"))
    if record.source.id == media.sha256 and media.mode == "encode":
        found.append(Found("the clip's hash is the whole source's", "/media/sha256"))
    return found


def f08_clean_characters(record: Record, context: Context) -> list[Found]:
    """Text is NFC, without replacement, control or invisible characters, surrogates and mojibake."""
    defects = []
    for pointer, text in _strings(record.model_dump(mode="python", exclude={"verdict"}), ""):
        if defect := unclean(text):
            defects.append(Found(defect, pointer))
    return defects


def f09_provenance_complete(record: Record, context: Context) -> list[Found]:
    """The annotator, its revision, and for a teacher the hashes of prompt and schema are recorded."""
    told, found = record.provenance, []
    if not told.annotator.strip() or not told.model.strip():
        found.append(Found("annotator or model is not named", "/provenance"))
    if told.revision.strip().lower() in _MOVING:
        found.append(Found(f"revision {told.revision!r} names no fixed model", "/provenance/revision"))
    elif told.tier == "teacher" and not _HASH.search(told.revision.lower()):
        found.append(Found("the revision is not a hash", "/provenance/revision", "info"))
    if told.tier == "teacher" and told.prompt_sha256 is None:
        found.append(Found("a teacher's prompt is not recorded", "/provenance/prompt_sha256"))
    if told.tier != record.tier:
        found.append(Found("the record's tier is not its annotation's", "/tier"))
    return found


def f10_no_special_tokens(record: Record, context: Context) -> list[Found]:
    """No text holds a token that would break a training conversation, such as ``<video>``."""
    defects = []
    for pointer, text in _strings(record.model_dump(mode="python", exclude={"verdict", "lineage"}), ""):
        if SPECIAL_TOKEN.search(text):
            defects.append(Found("holds a special token of a training conversation", pointer))
    return defects


def f11_parsed_as_is(record: Record, context: Context) -> list[Found] | NotRun:
    """The annotator's answer was valid as it came; a repaired one is counted."""
    if record.provenance.tier != "teacher":
        return NotRun("no model answer was parsed")
    if record.provenance.parse == "repaired":
        return [Found("the answer had to be repaired before it parsed", "/provenance/parse")]
    return []


def _times(record: Record) -> Iterator[tuple[str, float]]:
    """Every time in the clip with its pointer (ends of spans; their starts come before them)."""
    for pointer, start_s, end_s in _spans(record):
        yield f"{pointer}/start_s", start_s
        yield f"{pointer}/end_s", end_s
    for i, cut_s in enumerate(record.clip.shot_cuts_s):
        yield f"/clip/shot_cuts_s/{i}", cut_s
    faces = record.measured.faces
    for i, at_s in enumerate(faces.sampled_s):
        yield f"/measured/faces/sampled_s/{i}", at_s
    for i, track in enumerate(faces.tracks):
        if track.peak_s is not None:
            yield f"/measured/faces/tracks/{i}/peak_s", track.peak_s
        for k, box in enumerate(track.boxes):
            yield f"/measured/faces/tracks/{i}/boxes/{k}/t_s", box.t_s
        for k, at_s in enumerate(track.shape.t_s if track.shape else ()):
            yield f"/measured/faces/tracks/{i}/shape/t_s/{k}", at_s
    for i, change in enumerate(record.emotion.transitions):
        yield f"/emotion/transitions/{i}/t_s", change.t_s


def _spans(record: Record) -> Iterator[tuple[str, float, float]]:
    for i, word in enumerate(record.speech.words):
        yield f"/speech/words/{i}", word.start_s, word.end_s
    for i, segment in enumerate(record.speech.segments):
        yield f"/speech/segments/{i}", segment.start_s, segment.end_s
    for i, caption in enumerate(record.speech.captions):
        yield f"/speech/captions/{i}", caption.start_s, caption.end_s
    for i, track in enumerate(record.measured.faces.tracks):
        yield f"/measured/faces/tracks/{i}", track.start_s, track.end_s
        for k, span in enumerate(track.speaking.spans if track.speaking else ()):
            yield f"/measured/faces/tracks/{i}/speaking/spans/{k}", span.start_s, span.end_s
    for i, person in enumerate(record.people or ()):
        for k, felt in enumerate(person.emotions):
            yield f"/people/{i}/emotions/{k}", felt.start_s, felt.end_s
    for i, hit in enumerate(record.measured.sentiment.hits):
        if hit.start_s is not None and hit.end_s is not None:
            yield f"/measured/sentiment/hits/{i}", hit.start_s, hit.end_s
    for i, seen in enumerate(record.observations):
        if seen.start_s is not None and seen.end_s is not None:
            yield f"/observations/{i}", seen.start_s, seen.end_s


def _boxes(record: Record) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    for i, track in enumerate(record.measured.faces.tracks):
        yield f"/measured/faces/tracks/{i}/mean_box", track.mean_box
        for k, box in enumerate(track.boxes):
            yield f"/measured/faces/tracks/{i}/boxes/{k}/box", box.box


def _distributions(record: Record) -> Iterator[tuple[str, Mapping[Any, float]]]:
    yield "/emotion/dist", record.emotion.dist
    for i, track in enumerate(record.measured.faces.tracks):
        yield f"/measured/faces/tracks/{i}/expression", track.expression
        for k, box in enumerate(track.boxes):
            yield f"/measured/faces/tracks/{i}/boxes/{k}/expression", box.expression


def _strings(value: object, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _strings(inner, f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from _strings(inner, f"{pointer}/{i}")


def _first_line(error: ValueError) -> str:
    return error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error).splitlines()[0]


def _pointer_of(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return ""
    return "".join(f"/{part}" for part in error.errors()[0]["loc"])


FORM: tuple[Rule, ...] = (
    Rule(
        "F01",
        "reject",
        "the record fits the schema and survives a round trip",
        "记录符合模式，往返读写不变",
        f01_fits_schema,
    ),
    Rule(
        "F02",
        "reject",
        "the key follows from source, start and end",
        "键可由来源、起点和终点推出",
        f02_key_is_recomputable,
    ),
    Rule(
        "F03",
        "reject",
        "the span lies in the source and its durations agree",
        "片段位于来源之内，各时长一致",
        f03_span_is_sound,
        limits={"frames": 1.0},
    ),
    Rule(
        "F04",
        "reject",
        "the duration is within bounds",
        "时长在允许范围内",
        f04_duration_in_range,
        limits={"min_s": 1.0, "max_s": 30.0, "usual_min_s": 1.5, "usual_max_s": 20.5},
    ),
    Rule(
        "F05",
        "reject",
        "all times lie inside the clip and in order",
        "所有时间都在片段之内且有序",
        f05_times_inside,
        limits={"slack_s": 0.05},
    ),
    Rule(
        "F06",
        "reject",
        "boxes lie in the picture, distributions sum to one",
        "框在画面之内，分布之和为一",
        f06_numbers_in_range,
        limits={"slack": 0.01},
    ),
    Rule("F07", "reject", "what is said of the media agrees with itself", "媒体的各项说明相互一致", f07_media_agrees),
    Rule("F08", "reject", "text is clean Unicode", "文本是干净的 Unicode", f08_clean_characters),
    Rule("F09", "reject", "the annotation's provenance is complete", "标注来源信息完整", f09_provenance_complete),
    Rule("F10", "reject", "no text holds a special training token", "文本不含训练用特殊标记", f10_no_special_tokens),
    Rule("F11", "info", "the answer parsed without repair", "答案无需修复即可解析", f11_parsed_as_is),
)
