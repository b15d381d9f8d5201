"""Run by a test as a process of its own, which is then killed: annotates N clips into a cache."""

from __future__ import annotations

import sys
from pathlib import Path


def main(base_url: str, cache_dir: str, n: int) -> int:
    """Annotate and return how many clips were accepted."""
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
    from teacher_kit import make_request

    from ver_pipeline.annotators.backends.openai import OpenAIAnnotator

    annotator = OpenAIAnnotator({"model": "m", "base_url": base_url, "concurrency": 4}, cache_dir)
    annotator.open()
    results = annotator.annotate([make_request(i) for i in range(n)])
    return sum(result.annotation is not None for result in results)


if __name__ == "__main__":
    sys.stdout.write(str(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
