"""One POST that survives a busy or failing server: back-off, Retry-After, a shared pace."""

from __future__ import annotations

import email.utils
import json
import logging
import random
import threading
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ver_pipeline.annotators.options import OpenAIOptions
from ver_pipeline.annotators.teacher.rate_limits import MAX_HOLD_S, RateLimiter
from ver_pipeline.schemas.reasons import Reason

LOG = logging.getLogger(__name__)
TRY_AGAIN = frozenset({408, 409, 425, 429})
MAX_REPLY_BYTES = 64 << 20
MAX_WORDS = 200
"""Characters of a server's own words that a message repeats."""
_LOCAL = threading.local()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to post.  The key does not show in ``repr``, so it cannot get into a log or a message."""

    url: str
    key: str | None = field(default=None, repr=False)

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


@dataclass(frozen=True, slots=True)
class Reply:
    """The server's JSON, or why there is none after all tries."""

    body: Mapping[str, Any] | None
    reason: Reason | None = None
    message: str = ""
    tries: int = 1
    seconds: float = 0.0


def post(endpoint: Endpoint, body: Mapping[str, Any], options: OpenAIOptions, rate_limiter: RateLimiter) -> Reply:
    """Post ``body`` until an answer comes or the tries are used up.

    A client error that trying again cannot mend (400, 401, 403, 404, 413, 422) ends it at once.  A reply
    without a usable body counts as a failed try; if it is all that ever comes, the reason is ``not_json``.
    """
    started = time.monotonic()
    reason, message = Reason.TEACHER_UNAVAILABLE, "no try was made"
    for attempt in range(options.tries):
        rate_limiter.wait()
        outcome = _once(endpoint, body, options)
        if isinstance(outcome, dict):
            return Reply(outcome, tries=attempt + 1, seconds=time.monotonic() - started)
        reason, message = outcome.reason, outcome.message
        if not outcome.again:
            return Reply(None, reason, message, attempt + 1, time.monotonic() - started)
        if attempt + 1 < options.tries:
            LOG.info("teacher: %s; try %d of %d follows", message, attempt + 2, options.tries)
            _rest(outcome, attempt, options, rate_limiter)
    seconds = time.monotonic() - started
    return Reply(None, reason, f"{message}, in {options.tries} tries", options.tries, seconds)


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: Reason
    message: str
    again: bool
    after_s: float | None = None


def _once(endpoint: Endpoint, body: Mapping[str, Any], options: OpenAIOptions) -> dict[str, Any] | _Failure:
    import requests

    try:
        with _session().post(
            endpoint.url, json=body, headers=endpoint.headers(), timeout=(10.0, options.timeout_s),
            allow_redirects=False, stream=True,
        ) as response:  # fmt: skip
            status, headers = response.status_code, response.headers
            whole = _bounded(response, time.monotonic() + options.timeout_s)
    except requests.Timeout:
        return _Failure(Reason.TEACHER_UNAVAILABLE, f"no answer within {options.timeout_s:g} s", True)
    except requests.RequestException as error:
        return _Failure(Reason.TEACHER_UNAVAILABLE, f"connection failed ({type(error).__name__})", True)
    if whole is None:
        message = f"the server's reply is longer than {MAX_REPLY_BYTES >> 20} MiB, or never ends"
        return _Failure(Reason.NOT_JSON, message, True)
    content = _without_key(whole, endpoint.key)
    if 300 <= status < 400:
        message = f"HTTP {status}: the server sends us elsewhere, where nothing is sent; name the right address"
        return _Failure(Reason.TEACHER_UNAVAILABLE, message, False)
    if status != 200:
        again = status in TRY_AGAIN or status >= 500
        message = f"HTTP {status}{_why(status, content, endpoint, options)}"
        return _Failure(Reason.TEACHER_UNAVAILABLE, message, again, _retry_after(headers))
    try:
        value = json.loads(content) if content else None
    except ValueError:
        value = None
    if not isinstance(value, dict) or not value.get("choices"):
        return _Failure(Reason.NOT_JSON, "the server's reply holds no answer", True)
    return value


def _bounded(response: Any, until: float) -> bytes | None:
    """The body, unpacked; None where it is too long, or still comes when the time is over."""
    parts, left = [], MAX_REPLY_BYTES
    for part in response.iter_content(65_536):
        parts.append(part)
        left -= len(part)
        if left < 0 or time.monotonic() > until:
            return None
    return b"".join(parts)


def _why(status: int, content: bytes, endpoint: Endpoint, options: OpenAIOptions) -> str:
    """What a refusal says about the request: about the key our own words, else the server's, without the key."""
    if status in (401, 403):
        env = options.api_key_env
        return f": the key in {env} is refused" if endpoint.key else f": {env} is not set, so no key was sent"
    if status >= 500 or status in TRY_AGAIN:
        return ""
    try:
        error = json.loads(content)["error"]
        words = error["message"] if isinstance(error, dict) else error
    except (ValueError, KeyError, TypeError):
        return ""
    text = " ".join(str(words).split())
    return f": {text}"[:MAX_WORDS]


def _without_key(content: bytes, key: str | None) -> bytes:
    """What a server sent, before anybody reads or keeps it: some repeat the headers that they were sent."""
    if not key:
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
    except (TypeError, ValueError):
        return None


def _session() -> Any:
    """One connection per thread, kept alive."""
    import requests

    session = getattr(_LOCAL, "session", None)
    if session is None:
        session = _LOCAL.session = requests.Session()
    return session
