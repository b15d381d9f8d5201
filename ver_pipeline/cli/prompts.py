"""``ver prompts``: list the annotation prompts, show one, or render one for a clip as a model gets it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``ver prompts``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="every prompt with its version, hash and purpose")
    show = actions.add_parser("show", help="the text of one prompt")
    show.add_argument("id", help="such as describe, or describe.zh")
    render = actions.add_parser("render", help="the prompt as it is sent for one clip")
    render.add_argument("clip", help="key of a clip (or its beginning)")
    render.add_argument("--data", type=Path, default=Path("shards"), help="data set that holds it (default: shards)")
    render.add_argument("--prompt", default="annotate", help="which prompt (default: annotate)")
    render.add_argument("--lang", choices=("en", "zh"), help="of the prompt (default: that of the speech)")
    render.add_argument("--schema", action="store_true", help="also print the schema of the answer")


def run(args: argparse.Namespace) -> int:
    """List, show or render."""
    if args.action == "list":
        return _list()
    return _show(args.id) if args.action == "show" else _render(args)


def _list() -> int:
    from ver_pipeline.annotation_prompts.load import load_prompts

    for prompt in load_prompts().values():
        sys.stdout.write(f"{prompt.name:<20} {prompt.sha256[:12]}  {prompt.purpose}\n")
    return 0


def _show(name: str) -> int:
    from ver_pipeline.annotation_prompts.load import load_prompts
    from ver_pipeline.schemas.errors import UsageError

    wanted, _, language = name.partition(".")
    prompts = [p for p in load_prompts().values() if p.id == wanted and language in ("", p.language)]
    if not prompts:
        known = ", ".join(sorted({p.id for p in load_prompts().values()}))
        raise UsageError(f"no prompt is called {name!r}", f"there are {known}")
    for prompt in prompts:
        facts = {"parts": prompt.parts, "sees": prompt.sees, "sampling": dict(prompt.sampling)}
        head = f"# {prompt.name}  sha256 {prompt.sha256}\n# {prompt.purpose}\n"
        head += "".join(f"# {name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in facts.items())
        sys.stdout.write(f"{head}\n{prompt.system}\n\n=== user ===\n{prompt.user}\n\n")
    return 0


def _render(args: argparse.Namespace) -> int:
    from ver_pipeline.annotation_prompts.load import load_prompts
    from ver_pipeline.annotators.options import TeacherOptions
    from ver_pipeline.annotators.teacher.teacher import Teacher, question
    from ver_pipeline.schemas.errors import UsageError
    from ver_pipeline.stages.annotate import request_of

    request = request_of({**_clip(args.data, args.clip), "media_path": None})
    order = {None: "speech-first", "en": "en-first", "zh": "zh-first"}[args.lang]
    teacher = Teacher("openai", "-", "-", TeacherOptions.model_validate({"order": order}))
    if (args.prompt, "en") not in load_prompts():
        raise UsageError(f"no prompt is called {args.prompt!r}", "ver prompts list")
    later = ("evidence", "hypotheses", "judgement", "claims", "answer", "annotation", "errors", "fields", "description")
    fill = {name: f"(filled in during the conversation: {name})" for name in later}
    chat = question(request, teacher, args.prompt, 0, **fill)
    sys.stdout.write(f"# {chat.prompt}\n\n=== system ===\n{chat.system}\n\n=== user ===\n{chat.user}\n")
    if args.schema:
        sys.stdout.write(f"\n=== schema ===\n{json.dumps(chat.schema, ensure_ascii=False, indent=1)}\n")
    return 0


def _clip(folder: Path, clip: str) -> dict[str, Any]:
    """The record of a clip, with what is said around it."""
    from ver_pipeline.catalog.dataset import open_dataset
    from ver_pipeline.catalog.records import read_records
    from ver_pipeline.reannotation.reannotate import said_around
    from ver_pipeline.schemas.errors import UsageError

    if not clip or not all(c in "0123456789abcdef_" for c in clip):
        raise UsageError(f"{clip!r} is no clip key", "keys look like 16 hex digits and two times; see ver query")
    with open_dataset(folder) as data:
        row = next(iter(read_records(data, f"starts_with(key, '{clip}')")), None)
        if row is None:
            raise UsageError(f"no clip of {folder} begins with {clip}", f'ver query {folder} "SELECT key FROM samples"')
        record = row[1]
        near = [key for key in (record["clip"]["prev_key"], record["clip"]["next_key"]) if key]
        beside = f"key IN ({', '.join(repr(key) for key in near)})" if near else "false"
        spoken = {other["key"]: other["speech"]["text"] for _, other in read_records(data, beside)}
    return {**record, **said_around(record, spoken)}
