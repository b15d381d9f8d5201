"""``--annotator transformers``: a local checkpoint, in true batches, its answers held to the schema.

Works with Emotion-Qwen folders (``ver checkpoint``, ``ver train``) and with plain Qwen2.5-VL.  Prompts are
padded on the left so that all answers start in one column.  xgrammar masks every token that would leave
the schema, so a finished answer is valid JSON whatever the weights; sampling is per row, so a clip's
answer does not depend on its neighbours.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ver_pipeline.annotators.base import Request, Result
from ver_pipeline.annotators.options import TransformersOptions, read_options
from ver_pipeline.annotators.teacher.answers import AnswerStore, keeping
from ver_pipeline.annotators.teacher.asking import Talk
from ver_pipeline.annotators.teacher.chat import Chat, Completion
from ver_pipeline.annotators.teacher.conversation import run_batched, talk
from ver_pipeline.annotators.teacher.teacher import Teacher
from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.errors import ConfigError, MissingModelError
from ver_pipeline.schemas.extras import imports
from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.schemas.untrusted import SAFE_WEIGHTS

WEIGHTS = ("*.safetensors",)
BLOCK_BYTES, N_BLOCKS = 65_536, 64


class TransformersAnnotator:
    """Asks a model in this process.

    Args:
        table: the options (see :class:`TransformersOptions`); ``model`` is a folder.
        cache_dir: where answers are kept; None keeps none.
        name: as configured, with what stands after the colon where there are several of this kind.

    Raises:
        ConfigError: no folder named, or a bad option.
        MissingModelError: the folder holds no checkpoint.
    """

    def __init__(
        self, table: Mapping[str, Any], cache_dir: str | Path | None = None, name: str = "transformers"
    ) -> None:
        self.name = name
        self.options = read_options(TransformersOptions, name, table)
        if not self.options.model:
            raise ConfigError(f"annotate.options.{name}.model is not set", "name a checkpoint folder")
        self.folder = Path(self.options.model)
        self.batch_size = self.options.batch_size
        self.gpus = 1.0 if self.options.device == "cuda" else 0.0
        self.teacher = Teacher(
            name="transformers",
            model=self.folder.name,
            revision=checkpoint_revision(str(self.folder)),
            options=self.options,
            sees=self.options.n_frames > 0,
            scale=self.options.answer_scale,
        )
        self._store = AnswerStore(None if cache_dir is None else Path(cache_dir) / "transformers")
        self._engine: GenerationEngine | None = None

    def fingerprint(self) -> Mapping[str, Any]:
        """The teacher's fingerprint; the folder counts by its content, not by its path."""
        return {**self.teacher.fingerprint(), "options": self._options()}

    def open(self) -> None:
        """Load the weights."""
        self._engine = GenerationEngine(self.folder, self.options)

    def annotate(self, requests: Sequence[Request]) -> list[Result]:
        """One result per request, in order."""
        return self.converse([talk(request, self.teacher) for request in requests])

    def converse(self, talks: Sequence[Talk]) -> list[Any]:
        """What each conversation returns, in order.

        Raises:
            MissingModelError: it was not opened before, and the folder cannot be.
        """
        if self._engine is None:
            self.open()
        engine = self._engine
        if engine is None:
            raise MissingModelError(f"{self.folder} could not be opened")
        return run_batched(talks, keeping(self._store, self._shaping(), engine.complete))

    def _shaping(self) -> dict[str, Any]:
        """What shapes an answer besides the question."""
        names = ("dtype", "fps", "n_frames", "max_side", "constrained")
        return {"revision": self.teacher.revision, **{name: getattr(self.options, name) for name in names}}

    def _options(self) -> dict[str, Any]:
        return {name: value for name, value in self.teacher.fingerprint()["options"].items() if name != "model"}


