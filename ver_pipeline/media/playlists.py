"""What a file is that names other files instead of holding a video, told by its first bytes.

Asked only about files that were refused already: it decides what the message says, not what is read.
"""

from __future__ import annotations

import codecs
import re

HEAD_BYTES = 4096

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BEGINS = (
    ("#extm3u", "an HLS or M3U playlist"),
    ("ffconcat version", "an ffconcat list"),
    ("[playlist]", "a PLS playlist"),
    ("[reference]", "a Windows Media reference"),
    ("rtsptext", "a QuickTime link"),
    ("# vobsub index", "a VobSub index"),
    ("dvdvideo-", "a DVD index (IFO)"),
    ("mpls0", "a Blu-ray playlist"),
    ("indx0", "a Blu-ray index"),
)
_TAGS = (
    ("mpd", "a DASH manifest"),
    ("smoothstreamingmedia", "a Smooth Streaming manifest"),
    ("compositionplaylist", "an IMF composition"),
    ("assetmap", "an IMF asset map"),
    ("packinglist", "an IMF packing list"),
    ("asx", "an ASX playlist"),
    ("smil", "a SMIL presentation"),
    ("playlist", "an XSPF playlist"),
    ("manifest", "an HDS manifest"),
)
_TAG = re.compile(r"<(?:[a-z0-9_.-]+:)?([a-z0-9_.-]+)")
_SESSION = re.compile(r"v=0\s*\n(?:.*\n)*?[osmc]=")
_FILE_LINE = re.compile(r"file\s+\S")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{1,15}:(?://|,,)\S")


def playlist_kind(head: bytes) -> str | None:
    """What kind of playlist or description begins with these bytes, with its article; None where it is none."""
    text = _text(head)
    for beginning, kind in _BEGINS:
        if text.startswith(beginning):
            return kind
    if text.startswith("<"):
        tags = set(_TAG.findall(text))
        return next((kind for tag, kind in _TAGS if tag in tags), None)
    if _SESSION.match(text):
        return "an SDP session description"
    if _FILE_LINE.match(text):
        return "an ffconcat list"
    return "a list of addresses" if _ADDRESS.match(text) else None


def _text(head: bytes) -> str:
    """The beginning in lower case, without a byte order mark, blanks and zeros before it."""
    if head.startswith(_UTF16):
        text = head[: len(head) // 2 * 2].decode("utf-16", "replace")
    else:
        text = head.removeprefix(codecs.BOM_UTF8).decode("latin-1")
    return text.lstrip("\ufeff\0 \t\r\n\v\f").lower()
