"""What the expectations need beyond SQL: near-duplicates, the funnel, text shortcuts, drift.

Each function takes the open data set (and the earlier one, where it compares) and returns rows for an
expectation, or a string that says why it cannot judge.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ver_pipeline.catalog.dataset import Dataset
from ver_pipeline.quality.neardup import near_frames, near_texts, near_to
from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.schemas.rules.text import normalise, tokens

Rows = list[dict[str, Any]]
Check = Callable[[Dataset, Dataset | None], Rows | str]

TRANSCRIPT_SIMILARITY = 0.6
"""One word of ten changed leaves about 0.7 of the words and pairs; unrelated lines share under 0.2."""
DESCRIPTION_SIMILARITY = 0.8
MIN_TRANSCRIPT_CHARS = 12
MIN_DESCRIPTION_CHARS = 40
WRITTEN = "tier <> 'cue'"
"""Texts that somebody or some model wrote.  A cue text is composed: equal measurements give equal texts."""
MAX_COMPARED = 300_000
"""Above this, comparing all with all is not tried: it would need several GB."""
FRAME_BITS = 5
MIN_LEARNING_CLIPS = 200


def funnel(data: Dataset, _: Dataset | None) -> Rows:
    """Counts of the manifest that are not those of the tables."""
    counts, files = data.manifest["counts"], data.manifest["files"]
    in_tables = data.sql(
        'SELECT (SELECT count(*) FROM clips) AS samples, (SELECT count(*) FROM "index") AS indexed,'
        " (SELECT count(*) FROM rejects) AS rejects, (SELECT count(*) FROM sources) AS sources,"
        " (SELECT count(*) FROM rejects WHERE key IS NOT NULL) AS rejected_clips"
    ).dicts()[0]
    wanted = {
        "samples": counts.get("samples"),
        "indexed": counts.get("samples"),
        "rejects": counts.get("rejects"),
        "sources": counts.get("sources"),
    }
    rows = [
        {"count": name, "manifest": n, "tables": in_tables[name]} for name, n in wanted.items() if n != in_tables[name]
    ]
    n_clips = in_tables["samples"] + in_tables["rejected_clips"]
    if counts.get("clips") != n_clips:
        rows.append({"count": "clips", "manifest": counts.get("clips"), "tables": n_clips})
    in_shards = sum(file.get("n_samples", 0) for file in files if file["kind"] == "shard")
    if in_shards != in_tables["samples"]:
        rows.append({"count": "samples in shards", "manifest": in_shards, "tables": in_tables["samples"]})
    return rows


def unknown_reasons(data: Dataset, _: Dataset | None) -> Rows:
    """Reject codes that this release does not know."""
    known = {str(reason) for reason in Reason}
    codes = data.sql("SELECT DISTINCT reason FROM rejects ORDER BY reason").rows()
    return [{"reason": code} for (code,) in codes if code not in known]


def leaking_transcripts(data: Dataset, _: Dataset | None) -> Rows:
    """Near-equal transcripts that lie in more than one split."""
    return _leaks(data, "transcript", "has_speech", TRANSCRIPT_SIMILARITY, MIN_TRANSCRIPT_CHARS)


def leaking_descriptions(data: Dataset, _: Dataset | None) -> Rows:
    """Near-equal descriptions (not of tier cue) that lie in more than one split."""
    return _leaks(data, "description_en", WRITTEN, DESCRIPTION_SIMILARITY, MIN_DESCRIPTION_CHARS)


def leaking_frames(data: Dataset, _: Dataset | None) -> Rows | str:
    """Clusters of clips that look alike and lie in more than one split."""
    if _too_many(data, "len(phash) > 0"):
        return f"more than {MAX_COMPARED} clips: comparing all frames needs too much memory"
    rows = data.sql("SELECT key, split, phash FROM clips WHERE len(phash) > 0 ORDER BY key").dicts()
    return _across_splits(rows, near_frames([r["phash"] for r in rows], FRAME_BITS))


def repeated_descriptions(data: Dataset, _: Dataset | None) -> Rows | str:
    """The share of descriptions (not of tier cue) that nearly repeat another."""
    if _too_many(data, WRITTEN):
        return f"more than {MAX_COMPARED} descriptions: comparing all needs too much memory"
    texts = [text for (text,) in data.sql(f"SELECT description_en FROM clips WHERE {WRITTEN} ORDER BY key")]
    clusters = near_texts(texts, DESCRIPTION_SIMILARITY, MIN_DESCRIPTION_CHARS)
    return [{"share": sum(len(cluster) - 1 for cluster in clusters) / max(1, len(texts))}]


def repeated_frames(data: Dataset, _: Dataset | None) -> Rows | str:
    """The share of training clips that look like a training clip of another source."""
    if _too_many(data, "split = 'train' AND len(phash) > 0"):
        return f"more than {MAX_COMPARED} training clips: comparing all frames needs too much memory"
    rows = data.sql("SELECT source_id, phash FROM clips WHERE split = 'train' AND len(phash) > 0 ORDER BY key").dicts()
    if not rows:
        return "no training clip has a perceptual hash"
    clusters = near_frames([r["phash"] for r in rows], FRAME_BITS)
    extra = sum(len({rows[i]["source_id"] for i in cluster}) - 1 for cluster in clusters)
    return [{"share": extra / len(rows)}]


def label_from_evidence(data: Dataset, _: Dataset | None) -> Rows | str:
    """How often a bag of words of the evidence texts gives the label, over the most frequent label."""
    return _bag_of_words(
        data,
        "SELECT c.group_id, c.label, string_agg(e.text_en, ' ' ORDER BY e.i) AS text FROM clips c"
        " JOIN evidence e ON e.key = c.key AND e.annotation = 0 AND e.modality <> 'lexical'"
        " WHERE c.label <> 'undetermined' GROUP BY c.key, c.group_id, c.label ORDER BY c.key",
    )


def label_from_transcript(data: Dataset, _: Dataset | None) -> Rows | str:
    """How often a bag of words of the transcript gives the label."""
    return _bag_of_words(
        data,
        "SELECT group_id, label, transcript AS text FROM clips"
        " WHERE has_speech AND label <> 'undetermined' ORDER BY key",
    )


def drift_samples(data: Dataset, earlier: Dataset | None) -> Rows | str:
    """Samples now over samples before."""
    if earlier is None:
        return NO_EARLIER
    before = earlier.manifest["counts"]["samples"]
    return [{"ratio": data.manifest["counts"]["samples"] / before}] if before else "the earlier set is empty"


def drift_labels(data: Dataset, earlier: Dataset | None) -> Rows | str:
    """Population stability index of the labels."""
    return _stability(data, earlier, "label")


def drift_languages(data: Dataset, earlier: Dataset | None) -> Rows | str:
    """Population stability index of the languages."""
    return _stability(data, earlier, "language")


def drift_durations(data: Dataset, earlier: Dataset | None) -> Rows | str:
    """Kolmogorov-Smirnov distance of the clip durations."""
    return _gap(data, earlier, "SELECT duration_s FROM clips ORDER BY 1")


def drift_lengths(data: Dataset, earlier: Dataset | None) -> Rows | str:
    """Kolmogorov-Smirnov distance of the description lengths (Chinese characters)."""
    return _gap(data, earlier, "SELECT length(description_zh) FROM clips ORDER BY 1")


NO_EARLIER = "no earlier data set was given"

CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        funnel, unknown_reasons, leaking_transcripts, leaking_descriptions, leaking_frames, repeated_descriptions,
        repeated_frames, label_from_evidence, label_from_transcript, drift_samples, drift_labels, drift_languages,
        drift_durations, drift_lengths,
    )
}  # fmt: skip


def _too_many(data: Dataset, where: str) -> bool:
    return int(data.sql(f"SELECT count(*) FROM clips WHERE {where}").rows()[0][0]) > MAX_COMPARED


def _leaks(data: Dataset, column: str, where: str, threshold: float, min_chars: int) -> Rows:
    """Near-equal texts in different splits.  Only what is held out is kept in memory; train is streamed."""
    held = data.sql(
        f"SELECT key, split, {column} AS text FROM clips WHERE {where} AND split <> 'train' ORDER BY key"
    ).dicts()
    first = {normalise(row["text"]): i for i, row in reversed(list(enumerate(held)))}
    unique = sorted(first.values())
    train = data.sql(f"SELECT min(key), {column} FROM clips WHERE {where} AND split = 'train' GROUP BY 2 ORDER BY 1")
    met: dict[int, list[str]] = defaultdict(list)
    for k, key in near_to([held[i]["text"] for i in unique], train, threshold, min_chars):
        met[unique[k]].append(key)
    rows = [
        {"splits": sorted({held[i]["split"], "train"}), "keys": [held[i]["key"], *keys[:4]], "n": 1 + len(keys)}
        for i, keys in sorted(met.items())
    ]
    return rows + _across_splits(held, near_texts([row["text"] for row in held], threshold, min_chars))


def _across_splits(rows: Rows, clusters: Sequence[Sequence[int]]) -> Rows:
    shares = []
    for cluster in clusters:
        splits = sorted({rows[i]["split"] for i in cluster})
        if len(splits) > 1:
            shares.append({"splits": splits, "keys": sorted(rows[i]["key"] for i in cluster)[:5], "n": len(cluster)})
    return shares


def _bag_of_words(data: Dataset, query: str) -> Rows | str:
    """Accuracy of a multinomial naive Bayes classifier in two folds by group; no group is in both."""
    rows = data.sql(query).dicts()
    if len(rows) < MIN_LEARNING_CLIPS or len({r["label"] for r in rows}) < 2:
        return f"fewer than {MIN_LEARNING_CLIPS} labelled clips, or one label only"
    folds: tuple[Rows, Rows] = ([], [])
    for row in rows:
        folds[hashlib.sha256(row["group_id"].encode()).digest()[0] % 2].append(row)
    if not all(folds):
        return "all clips are of one group"
    right = _n_right(*folds) + _n_right(*reversed(folds))
    return [{"accuracy": right / len(rows)}]


def _n_right(train: Rows, test: Rows) -> int:
    words: dict[str, Counter[str]] = defaultdict(Counter)
    prior = Counter(row["label"] for row in train)
    for row in train:
        words[row["label"]].update(set(tokens(row["text"])))
    vocabulary = len({word for counts in words.values() for word in counts})
    totals = {label: sum(counts.values()) + vocabulary for label, counts in words.items()}

    def score(label: str, text: set[str]) -> float:
        counts, total = words[label], totals[label]
        return math.log(prior[label]) + sum(math.log((counts[word] + 1) / total) for word in text)

    return sum(
        max(sorted(prior), key=lambda label: score(label, set(tokens(row["text"])))) == row["label"] for row in test
    )


def _stability(data: Dataset, earlier: Dataset | None, column: str) -> Rows | str:
    """Sum of (now - before) x ln(now / before) over the shares; empty shares count as half a clip."""
    if earlier is None:
        return NO_EARLIER
    query = f"SELECT {column}, count(*) FROM clips GROUP BY 1 ORDER BY 1"
    now, before = dict(data.sql(query).rows()), dict(earlier.sql(query).rows())
    n_now, n_before = sum(now.values()), sum(before.values())
    if not n_now or not n_before:
        return "one of the two sets is empty"
    total = 0.0
    for name in sorted({*now, *before}):
        p, q = max(now.get(name, 0), 0.5) / n_now, max(before.get(name, 0), 0.5) / n_before
        total += (p - q) * math.log(p / q)
    return [{"psi": total}]


def _gap(data: Dataset, earlier: Dataset | None, query: str) -> Rows | str:
    """The largest difference of the two cumulative distributions."""
    if earlier is None:
        return NO_EARLIER
    now, before = ([value for (value,) in source.sql(query).rows()] for source in (data, earlier))
    if not now or not before:
        return "one of the two sets is empty"
    gap = 0.0
    i = k = 0
    for value in sorted({*now, *before}):
        while i < len(now) and now[i] <= value:
            i += 1
        while k < len(before) and before[k] <= value:
            k += 1
        gap = max(gap, abs(i / len(now) - k / len(before)))
    return [{"gap": gap}]
