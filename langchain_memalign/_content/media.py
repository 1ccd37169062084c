"""Images, sounds and files: recognised in every provider's form, brought into LangChain's one.

https://docs.langchain.com/oss/python/langchain/messages#standard-content-blocks
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

KINDS = {
    "audio",
    "audio_url",
    "binary",
    "blob",
    "document",
    "document_url",
    "file",
    "image",
    "image_url",
    "input_audio",
    "input_file",
    "input_image",
    "media",
    "uri",
    "video",
    "video_url",
}
"""The types, with underscores, of parts that are media."""
# Where providers put what belongs to the medium one level further down.
_INNER = (
    "image_url",
    "input_audio",
    "file",
    "source",
    "image",
    "document",
    "video",
    "audio",
    "s3Location",
)
_UNTYPED = {
    "inlineData": "file",
    "inline_data": "file",
    "fileData": "file",
    "file_data": "file",
    "image": "image",
    "document": "file",
    "video": "video",
    "audio": "audio",
}
_DATA = ("data", "bytes", "file_data", "image")
_LINKS = ("url", "uri", "fileUri", "file_uri", "file_url", "image_url", "image")
_MIME_TYPES = ("mime_type", "mimeType", "media_type", "mediaType", "contentType")
_FILE_IDS = ("file_id", "fileId")
_NAMES = ("filename", "name", "title")
_READ = {"type", "kind", "part_kind", "modality", "format", "source_type", "detail", "base64"}
_READ |= {"cache_control", "providerMetadata", "providerOptions", "id", "index", "extras"}
_READ |= {"vendor_metadata", "force_download", "identifier", "media_resolution"}
_READ |= {*_INNER, *_DATA, *_LINKS, *_MIME_TYPES, *_FILE_IDS, *_NAMES}
_PLAUSIBLE = re.compile(r"[A-Za-z0-9+/_\r\n-]{16,}={0,2}\s*")
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*;base64,", re.ASCII)
_FORMATS = {"jpg": "image/jpeg", "mp3": "audio/mpeg", "pdf": "application/pdf"}
_FORMATS |= {name: f"image/{name}" for name in ("png", "jpeg", "gif", "webp")}
_FORMATS |= {name: f"audio/{name}" for name in ("wav", "flac", "ogg")}
_FORMATS |= {name: f"video/{name}" for name in ("mp4", "webm", "mov", "mkv")}


def read_medium(part: Mapping[Any, Any], kind: str) -> dict[str, Any] | None:
    """Read a content part as a medium of LangChain's standard form.

    Args:
        part: The part.
        kind: Its type, with underscores; "" where it has none, as with Gemini and Bedrock.

    Returns:
        `{"type": "image" | "audio" | "video" | "file", "base64" | "url" | "file_id": ...,
        "mime_type"?, "filename"?}`, or None where `part` is something else.
    """
    if not kind:
        found = [key for key in part if key in _UNTYPED and isinstance(part[key], Mapping)]
        if len(found) != 1 or len(part) != 1:
            return None
        kind = _UNTYPED[found[0]]
        part = {key: item for key, item in part[found[0]].items() if item is not None}
    elif kind not in KINDS:
        return None
    levels = _levels(part)
    mime = _text(levels, _MIME_TYPES) or _FORMATS.get(_text(levels, ("format",)) or "")
    held: dict[str, Any] = {}
    link = _text(levels, _LINKS)
    data = _data(levels, ("content", *_DATA) if kind == "blob" else _DATA)
    if data is not None and (match := _DATA_URL.match(data)):
        mime, data = mime or match[1], data[match.end() :]
    if link is not None and (match := _DATA_URL.match(link)):
        mime, data, link = mime or match[1], link[match.end() :], None
    if data:
        held["base64"] = "".join(data.split())
    elif link:
        held["url"] = link
    elif file_id := _text(levels, _FILE_IDS):
        held["file_id"] = file_id
    else:
        return None
    block = {"type": _type(kind, mime, part), **held}
    if mime:
        block["mime_type"] = mime
    if name := _text(levels, _NAMES):
        block["filename"] = name
    # Whatever else it says may be what is judged.
    read = {*_READ, "content"} if kind == "blob" else _READ
    return block | {key: item for key, item in part.items() if key not in read}


def _levels(part: Mapping[Any, Any]) -> list[Mapping[Any, Any]]:
    levels = [part]
    for _ in range(3):
        inner = (levels[-1].get(key) for key in _INNER)
        below = next((value for value in inner if isinstance(value, Mapping)), None)
        if below is None:
            break
        levels.append(below)
    return levels


def _text(levels: list[Mapping[Any, Any]], keys: tuple[str, ...]) -> str | None:
    found = (level.get(key) for level in reversed(levels) for key in keys)
    return next((value for value in found if isinstance(value, str) and value), None)


def _data(levels: list[Mapping[Any, Any]], keys: tuple[str, ...]) -> str | None:
    for level in reversed(levels):
        if isinstance(said := level.get("base64"), str) and said:
            return said
        for key in keys:
            value = level.get(key)
            if isinstance(value, bytes | bytearray | memoryview) and len(value):
                return base64.b64encode(value).decode()
            # Also a document in plain words may stand there.
            if isinstance(value, str) and (
                _DATA_URL.match(value) or (_PLAUSIBLE.fullmatch(value) and "://" not in value)
            ):
                return value
    return None


def _type(kind: str, mime: str | None, part: Mapping[Any, Any]) -> str:
    modality = part.get("modality")
    for said in (mime or "", modality if isinstance(modality, str) else "", kind):
        for known in ("image", "audio", "video"):
            if said.startswith(known) or said == f"input_{known}":
                return known
    return "file"
