"""Valid, varied, deterministic records for tests: every rule passes on them.

``make_record(i)`` walks through the labels, the two languages, tiers, and clips with and without
faces, speech and audio.  All text is our own and about nobody.
"""

from __future__ import annotations

import hashlib
from typing import Any

from factory_text import BODIES, CASES, SCENES, Case

from ver_pipeline.annotators.cues.people import people_of
from ver_pipeline.schemas.config import ShardConfig
from ver_pipeline.schemas.record import Record, parse_record
from ver_pipeline.schemas.split import split_of

FPS = 25.0
CLIPS_PER_SOURCE = 2
CLIPS_PER_GROUP = 4
VOICE_BY_TONE = {  # loudness dBFS, pitch Hz, pitch spread (semitones), syllables a second, pause share
    "loud": (-12.0, 240.0, 4.6, 5.6, 0.08),
    "soft": (-34.0, 140.0, 1.6, 2.4, 0.38),
    "level": (-23.0, 180.0, 2.6, 4.0, 0.18),
}
DFEW = {"happiness": "happy", "sadness": "sad", "neutral": "neutral", "anger": "angry",
        "surprise": "surprise", "disgust": "disgust", "fear": "fear"}  # fmt: skip


def sha(text: str) -> str:
    """64 hex digits that depend on ``text`` only."""
    return hashlib.sha256(text.encode()).hexdigest()


def make_record(i: int = 0, **overrides: Any) -> Record:
    """The ``i``-th record; ``overrides`` replace top-level parts (as dicts or model objects)."""
    data = make_dict(i)
    for name, value in overrides.items():
        data[name] = value.model_dump(mode="json") if hasattr(value, "model_dump") else value
    return parse_record(data)


def make_records(n: int) -> list[Record]:
    """The first ``n`` records; two clips a source, four a group, splits by group."""
    return [make_record(i) for i in range(n)]


def make_dict(i: int = 0) -> dict[str, Any]:
    """The JSON form of record ``i``, for tests that corrupt it before parsing."""
    has_face, has_audio, has_speech = i % 7 != 4, i % 13 != 12, i % 13 != 12 and i % 5 != 3
    case = CASES[i % len(CASES)] if has_face or has_speech else CASES[-1]
    source, clip = _source(i), _clip(i, has_audio)
    speech = _speech(i, case, clip["duration_s"]) if has_speech else _silence(i, has_audio)
    measured = _measured(i, case, clip["duration_s"], has_face, has_audio, has_speech)
    observations = _observations(i, case, clip["duration_s"], has_face, has_speech)
    emotion = _emotion(case, observations, has_face, has_speech)
    tier = ("cue", "teacher", "teacher", "human")[i % 4]
    people = people_of(clip, speech, measured, emotion)
    return {
        "schema_version": "ver-record/2",
        "key": _key(i),
        "split": split_of(source["group_id"], ShardConfig()),
        "tier": tier,
        "source": source,
        "clip": clip,
        "media": {
            "policy": "embed", "sha256": sha(f"media {i}"), "size_bytes": 100_000 + 37 * i,
            "video_codec": "h264", "audio_codec": "aac" if has_audio else None, "mode": "encode",
        },
        "speech": speech,
        "measured": measured,
        "observations": observations,
        "emotion": emotion,
        "description": _description(i, case, observations, has_face, has_speech),
        "provenance": _provenance(i, tier, has_audio, has_speech),
        "people": people,
        "alternatives": [],
        "agreement": _agreement(case) if case.primary != "undetermined" else None,
        "verdict": None,
        "human": {"decision": "accept", "reviewers": ["r1", "r2"], "decided_utc": "2026-01-15T10:00:00Z",
                  "corrected_fields": []} if tier == "human" else None,
        "safety": {"minor_possible": None, "sensitive": None, "pii": []},
        "lineage": {"stages": {"clip": sha("clip")[:16]}, "tools": {"ffmpeg": "7.1"}},
    }  # fmt: skip


def _span(i: int) -> tuple[float, float]:
    """Start and end in source time, on the frame grid of 25 frames a second."""
    start_frame = 25 + 500 * (i % CLIPS_PER_SOURCE)
    return start_frame / FPS, (start_frame + 100 + 10 * (i % 9)) / FPS


def _key(i: int) -> str:
    start_s, end_s = _span(i)
    source_id = sha(f"source {i // CLIPS_PER_SOURCE}")
    return f"{source_id[:16]}_{round(start_s * 1000):08d}_{round(end_s * 1000):08d}"


