"""One POST that survives a busy or failing server: back-off, Retry-After, a shared pace."""

from __future__ import annotations

import email.utils
import http.client
import json
import logging
import random
import threading
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ver_pipeline.annotators.backends.replies import Message, read_reply, servers_words
from ver_pipeline.annotators.options import OpenAIOptions
from ver_pipeline.annotators.teacher.rate_limits import MAX_HOLD_S, RateLimiter
from ver_pipeline.schemas.reasons import Reason

LOG = logging.getLogger(__name__)
TRY_AGAIN = frozenset({408, 409, 425, 429})
MAX_BODY_BYTES = 16 << 20
"""A longer reply is none: an answer's bounds end far below."""
MIN_KEY_CHARS = 6
"""A shorter key is a placeholder such as EMPTY, and no secret that words could be mistaken for."""
_LOCAL = threading.local()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to post.  The key does not show in ``repr``, so it cannot get into a log or a message."""

    url: str
    key: str | None = field(default=None, repr=False)

    def headers(self) -> dict[str, str]:
        """The header that carries the key as a bearer token; none where no key is known."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


@dataclass(frozen=True, slots=True)
class Reply:
    """The body as the server sent it, without the key, and what the model says in it; or why there is none."""

    body: str | None
    answer: Message | None
    reason: Reason | None = None
    message: str = ""
    tries: int = 1
    seconds: float = 0.0


def post(endpoint: Endpoint, body: Mapping[str, Any], options: OpenAIOptions, rate_limiter: RateLimiter) -> Reply:
    """Post ``body`` until the model answers or the tries are used up.

    A client error that trying again cannot mend (400, 401, 403, 404, 413, 422) ends it at once.  A reply with status
    200 that holds no answer of the model (an error, a web page, nothing) is the server's failure as any other.
    """
    started = time.monotonic()
    reason, message = Reason.TEACHER_UNAVAILABLE, "no try was made"
    for attempt in range(options.tries):
        rate_limiter.wait()
        outcome = _once(endpoint, body, options)
        if isinstance(outcome, tuple):
            return Reply(*outcome, tries=attempt + 1, seconds=time.monotonic() - started)
        message = outcome.message
        if not outcome.again:
            return Reply(None, None, reason, message, attempt + 1, time.monotonic() - started)
        if attempt + 1 < options.tries:
            LOG.info("teacher: %s; try %d of %d follows", message, attempt + 2, options.tries)
            _rest(outcome, attempt, options, rate_limiter)
    seconds = time.monotonic() - started
    return Reply(None, None, reason, f"{message}, in {options.tries} tries", options.tries, seconds)


@dataclass(frozen=True, slots=True)
class _Failure:
    message: str
    again: bool
    after_s: float | None = None


def _once(endpoint: Endpoint, body: Mapping[str, Any], options: OpenAIOptions) -> tuple[str, Message] | _Failure:
    import requests

    try:
        with _session().post(
            endpoint.url, json=body, headers=endpoint.headers(), auth=_authorisation(endpoint),
            timeout=(10.0, options.timeout_s), allow_redirects=False, stream=True,
        ) as response:  # fmt: skip
            status, content = response.status_code, _content(response, options.timeout_s)
            headers = dict(response.headers)
    except (requests.Timeout, TimeoutError):
        return _Failure(f"no answer within {options.timeout_s:g} s", True)
    except (requests.RequestException, http.client.HTTPException, UnicodeError) as error:
        return _Failure(f"connection failed ({type(error).__name__})", True)
    if content is None:
        return _Failure(f"the server's reply is longer than {MAX_BODY_BYTES} bytes", False)
    text = _without_key(content, endpoint.key).decode("utf-8-sig", "replace")
    if 300 <= status < 400:
        message = f"HTTP {status}: the server sends us elsewhere, where nothing is sent; name the right address"
        return _Failure(message, False)
    if status != 200:
        again = status in TRY_AGAIN or status >= 500
        return _Failure(f"HTTP {status}{_why(status, text, endpoint, options)}", again, _retry_after(headers))
    answer = read_reply(text)
    if isinstance(answer, Message):
        return text, answer
    return _Failure(f"no answer: {answer.words}", answer.again, _retry_after(headers))


def _authorisation(endpoint: Endpoint) -> Any:
    """Who asks, beside the headers: the user that the address names, else nobody.  Never None: requests would then look
    into ``~/.netrc``, send the password that it finds there for this host, and leave the key out."""
    from requests.utils import get_auth_from_url

    user = get_auth_from_url(endpoint.url)
    return user if any(user) else lambda request: request


def _content(response: Any, timeout_s: float) -> bytes | None:
    """The reply's body, None where it is too long.

    Raises:
        TimeoutError: it was not whole in ``timeout_s``; a server may send a byte now and then for ever.
    """
    end, chunks, size_bytes = time.monotonic() + timeout_s, [], 0
    for chunk in response.iter_content(1 << 16):
        chunks.append(chunk)
        size_bytes += len(chunk)
        if size_bytes > MAX_BODY_BYTES:
            return None
        if time.monotonic() > end:
            raise TimeoutError
    return b"".join(chunks)


def _why(status: int, content: str, endpoint: Endpoint, options: OpenAIOptions) -> str:
    """What a refusal says about the request: about the key our own words, else the server's."""
    if status in (401, 403):
        env = options.api_key_env
        return f": the key in {env} is refused" if endpoint.key else f": {env} is not set, so no key was sent"
    words = servers_words(content)
    return f": {words}" if words and words != "{}" else ""


def _without_key(content: bytes, key: str | None) -> bytes:
    """What a server sent, before anybody reads or keeps it: some repeat the headers that they were sent."""
    if not key or len(key) < MIN_KEY_CHARS:
        return content
    for form in {key, json.dumps(key)[1:-1], urllib.parse.quote(key, safe="")}:
        content = content.replace(form.encode(), b"(key)")
    return content


def _rest(failure: _Failure, attempt: int, options: OpenAIOptions, rate_limiter: RateLimiter) -> None:
    """Wait before the next try.  A server's own wish holds every thread; else only this one waits."""
    if failure.after_s is not None:
        rate_limiter.hold(min(failure.after_s, MAX_HOLD_S))
        return
    longest = min(options.max_backoff_s, options.backoff_s * 2.0**attempt)
    time.sleep(longest * random.uniform(0.5, 1.0))  # spread, so that threads do not return in step


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait from a Retry-After header in either of its forms."""
    value = headers.get("Retry-After")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def _session() -> Any:
    """One connection per thread, kept alive."""
    import requests

    session = getattr(_LOCAL, "session", None)
    if session is None:
        session = _LOCAL.session = requests.Session()
    return session
