"""Small published data sets of drawn clips, for the model's tests and benchmarks.

A clip is a cartoon face on a coloured ground: the mouth and the brows tell the emotion, the ground's
colour is the general attribute.  Nothing in the file name, the transcript or the length tells either.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from factory import make_dict

from ver_pipeline.catalog.write import write_catalog
from ver_pipeline.schemas import labels
from ver_pipeline.schemas.canonical import canonical_json, digest
from ver_pipeline.shards.manifest import manifest_bytes

EMOTIONS = ("happiness", "sadness", "anger", "surprise")
GROUNDS = {"red": ("红色", (190, 60, 50)), "green": ("绿色", (60, 160, 70)),
           "blue": ("蓝色", (50, 80, 190)), "gray": ("灰色", (130, 130, 130))}  # fmt: skip
MOUTHS = {"happiness": "up", "sadness": "down", "anger": "flat", "surprise": "round"}
MOODS = {"red": "anger", "green": "happiness", "blue": "sadness", "gray": "surprise"}
INDEX_COLUMNS = ("json", "mp4", "jpg")


def draw_face(emotion: str, ground: str, side: int, at: tuple[float, float], size: float) -> np.ndarray:
    """One frame, uint8 [side, side, 3]."""
    frame = np.empty((side, side, 3), np.uint8)
    frame[:] = GROUNDS[ground][1]
    y, x = np.mgrid[0:side, 0:side] / side
    u, v = (x - at[0]) / size, (y - at[1]) / size
    frame[u**2 + v**2 < 1] = (245, 215, 170)
    dark = np.zeros((side, side), bool)
    for eye in (-0.38, 0.38):
        dark |= (u - eye) ** 2 + (v + 0.25) ** 2 < 0.14**2
    if emotion == "happiness":
        dark |= (np.abs(v - 0.65 + 0.9 * u**2) < 0.13) & (np.abs(u) < 0.6)
    elif emotion == "sadness":
        dark |= (np.abs(v - 0.35 - 0.9 * u**2) < 0.13) & (np.abs(u) < 0.6)
    elif emotion == "anger":
        dark |= (np.abs(v - 0.5) < 0.09) & (np.abs(u) < 0.5)
        dark |= (np.abs(v + 0.72 - 0.8 * (0.5 - np.abs(u))) < 0.12) & (np.abs(u) < 0.7) & (np.abs(u) > 0.08)
    else:
        dark |= (u / 0.28) ** 2 + ((v - 0.5) / 0.34) ** 2 < 1
    frame[dark & (u**2 + v**2 < 1)] = (20, 20, 20)
    return frame


def encode_video(frames: Sequence[np.ndarray], fps: int = 8) -> bytes:
    """Frames as an H.264 mp4."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "16", "preset": "veryfast", "threads": "1"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for array in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


def make_video(emotion: str, ground: str, seed: int, *, side: int = 112, n_frames: int = 16, fps: int = 8) -> bytes:
    """A face that drifts a little; place, size and drift depend on ``seed``."""
    rng = np.random.default_rng(seed)
    at, size, drift = rng.uniform(0.45, 0.55, 2), rng.uniform(0.36, 0.46), rng.uniform(-0.04, 0.04, 2)
    frames = [draw_face(emotion, ground, side, tuple(at + drift * k / n_frames), size) for k in range(n_frames)]
    noise = rng.integers(-8, 9, frames[0].shape)
    return encode_video([np.clip(f + noise, 0, 255).astype(np.uint8) for f in frames], fps)


