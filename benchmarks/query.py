"""How fast a large catalog answers: 1,000,000 synthetic samples, every named query, time and memory.

    python benchmarks/query.py [--samples 1000000] [--dir FOLDER] [--threads 2]

The rows are drawn by DuckDB from a fixed seed; texts have the length of real ones, words are 12 a sample,
evidence 4.  Each query runs in a process of its own, as ``ver query`` does; memory is that process's peak.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ver_pipeline.catalog.named import named_queries
from ver_pipeline.schemas.catalog_tables import TABLES
from ver_pipeline.schemas.columns import Column
from ver_pipeline.schemas.tables import INDEX
from ver_pipeline.shards.manifest import manifest_bytes

LABELS = ("happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear", "anxiety", "contempt",
          "helplessness", "disappointment", "contentment", "undetermined")  # fmt: skip
CLIPS_A_SOURCE = 50
EXTRA = {
    "count": "SELECT count(*) FROM samples",
    "strong-and-sure": "SELECT key, transcript FROM samples WHERE intensity >= 3 AND confidence > 0.9 LIMIT 50",
    "text-search": "SELECT count(*) FROM samples WHERE transcript LIKE '%word 17%'",
}

START = f"i % {CLIPS_A_SOURCE} * 5000"
KEY = (
    f"lpad(to_hex(i // {CLIPS_A_SOURCE}), 16, '0') || '_' || lpad(({START})::VARCHAR, 8, '0') || '_' || "
    f"lpad(({START} + 4000)::VARCHAR, 8, '0')"
)
SPECIAL: dict[str, str] = {
    "key": KEY,
    "source_id": f"sha256((i // {CLIPS_A_SOURCE})::VARCHAR)",
    "group_id": f"'group-' || (i // {4 * CLIPS_A_SOURCE})",
    "split": f"CASE hash(i // {4 * CLIPS_A_SOURCE}) % 20 WHEN 0 THEN 'val' WHEN 1 THEN 'test' ELSE 'train' END",
    "shard": "'train-' || lpad((i // 500)::VARCHAR, 6, '0') || '-00000000.tar'",
    "label": f"list_extract({list(LABELS)}, 1 + (hash(i, 'label') % 13)::INT)",
    "canon": f"list_extract({list(LABELS)}, 1 + (hash(i, a, 'label') % 13)::INT)",
    "language": "list_extract(['en', 'zh', 'und'], 1 + (hash(i, 'lang') % 3)::INT)",
    "tier": "list_extract(['cue', 'teacher', 'human'], 1 + (hash(i, 'tier') % 3)::INT)",
    "license": "'CC-BY-4.0'",
    "media_sha256": "sha256(CASE WHEN hash(i, 'twin') % 10000 = 0 THEN 'twin' || (i // 100000) ELSE i::VARCHAR END)",
    "labels_canon": f"list_sort(list_distinct(list_transform(range(1 + (hash(i, 'many') % 3)::INT), "
    f"lambda k: list_extract({list(LABELS)}, 1 + (hash(i, k, 'label') % 13)::INT))))",
    "rights_basis": "list_extract(['own', 'consented', 'licensed'], 1 + (hash(i, 'basis') % 3)::INT)",
    "consent": "list_extract(['explicit', 'platform-terms'], 1 + (hash(i, 'consent') % 2)::INT)",
    "media_policy": "'embed'",
    "phash": "list_transform(range(3), lambda k: left(md5((i * 3 + k)::VARCHAR), 16))",
    "intensity": "(hash(i, 'int') % 5)::BIGINT",
    "agreement_tier": "list_extract(['A', 'B', 'C', NULL], 1 + (hash(i, 'agr') % 4)::INT)",
    "status": "CASE hash(i, 'status') % 10 WHEN 0 THEN 'review' ELSE 'accept' END",
    "human_decision": "CASE hash(i, 'human') % 50 WHEN 0 THEN 'accept' END",
    "n_faces": "(hash(i, 'faces') % 3)::BIGINT",
    "n_words": "(hash(i, 'words') % 24)::BIGINT",
    "annotation": "0",
    "kind": "CASE a WHEN 0 THEN 'primary' ELSE 'open' END",
    "modality": "list_extract(['face', 'body', 'scene', 'acoustic'], 1 + a::INT)",
    "source": "'vlm'",
    "model": "'teacher-vl'",
    "annotator": "'openai'",
    "transcript": "'word ' || (hash(i, 'a') % 1000) || ' and word ' || (hash(i, 'b') % 1000) || ' are said here'",
    "description_en": "repeat('The person looks at word ' || (hash(i, 'c') % 1000) || ' and speaks. ', 12)",
    "description_zh": "repeat('画面中的人看着第' || (hash(i, 'c') % 1000) || '个词并说话。', 8)",
    "rules_not_run": "CASE hash(i, 'rules') % 3 WHEN 0 THEN ['G10', 'S08'] ELSE []::VARCHAR[] END",
    "stage": "list_extract(['ingest', 'clip', 'annotate'], 1 + (hash(i, 'st') % 3)::INT)",
    "reason": "list_extract(['not_media', 'too_short', 'refusal', 'low_agreement'], 1 + (hash(i, 're') % 4)::INT)",
    "i": "a",
}
GENERAL = {
    "string": "'v' || (hash(i, '{name}') % 50)",
    "int": "(hash(i, '{name}') % 1000)::BIGINT",
    "float": "((hash(i, '{name}') % 1000) / 1000.0)::DOUBLE",
    "bool": "hash(i, '{name}') % 2 = 0",
    "strings": "['v' || (hash(i, '{name}') % 20)]",
    "floats": "[((hash(i, '{name}') % 1000) / 1000.0)::DOUBLE]",
}


def rows_of(table: str, samples: int) -> tuple[int, int]:
    """(how many ``i``, rows an ``i``) of a table."""
    many = {
        "words": 12,
        "evidence": 4,
        "labels": 3,
        "segments": 1,
        "faces": 1,
        "annotations": 1,
        "clips": 1,
        "index": 1,
    }
    if table in many:
        return samples, many[table]
    return max(
        1, {"sources": samples // CLIPS_A_SOURCE, "rejects": samples // 10, "findings": samples // 2}.get(table, 20)
    ), 1


def expression(column: Column, table: str) -> str:
    """SQL that draws a column from the row number ``i`` (and ``a`` within it)."""
    if table == "sources" and column.name == "source_id":
        return "sha256(i::VARCHAR)"
    if table == "faces" and column.name == "track_id":
        return "'f0'"
    special = SPECIAL.get(column.name)
    return special if special is not None else GENERAL[column.type].format(name=column.name)


def make(folder: Path, samples: int) -> None:
    """Write a published-looking catalog of ``samples`` rows."""
    import duckdb

    (folder / "catalog").mkdir(parents=True)
    connection = duckdb.connect()
    files = []
    for table in [*TABLES.values(), INDEX]:
        n, each = rows_of(table.name, samples)
        columns = ", ".join(f'{expression(column, table.name)} AS "{column.name}"' for column in table.columns)
        path = folder / ("index.parquet" if table.name == "index" else f"catalog/{table.name}.parquet")
        draw = f"SELECT {columns} FROM range({n}) t(i), range({each}) u(a)"
        connection.execute(f"COPY ({draw}) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 16384)")
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        named = path.with_name(f"{path.stem}-{sha256[:8]}.parquet")
        path.rename(named)
        kind = "index" if table.name == "index" else "catalog"
        name = named.relative_to(folder).as_posix()
        files.append({"path": name, "sha256": sha256, "size_bytes": named.stat().st_size, "kind": kind})
    manifest = {"schema": "ver-manifest/1", "files": files, "counts": {"samples": samples}}
    (folder / "manifest.json").write_bytes(manifest_bytes(manifest))


def child(folder: Path, query: str, threads: int) -> None:
    """Answer one query; print its seconds on the clock and of processor, and this process's peak memory."""
    from ver_pipeline.catalog.dataset import open_dataset

    with open_dataset(folder, threads=threads) as data:
        begun, cpu_begun = time.perf_counter(), time.process_time()
        n_rows = len(data.sql(query).rows())
        seconds, cpu_s = time.perf_counter() - begun, time.process_time() - cpu_begun
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"seconds": seconds, "cpu_s": cpu_s, "peak_bytes": peak_bytes(usage.ru_maxrss), "rows": n_rows}))


