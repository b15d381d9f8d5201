"""``--annotator openai``: any server that speaks OpenAI's chat completions (vLLM, SGLang, a cloud teacher).

Many questions are in flight, never more than ``concurrency`` over all workers of a build.  Errors of
transport, 408, 409, 425, 429 and 5xx are tried again with exponential back-off, a server's ``Retry-After``
holds everybody back, and an answer is kept the moment it arrives, so that a killed run pays for nothing
twice.  The key is read from the environment, goes into one header, and is never logged, stored or hashed.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ver_pipeline.annotators.backends.forms import form_of, frame_parts, sound_parts, video_part
from ver_pipeline.annotators.backends.http import Endpoint, post
from ver_pipeline.annotators.backends.replies import Message, read_reply
from ver_pipeline.annotators.base import Request, Result
from ver_pipeline.annotators.options import OpenAIOptions, read_options
from ver_pipeline.annotators.teacher.answers import AnswerStore, recall
from ver_pipeline.annotators.teacher.asking import Talk
from ver_pipeline.annotators.teacher.chat import Chat, Completion
from ver_pipeline.annotators.teacher.conversation import lead, talk
from ver_pipeline.annotators.teacher.frames import NoFramesError
from ver_pipeline.annotators.teacher.rate_limits import RateLimiter, Semaphore
from ver_pipeline.annotators.teacher.teacher import Teacher
from ver_pipeline.schemas.answer import strict_form
from ver_pipeline.schemas.canonical import digest
from ver_pipeline.schemas.errors import ConfigError
from ver_pipeline.schemas.reasons import Reason


class OpenAIAnnotator:
    """Asks a server over HTTP.

    Args:
        table: the options (see :class:`OpenAIOptions`).
        cache_dir: where answers are kept; None keeps none.
        name: as configured, with what stands after the colon where there are several of this kind.

    Raises:
        ConfigError: no model named, or a bad option.
    """

    def __init__(self, table: Mapping[str, Any], cache_dir: str | Path | None = None, name: str = "openai") -> None:
        self.name = name
        self.options = read_options(OpenAIOptions, name, table)
        if not self.options.model:
            raise ConfigError(f"annotate.options.{name}.model is not set", "name the model that the server serves")
        self._form = form_of(self.options.model)
        self.batch_size = self.options.batch_size
        self.teacher = Teacher(
            name="openai",
            model=self.options.model,
            revision=server_revision(self.options),
            options=self.options,
            hears=self._hears(),
            sees=self.options.send != "nothing",
        )
        self._store = AnswerStore(None if cache_dir is None else Path(cache_dir) / "openai")
        self._shared = None if cache_dir is None else Path(cache_dir) / name.replace(":", "-") / "in-flight"
        self._endpoint: Endpoint | None = None
        self._rate_limiter: RateLimiter | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._semaphore: Semaphore | None = None
        self._computing: AbstractContextManager[Any] | None = None

    def _hears(self) -> bool:
        """Audio is sent: with the video, or in a part of its own.

        Raises:
            ConfigError: the model is of a family that takes none.
        """
        if self.options.hears and self._form.sound == "none":
            raise ConfigError(
                f"annotate.options.{self.name}.hears: models of the family {self._form.family} take no audio",
                "leave it out, or name an Omni model",
            )
        sent = self.options.send == "video" or (self.options.send == "frames" and self._form.sound == "input_audio")
        return self.options.hears and sent

    def fingerprint(self) -> Mapping[str, Any]:
        """The teacher's fingerprint: neither the server's address nor the key is part of it."""
        return self.teacher.fingerprint()

    def open(self) -> None:
        """Find the server.

        Raises:
            ConfigError: no address in the options or the environment.
        """
        base = self.options.base_url or os.environ.get(self.options.base_url_env, "")
        if not base:
            raise ConfigError(
                f"annotate.options.{self.name}.base_url is not set",
                f"set it or the environment variable {self.options.base_url_env}, such as http://localhost:8000/v1",
            )
        self._endpoint = Endpoint(base.rstrip("/") + "/chat/completions", os.environ.get(self.options.api_key_env))
        in_flight = self.options.concurrency
        self._semaphore = Semaphore(in_flight, self._shared)
        self._rate_limiter = RateLimiter(self.options.requests_per_s, self._shared)
        self._computing = threading.Lock()
        self._pool = ThreadPoolExecutor(2 * in_flight, thread_name_prefix="teacher")

    def annotate(self, requests: Sequence[Request]) -> list[Result]:
        """One result per request, in order."""
        return self.converse([talk(request, self.teacher) for request in requests])

    def converse(self, talks: Sequence[Talk]) -> list[Any]:
        """What each conversation returns, in order.

        ``concurrency`` bounds the questions in flight; as many clips again are prepared meanwhile, frames and all, so
        that the server never waits for this side.  One thread at a time computes: threads that send are not to wait for
        their turn among many that judge.

        Raises:
            ConfigError: it was not opened before, and there is no address to open.
        """
        if self._pool is None:
            self.open()
        pool = self._pool
        if pool is None:
            raise ConfigError("the openai annotator was not opened")
        return list(pool.map(lambda talk: lead(talk, self._complete, self._computing), talks))

    def payload(self, chat: Chat) -> dict[str, Any]:
        """The body of the request for one question: everything that shapes the answer, and no secret.

        Raises:
            NoFramesError, OSError: the video cannot be shown.
        """
        options = self.options
        media = self._media(chat)
        content = [*media, {"type": "text", "text": chat.user}] if media else chat.user
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": chat.system},
            {"role": "user", "content": content},
            *({"role": role, "content": text} for role, text in chat.turns),
        ]
        body: dict[str, Any] = {
            "model": options.model,
            "messages": messages,
            "temperature": chat.sampling["temperature"],
            "top_p": chat.sampling["top_p"],
            options.max_tokens_field: chat.sampling["max_new_tokens"],
            "seed": chat.sampling["seed"],
        }
        if options.response_format == "json_schema":
            sent = dict(chat.sent_schema) if options.schema_bounds else strict_form(dict(chat.sent_schema))
            schema = {"name": "answer", "strict": True, "schema": sent}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif options.response_format == "json_object":
            body["response_format"] = {"type": "json_object"}
        body |= json.loads(options.extra_body)
        return {name: value for name, value in body.items() if value is not None}

    def _media(self, chat: Chat) -> list[dict[str, Any]]:
        if chat.media_path is None or self.options.send == "nothing":
            return []
        path, options = chat.media_path, self.options
        apart = self.teacher.hears and self._form.sound == "input_audio"
        sound = sound_parts(path) if apart else []
        if options.send == "video":
            return [video_part(path), *sound]
        return [*frame_parts(path, chat.duration_s, options.n_frames, options.max_side), *sound]

    def _complete(self, chat: Chat) -> Completion:
        """The answer from the store, else from the server."""
        if self._endpoint is None or self._rate_limiter is None or self._semaphore is None:
            raise ConfigError("the openai annotator was not opened")
        try:
            body = self.payload(chat)
        except (NoFramesError, OSError) as error:
            return Completion(
                reason=Reason.DECODE_FAILED, message=f"the clip cannot be shown to the model: {error}", calls=0
            )
        asked = digest({"revision": self.teacher.revision, "body": body})
        known = recall(self._store, asked, chat, _kept_completion) if chat.keep else None
        if known is not None:
            return known
        with self._semaphore.one():
            reply = post(self._endpoint, body, self.options, self._rate_limiter)
        if reply.body is None or reply.answer is None:
            return Completion(reason=reply.reason, message=reply.message, calls=reply.tries, seconds=reply.seconds)
        if not chat.keep:
            return replace(_completion(reply.answer), calls=reply.tries, seconds=reply.seconds)
        self._store.put(asked, {"body": reply.body})
        aside = partial(self._store.set_aside, asked)
        return replace(_completion(reply.answer), calls=reply.tries, seconds=reply.seconds, set_aside=aside)


def server_revision(options: OpenAIOptions) -> str:
    """What provenance calls the model's revision: a hash of what its owner states about it."""
    return digest({"model": options.model, "revision": options.revision})


def completion_of(body: str) -> Completion:
    """What a reply with status 200 amounts to."""
    answer = read_reply(body)
    if isinstance(answer, Message):
        return _completion(answer)
    return Completion(reason=Reason.TEACHER_UNAVAILABLE, message=f"no answer: {answer.words}")


def _kept_completion(kept: Mapping[str, Any]) -> Completion:
    """A stored reply, read anew; answers of earlier versions were stored as they were understood."""
    if "body" in kept:
        return completion_of(kept["body"])
    refused = bool(kept["refusal"]) or kept["finish"] == "content_filter"
    counts = {name: kept[name] for name in ("text", "finish", "tokens_in", "tokens_out")}
    return Completion(**counts, refusal=refused)


def _completion(answer: Message) -> Completion:
    return Completion(
        text=answer.text,
        finish=answer.finish,
        refusal=answer.refusal,
        reasoning=answer.reasoning,
        tokens_in=answer.tokens_in,
        tokens_out=answer.tokens_out,
    )
