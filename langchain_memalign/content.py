"""What a case may hold: text, JSON and messages, checked and brought into one form."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage

from langchain_memalign.errors import InvalidInputError

MAX_DEPTH = 64
"""Deepest nesting accepted; a vector engine can fail to reopen data nested deeper than about 120."""

MAX_INT = 2**63 - 1
"""Largest integer accepted: what other JSON readers can hold."""


_ROLES = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant"}
_MESSAGE_ROLES = {
    *_ROLES,
    "user",
    "assistant",
    "system",
    "developer",
    "tool",
    "function",
}
# What changes from run to run although the conversation is the same.
_VOLATILE = {
    "id",
    "type",
    "usage_metadata",
    "response_metadata",
    "additional_kwargs",
    "invalid_tool_calls",
    "example",
    "artifact",
}


def normalise(value: object, *, where: str) -> Any:
    """Return `value` as plain JSON data, copied, with messages in one plain form.

    LangChain messages and their dict forms (OpenAI's `role`, LangChain's `type`) become
    `{"role", "content", "name"?, "tool_calls"?, "tool_call_id"?}`. Message ids, usage and response
    metadata are left out and tool-call ids are renumbered, so that the same conversation is the
    same case whenever it ran.

    Args:
        value: A string, mapping, message, or sequence of these.
        where: The name of the field, for error messages.

    Raises:
        InvalidInputError: Not JSON, NaN or infinite, nested deeper than 64, a lone surrogate, a key
            that is not text, or an integer beyond 64 bits. Names the place.
    """
    return _Normaliser().convert(value, where, 0)


def canonical(value: object) -> str:
    """Return normalised data as JSON text that is equal exactly when the data is."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def check_text(text: str, *, where: str) -> str:
    """Return `text`, refusing lone surrogates, which no UTF-8 store or model can take."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            f"{where} holds a lone surrogate at character {error.start}; expected valid Unicode. "
            "Decode the text with errors='replace' before passing it on."
        ) from error
    return text


def is_messages(value: object) -> bool:
    """Whether normalised `value` is a list of messages."""
    return isinstance(value, list) and bool(value) and all(map(_is_message, value))


def is_blank(value: object) -> bool:
    """Whether `value` holds nothing that could be judged."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value == {} or value == []


def _is_message(value: object) -> bool:
    if isinstance(value, BaseMessage):
        return True
    if not isinstance(value, Mapping) or "content" not in value:
        return False
    return (value.get("role") or value.get("type")) in _MESSAGE_ROLES


class _Normaliser:
    """One pass over one value; remembers the tool-call ids it has renumbered."""

    def __init__(self) -> None:
        self._calls: dict[str, str] = {}

    def convert(self, value: object, where: str, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise InvalidInputError(
                f"{where[:80]} is nested deeper than {MAX_DEPTH} levels; flatten it, or pass the "
                "deep part as text."
            )
        match value:
            case None | bool():
                return value
            case str():
                return check_text(str(value), where=where)
            case int():
                if abs(value) > MAX_INT:
                    raise InvalidInputError(
                        f"{where} is an integer beyond 64 bits; pass it as text."
                    )
                return int(value)
            case float():
                if not math.isfinite(value):
                    raise InvalidInputError(
                        f"{where} is {value}, which JSON cannot hold; use None or text."
                    )
                return float(value)
            case BaseMessage():
                return [self._message(value, where, depth)]
            case Mapping():
                return self._mapping(value, where, depth)
            case bytes() | bytearray():
                raise InvalidInputError(f"{where} is bytes; decode it to text first.")
            case Sequence():
                return self._sequence(value, where, depth)
        raise InvalidInputError(
            f"{where} is a {type(value).__name__}; expected text, numbers, booleans, None, "
            "mappings, lists or LangChain messages."
        )

    def _mapping(
        self, value: Mapping[Any, object], where: str, depth: int
    ) -> dict[str, Any]:
        plain = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise InvalidInputError(
                    f"{where} has the key {key!r:.80}; expected keys that are text."
                )
            check_text(key, where=f"a key of {where}")
            plain[str(key)] = self.convert(item, f"{where}.{key}", depth + 1)
        return plain

    def _sequence(self, value: Sequence[object], where: str, depth: int) -> list[Any]:
        if value and all(map(_is_message, value)):
            return [
                self._message(item, f"{where}[{i}]", depth + 1)
                for i, item in enumerate(value)
            ]
        return [
            self.convert(item, f"{where}[{i}]", depth + 1)
            for i, item in enumerate(value)
        ]

    def _message(self, message: Any, where: str, depth: int) -> dict[str, Any]:
        if isinstance(message, BaseMessage):
            fields = {**message.__dict__, "type": message.type}
        else:
            fields = dict(message)
        role = str(fields.pop("role", None) or fields.get("type"))
        calls = fields.pop("tool_calls", None) or ()
        plain: dict[str, Any] = {"role": _ROLES.get(role, role)}
        plain["content"] = self.convert(
            _join_text(fields.pop("content")), where, depth + 1
        )
        if calls:
            plain["tool_calls"] = [
                self._tool_call(call, where, depth + 2) for call in calls
            ]
        answered = fields.pop("tool_call_id", None)
        if answered is not None:
            plain["tool_call_id"] = self._renumber(answered)
        for key, item in fields.items():
            if key not in _VOLATILE and item is not None and item != {}:
                plain[key] = self.convert(item, f"{where}.{key}", depth + 1)
        if plain.get("status") == "success":
            del plain["status"]  # the default of every tool message
        return plain

    def _tool_call(self, call: Any, where: str, depth: int) -> Any:
        if not isinstance(call, Mapping):
            return self.convert(call, f"{where}.tool_calls", depth)
        function = call.get("function")
        name, args = (
            (function.get("name"), function.get("arguments"))
            if isinstance(function, Mapping)
            else (call.get("name"), call.get("args"))
        )
        if isinstance(args, str):
            try:
                args = json.loads(args)
            except (ValueError, RecursionError):
                pass  # some models write broken arguments: then the text itself is the fact
        return {
            "name": self.convert(name, f"{where}.name", depth),
            "args": self.convert(args, f"{where}.args", depth),
            "id": self._renumber(call.get("id")),
        }

    def _renumber(self, call_id: object) -> str:
        return self._calls.setdefault(str(call_id), f"call_{len(self._calls) + 1}")


def _join_text(content: object) -> object:
    """Content blocks that are only text become text; tool-use blocks repeat `tool_calls`."""
    if not isinstance(content, list):
        return content
    blocks = [
        {"type": "text", "text": block} if isinstance(block, str) else block
        for block in content
    ]
    blocks = [
        b
        for b in blocks
        if not (isinstance(b, Mapping) and b.get("type") == "tool_use")
    ]
    if all(isinstance(b, Mapping) and b.get("type") == "text" for b in blocks):
        return "\n".join(str(block.get("text", "")) for block in blocks)
    return blocks
