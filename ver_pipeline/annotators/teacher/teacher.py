"""Who is asked, what shapes the answers, and the questions as they are sent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from ver_pipeline.annotation_prompts.load import Example, Prompt, load_examples, load_prompts
from ver_pipeline.annotators.base import Request
from ver_pipeline.annotators.options import TeacherOptions
from ver_pipeline.annotators.teacher.assemble import rules_version
from ver_pipeline.annotators.teacher.chat import Chat
from ver_pipeline.annotators.teacher.facts import facts_block, neighbours_block, transcript_block
from ver_pipeline.annotators.teacher.families import offered
from ver_pipeline.schemas.answer import Order, Part, answer_schema, schema_sha256, without_sight
from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.record_annotation import Senses

VERSION = "teacher/5"
"""Bumped when the same answer becomes another annotation, or the same clip another question."""
UNPROVEN = Senses()
ORDER_NOTE = {
    ("en", "en-first"): "In every pair of fields write the English text first.",
    ("en", "zh-first"): "In every pair of fields write the Chinese text first.",
    ("zh", "en-first"): "成对的字段请先写英文。",
    ("zh", "zh-first"): "成对的字段请先写中文。",
}
UNSEEN_NOTE = {
    "en": "No picture of this clip is shown to you: write no observation of a face, a body or a scene, and describe "
    "none, whatever the examples do.",
    "zh": "本片段不向你展示任何画面：不要写关于面部、身体或场景的观察，也不要描述它们，即使例子中有。",
}
"""For a teacher whose sight was refused."""
EXAMPLES_NOTE = {"en": "Shortened examples of good work:", "zh": "简化的好例子："}
N_EXAMPLES = 2
"""Examples that one clip's prompt shows: all of them in every prompt would teach their style, not their point."""
SHAPELESS = frozenset(
    {"batch_size", "concurrency", "timeout_s", "tries", "backoff_s", "max_backoff_s", "requests_per_s", "price_in",
     "price_out", "price_hour", "tokens_per_s", "base_url", "base_url_env", "api_key_env", "device",
     "gpu_memory_utilization", "tensor_parallel_size"}
)  # fmt: skip
"""Options that change cost or speed but no answer: they stay out of the fingerprint."""


@dataclass(frozen=True, slots=True)
class Teacher:
    """Who is asked: the annotator's name, the model, its exact revision, the options, what it perceives.

    ``sees`` and ``hears`` are what the options give it, less what a canary refused (``senses``).
    """

    name: str
    model: str
    revision: str
    options: TeacherOptions
    hears: bool = False
    sees: bool = True
    scale: float = 1.0
    prompt_folder: str | None = None
    senses: Senses = UNPROVEN

    @property
    def is_blind(self) -> bool:
        """It was to see, and a canary showed that it does not: nothing visible is taken from it.  A model that was
        never to see is told what was measured, and may say that."""
        return self.senses.sight == "refused"

    @property
    def has_senses(self) -> bool:
        """The options give the model something to see or to hear, whatever a canary found."""
        return self.sees or self.hears or bool(self.senses.refused)

    def with_senses(self, senses: Senses) -> Teacher:
        """The same teacher with other findings about its senses."""
        sees, hears = self.sees or self.senses.sight == "refused", self.hears or self.senses.hearing == "refused"
        return replace(
            self,
            senses=senses,
            sees=sees and senses.sight != "refused",
            hears=hears and senses.hearing != "refused",
        )

    def prompt(self, name: str, language: str) -> Prompt:
        """The prompt ``name`` in ``language`` (``en`` or ``zh``), from ``prompt_folder`` where one is set.

        Raises:
            ConfigError: a prompt file is malformed.
            KeyError: no prompt has that name.
        """
        return load_prompts(self.prompt_folder)[(name, language)]

    def fingerprint(self) -> dict[str, Any]:
        """All that shapes this teacher's answers; only the prompts it uses."""
        prompts = {p.name: p.sha256 for p in self._used()}
        return {
            "annotator": self.name,
            "version": VERSION,
            "model": self.model,
            "revision": self.revision,
            "options": self.options.model_dump(mode="json", exclude={*SHAPELESS, *self._unused()}),
            "prompts": prompts,
            "examples": {example.id: example.sha256 for example in self._examples()},
            "schema": self.schema_sha256("en-first"),
            "rules": rules_version(),
            **({"senses": self.senses.model_dump(mode="json")} if self.senses.refused else {}),
        }

    def steps(self) -> tuple[str, ...]:
        """The prompts of one pass, in order."""
        if self.options.flow == "single":
            return ("annotate",)
        heard = ("clue_acoustic",) if self.options.acoustic and self.hears else ()
        around = ("clue_context",) if self.options.context else ()
        weigh = ("merge", *self.label_prompts()) if self.options.flow == "families" else ("merge_label",)
        seen = () if self.is_blind else ("clue_visual",)
        return (*seen, *heard, "clue_lexical", *around, *weigh, "describe")

    def examples(self, key: str, seed: int) -> tuple[Example, ...]:
        """The examples that this clip's prompts show in this draw: they go round from clip to clip, a pair always in
        one order, so that servers' prefix caches know it."""

        def place(example: Example) -> bytes:
            return hashlib.sha256(f"{key}/{seed}/{example.id}".encode()).digest()

        chosen = sorted(self._examples(), key=place)[:N_EXAMPLES]
        return tuple(sorted(chosen, key=lambda example: example.id))

    def label_prompts(self) -> tuple[str, ...]:
        """The prompts that ask for one set of labels each."""
        return tuple(f"label_{name}" for name in dict.fromkeys(self.options.label_sets))

    def schema_sha256(self, order: Order) -> str:
        """The hash of what one pass is answered in: of one schema, or of one a step."""
        parts = [self.prompt(name, "en").parts for name in self.steps()]
        schemas = [answer_schema(cast("tuple[Part, ...]", each), order, self.scale) for each in parts]
        schemas = [without_sight(schema) for schema in schemas] if self.is_blind else schemas
        return schema_sha256(schemas[0]) if len(schemas) == 1 else digest(schemas)

    def _examples(self) -> tuple[Example, ...]:
        """All that may be shown; none where no prompt of this flow shows any."""
        shown = any("{{examples}}" in prompt.system + prompt.user for prompt in self._used())
        return load_examples(self.prompt_folder) if self.options.few_shot and shown else ()

    def _unused(self) -> set[str]:
        """Options that this flow does not read."""
        return set() if self.options.flow == "families" else {"label_sets"}

    def _used(self) -> list[Prompt]:
        names = {
            *self.steps(),
            *(["verify"] if self.options.verify else []),
            *(["repair"] if self.options.repairs else []),
            *(["translate_zh2en", "translate_en2zh"] if self.options.translate else []),
        }
        return [self.prompt(name, language) for name in sorted(names) for language in ("en", "zh")]


