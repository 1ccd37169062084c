"""What a chat model's reply holds: never half a reply for a whole one, nor one of two for both."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage
from pydantic import BaseModel

from langchain_memalign._models.answers import Schema, answers, join_answers, list_key
from langchain_memalign._models.endings import was_cut_off
from langchain_memalign._models.json_text import JsonText, begun_object, find_json
from langchain_memalign._models.reasoning import REASONING_KEYS
from langchain_memalign.errors import InvalidInputError

_NO_OBJECT = "the reply holds no JSON object."
_NOTHING_ELSE = re.compile(r"(?:\s|```\w*)*")
_EMPTY_LIST = re.compile(r"\s*(?:```\w*)?\s*\[\s*\]\s*(?:```)?\s*")


def read_object(raw: object, parsed: object, schema: Schema) -> dict[str, Any]:
    """Return the one answer that a reply gives.

    The raw message is read rather than what LangChain's parser made of it, since that parser
    completes truncated JSON, which would pass half a list off as the whole.

    Args:
        raw: The model's message.
        parsed: What LangChain's parser made of it; used when the message shows no JSON itself.
        schema: The JSON schema that was asked for; its title is the name of the tool.

    Returns:
        An object with the schema's keys, where there is one; its reader says what is wrong in it.
        Lists of several tool calls are joined. A call that cannot be read stays in the list as it
        is, so that it does not pass for read.

    Raises:
        InvalidInputError: There is no whole JSON object, or there are several that differ.
    """
    if isinstance(raw, AIMessage):
        if raw.tool_calls or raw.invalid_tool_calls:
            return _read_calls(raw, schema)
        if shows_object(raw):
            if not (said := str(raw.text)).strip():
                return _read_reasoning(raw, schema)
            return _read_text(said, schema, is_cut_off=was_cut_off(raw))
    if isinstance(parsed, BaseModel):
        parsed = parsed.model_dump()
    if isinstance(parsed, Mapping):
        found = answers(dict(parsed), schema)
        return join_answers(found, schema, are_parts=False) if found else dict(parsed)
    raise InvalidInputError(_NO_OBJECT)


def begun_answer(raw: object, schema: Schema) -> dict[str, Any] | None:
    """What a reply had said when it was cut off; None unless a value of its own stands whole there.

    A reply that begins with anything but its answer may be thinking, and the answer a draft. Of a
    list of objects, those that are whole are given; a text ends where it was cut.
    """
    if not isinstance(raw, AIMessage) or raw.tool_calls or len(raw.invalid_tool_calls) > 1:
        return None
    texts = [str(call["args"] or "") for call in raw.invalid_tool_calls] or [str(raw.text)]
    rules = schema["properties"]
    open_texts = {
        key for key, rule in rules.items() if rule.get("type") == "string" and "enum" not in rule
    }
    begun = begun_object(texts[0], open_texts=open_texts, open_list=list_key(schema))
    if set(begun) <= open_texts:
        return None
    found = answers(begun, schema)
    return {**dict.fromkeys(open_texts, ""), **found[0]} if found else None


def shows_object(raw: object) -> bool:
    """Whether a message itself shows something to read an object from, be it broken."""
    if not isinstance(raw, AIMessage):
        return False
    if raw.tool_calls or raw.invalid_tool_calls:
        return True
    text = str(raw.text)
    said = text if text.strip() else _reasoning(raw)
    return "{" in said or _EMPTY_LIST.fullmatch(said) is not None


def raw_text(raw: object) -> str:
    """The reply as text, for people to read and for a repair to quote."""
    if not isinstance(raw, AIMessage):
        return "" if raw is None else str(raw)
    if text := str(raw.text):
        return text
    calls = [json.dumps(c["args"], ensure_ascii=False, default=str) for c in raw.tool_calls]
    broken = [str(call["args"]) for call in raw.invalid_tool_calls]
    return "\n".join([*calls, *broken]) or _reasoning(raw)


def _read_calls(raw: AIMessage, schema: Schema) -> dict[str, Any]:
    calls = [(call["name"], call["args"]) for call in raw.tool_calls]
    broken = [(call["name"], str(call["args"] or "")) for call in raw.invalid_tool_calls]
    if any(_is_named(name, schema) for name, _ in [*calls, *broken]):
        calls = [(name, args) for name, args in calls if _is_named(name, schema)]
        broken = [(name, args) for name, args in broken if _is_named(name, schema)]
    found: list[dict[str, Any]] = []
    unread: list[Any] = []
    for _, args in calls:
        read = answers(args, schema)
        found += read
        unread += [] if read or not args else [args]
    for _, text in broken:
        try:
            found.append(_read_text(text, schema))
        except InvalidInputError:
            unread.append(text)
    if not found and calls:
        return dict(calls[0][1])
    if not found:
        raise InvalidInputError("the arguments of the tool call are not valid JSON.")
    if (key := list_key(schema)) is not None:
        joined = join_answers(found, schema, are_parts=True)
        return {**joined, key: [*joined[key], *unread]} if unread else joined
    if any(isinstance(args, str) for args in unread):
        raise InvalidInputError("the arguments of one of the tool calls are not valid JSON.")
    return join_answers(found, schema, are_parts=True)


def _is_named(name: str | None, schema: Schema) -> bool:
    """Whether a call is one of the tool; some models put a namespace before its name."""
    return (name or "").split(".")[-1].casefold() == str(schema["title"]).casefold()


def _read_text(text: str, schema: Schema, *, is_cut_off: bool = False) -> dict[str, Any]:
    held = find_json(text)
    if is_cut_off and not _NOTHING_ELSE.fullmatch(held.rest):
        # What comes before may be thinking that did not get to its end, and the object a draft.
        raise InvalidInputError("the reply holds no JSON object at its beginning.")
    why = held.problem or "a part of another object stands beside one"
    not_json = InvalidInputError(f"the reply is not valid JSON: {why}.")
    if held.is_cut_off or _is_broken_answer(held, schema):
        raise not_json
    values = [one.value for one in held.found]
    if found := answers(values, schema):
        return join_answers(found, schema, are_parts=held.adjacent)
    if (key := list_key(schema)) and _EMPTY_LIST.fullmatch(held.rest):
        return {key: []}
    for value in values:
        if isinstance(value, dict):
            return value
        raise InvalidInputError("the reply is a JSON list; expected an object.")
    raise not_json if held.problem else InvalidInputError(_NO_OBJECT)


def _is_broken_answer(held: JsonText, schema: Schema) -> bool:
    """Whether a part of a broken answer stands around what was found.

    A quotation mark that the model forgot to mask ends a text early; what that text quotes would
    then be taken for the answer.
    """
    keys = set(schema["properties"])
    if key := list_key(schema):
        keys |= set(schema["properties"][key]["items"]["properties"])
    first, last = held.rest.find("{"), held.rest.rfind("}")
    named = re.finditer(rf"""["']({"|".join(map(re.escape, keys))})["']\s*:""", held.rest)
    return any(0 <= first < match.start() or match.end() <= last for match in named)


def _read_reasoning(raw: AIMessage, schema: Schema) -> dict[str, Any]:
    """Read the answer that a server's parser took for thinking, for it has no reply beside it.

    Thinking may hold drafts, so only what it ends with counts, and only if it was not cut off.
    """
    text = _reasoning(raw)
    if was_cut_off(raw) or not find_json(text).ends_with_json:
        raise InvalidInputError("the reply is empty, and its reasoning does not end with JSON.")
    return _read_text(text, schema)


def _reasoning(raw: AIMessage) -> str:
    told = [raw.additional_kwargs.get(key) for key in REASONING_KEYS]
    if isinstance(raw.content, list):
        blocks = [block for block in raw.content if isinstance(block, dict)]
        told += [block.get(key) for block in blocks for key in ("reasoning", "thinking")]
    return next((text for text in told if isinstance(text, str) and text.strip()), "")