def _source(i: int) -> dict[str, Any]:
    n = i // CLIPS_PER_SOURCE
    return {
        "id": sha(f"source {n}"), "uri": f"raw/video-{n:04d}.mp4", "speakers": [f"narrator {n}"],
        "group_id": f"title-{i // CLIPS_PER_GROUP:04d}",
        "title": None, "collection": "user",
        "rights": {"license": "CC-BY-4.0", "rights_basis": "consented", "consent": "explicit"},
        "duration_s": 60.0, "fps": FPS, "variable_fps": False, "width": 1280, "height": 720, "rotation_deg": 0,
        "container": "mov,mp4", "video_codec": "h264", "pixel_format": "yuv420p", "audio_codec": "aac",
        "sample_rate_hz": 48000, "audio_channels": 2,
    }  # fmt: skip


def _clip(i: int, has_audio: bool) -> dict[str, Any]:
    start_s, end_s = _span(i)
    first = i % CLIPS_PER_SOURCE == 0
    return {
        "start_s": start_s, "end_s": end_s, "duration_s": round(end_s - start_s, 3), "fps": FPS,
        "n_frames": round((end_s - start_s) * FPS), "width": 640, "height": 360, "has_audio": has_audio,
        "boundary_start": "shot", "boundary_end": "pause", "n_shots": 1, "shot_cuts_s": [],
        "prev_key": None if first else _key(i - 1),
        "next_key": _key(i + 1) if first else None,
        "phash": [sha(f"frame {i} {k}")[:16] for k in range(3)],
        "detector": "adaptive",
    }  # fmt: skip


def _speech(i: int, case: Case, duration_s: float) -> dict[str, Any]:
    language = ("en", "zh")[i % 2]
    text = case.said_en if language == "en" else case.said_zh
    tokens = text.split() if language == "en" else [c for c in text if c not in "，。！？"]
    step = (duration_s - 1.0) / len(tokens)
    words = [
        {
            "word": w,
            "start_s": round(0.5 + k * step, 3),
            "end_s": round(0.5 + (k + 1) * step, 3),
            "prob": 0.93,
            "speaker": "S1",
        }
        for k, w in enumerate(tokens)
    ]
    segment = {"start_s": 0.5, "end_s": words[-1]["end_s"], "text": text, "language": language,
               "avg_logprob": -0.21, "no_speech_prob": 0.02}  # fmt: skip
    turn = {"speaker": "S1", "start_s": 0.5, "end_s": words[-1]["end_s"], "overlap_s": 0.0,
            "words": list(range(len(words))), "text": text}  # fmt: skip
    return {
        "turns": [turn], "diarizer": "voices/00000000",
        "present": True, "speech_s": round(duration_s - 1.0, 3), "language": language, "language_prob": 0.98,
        "text": text, "text_en": case.said_en, "text_zh": case.said_zh, "segments": [segment], "words": words,
        "onscreen": "unknown",
        "recogniser": {"engine": "faster-whisper", "model": "whisper-base", "revision": sha("whisper")},
    }  # fmt: skip


def _silence(i: int, has_audio: bool) -> dict[str, Any]:
    return {
        "present": False, "speech_s": 0.0, "language": "und", "language_prob": None, "text": "", "text_en": None,
        "text_zh": None, "segments": [], "words": [], "onscreen": "unknown",
        "recogniser": {"engine": "faster-whisper" if has_audio else "none",
                       "model": "whisper-base" if has_audio else "none", "revision": sha("whisper")},
    }  # fmt: skip


