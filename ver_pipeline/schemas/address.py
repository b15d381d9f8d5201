"""Addresses as they may be told: an address can hold a user, a password or a signature, and a message is no place for
them."""

from __future__ import annotations

from urllib.parse import unquote

HIDDEN = "(hidden)"
MIN_SECRET_CHARS = 4
"""A shorter part of an address is not looked for by itself: words would be mistaken for it."""


def shown(address: object) -> str:
    """The address (or path) without user, password and options."""
    text = str(address)
    scheme, sign, rest = text.partition("://")
    if not sign:
        return text
    host, slash, path = rest.partition("?")[0].partition("/")
    if "@" in path and ":" in host and not host.rpartition(":")[2].isdigit():  # a password with a slash as it is
        host, slash, path = path.rpartition("@")[2], "", ""
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def told(error: object, address: object) -> str:
    """The first line of what a library complained of about an address, without what :func:`shown` leaves out."""
    text, whole = next(iter(str(error).splitlines()), type(error).__name__), str(address)
    rest = whole.partition("://")[2]
    user, sign, _ = rest.partition("?")[0].rpartition("@")
    secrets = {part for part in (rest.partition("?")[2], *([user, *user.split(":", 1)] if sign else [])) if part}
    text = text.replace(whole, shown(whole))
    for secret in sorted({form for part in secrets for form in (part, unquote(part))}, key=len, reverse=True):
        if len(secret) >= MIN_SECRET_CHARS:
            text = text.replace(secret, HIDDEN)
    return text
