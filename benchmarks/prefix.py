"""How much of a question a server's prefix cache has read before.

    python benchmarks/prefix.py [--clips 200] [--flow single]

Renders the questions of a pass for many clips, one after the other, and counts for each how far it repeats the
beginning of one that was sent before: what a cache that keeps all prefixes (vLLM's, SGLang's, llama.cpp's) need not
read again.
Frames stand between the system text and the rest, so what is shared ends there at the latest; the instructions of an
answer's schema are not counted.  Tokens are estimated as ``ver annotate --estimate`` does: a Chinese character is one,
four other characters are one.
"""

from __future__ import annotations

import argparse
import sys
from bisect import bisect_left, insort
from collections.abc import Sequence
from pathlib import Path


def shared_tokens(texts: Sequence[str]) -> list[int]:
    """Tokens of each text that some earlier text begins with too."""
    from ver_pipeline.annotators.teacher.cost import text_tokens

    known: list[str] = []
    shared = []
    for text in texts:
        at = bisect_left(known, text)
        beside = known[max(0, at - 1) : at + 1]  # of sorted texts the likest stand beside it
        shared.append(max((text_tokens(_common(text, one)) for one in beside), default=0))
        insort(known, text)
    return shared


def _common(one: str, other: str) -> str:
    n = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:n]


def rendered(n_clips: int, flow: str) -> dict[str, list[str]]:
    """The texts before the frames of every prompt of a pass, clip by clip."""
    sys.path[:0] = [str(Path(__file__).parent.parent / "tests" / name) for name in ("annotators", "")]
    from teacher_kit import make_request, teacher

    from ver_pipeline.annotators.teacher.cost import EARLIER
    from ver_pipeline.annotators.teacher.teacher import question

    asked = teacher(flow=flow)
    texts: dict[str, list[str]] = {}
    for i in range(n_clips):
        request = make_request(i, record=i % 12)
        for name in asked.steps():
            chat = question(request, asked, name, 0, **dict.fromkeys(EARLIER, ""))
            texts.setdefault(name, []).append(chat.system)
    return texts


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line a prompt."""
    from ver_pipeline.annotators.teacher.cost import text_tokens

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--flow", choices=["single", "staged", "families"], default="single")
    args = parser.parse_args(argv)
    for name, texts in rendered(args.clips, args.flow).items():
        whole, shared = sum(map(text_tokens, texts)), sum(shared_tokens(texts))
        sys.stdout.write(
            f"{name:<14} {args.clips} questions: system text {whole / len(texts):.0f} tokens, of which "
            f"{shared / len(texts):.0f} shared ({shared / whole:.2f})\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
