"""A case's content as plain JSON data, checked and copied."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from langchain_memalign._content.messages import (
    Fields,
    is_plain_message,
    read_message,
    read_messages,
)
from langchain_memalign.errors import InvalidInputError

MAX_DEPTH = 64
"""Deepest nesting accepted; a vector engine can fail to reopen data nested deeper than 120."""

MAX_INT = 2**63 - 1
"""Largest integer accepted: what other JSON readers can hold."""


def normalise(value: object, *, where: str) -> Any:
    """Return `value` as plain JSON data, copied, with messages in one plain form.

    Messages in any form that `content.messages` knows become
    `{"role", "content", "name"?, "tool_calls"?, "tool_call_id"?}`, one alone a list of one. Message
    ids, usage and response metadata are left out and tool-call ids are renumbered, so that the
    same conversation is the same case whenever it ran. Other pydantic objects are dumped.

    Args:
        value: A string, mapping, message, pydantic object, or sequence of these.
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
    return isinstance(value, list) and bool(value) and all(map(is_plain_message, value))


def is_blank(value: object) -> bool:
    """Whether `value` holds nothing that could be judged."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value == {} or value == []


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
                # An Enum's own `str` would give its name.
                return check_text(str.__str__(value), where=where)
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
            case bytes() | bytearray() | memoryview():
                raise InvalidInputError(f"{where} is bytes; decode it to text first.")
            case Sequence():
                return self._sequence(value, where, depth)
        if (fields := read_message(value)) is not None:
            return [self._message(fields, f"{where}[0]", depth + 1)]
        match value:
            case Mapping():
                return self._mapping(value, where, depth)
            case BaseModel():
                return self._mapping(_dump(value, where), where, depth)
        raise InvalidInputError(
            f"{where} is a {type(value).__name__}; expected text, numbers, booleans, None, "
            "mappings, lists, LangChain messages or pydantic objects. Convert it to one of them, "
            "such as with str(), list() or dataclasses.asdict()."
        )

    def _mapping(self, value: Mapping[Any, object], where: str, depth: int) -> dict[str, Any]:
        for key in value:
            if not isinstance(key, str):
                raise InvalidInputError(
                    f"{where} has a key of type {type(key).__name__}; expected keys that are text. "
                    "Convert them with str()."
                )
            check_text(key, where=f"a key of {where}")
        # Sorted, because tool calls are numbered as met, and the order of keys must not matter.
        plain = {
            key: self.convert(value[key], f"{where}.{key:.40}", depth + 1) for key in sorted(value)
        }
        return {str.__str__(key): plain[key] for key in value}

    def _sequence(self, value: Sequence[object], where: str, depth: int) -> list[Any]:
        if (messages := read_messages(value)) is not None:
            return [
                self._message(fields, f"{where}[{i}]", depth + 1)
                for i, fields in enumerate(messages)
            ]
        return [self.convert(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value)]

    def _message(self, fields: Fields, where: str, depth: int) -> dict[str, Any]:
        calls, answered = fields.pop("tool_calls", None), fields.pop("tool_call_id", None)
        content = fields.pop("content")
        if isinstance(content, list):
            content = [self._block(block) for block in content]
        role = self.convert(fields.pop("role"), f"{where}.role", depth + 1)
        plain = {"role": role, "content": self.convert(content, f"{where}.content", depth + 1)}
        if calls is not None:
            place = f"{where}.tool_calls"
            plain["tool_calls"] = [self._call(call, place, depth + 2) for call in calls]
        if answered is not None:
            plain["tool_call_id"] = self._renumber(answered)
        return plain | self._mapping(fields, where, depth)

    def _block(self, block: Any) -> Any:
        if isinstance(block, Mapping) and "tool_use_id" in block:
            return {**block, "tool_use_id": self._renumber(block["tool_use_id"])}
        return block

    def _call(self, call: Any, where: str, depth: int) -> Any:
        if not isinstance(call, Mapping) or not isinstance(call.get("name"), str):
            return self.convert(call, where, depth)
        return {
            "name": self.convert(call["name"], f"{where}.name", depth + 1),
            "args": self._arguments(call["args"], f"{where}.args", depth + 1),
            "id": self._renumber(call["id"]),
        }

    def _arguments(self, args: Any, where: str, depth: int) -> Any:
        if isinstance(args, str):
            try:
                parsed = json.loads(args)
                if isinstance(parsed, dict):
                    return self._mapping(parsed, where, depth)
            except (ValueError, RecursionError):
                pass  # some models write broken arguments: then the text itself is the fact
        if isinstance(args, Mapping):
            return self._mapping(args, where, depth)  # even if it looks like a message
        return self.convert(args, where, depth)

    def _renumber(self, call_id: object) -> str:
        return self._calls.setdefault(str(call_id), f"call_{len(self._calls) + 1}")


def _dump(value: BaseModel, where: str) -> dict[str, Any]:
    try:
        return value.model_dump(mode="json", warnings="none")
    except ValueError as error:  # of a serializer, or circular
        raise InvalidInputError(
            f"{where} is a {type(value).__name__} that pydantic cannot dump as JSON ({error}); "
            "pass a mapping of what matters."
        ) from error