def languages(request: Request, options: TeacherOptions) -> tuple[str, Order]:
    """The prompt's language and which text is written first: that of the speech unless configured."""
    if options.order == "speech-first":
        chinese = request.speech.get("language") == "zh"
        return ("zh", "zh-first") if chinese else ("en", "en-first")
    return ("zh", "zh-first") if options.order == "zh-first" else ("en", "en-first")


def question(request: Request, teacher: Teacher, name: str, draw: int = 0, **fill: str) -> Chat:
    """The rendered prompt ``name`` for one clip, as it is sent."""
    language, order = languages(request, teacher.options)
    prompt = teacher.prompt(name, language)
    sampling = drawn(teacher.options, prompt.sampling, draw)
    examples = "\n\n".join(example.text for example in teacher.examples(request.key, sampling["seed"]))
    values = {
        "facts": facts_block(request),
        "transcript": transcript_block(request, language),
        "neighbours": neighbours_block(request, language, teacher.options.context_title),
        "order": ORDER_NOTE[(language, order)] + (f"\n{UNSEEN_NOTE[language]}" if teacher.is_blind else ""),
        "labels": label_options(request.key, sampling["seed"], language, name),
        "examples": f"{EXAMPLES_NOTE[language]}\n{examples}" if examples else "",
        **fill,
    }
    system, user = prompt.render(values)
    parts = cast("tuple[Part, ...]", prompt.parts)
    schema = answer_schema(parts, order, teacher.scale) if parts else {}
    shown = ("frames" in prompt.sees and teacher.sees) or ("sound" in prompt.sees and teacher.hears)
    return Chat(
        prompt=prompt.name,
        system=system,
        user=user,
        schema=schema,
        narrow=without_sight(schema) if teacher.is_blind else None,
        sampling=sampling,
        media_path=request.media_path if shown else None,
        duration_s=float(request.clip["duration_s"]),
    )


def label_options(key: str, seed: int, language: str, prompt: str = "annotate") -> str:
    """Every label that ``prompt`` offers once, in an order of this clip's and this draw's own.

    A model leans towards what is listed first; over many clips every label is first equally often.  The order
    follows from the clip's key and ``provenance.sampling.seed`` alone, so a record tells how it was asked.
    """
    names = offered(prompt, language)

    def place(label: str) -> bytes:
        return hashlib.sha256(f"{key}/{seed}/{label}".encode()).digest()

    shown = sorted(names, key=place)
    if language == "en":
        return ", ".join(shown)
    return "、".join(f"{label}（{names[label]}）" for label in shown)


def drawn(options: TeacherOptions, own: Mapping[str, Any], draw: int) -> dict[str, Any]:
    """The options' sampling under a prompt's ``own``; a further draw has another seed and is never greedy."""
    sampling = {
        "temperature": options.temperature,
        "top_p": options.top_p,
        "max_new_tokens": options.max_new_tokens,
        **own,
        "seed": options.seed + draw,
    }
    return {**sampling, "temperature": max(sampling["temperature"], 0.5)} if draw else sampling
