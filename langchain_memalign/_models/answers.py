"""What the JSON of a reply says, read by the schema that was asked for.

A value that says the same in another form (the text "4" for 4, "Good" for good, null for no ids,
the answer wrapped in one more object) is read as what it says. Everything else is left as it is,
for whoever reads the answer to refuse: a model's "yes" is not true, and its true is not 1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_memalign.errors import InvalidInputError

Schema = Mapping[str, Any]

_DEEPEST = 5
_LENGTHS = {"maxLength", "maxItems"}
_JSON_LIKE = re.compile(r"\s*[\[{].*[\]}]\s*", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_LARGEST_EXACT = 2**53
_QUOTES = "\"'`\u201c\u201d\u2018\u2019"
_ID = re.compile(r"[A-Za-z]\d+")
_BETWEEN_IDS = re.compile(r"\s*[,;&]\s*(?:and\s+)?|\s+and\s+|\s+")
_NO_IDS = {"", "none", "null", "n/a"}


def offered_schema(schema: Schema, *, has_lengths: bool = False) -> dict[str, Any]:
    """The form of a schema in which a provider takes it.

    Gemini's function calling knows labels as text only
    (https://github.com/langchain-ai/langchain-google/issues/2013), so that whole numbers are
    offered as text; `answers` reads them back.

    Args:
        schema: What is asked for.
        has_lengths: Whether it may bound texts and lists; else those bounds are left out.
    """
    offered = {key: rule for key, rule in schema.items() if has_lengths or key not in _LENGTHS}
    if "enum" in schema:
        offered |= {"type": "string", "enum": [_text(label) for label in schema["enum"]]}
    if "properties" in schema:
        properties = schema["properties"].items()
        offered["properties"] = {
            key: offered_schema(rule, has_lengths=has_lengths) for key, rule in properties
        }
    if "items" in schema:
        offered["items"] = offered_schema(schema["items"], has_lengths=has_lengths)
    return offered


def list_key(schema: Schema) -> str | None:
    """The key of the list, where the answer is nothing but one list of objects."""
    match list(schema["properties"].items()):
        case [(str() as key, {"type": "array", "items": {"type": "object"}})]:
            return key
    return None


def answers(data: Any, schema: Schema) -> list[dict[str, Any]]:
    """Return the answers in a JSON value: itself, or what it is wrapped around.

    Args:
        data: What the reply holds.
        schema: The JSON schema of an answer.

    Returns:
        Of all objects those that have most of the required keys, and of nested ones the outer; none
        if no object has any.
    """
    _, found = _fullest(data, schema["required"], _DEEPEST)
    if not found and (key := list_key(schema)):
        # The list without the object that should hold it.
        items = _items(data, schema["properties"][key]["items"]["required"], _DEEPEST)
        found = [{key: items}] if items is not None else []
    return [_restated_object(one, schema) for one in found]


def join_answers(
    found: Sequence[dict[str, Any]], schema: Schema, *, are_parts: bool
) -> dict[str, Any]:
    """Return the one answer that several make together.

    Args:
        found: At least one.
        schema: The JSON schema of an answer.
        are_parts: Whether lists may be joined, as of several tool calls; one that follows another
            in a text may as well be its correction.

    Raises:
        InvalidInputError: They contradict each other.
    """
    distinct: list[dict[str, Any]] = _distinct(found)
    if len(distinct) == 1:
        return distinct[0]
    if (key := list_key(schema)) is not None:
        if not are_parts:
            raise InvalidInputError(
                f"it holds {len(distinct)} different answers; expected one, with all in its list."
            )
        # What has no list stays for the reader to name: it may not pass for read.
        lists = [one[key] if isinstance(one.get(key), list) else [one] for one in distinct]
        return {key: [item for items in lists for item in items]}
    return {
        key: _joined(key, [one[key] for one in distinct if key in one], rule, len(distinct))
        for key, rule in schema["properties"].items()
        if any(key in one for one in distinct)
    }


def _joined(key: str, values: list[Any], rule: Schema, expected: int) -> Any:
    distinct = _distinct(values)
    if len(distinct) == 1 and len(values) == expected:
        return distinct[0]
    if rule["type"] == "array" and all(isinstance(value, list) for value in distinct):
        return [item for value in distinct for item in value]
    if (
        rule["type"] == "string"
        and "enum" not in rule
        and all(isinstance(value, str) for value in distinct)
    ):
        return "\n".join(distinct)
    said = " and ".join(f"{_json(value):.60}" for value in distinct)
    raise InvalidInputError(f"it holds {expected} answers that differ: {key!r} is {said}.")


def _fullest(data: Any, required: Sequence[str], depth: int) -> tuple[int, list[dict[str, Any]]]:
    """The objects with most of the keys, and how many they have."""
    data = _unpacked(data)
    if depth == 0 or not isinstance(data, dict | list) or _is_schema(data):
        return 0, []
    if isinstance(data, dict) and (own := sum(key in data for key in required)):
        (value, *others) = data.values()
        if others or not isinstance(value, dict):
            return own, [data]
    inner = [_fullest(one, required, depth - 1) for one in _children(data)]
    most = max((score for score, _ in inner), default=0)
    if isinstance(data, dict) and own >= max(most, 1):
        return own, [data]
    return most, [one for score, found in inner if score == most for one in found]


def _items(data: Any, required: Sequence[str], depth: int) -> list[Any] | None:
    """The list of items in a value that holds one such list and nothing else of that kind."""
    data = _unpacked(data)
    if depth == 0 or not isinstance(data, dict | list) or _is_schema(data):
        return None
    if isinstance(data, dict) and all(key in data for key in required):
        return [data]
    if isinstance(data, list) and any(
        isinstance(one, dict) and any(key in one for key in required) for one in data
    ):
        return data
    found = [_items(one, required, depth - 1) for one in _children(data)]
    lists = [one for one in found if one is not None]
    return lists[0] if len(lists) == 1 else None


def _children(data: dict[str, Any] | list[Any]) -> list[Any]:
    return list(data.values() if isinstance(data, dict) else data)


def _unpacked(data: Any) -> Any:
    """What JSON text inside JSON says, such as the arguments of a call."""
    if not isinstance(data, str) or not _JSON_LIKE.fullmatch(data):
        return data
    try:
        return json.loads(data, strict=False)
    except (ValueError, RecursionError):
        return data


def _is_schema(data: Any) -> bool:
    """Whether it is the schema itself, which models also repeat."""
    properties = data.get("properties") if isinstance(data, dict) else None
    return isinstance(properties, dict) and all(
        isinstance(rule, dict) and "type" in rule for rule in properties.values()
    )


def _restated_object(data: dict[str, Any], schema: Schema) -> dict[str, Any]:
    rules = schema["properties"]
    return {
        key: _restated(value, rules[key]) if key in rules else value for key, value in data.items()
    }


def _restated(value: Any, rule: Schema) -> Any:
    if "enum" in rule:
        return _label(value, rule["enum"])
    restate: Callable[[Any, Schema], Any] | None = _BY_TYPE.get(rule.get("type", ""))
    return restate(value, rule) if restate else value


def _label(value: Any, labels: Sequence[str | int]) -> Any:
    if value is None or isinstance(value, dict | list):
        return value
    if any(type(value) is type(label) and value == label for label in labels):
        return value
    said = _bare(_text(value)).casefold()
    meant = [label for label in labels if _bare(_text(label)).casefold() == said]
    if not meant and all(isinstance(label, int) for label in labels):
        number = _number(value, {"type": "integer"})
        meant = [label for label in labels if type(number) is int and label == number]
    return meant[0] if len(meant) == 1 else value


def _boolean(value: Any, rule: Schema) -> Any:
    said = _bare(value).casefold() if isinstance(value, str) else ""
    return {"true": True, "false": False}.get(said, value)


def _number(value: Any, rule: Schema) -> Any:
    read = value
    if isinstance(value, str) and _NUMBER.fullmatch(said := _bare(value)):
        read = json.loads(said)
    if rule["type"] == "integer" and isinstance(read, float):
        whole = read.is_integer() and abs(read) <= _LARGEST_EXACT
        return int(read) if whole else value
    return read


def _list(value: Any, rule: Schema) -> Any:
    items = rule["items"]
    value = _unpacked(value)
    if items["type"] != "object":
        if isinstance(value, list):
            return [_id(one) for one in value]
        return _ids(value)
    if isinstance(value, dict) and any(key in value for key in items["required"]):
        value = [value]
    if not isinstance(value, list):
        return value
    read = map(_unpacked, value)
    return [_restated_object(one, items) if isinstance(one, dict) else one for one in read]


def _ids(value: Any) -> Any:
    """The ids that a text lists; what is no list of ids stays as it is."""
    said = "" if value is None else value
    if not isinstance(said, str):
        return value
    if _bare(said).casefold() in _NO_IDS:
        return []
    names = [_id(name) for name in _BETWEEN_IDS.split(said.strip().strip("[]()").strip())]
    return names if all(_ID.fullmatch(name) for name in names) else value


def _id(value: Any) -> Any:
    said = _bare(value).strip("[]()") if isinstance(value, str) else ""
    return said.upper() if _ID.fullmatch(said) else value


def _bare(text: str) -> str:
    return text.strip().strip(_QUOTES).strip()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _distinct(values: Sequence[Any]) -> list[Any]:
    return list({_json(value): value for value in values}.values())


_BY_TYPE: dict[str, Callable[[Any, Schema], Any]] = {
    "boolean": _boolean,
    "integer": _number,
    "number": _number,
    "array": _list,
}
