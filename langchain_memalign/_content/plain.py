"""A case's content as plain JSON data, checked and copied."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_memalign._content.messages import (
    Fields,
    is_plain_message,
    read_message,
    read_messages,
)
from langchain_memalign._content.objects import opened
from langchain_memalign._content.parts import has_results, plain_call, read_tool_content
from langchain_memalign.errors import InvalidInputError

MAX_DEPTH = 64
"""Deepest nesting accepted; a vector engine can fail to reopen data nested deeper than 120."""

REPLACEMENT = "\ufffd"
"""Stands where a character could not be kept."""

MAX_INT = 2**63 - 1
"""Largest integer accepted: what other JSON readers can hold."""


def normalise(value: object, *, where: str) -> Any:
    """Return `value` as plain JSON data, copied, with messages in one plain form.

    Messages in any form that `messages` knows become turns
    `{"role", "content", "name"?, "tool_calls"?, "tool_call_id"?, "status"?}`, one alone a list of
    one. Message ids, usage and response metadata are left out, tool-call ids are renumbered, a
    tool's JSON text is read, and media are in one form, so that the same conversation is the same
    case whenever it ran and whoever wrote it down. Other objects are what `objects` finds in them.

    Args:
        value: A string, mapping, message, sequence of these, or an object that holds such.
        where: The name of the field, for error messages.

    Raises:
        InvalidInputError: Nothing that JSON can hold, NaN or infinite, nested deeper than 64, a
            lone surrogate, a key that is not text, or an integer beyond 64 bits. Names the place.
    """
    return _Normaliser().convert(value, where, 0)


# One for all: `json.dumps` would make one for each text.
_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def canonical(value: object) -> str:
    """Return normalised data as JSON text that is equal exactly when the data is."""
    return _CANONICAL.encode(value)


def clean_text(text: str, *, where: str) -> str:
    """Return `text` as a store and a model can take it.

    NUL, which PostgreSQL cannot hold, becomes U+FFFD, the replacement character, as in CommonMark
    (https://spec.commonmark.org/0.31.2/#insecure-characters). Lone surrogates are refused.
    """
    text = str.__str__(text).replace("\0", REPLACEMENT)  # an Enum's own `str` gives its name
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
    """One pass over one value; remembers the tool calls that it has met."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}
        self._met = 0
        # The name of each call by its number, and those that no tool has answered yet.
        self._names: dict[str, object] = {}
        self._open: list[str] = []

    def convert(self, value: object, where: str, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise _too_deep(where)
        value = _opened(value, where)
        match value:
            case None | bool():
                return value
            case str():
                return clean_text(value, where=where)
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
        if (turns := _read(read_message, value, where)) is not None:
            return self._turns(turns, where, depth)
        if isinstance(value, Mapping):
            return self._mapping(value, where, depth)
        raise InvalidInputError(
            f"{where} is a {type(value).__name__}; expected text, numbers, booleans, None, "
            "mappings, lists, dates, dataclasses, NumPy or pandas data, LangChain messages or "
            "pydantic objects. Convert it to one of them, such as with str(), list() or "
            "dataclasses.asdict()."
        )

    def _mapping(self, value: Mapping[Any, object], where: str, depth: int) -> dict[str, Any]:
        names: dict[str, Any] = {}
        for key in value:
            if not isinstance(key, str):
                raise InvalidInputError(
                    f"{where} has a key of type {type(key).__name__}; expected keys that are text. "
                    "Convert them with str()."
                )
            names[clean_text(key, where=f"a key of {where}")] = key
        if len(names) < len(value):
            raise InvalidInputError(
                f"{where} has keys that differ by NUL characters only; rename one of them."
            )
        # Sorted, because tool calls are numbered as met, and the order of keys must not matter.
        plain = {
            name: self.convert(value[names[name]], f"{where}.{name:.40}", depth + 1)
            for name in sorted(names)
        }
        return {name: plain[name] for name in names}

    def _sequence(self, value: Sequence[object], where: str, depth: int) -> list[Any]:
        items = [_opened(item, f"{where}[{i}]") for i, item in enumerate(value)]
        if (turns := _read(read_messages, items, where)) is not None:
            return self._turns(turns, where, depth)
        return [self.convert(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(items)]

    def _turns(self, turns: Sequence[Fields], where: str, depth: int) -> list[Any]:
        return [self._turn(turn, f"{where}[{i}]", depth + 1) for i, turn in enumerate(turns)]

    def _turn(self, fields: Fields, where: str, depth: int) -> dict[str, Any]:
        calls, content = fields.pop("tool_calls", None), fields.pop("content")
        role = self.convert(fields.pop("role"), f"{where}.role", depth + 1)
        convert = self._given if role == "tool" else self.convert
        plain = {"role": role, "content": convert(content, f"{where}.content", depth + 1)}
        if calls is not None:
            place = f"{where}.tool_calls"
            plain["tool_calls"] = [self._call(call, place, depth + 2) for call in calls]
        answered, name = fields.pop("tool_call_id", None), fields.get("name")
        if role == "tool":
            number = self._answered(answered, name)
            if number is not None and self._names.get(number) == name:
                fields.pop("name", None)  # the call says it
        else:
            number = None if answered is None else self._number(answered)
        if number is not None:
            plain["tool_call_id"] = number
        return plain | self._mapping(fields, where, depth)

    def _call(self, call: Any, where: str, depth: int) -> Any:
        call = plain_call(_opened(call, where))
        if not isinstance(call, Mapping) or not isinstance(call.get("name"), str):
            return self.convert(call, where, depth)
        name = self.convert(call["name"], f"{where}.name", depth + 1)
        args = self._arguments(call.get("args"), f"{where}.args", depth + 1)
        number = self._called(call.get("id"))
        self._names[number] = name
        self._open.append(number)
        return {"name": name, "args": args, "id": number}

    def _arguments(self, args: Any, where: str, depth: int) -> Any:
        args = _opened(args, where)
        if isinstance(args, str) and isinstance(parsed := _parsed(args), dict):
            try:
                return self._mapping(parsed, where, depth)
            except InvalidInputError:
                pass  # some models write what JSON cannot hold: then the text itself is the fact
        if isinstance(args, Mapping):
            return self._mapping(args, where, depth)  # even if it looks like a message
        return {} if args == "" else self.convert(args, where, depth)

    def _given(self, content: Any, where: str, depth: int) -> Any:
        """What a tool gave: JSON text is the JSON, as other forms have it; a number is its text."""
        content = _opened(content, where)
        while True:
            if isinstance(content, str):
                parsed = _parsed(content)
                if not isinstance(parsed, dict | list) or has_results(parsed):
                    break
                try:
                    _Normaliser().convert(parsed, where, depth)
                except InvalidInputError:
                    break
                content = parsed
            said = read_tool_content(content)
            if not isinstance(said, str):
                content = said
                break
            content = said
        if isinstance(content, bool | int | float):
            content = json.dumps(self.convert(content, where, depth))
        return self.convert("" if content is None else content, where, depth)

    def _answered(self, call_id: object, name: object) -> str | None:
        """The number of the call that a tool answers; where it does not say, the first of its name.

        A name given by neither, it is the only call that waits for an answer.
        """
        if call_id is not None:
            number = self._number(call_id)
        else:
            waiting = [n for n in self._open if name is None or self._names[n] == name]
            if not waiting or (name is None and len(waiting) > 1):
                return None
            number = waiting[0]
        self._open = [n for n in self._open if n != number]
        return number

    def _called(self, call_id: object) -> str:
        """The number of a call; some models use an id again, or have none."""
        if call_id is None or self._numbers.get(str(call_id)) in self._names:
            self._met += 1
            number = f"call_{self._met}"
            if call_id is not None:
                self._numbers[str(call_id)] = number
            return number
        return self._number(call_id)

    def _number(self, call_id: object) -> str:
        if str(call_id) not in self._numbers:
            self._met += 1
            self._numbers[str(call_id)] = f"call_{self._met}"
        return self._numbers[str(call_id)]


def _parsed(text: str) -> Any:
    """The JSON object or list that `text` is; None if it is not, or would lose something as one."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refused)
    except (ValueError, RecursionError):
        return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) < len(pairs):
        raise ValueError("a key is there twice")
    return held


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _read(
    read: Callable[[Any], list[Fields] | None], value: object, where: str
) -> list[Fields] | None:
    try:
        return read(value)
    except RecursionError as error:
        raise _too_deep(where) from error
    except ValueError as error:  # of an object within
        raise _not_dumped(value, where, error) from error


def _opened(value: object, where: str) -> Any:
    try:
        return opened(value)
    except (ValueError, RecursionError) as error:  # of a serializer, or circular
        raise _not_dumped(value, where, error) from error


def _not_dumped(value: object, where: str, error: Exception) -> InvalidInputError:
    return InvalidInputError(
        f"{where} is a {type(value).__name__} that pydantic cannot dump as JSON ({error}); "
        "pass a mapping of what matters."
    )


def _too_deep(where: str) -> InvalidInputError:
    return InvalidInputError(
        f"{where[:80]} is nested deeper than {MAX_DEPTH} levels; flatten it, or pass the deep part "
        "as text."
    )
