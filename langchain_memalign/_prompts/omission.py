"""Images, sounds and files inside text: no text model can read them, but each would eat a budget.

What is left out is marked with its kind and size, so that nothing is missing in silence.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

_SHORTEST = 200
_SHORTEST_HEX = 512
_SHOWN = 8
_SAMPLE = 4096
_HEX = re.compile("[0-9a-fA-F]+")

# Text of base64's alphabets, also in lines and with its line ends escaped; what is shorter than a
# line of an e-mail ends it only where it is padded, because it could as well be a word.
_RUN = re.compile(
    r"(?:data:(?P<mime>[\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*;base64,)?"
    r"(?<![A-Za-z0-9+/_-])(?P<data>[A-Za-z0-9+/_-]{40,}"
    r"(?:(?:\r?\n|\\r\\n|\\n)[ \t]*[A-Za-z0-9+/_-]{40,})*"
    r"(?:(?:\r?\n|\\r\\n|\\n)[ \t]*[A-Za-z0-9+/_-]*(?:==?|[A-Za-z0-9+/_-]{20}))?={0,2})"
)
# Data has white space only at the start of a line.
_BETWEEN_WORDS = re.compile(r"[^\sn] (?=\S)")
_AT_ONCE = 2**16
_BREAK = re.compile(r"\s+|\\r\\n|\\n")
# The first bytes of common files, as base64 has them.
_KINDS = {
    "iVBORw0KGg": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp or audio/wav",
    "JVBERi": "application/pdf",
    "UEsDB": "application/zip or office file",
    "H4sI": "application/gzip",
    "T2dnUw": "audio/ogg",
    "SUQz": "audio/mpeg",
    "ZkxhQ": "audio/flac",
    "GkXfo": "video/webm",
    "SUkqA": "image/tiff",
    "TU0AK": "image/tiff",
    "PHN2Zy": "image/svg+xml",
}
_MEDIA = {"image", "audio", "video", "file"}
_DATA_KEYS = ("base64", "data", "bytes", "b64_json")
_MIME_KEYS = ("mime_type", "mimeType", "media_type", "mediaType", "format", "contentType")


def medium_mark(block: object) -> str | None:
    """What stands for a medium whose data is in `block`; None if it is none."""
    match block:
        case {"type": str() as kind, "base64": str() as data} if kind in _MEDIA:
            mime = block.get("mime_type") if isinstance(block, dict) else None
            name = block.get("filename") if isinstance(block, dict) else None
            mark = _mark(data, mime if isinstance(mime, str) else _kind(data) or kind)
            return f"{name}: {mark}" if isinstance(name, str) else mark
    return None


def without_data(value: Any) -> Any:
    """Return normalised data with each long run of base64 or hexadecimal digits marked instead."""
    if isinstance(value, str):
        if len(value) < _SHORTEST:
            return value
        return "".join(_RUN.sub(_marked, part) for part in _parts(value))
    if isinstance(value, list):
        return [without_data(item) for item in value]
    if isinstance(value, dict):
        return {key: _field(value, key, item) for key, item in value.items()}
    return value


def _parts(text: str) -> Iterator[str]:
    """A text in parts, cut where no data can be: no other thread runs while data is looked for."""
    start = 0
    while start < len(text):
        between = _BETWEEN_WORDS.search(text, start + _AT_ONCE)
        end = between.end() if between else len(text)
        yield text[start:end]
        start = end


def _field(fields: Mapping[str, Any], key: str, item: Any) -> Any:
    if key in _DATA_KEYS and isinstance(item, str) and len(item) >= _SHORTEST:
        match = _RUN.fullmatch(item.strip())
        if match and match["mime"] is None:
            said = next((fields[k] for k in _MIME_KEYS if isinstance(fields.get(k), str)), None)
            data = _BREAK.sub("", match["data"])
            return _mark(data, said or _kind(data) or "data")
    return without_data(item)


def _marked(match: re.Match[str]) -> str:
    data = _BREAK.sub("", match["data"])
    if match[0].startswith("data:"):
        if len(data) < _SHORTEST:
            return match[0]
        return _mark(data, match["mime"] or _kind(data) or "data")
    kind = _kind(data) or _guess(data)
    return match[0] if kind is None or len(data) < _SHORTEST else _mark(data, kind)


def _mark(data: str, kind: str) -> str:
    """The first characters, by which two are told apart, and what is left out."""
    size = len(data.rstrip("=")) // 2 if kind == "hexadecimal" else len(data.rstrip("=")) * 3 // 4
    shown = f"{size} bytes" if size < 1000 else f"{size / 1000:.0f} kB"
    shown = shown if size < 1_000_000 else f"{size / 1e6:.1f} MB"
    left_out = f"{len(data) - _SHOWN} characters of data left out"
    return f"{data[:_SHOWN]}…[{kind}, {shown}: {left_out}]"


def _kind(data: str) -> str | None:
    return next((kind for start, kind in _KINDS.items() if data.startswith(start)), None)


def _guess(data: str) -> str | None:
    """What a run of letters and digits is, or None where it may be words, a path or a number."""
    sample = data[:_SAMPLE].rstrip("=")
    digits = sum(c.isdigit() for c in sample) / len(sample)
    upper = sum(c.isupper() for c in sample) / len(sample)
    lower = sum(c.islower() for c in sample) / len(sample)
    if len(data) >= _SHORTEST_HEX and 0.2 < digits < 0.95 and _HEX.fullmatch(data):
        return "hexadecimal"
    signs = 1 - digits - upper - lower
    both = ("/" in data or "+" in data) and ("-" in data or "_" in data)
    # Paths and names of several words have more signs between these, and fewer capitals.
    if both or signs > 0.1 or min(upper, lower) < 0.1 or (digits < 0.02 and upper < 0.25):
        return None
    try:
        start = base64.b64decode(data[:96].translate({45: "+", 95: "/"}), validate=True)
    except binascii.Error:
        return None
    return "text" if start.isascii() and start.decode("ascii").isprintable() else "data"