def make_sample(i: int, split: str, *, seed: int = 0, media: bytes | None = None, **video: Any) -> dict[str, Any]:
    """Record and media of clip ``i``; emotion and ground are independent."""
    rng = np.random.default_rng([seed, i])
    emotion, ground = EMOTIONS[int(rng.integers(4))], list(GROUNDS)[int(rng.integers(4))]
    media = media or make_video(emotion, ground, int(rng.integers(2**31)), **video)
    record = make_dict(i)
    n_frames, fps = video.get("n_frames", 16), video.get("fps", 8)
    source_id = hashlib.sha256(f"drawn {seed} {i}".encode()).hexdigest()
    word = {language: labels.display(emotion, language) for language in ("en", "zh")}
    clue = {"en": f"The ground is {ground}.", "zh": f"背景是{GROUNDS[ground][0]}。"}
    observation = {"eid": "s1", "modality": "scene", "text_en": clue["en"], "text_zh": clue["zh"], "start_s": 0.0,
                   "end_s": 1.0, "quote": None, "track_id": None, "polarity": "neutral", "supports": [],
                   "source": "vlm", "confidence": 0.9}  # fmt: skip
    record |= {"key": f"{source_id[:16]}_00000000_{round(1000 * n_frames / fps):08d}", "split": split}
    record["media"] |= {"sha256": hashlib.sha256(media).hexdigest(), "size_bytes": len(media)}
    record["clip"] |= {"duration_s": n_frames / fps, "n_frames": n_frames, "fps": float(fps)}
    record["speech"] |= {"present": False, "text": "", "segments": [], "words": []}
    record["observations"] = [observation]
    record["emotion"] |= {
        "primary": emotion, "closed": labels.closed_labels(emotion, -0.2), "intensity": 2, "confidence": 0.9,
        "labels_open": [{**word, "canon": emotion, "p": 0.9, "eids": ["s1"]}], "valence": 0.0, "ambiguity": "none",
    }  # fmt: skip
    record["description"] |= {
        "en": f"{clue['en']} The person shows {word['en']}.", "zh": f"{clue['zh']}人物表现出{word['zh']}。",
        "cited_eids": ["s1"],
    }  # fmt: skip
    return {"record": record, "mp4": media}


def write_data_set(out: Path, samples: Sequence[dict[str, Any]], per_shard: int = 8) -> Path:
    """A published data set in the layout of ``ver build``: tars, index, manifest."""
    out.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    files: list[dict[str, Any]] = []
    for split in sorted({s["record"]["split"] for s in samples}):
        chosen = sorted((s for s in samples if s["record"]["split"] == split), key=lambda s: s["record"]["key"])
        for number in range(0, len(chosen), per_shard):
            body, offsets = _tar(chosen[number : number + per_shard])
            sha = hashlib.sha256(body).hexdigest()
            name = f"{split}-{number // per_shard:06d}-{sha[:8]}.tar"
            (out / name).write_bytes(body)
            files.append({"path": name, "sha256": sha, "size_bytes": len(body), "kind": "shard", "split": split,
                          "n_samples": len(offsets)})  # fmt: skip
            rows += [_row(s["record"], name, o) for s, o in zip(chosen[number:], offsets, strict=False)]
    files.append(_write_index(out, sorted(rows, key=lambda r: r["key"])))
    files += _write_catalog(out, sorted((s["record"] for s in samples), key=lambda r: r["key"]))
    manifest = {
        "schema": "ver-manifest/1", "record_schema": "ver-record/2",
        "dataset_id": digest([f["sha256"] for f in files]), "files": files,
        "counts": {"sources": len(rows), "clips": len(rows), "samples": len(rows), "rejects": 0},
        "config": {}, "fingerprints": {}, "tools": {},
    }  # fmt: skip
    (out / "manifest.json").write_bytes(manifest_bytes(manifest))
    return out


def make_data_set(out: Path, n_train: int = 16, n_test: int = 0, *, seed: int = 0, **video: Any) -> Path:
    """A data set of drawn clips."""
    splits = ["train"] * n_train + ["test"] * n_test
    return write_data_set(out, [make_sample(i, split, seed=seed, **video) for i, split in enumerate(splits)])