def _measured(i: int, case: Case, duration_s: float, face: bool, audio: bool, speech: bool) -> dict[str, Any]:
    sampled = [round(0.25 + 0.5 * k, 3) for k in range(int(duration_s * 2))]
    loudness, f0, spread, rate, pause = VOICE_BY_TONE[case.tone]
    scores = {case.expression: 0.7, "neutral": 0.3} if case.expression != "neutral" else {"neutral": 1.0}
    box = [0.35, 0.2, 0.2, 0.35]
    track = {
        "track_id": "f1", "start_s": sampled[0], "end_s": sampled[-1], "mean_conf": 0.91, "mean_box": box,
        "boxes": [{"t_s": t, "box": box, "conf": 0.91, "expression": scores} for t in sampled],
        "expression": scores, "dominant": case.expression, "peak_s": sampled[len(sampled) // 2],
    }  # fmt: skip
    return {
        "faces": {"n_tracks": int(face), "max_simultaneous": int(face), "sampled_s": sampled,
                  "tracks": [track] if face else [], "detector": "yunet", "expression_model": "mobilefacenet-fer"},
        "voice": {
            "f0_mean_hz": f0 if speech else None, "f0_sd_st": spread if speech else None,
            "f0_range_st": spread * 3 if speech else None, "loudness_db": loudness if speech else -48.0,
            "loudness_sd_db": 4.0, "rate_syll_s": rate if speech else None, "pause_frac": pause if speech else 1.0,
            "voiced_frac": 0.55 if speech else 0.0, "clipped_frac": 0.0, "silence_frac": pause if speech else 0.9,
            "extractor": "yin/1",
        } if audio else None,
        "picture": {"motion_mean": 0.03, "motion_max": 0.11, "brightness": 0.46, "sharpness": 180.0,
                    "black_frac": 0.0, "static_frac": 0.05},
        "sentiment": {"polarity": case.valence if speech and i % 2 == 0 and case.valence is not None else None,
                      "hits": [], "tool": "vader/3.3.2"},
    }  # fmt: skip


def _observations(i: int, case: Case, duration_s: float, face: bool, speech: bool) -> list[dict[str, Any]]:
    scene, body = SCENES[(i // 3) % len(SCENES)], BODIES[(i // 2) % len(BODIES)]
    supports = [] if case.primary == "undetermined" else [case.primary]
    base = {"start_s": 0.0, "end_s": duration_s, "quote": None, "track_id": None, "polarity": "neutral",
            "supports": [], "source": "vlm", "confidence": 0.7}  # fmt: skip
    found = [
        {**base, "eid": "s1", "modality": "scene", "text_en": scene[0], "text_zh": scene[1]},
        {**base, "eid": "b1", "modality": "body", "text_en": body[0], "text_zh": body[1], "supports": supports},
    ]
    if face:
        found.append({**base, "eid": "f1", "modality": "face", "text_en": case.face_en, "text_zh": case.face_zh,
                      "track_id": "f1", "supports": supports, "start_s": 0.25, "end_s": duration_s - 0.5})  # fmt: skip
    if speech:
        found.append({**base, "eid": "a1", "modality": "acoustic", "source": "detector", "supports": supports,
                      "text_en": case.voice_en, "text_zh": case.voice_zh})  # fmt: skip
        quote = case.quote_en if i % 2 == 0 else case.quote_zh
        found.append({**base, "eid": "t1", "modality": "lexical", "source": "asr", "supports": supports,
                      "text_en": f'The words "{case.quote_en}" are said.', "quote": quote,
                      "text_zh": f"说话人说出“{case.quote_zh}”。", "start_s": 0.5,
                      "end_s": duration_s - 0.5})  # fmt: skip
    return found


def _emotion(case: Case, observations: list[dict[str, Any]], face: bool, speech: bool) -> dict[str, Any]:
    subject = "person" if face else ("speaker" if speech else "none")
    if case.primary == "undetermined":
        return {
            "subject": subject, "subject_track_id": "f1" if face else None, "primary": "undetermined",
            "labels_open": [], "closed": {}, "dist": {}, "valence": None, "arousal": None, "dominance": None,
            "intensity": None, "confidence": 0.3, "mixed": False, "transitions": [], "cause_en": None,
            "cause_zh": None, "ambiguity": "high",
        }  # fmt: skip
    eids = [o["eid"] for o in observations if case.primary in o["supports"]]
    label = {"en": case.word_en, "zh": case.word_zh, "canon": case.primary, "p": 0.8, "eids": eids}
    rest = "sadness" if case.primary == "neutral" else "neutral"
    return {
        "subject": subject, "subject_track_id": "f1" if face else None, "primary": case.primary,
        "labels_open": [label], "closed": _closed(case), "dist": {case.primary: 0.8, rest: 0.2},
        "valence": case.valence, "arousal": case.arousal, "dominance": None,
        "intensity": 0 if case.primary == "neutral" else case.intensity, "confidence": 0.74, "mixed": False,
        "transitions": [], "cause_en": case.cause_en if speech else None,
        "cause_zh": case.cause_zh if speech else None, "ambiguity": "low",
    }  # fmt: skip


def _closed(case: Case) -> dict[str, Any]:
    lossy = [name for name in ("mer6", "dfew7", "mafw11", "meld7") if name in case.lossy]
    sentiment = {1: "positive", -1: "negative", 0: "neutral"}[_sign(case.valence)]
    return {"mer6": case.mer6, "dfew7": case.dfew7, "mafw11": case.mafw11, "meld7": case.meld7,
            "sentiment3": sentiment, "lossy": lossy}  # fmt: skip


def _sign(valence: float | None) -> int:
    return 0 if valence is None or abs(valence) < 0.1 else (1 if valence > 0 else -1)


def _description(i: int, case: Case, observations: list[dict[str, Any]], face: bool, speech: bool) -> dict[str, Any]:
    shown = [o for o in observations if o["modality"] != "lexical"]
    en = [o["text_en"] for o in shown]
    zh = [o["text_zh"] for o in shown]
    if speech:
        en.append(f'Meanwhile the words "{case.quote_en}" are heard, which fits what can be seen here.')
        zh.append(f"同时可以听到“{case.quote_zh}”这句话，与画面中的内容相符。")
    else:
        en.append("Nobody moves much, the frame stays steady, and the view does not change until the last moment.")
        zh.append("画面中动作很少，镜头保持稳定，直到最后一刻视角都没有变化。")
    if not face:
        en.append("The camera keeps its distance and shows the room and its light rather than details.")
        zh.append("镜头保持较远的距离，主要展示房间与光线，而不是细节。")
    end_en, end_zh = _ending(case, face, speech)
    en.append(end_en if i % 3 else f"Taken together, {end_en[0].lower()}{end_en[1:]}")
    zh.append(end_zh if i % 3 else f"综合来看，{end_zh}")
    return {"en": " ".join(en), "zh": "".join(zh), "mode": "human" if i % 4 == 3 else "native-both",
            "cited_eids": [o["eid"] for o in observations]}  # fmt: skip


def _ending(case: Case, face: bool, speech: bool) -> tuple[str, str]:
    """The conclusion, which names only what the clip has."""
    if case.primary == "undetermined" or (face and speech):
        return case.end_en, case.end_zh
    if face:
        return (
            f"The person appears {case.word_en}, judging by the face and the posture alone.",
            f"仅从面部和姿态判断，此人似乎表现出{case.word_zh}。",
        )
    return (
        f"The unseen speaker appears {case.word_en}, judging by the audio and the words alone.",
        f"仅从声音和话语判断，画面外的说话人似乎表现出{case.word_zh}。",
    )


def _provenance(i: int, tier: str, audio: bool, speech: bool) -> dict[str, Any]:
    drawn = {"temperature": 0.3, "top_p": 0.9, "top_k": 50, "max_new_tokens": 900, "seed": 7, "n_frames": 8,
             "fps": 2.0, "max_pixels": 200_704}  # fmt: skip
    return {
        "tier": tier, "annotator": {"cue": "cues", "teacher": "openai", "human": "review"}[tier],
        "model": {"cue": "cues/1", "teacher": "teacher-vl", "human": "human"}[tier], "revision": sha(f"rev {tier}"),
        "prompt_ids": ["describe/1"] if tier == "teacher" else [],
        "prompt_sha256": sha("prompt") if tier == "teacher" else None,
        "schema_sha256": sha("schema") if tier == "teacher" else None,
        "sampling": drawn if tier == "teacher" else dict.fromkeys(drawn),
        "audio_given": audio, "subtitle_given": speech, "input_sha256": sha(f"input {i}"),
        "output_sha256": sha(f"output {i}"), "tokens_in": 900 if tier == "teacher" else 0,
        "tokens_out": 300 if tier == "teacher" else 0, "attempts": 1, "parse": "ok",
    }  # fmt: skip


def _agreement(case: Case) -> dict[str, Any]:
    votes = [{"voter": v, "label": case.primary, "p": p, "valence": case.valence}
             for v, p in (("face", 0.7), ("voice", 0.6), ("text", 0.8))]  # fmt: skip
    return {
        "votes": votes, "n_votes": 3, "label_agreement": 1.0, "sentiment_agreement": 1.0, "valence_sd": 0.0,
        "intensity_sd": None, "jaccard_open": None, "open_f1": None, "en_zh_agreement": 1.0,
        "self_consistency": None, "reasoning_similarity": None, "method": "majority", "ds_confidence": None,
        "tier": "A",
    }  # fmt: skip