def peak_bytes(max_rss: int) -> int:
    """This process's peak memory.  ``ru_maxrss`` on Linux keeps the parent's peak through exec; VmHWM does not."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return max_rss * (1 if sys.platform == "darwin" else 1024)


def main() -> int:
    """Make the catalog, run every query three times, print the median and the peak."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--dir", type=Path, help="keep the catalog here, and reuse it")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.dir, args.child, args.threads)
        return 0
    folder = args.dir or Path(tempfile.mkdtemp(prefix="ver-query-"))
    if not (folder / "manifest.json").exists():
        begun = time.perf_counter()
        make(folder, args.samples)
        print(f"made {args.samples:,} samples in {time.perf_counter() - begun:.0f} s")
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    print(f"catalog {size / 1e6:.0f} MB, {args.threads} threads, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    queries = {f"@{name}": f"@{name}" for name in named_queries()} | EXTRA
    worst_s, worst_bytes = 0.0, 0
    for name, query in queries.items():
        runs = []
        for _ in range(args.repeat):
            command = [sys.executable, __file__, "--child", query, "--dir", str(folder), "--threads", str(args.threads)]
            runs.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        seconds = sorted(run["seconds"] for run in runs)[len(runs) // 2]
        cpu_s = sorted(run["cpu_s"] for run in runs)[len(runs) // 2]
        peak = max(run["peak_bytes"] for run in runs)
        worst_s, worst_bytes = max(worst_s, seconds), max(worst_bytes, peak)
        print(f"{name:22} {seconds:7.3f} s {cpu_s:7.3f} cpu s {peak / 1e6:7.0f} MB {runs[0]['rows']:7} rows")
    print(f"slowest {worst_s:.3f} s, largest {worst_bytes / 1e6:.0f} MB")
    if args.dir is None:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
