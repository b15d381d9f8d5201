"""``--annotator vllm``: the vLLM engine inside Ray, through ``ray.data.llm``.

Ray places the engine on GPU workers, batches continuously and holds answers to the schema (vLLM's
structured outputs).  Each round of questions is one pass of a Ray data set through the processor.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ver_pipeline.annotators.base import Request, Result
from ver_pipeline.annotators.options import VllmOptions, read_options
from ver_pipeline.annotators.teacher.answers import AnswerStore, keeping
from ver_pipeline.annotators.teacher.asking import Talk
from ver_pipeline.annotators.teacher.chat import Chat, Completion
from ver_pipeline.annotators.teacher.conversation import run_batched, talk
from ver_pipeline.annotators.teacher.frames import NoFramesError, read_frames, to_jpeg
from ver_pipeline.annotators.teacher.teacher import Teacher
from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.schemas.extras import absent, imports, not_installed
from ver_pipeline.schemas.reasons import Reason


class VllmAnnotator:
    """Asks a vLLM engine that Ray runs.

    Args:
        table: the options (see :class:`VllmOptions`).
        cache_dir: where answers are kept; None keeps none.
        name: as configured, with what stands after the colon where there are several of this kind.

    Raises:
        ConfigError: no model named, or a bad option.
    """

    def __init__(self, table: Mapping[str, Any], cache_dir: str | Path | None = None, name: str = "vllm") -> None:
        self.name = name
        self.options = read_options(VllmOptions, name, table)
        if not self.options.model:
            raise ConfigError(f"annotate.options.{name}.model is not set", "name a model folder or hub id")
        self.batch_size = self.options.batch_size
        revision = digest({"model": self.options.model, "revision": self.options.revision})
        self.teacher = Teacher("vllm", self.options.model, revision, self.options, sees=self.options.n_frames > 0)
        self._store = AnswerStore(None if cache_dir is None else Path(cache_dir) / "vllm")
        self._processor: Any = None

    def fingerprint(self) -> Mapping[str, Any]:
        """The teacher's fingerprint."""
        return self.teacher.fingerprint()

    def open(self) -> None:
        """Build the processor; the engine itself starts with the first question, on the GPU workers."""
        self._processor = build(self.options)

    def annotate(self, requests: Sequence[Request]) -> list[Result]:
        """One result per request, in order."""
        return self.converse([talk(request, self.teacher) for request in requests])

    def converse(self, talks: Sequence[Talk]) -> list[Any]:
        """What each conversation returns, in order."""
        if self._processor is None:
            self.open()
        shaping = {name: getattr(self.options, name) for name in ("n_frames", "max_side", "max_model_len")}
        return run_batched(talks, keeping(self._store, {"revision": self.teacher.revision, **shaping}, self._complete))

    def _complete(self, chats: list[Chat]) -> list[Completion]:
        """Answers in order; a video that cannot be shown costs only its own question."""
        import ray.data

        answers: dict[int, Completion] = {}
        rows = []
        for i, chat in enumerate(chats):
            try:
                rows.append({"i": i, "row": json.dumps(to_row(chat, self.options), ensure_ascii=False)})
            except NoFramesError as error:
                message = f"the clip cannot be shown to the model: {error}"
                answers[i] = Completion(reason=Reason.DECODE_FAILED, message=message, calls=0)
        row_by_number = {}
        started = time.monotonic()
        if rows and absent("vllm"):
            raise not_installed("vllm", "vllm")
        if rows:
            row_by_number = {row["i"]: row for row in self._processor(ray.data.from_items(rows)).take_all()}
        gpus = self.options.concurrency * self.options.tensor_parallel_size
        share_s = (time.monotonic() - started) * gpus / max(1, len(rows))
        return [answers.get(i) or replace(read_row(row_by_number.get(i)), seconds=share_s) for i in range(len(chats))]


def build(options: VllmOptions) -> Any:
    """The Ray processor: needs no GPU and no vLLM until it is given data.

    Raises:
        MissingDependencyError: Ray's LLM part is not installed.
    """
    with imports("vllm", "annotator vllm"):
        from ray.data.llm import build_processor, vLLMEngineProcessorConfig
    pinned = revision_of(options)
    config = vLLMEngineProcessorConfig(
        model_source=options.model,
        batch_size=options.batch_size,
        concurrency=options.concurrency,
        should_continue_on_error=True,
        prepare_multimodal_stage={"enabled": options.n_frames > 0, "model_config_kwargs": pinned},
        engine_kwargs={
            **pinned,
            "tensor_parallel_size": options.tensor_parallel_size,
            "max_model_len": options.max_model_len,
            "gpu_memory_utilization": options.gpu_memory_utilization,
            "limit_mm_per_prompt": {"image": options.n_frames},
        },
    )
    return build_processor(config, preprocess=unpack, postprocess=keep)


def revision_of(options: VllmOptions) -> dict[str, str]:
    """The hub's revision to load, as the record will name it; a folder is what it is."""
    if options.revision == "unstated" or Path(options.model).exists():
        return {}
    return {"revision": options.revision, "tokenizer_revision": options.revision}


def to_row(chat: Chat, options: VllmOptions) -> dict[str, Any]:
    """One question as the processor takes it: messages and sampling parameters.

    The schema goes as text: between the stages Arrow would give all questions of a block one type, and so
    every schema the fields of the others.
    """
    frames = (
        read_frames(chat.media_path, chat.duration_s, options.n_frames, options.max_side) if chat.media_path else []
    )
    images = [
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64," + base64.b64encode(to_jpeg(p)).decode()}}
        for p in frames
    ]
    messages = [
        {"role": "system", "content": chat.system},
        {"role": "user", "content": [*images, {"type": "text", "text": chat.user}] if images else chat.user},
        *({"role": role, "content": text} for role, text in chat.turns),
    ]
    sampling = {
        "temperature": chat.sampling["temperature"],
        "top_p": chat.sampling["top_p"],
        "max_tokens": chat.sampling["max_new_tokens"],
        "seed": chat.sampling["seed"],
        "structured_outputs": {"json": json.dumps(dict(chat.sent_schema), ensure_ascii=False)},
    }
    return {"messages": messages, "sampling_params": sampling}


def unpack(row: dict[str, Any]) -> dict[str, Any]:
    """Preprocess: the question travels here as one JSON text, so that Arrow does not have to type it."""
    return {"i": row["i"], "row": "", **json.loads(row["row"])}


def keep(row: dict[str, Any]) -> dict[str, Any]:
    """Postprocess: what an answer is read from."""
    return {
        "i": row["i"],
        "text": row.get("generated_text"),
        "tokens_in": row.get("num_input_tokens") or 0,
        "tokens_out": row.get("num_generated_tokens") or 0,
        "finish": row.get("finish_reason") or "stop",
    }


def read_row(row: Mapping[str, Any] | None) -> Completion:
    """One answer of the engine; a lost or failed row is an unavailable teacher.

    Ray hands over failed rows as they are: they never went through :func:`keep`.
    """
    error = str((row or {}).get("__inference_error__") or "")
    if row is None or error or row.get("text") is None:
        message = "the engine gave no answer" + (f": {error[:200]}" if error else "")
        return Completion(reason=Reason.TEACHER_UNAVAILABLE, message=message)
    return Completion(
        str(row["text"]), str(row["finish"]), tokens_in=int(row["tokens_in"]), tokens_out=int(row["tokens_out"])
    )