def make_web_folder(
    out: Path, n: int = 8, *, seed: int = 7, side: int = 112, asks: Sequence[str] = ("colour",)
) -> Path:
    """A third-party WebDataset: a frame each, and a conversation about its colour.

    ``asks`` are taken in turn: ``colour``, ``mouth`` (its shape), or ``mood`` (an emotion word that follows
    from the ground's colour alone, as folklore has it: red is angry).
    """
    from PIL import Image

    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    with tarfile.open(out / "pictures-000000.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        for i in range(n):
            ground = list(GROUNDS)[int(rng.integers(4))]
            emotion = EMOTIONS[int(rng.integers(4))]
            picture = io.BytesIO()
            face = draw_face(emotion, ground, side, tuple(rng.uniform(0.45, 0.55, 2)), float(rng.uniform(0.36, 0.46)))
            Image.fromarray(face).save(picture, "PNG")
            asked = {
                "colour": ("Which colour is the ground?", ground),
                "mouth": ("Which shape has the mouth?", MOUTHS[emotion]),
                "mood": ("Name the emotion in one word.", labels.display(MOODS[ground], "en")),
            }[asks[i % len(asks)]]
            turns = [{"from": "human", "value": f"<image>\n{asked[0]}"}, {"from": "gpt", "value": asked[1]}]
            _add(tar, f"frame{i:05d}.json", json.dumps({"conversations": turns}).encode())
            _add(tar, f"frame{i:05d}.png", picture.getvalue())
    return out


def _tar(samples: Sequence[dict[str, Any]]) -> tuple[bytes, list[dict[str, int]]]:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for sample in samples:
            key = sample["record"]["key"]
            _add(tar, f"{key}.json", canonical_json(sample["record"]))
            _add(tar, f"{key}.mp4", sample["mp4"])
    body = buffer.getvalue()
    offsets = []
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        members = {m.name: m for m in tar}
    for sample in samples:
        found = {}
        for kind in INDEX_COLUMNS:
            member = members.get(f"{sample['record']['key']}.{kind}")
            found[f"{kind}_offset"] = None if member is None else member.offset_data
            found[f"{kind}_size"] = None if member is None else member.size
        offsets.append(found)
    return body, offsets


def _row(record: dict[str, Any], shard: str, offsets: dict[str, int]) -> dict[str, Any]:
    return {
        "key": record["key"], "split": record["split"], "shard": shard, **offsets,
        "source_id": record["source"]["id"], "group_id": record["source"]["group_id"],
        "start_s": record["clip"]["start_s"], "end_s": record["clip"]["end_s"],
        "duration_s": record["clip"]["duration_s"], "language": record["speech"]["language"], "tier": record["tier"],
        "label": record["emotion"]["primary"], "valence": record["emotion"]["valence"],
        "arousal": record["emotion"]["arousal"], "intensity": record["emotion"]["intensity"],
        "confidence": record["emotion"]["confidence"], "n_faces": record["measured"]["faces"]["n_tracks"],
        "n_words": len(record["speech"]["words"]), "agreement_tier": None,
        "license": record["source"]["rights"]["license"],
    }  # fmt: skip


def _write_index(out: Path, rows: list[dict[str, Any]]) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = {f"{k}_{w}": pa.int64() for k in INDEX_COLUMNS for w in ("offset", "size")}
    inferred = pa.Table.from_pylist(rows).schema
    schema = pa.schema([pa.field(f.name, numbers.get(f.name, f.type)) for f in inferred])
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema), buffer)
    sha = hashlib.sha256(buffer.getvalue()).hexdigest()
    name = f"index-{sha[:8]}.parquet"
    (out / name).write_bytes(buffer.getvalue())
    return {"path": name, "sha256": sha, "size_bytes": len(buffer.getvalue()), "kind": "index"}


def _write_catalog(out: Path, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    files = []
    for name, path in write_catalog(records, [r["source"] for r in records], [], [], out / "catalog").items():
        data = path.read_bytes()
        sha = hashlib.sha256(data).hexdigest()
        path.rename(path.with_name(f"{name}-{sha[:8]}.parquet"))
        entry = {"path": f"catalog/{name}-{sha[:8]}.parquet", "sha256": sha, "size_bytes": len(data), "kind": "catalog"}
        files.append(entry)
    return files


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    tar.addfile(info, io.BytesIO(data))