class GenerationEngine:
    """An opened checkpoint: tokenizer, weights, compiled grammars."""

    def __init__(self, folder: Path, options: TransformersOptions) -> None:
        import torch

        self.options = options
        device = options.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = options.dtype
        if dtype == "auto":
            dtype = "bfloat16" if device == "cuda" else "float32"
        self.device = device
        self.model, self.tokenizer = load(folder, device, dtype)
        self._compiler = self._make_compiler() if options.constrained else None

    def complete(self, chats: list[Chat]) -> list[Completion]:
        """Answer every chat, ``batch_size`` at a time, in order."""
        done: list[Completion] = []
        for start in range(0, len(chats), self.options.batch_size):
            done += self._batch(chats[start : start + self.options.batch_size])
        return done

    def _batch(self, chats: Sequence[Chat]) -> list[Completion]:
        """One call of ``generate``; a video that cannot be decoded costs only its own answer."""
        started = time.monotonic()
        encoded = [self._encode(chat) for chat in chats]
        good = [i for i, one in enumerate(encoded) if not isinstance(one, Completion)]
        answers: dict[int, Completion] = {i: one for i, one in enumerate(encoded) if isinstance(one, Completion)}
        if good:
            texts = self._generate([chats[i] for i in good], [encoded[i] for i in good])
            share_s = (time.monotonic() - started) / len(good)
            for i, (text, finish, n_in, n_out) in zip(good, texts, strict=True):
                answers[i] = Completion(text, finish, tokens_in=n_in, tokens_out=n_out, seconds=share_s)
        return [answers[i] for i in range(len(chats))]

    def _encode(self, chat: Chat) -> Any:
        from ver_pipeline.model.data.chat import Turn, encode_chat
        from ver_pipeline.model.data.visual import load_visual
        from ver_pipeline.model.vision import Sampling, UndecodableError

        most = max(2, self.options.n_frames // 2 * 2)
        sampling = Sampling(
            fps=self.options.fps,
            min_frames=2,
            max_frames=most,
            max_pixels=self.options.max_side * self.options.max_side,
        )
        try:
            visual = load_visual("video", Path(chat.media_path).read_bytes(), sampling) if chat.media_path else None
        except (UndecodableError, OSError) as error:
            return Completion(reason=Reason.DECODE_FAILED, message=f"the clip cannot be shown to the model: {error}")
        turns = [Turn("user", chat.user), *(Turn(role, text) for role, text in chat.turns)]
        return encode_chat(self.tokenizer, turns, visual, system=chat.system, prompt_only=True)

    def _generate(self, chats: Sequence[Chat], encoded: Sequence[Any]) -> list[tuple[str, str, int, int]]:
        """Text, finish and token counts of each row."""
        import torch

        from ver_pipeline.model.data.collate import collate

        batch = collate(encoded, self.tokenizer.pad_token_id, self.model.config, left=True)
        batch.pop("labels")
        length = batch["input_ids"].shape[1]
        with torch.inference_mode():
            out = self.model.generate(
                **{name: value.to(self.device) for name, value in batch.items()},
                max_new_tokens=max(int(chat.sampling["max_new_tokens"]) for chat in chats),
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                repetition_penalty=1.0,  # a checkpoint's own would shape answers and stand in no record
                logits_processor=self._processors(chats),
                pad_token_id=self.tokenizer.pad_token_id,
                eos_token_id=self.tokenizer.eos_token_id,
            )
        return [self._read(row[length:].tolist(), one) for row, one in zip(out, encoded, strict=True)]

    def _read(self, ids: list[int], encoded: Any) -> tuple[str, str, int, int]:
        end = self.tokenizer.eos_token_id
        finished = end in ids
        ids = ids[: ids.index(end)] if finished else ids
        text = self.tokenizer.decode(ids, skip_special_tokens=True)
        return text, "stop" if finished else "length", len(encoded.ids), len(ids)

    def _processors(self, chats: Sequence[Chat]) -> list[Any]:
        """Sampling per row, then the grammar: nothing outside the schema survives."""
        from ver_pipeline.annotators.backends.sampling import RowwiseSampling

        seeds = [int(digest({"user": c.user, "turns": c.turns, "seed": c.sampling["seed"]})[:15], 16) for c in chats]
        temperatures = [float(chat.sampling["temperature"]) for chat in chats]
        sampling = RowwiseSampling(seeds, temperatures, [float(chat.sampling["top_p"]) for chat in chats])
        if self._compiler is None:
            return [sampling]
        from xgrammar.contrib.hf import LogitsProcessor

        grammars = [self._grammar(canonical_schema(chat.sent_schema)) for chat in chats]
        return [LogitsProcessor(grammars), self._clean, sampling]

    def _grammar(self, schema: str) -> Any:
        if self._compiler is None:
            raise ConfigError("annotate.options.transformers.constrained is off")
        return self._compiler.compile_json_schema(schema, any_whitespace=False, strict_mode=True)

    def _make_compiler(self) -> Any:
        instead = "set annotate.options.transformers.constrained to false"
        with imports("teacher", "holding a local model to the schema", instead):
            import xgrammar
        from ver_pipeline.annotators.backends.sampling import NoControlBytes

        vocab_size = self.model.config.get_text_config().vocab_size
        self._clean = NoControlBytes(self.tokenizer, vocab_size)
        info = xgrammar.TokenizerInfo.from_huggingface(self.tokenizer, vocab_size=vocab_size)
        return xgrammar.GrammarCompiler(info)


def load(folder: Path, device: str, dtype: str) -> tuple[Any, Any]:
    """Model and tokenizer of an Emotion-Qwen or Qwen2.5-VL folder.

    Raises:
        MissingModelError: another kind of model, or none.
    """
    from ver_pipeline.model.opening import model_type_of, opening

    kind = model_type_of(folder)
    if kind == "emotion_qwen":
        from ver_pipeline.model import load as load_emotion_qwen

        emotion_qwen, tokenizer, _ = load_emotion_qwen(folder, device, dtype)
        return emotion_qwen, tokenizer
    if kind != "qwen2_5_vl":
        raise MissingModelError(f"{folder} is a {kind!r} model", "give an Emotion-Qwen or Qwen2.5-VL folder")
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    from ver_pipeline.model.loading import load_tokenizer, require_own_tokens, require_small, to_device, torch_dtype

    tokenizer = load_tokenizer(folder)
    with opening(folder):
        config = Qwen2_5_VLConfig.from_pretrained(folder, local_files_only=True)
        require_own_tokens(tokenizer, config)
        require_small(folder, Qwen2_5_VLForConditionalGeneration, config)
        model: Any = Qwen2_5_VLForConditionalGeneration.from_pretrained(
            folder, config=config, dtype=torch_dtype(dtype), **SAFE_WEIGHTS
        )
    return to_device(model, device).eval(), tokenizer


@cache
def checkpoint_revision(folder: str) -> str:
    """A hash of the checkpoint's content: the config whole, of each weight file its size and 64 blocks
    spread over it.  Reading all of a large checkpoint at every start would cost minutes.

    Raises:
        MissingModelError: there is no checkpoint.
    """
    root = Path(folder)
    whole = hashlib.sha256(_config_bytes(root))
    weights = sorted({path for pattern in WEIGHTS for path in root.glob(pattern)})
    if not weights:
        raise MissingModelError(
            f"{root} holds no weights", "make one with `ver checkpoint` or copy the checkpoint there"
        )
    for path in [*weights, *sorted(root.glob("tokenizer*.json"))]:
        size_bytes = path.stat().st_size
        whole.update(f"{path.name}:{size_bytes}\n".encode())
        with path.open("rb") as file:
            n = min(N_BLOCKS, 1 + -(-size_bytes // BLOCK_BYTES))
            for i in range(n):
                file.seek(i * max(0, size_bytes - BLOCK_BYTES) // max(1, n - 1))
                whole.update(file.read(BLOCK_BYTES))
    return whole.hexdigest()


def canonical_schema(schema: Mapping[str, Any]) -> str:
    """The schema as text with its fields in the order they are to be written."""
    return json.dumps(dict(schema), ensure_ascii=False)


def _config_bytes(folder: Path) -> bytes:
    try:
        return (folder / "config.json").read_bytes()
    except OSError as error:
        raise MissingModelError(
            f"{folder} holds no config.json", "make one with `ver checkpoint` or copy it there"
        ) from error
