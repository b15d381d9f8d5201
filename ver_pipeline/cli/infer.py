"""``ver infer``: describe one video with a checkpoint."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ver_pipeline.schemas.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``ver infer``."""
    parser.add_argument("checkpoint", type=Path, help="Emotion-Qwen folder")
    parser.add_argument("video", type=Path, help="video or clip")
    parser.add_argument("--lang", choices=("en", "zh"), default="en")
    parser.add_argument("--task", default="describe", help="describe, reason, label, open, sentiment or observe")
    parser.add_argument("--question", help="an own question instead of the task's")
    parser.add_argument("--max-new-tokens", type=int, default=512)
    parser.add_argument("--fps", type=float, default=2.0, help="frames a second that the model sees")
    parser.add_argument("--max-pixels", type=int, default=448 * 448, help="pixels of a frame")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")


def run(args: argparse.Namespace) -> int:
    """Print the answer.

    Raises:
        UsageError: there is no video, it does not decode, or the task is unknown.
        MissingModelError: the folder is no Emotion-Qwen.
    """
    if not args.video.is_file():
        raise UsageError(f"no video at {args.video}", "give a video file")
    from ver_pipeline.model import load
    from ver_pipeline.model.compat import without_progress_bars
    from ver_pipeline.model.data.conversations import load_tasks
    from ver_pipeline.model.vision import Sampling, UndecodableError

    tasks = load_tasks()
    if args.question is None and args.task not in tasks:
        raise UsageError(f"unknown task {args.task!r}", f"one of {', '.join(tasks)}")
    question = args.question or tasks[args.task][args.lang].questions[0]
    without_progress_bars()
    model, tokenizer, preprocess = load(args.checkpoint, args.device, args.dtype)
    try:
        inputs = preprocess(args.video, question, sampling=Sampling(fps=args.fps, max_pixels=args.max_pixels))
    except UndecodableError as error:
        raise UsageError(f"{args.video}: {error}", "is it a video, and whole?") from error
    out = model.generate(
        **inputs, max_new_tokens=args.max_new_tokens, do_sample=False, pad_token_id=tokenizer.pad_token_id
    )
    reply = tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    sys.stdout.write(reply.strip() + "\n")
    return 0
