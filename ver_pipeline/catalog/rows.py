"""One record to its rows in each table of the catalog.  Pure functions of the record's JSON form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.catalog_tables import EXPRESSIONS
from ver_pipeline.schemas.reasons import MEANING, Reason
from ver_pipeline.schemas.sources_table import SOURCES

Row = dict[str, Any]
Record = Mapping[str, Any]

TAXONOMIES = ("mer6", "dfew7", "mafw11", "meld7", "sentiment3")
_VOICE = (
    "f0_mean_hz", "f0_sd_st", "f0_range_st", "loudness_db", "loudness_sd_db",
    "rate_syll_s", "pause_frac", "voiced_frac", "clipped_frac", "silence_frac",
)  # fmt: skip
_PICTURE = ("motion_mean", "motion_max", "brightness", "sharpness", "black_frac", "static_frac")
_AGREEMENT = (
    "n_votes", "label_agreement", "sentiment_agreement", "valence_sd", "arousal_sd", "intensity_sd",
    "jaccard_open", "open_f1", "en_zh_agreement", "self_consistency", "reasoning_similarity", "ds_confidence",
)  # fmt: skip


def annotations_of(record: Record) -> list[Record]:
    """The adopted annotation (rebuilt from the record's top level) followed by the alternatives."""
    adopted = {name: record[name] for name in ("observations", "emotion", "description", "provenance")}
    return [adopted, *record.get("alternatives", ())]


def source_row(source: Record) -> Row:
    """The row of ``sources`` (one a source, not one a record)."""
    rights = source["rights"]
    row = {name: source.get(name) for name in SOURCES.names}
    return {**row, "source_id": source["id"], **{name: rights[name] for name in ("license", "rights_basis", "consent")}}


def reject_row(reject: Record) -> Row:
    """The row of ``rejects``: a reject with its code in words."""
    return {**reject, "meaning": MEANING[Reason(reject["reason"])]}


def clip_rows(record: Record) -> Iterator[Row]:
    """The row of ``clips``."""
    yield {
        **_span_and_media(record),
        **_speech(record["speech"]),
        **_measured(record["measured"]),
        **_emotion(record),
        **_trust(record),
    }


def _span_and_media(record: Record) -> Row:
    source, clip, media = record["source"], record["clip"], record["media"]
    return {
        "key": record["key"],
        "split": record["split"],
        "tier": record["tier"],
        "source_id": source["id"],
        "group_id": source["group_id"],
        "license": source["rights"]["license"],
        **{name: value for name, value in clip.items() if name != "detector"},
        "clip_detector": clip["detector"],
        "media_policy": media["policy"],
        "media_sha256": media["sha256"],
        "media_bytes": media["size_bytes"],
        "media_mode": media["mode"],
        "normalised": media.get("normalised"),
        "not_normalised": media.get("not_normalised"),
    }


def _speech(speech: Record) -> Row:
    recogniser = speech["recogniser"]
    return {
        "has_speech": speech["present"],
        "speech_s": speech["speech_s"],
        "language": speech["language"],
        "language_prob": speech["language_prob"],
        "transcript": speech["text"],
        "transcript_en": speech["text_en"],
        "transcript_zh": speech["text_zh"],
        "n_words": len(speech["words"]),
        "n_speakers": _n_speakers(speech.get("turns")),
        "onscreen": speech["onscreen"],
        "recogniser": " ".join(part for part in (recogniser["engine"], recogniser["model"]) if part),
    }


def _n_speakers(turns: Any) -> int | None:
    return None if turns is None else len({turn["speaker"] for turn in turns} - {None})


def _measured(measured: Record) -> Row:
    voice = measured["voice"] or {}
    return {
        "n_faces": measured["faces"]["n_tracks"],
        "max_faces": measured["faces"]["max_simultaneous"],
        **{name: voice.get(name) for name in _VOICE},
        **{name: measured["picture"][name] for name in _PICTURE},
        "polarity": measured["sentiment"]["polarity"],
    }


def _emotion(annotation: Record) -> Row:
    emotion, closed, text = annotation["emotion"], annotation["emotion"]["closed"], annotation["description"]
    copied = (
        "valence", "arousal", "dominance", "intensity", "confidence", "mixed", "ambiguity",
        "subject", "subject_track_id", "cause_en", "cause_zh",
    )  # fmt: skip
    return {
        "label": emotion["primary"],
        **{name: emotion[name] for name in copied},
        "n_transitions": len(emotion["transitions"]),
        "labels_open": [label["en"] for label in emotion["labels_open"]],
        "labels_canon": sorted({emotion["primary"], *(o["canon"] for o in emotion["labels_open"] if o["canon"])}),
        **{name: closed[name] for name in TAXONOMIES},
        "lossy": closed["lossy"],
        "description_en": text["en"],
        "description_zh": text["zh"],
        "description_mode": text["mode"],
        "cited_eids": text["cited_eids"],
    }


def _trust(record: Record) -> Row:
    agreement, verdict = record.get("agreement") or {}, record.get("verdict") or {}
    human, safety = record.get("human") or {}, record["safety"]
    return {
        "n_evidence": len(record["observations"]),
        "annotator": record["provenance"]["annotator"],
        "model": record["provenance"]["model"],
        **{name: agreement.get(name) for name in _AGREEMENT},
        "agreement_method": agreement.get("method"),
        "agreement_tier": agreement.get("tier"),
        "status": verdict.get("status"),
        "rules_version": verdict.get("rules_version"),
        "rules_passed": verdict.get("passed", []),
        "rules_not_run": verdict.get("not_run", []),
        "n_findings": len(verdict.get("findings", ())),
        "human_decision": human.get("decision"),
        "reviewers": human.get("reviewers", []),
        "minor_possible": safety["minor_possible"],
        "sensitive": safety["sensitive"],
        "pii": safety["pii"],
    }


def segment_rows(record: Record) -> Iterator[Row]:
    """The rows of ``segments``."""
    for i, segment in enumerate(record["speech"]["segments"]):
        yield {"key": record["key"], "i": i, "doubt": None, "speaker": None, **segment}


def word_rows(record: Record) -> Iterator[Row]:
    """The rows of ``words``."""
    for i, word in enumerate(record["speech"]["words"]):
        yield {"key": record["key"], "i": i, "speaker": None, **word}


def turn_rows(record: Record) -> Iterator[Row]:
    """The rows of ``turns``."""
    for i, turn in enumerate(record["speech"].get("turns") or ()):
        spoken = {name: turn[name] for name in ("speaker", "start_s", "end_s", "overlap_s", "text")}
        yield {
            "key": record["key"],
            "i": i,
            "source_id": record["source"]["id"],
            "n_words": len(turn["words"]),
            **spoken,
        }


def face_rows(record: Record) -> Iterator[Row]:
    """The rows of ``faces``, ordered by track."""
    for track in sorted(record["measured"]["faces"]["tracks"], key=lambda t: str(t["track_id"])):
        x, y, width, height = track["mean_box"]
        yield {
            "key": record["key"],
            **{name: track[name] for name in ("track_id", "start_s", "end_s", "mean_conf", "dominant", "peak_s")},
            "x": x,
            "y": y,
            "width": width,
            "height": height,
            "n_boxes": len(track["boxes"]),
            "seen_s": [box["t_s"] for box in track["boxes"]],
            **{f"p_{name}": track["expression"].get(name) for name in EXPRESSIONS},
        }


def people_rows(record: Record) -> Iterator[Row]:
    """The rows of ``people``, in order of their names."""
    for person in sorted(record.get("people") or (), key=lambda p: str(p["person_id"])):
        lengths: dict[str, float] = {}
        for stretch in person["emotions"]:
            lengths[stretch["label"]] = lengths.get(stretch["label"], 0.0) + _length_s(stretch)
        named = {label: length for label, length in lengths.items() if label != "undetermined"} or lengths
        label = min(named, key=lambda name: (-named[name], name)) if named else "undetermined"
        felt = [stretch for stretch in person["emotions"] if stretch["valence"] is not None]
        whole = sum(map(_length_s, felt))
        yield {
            "key": record["key"],
            "source_id": record["source"]["id"],
            **{name: person[name] for name in ("person_id", "track_ids", "speaker", "role", "onscreen_share")},
            **{name: person[name] for name in ("speaking_s", "is_subject")},
            "n_turns": len(person["turns"]),
            "label": label,
            "valence": round(sum(s["valence"] * _length_s(s) for s in felt) / whole, 4) if felt else None,
            "confidence": max((s["confidence"] for s in person["emotions"] if s["label"] == label), default=None),
            "n_emotions": len(person["emotions"]),
        }


def _length_s(stretch: Record) -> float:
    """A moment that was looked at once counts a little too."""
    return float(stretch["end_s"]) - float(stretch["start_s"]) + 0.1


def person_emotion_rows(record: Record) -> Iterator[Row]:
    """The rows of ``person_emotions``."""
    for person in sorted(record.get("people") or (), key=lambda p: str(p["person_id"])):
        for i, stretch in enumerate(person["emotions"]):
            yield {"key": record["key"], "person_id": person["person_id"], "i": i, **stretch}


def evidence_rows(record: Record) -> Iterator[Row]:
    """The rows of ``evidence``."""
    for number, annotation in enumerate(annotations_of(record)):
        for i, observation in enumerate(annotation["observations"]):
            yield {"key": record["key"], "annotation": number, "i": i, **observation}


def annotation_rows(record: Record) -> Iterator[Row]:
    """The rows of ``annotations``."""
    for number, annotation in enumerate(annotations_of(record)):
        provenance = dict(annotation["provenance"])
        sampling = {name: value for name, value in provenance.pop("sampling").items() if value is not None}
        senses = provenance.pop("senses", None) or {}  # records of an earlier release have none
        yield {
            "key": record["key"],
            "annotation": number,
            **_emotion(annotation),
            "n_observations": len(annotation["observations"]),
            **provenance,
            "sampling": canonical_json(sampling).decode(),
            "sight": senses.get("sight"),
            "hearing": senses.get("hearing"),
            "senses_failed": "; ".join(senses.get("failed", ())) or None,
        }


def _label(key: str, annotation: int | None, kind: str, i: int, taxonomy: str, label: str, **more: Any) -> Row:
    empty = dict.fromkeys(("label_zh", "canon", "p", "valence", "t_s", "from_label", "voter"))
    statement = {"annotation": annotation, "kind": kind, "i": i, "taxonomy": taxonomy, "label": label}
    return {**empty, "key": key, **statement, "eids": [], **more}


def label_rows(record: Record) -> Iterator[Row]:
    """The rows of ``labels``: per annotation by kind, then the votes."""
    key = record["key"]
    for number, annotation in enumerate(annotations_of(record)):
        yield from _labels_of(key, number, annotation["emotion"])
    for i, vote in enumerate((record.get("agreement") or {}).get("votes", ())):
        said = {"p": vote["p"], "valence": vote["valence"], "voter": vote["voter"], "canon": vote["label"]}
        yield _label(key, None, "vote", i, "canonical", vote["label"], **said)


def _labels_of(key: str, number: int, emotion: Record) -> Iterator[Row]:
    closed = [(name, emotion["closed"][name]) for name in TAXONOMIES if emotion["closed"][name] is not None]
    for i, (taxonomy, label) in enumerate(closed):
        yield _label(key, number, "closed", i, taxonomy, label)
    for i, (label, p) in enumerate(sorted(emotion["dist"].items())):
        yield _label(key, number, "dist", i, "canonical", label, canon=label, p=p)
    for i, word in enumerate(emotion["labels_open"]):
        said = {"label_zh": word["zh"], "canon": word["canon"], "p": word["p"], "eids": word["eids"]}
        yield _label(key, number, "open", i, "open", word["en"], **said)
    primary = emotion["primary"]
    yield _label(key, number, "primary", 0, "canonical", primary, canon=primary, p=emotion["confidence"])
    for i, change in enumerate(emotion["transitions"]):
        said = {"t_s": change["t_s"], "from_label": change["from_label"], "eids": change["eids"]}
        yield _label(key, number, "transition", i, "canonical", change["to_label"], canon=change["to_label"], **said)


def finding_rows(record: Record) -> Iterator[Row]:
    """The rows of ``findings``."""
    for i, finding in enumerate((record.get("verdict") or {}).get("findings", ())):
        yield {"key": record["key"], "i": i, **finding}


RECORD_ROWS: dict[str, Callable[[Record], Iterator[Row]]] = {
    "clips": clip_rows,
    "segments": segment_rows,
    "words": word_rows,
    "turns": turn_rows,
    "faces": face_rows,
    "people": people_rows,
    "person_emotions": person_emotion_rows,
    "evidence": evidence_rows,
    "annotations": annotation_rows,
    "labels": label_rows,
    "findings": finding_rows,
}
"""The tables that are filled from records, and how."""
