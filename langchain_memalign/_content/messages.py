"""The many forms of a chat message, recognised and read into one.

Known are LangChain's message objects and their dumps (`model_dump()`, `messages_to_dict`, and the
`{"lc": 1, ...}` of LangSmith's traces), OpenAI's and Anthropic's dicts, and LangGraph's
`("user", "hi")`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from langchain_core.messages import BaseMessage

Fields: TypeAlias = dict[str, Any]
"""A message's fields under the names `role`, `content`, `tool_calls`, `tool_call_id`, ..."""

_RENAMED = {"human": "user", "ai": "assistant"}
_ROLES = {"user", "assistant", "system", "developer", "tool", "function", *_RENAMED}
# LangChain's types, each with a field without which it is somebody's data, not a message.
_TYPES = {
    "human": "content",
    "ai": "content",
    "system": "content",
    "tool": "tool_call_id",
    "function": "name",
    "remove": "id",
}
_PLAIN_FIELDS = {"role", "content", "name", "tool_calls", "tool_call_id", "status"}
# What changes from run to run although the conversation is the same.
_VOLATILE = {
    "id",
    "type",
    "usage_metadata",
    "response_metadata",
    "additional_kwargs",
    "invalid_tool_calls",
    "tool_call_chunks",
    "chunk_position",
    "example",
    "artifact",
    "usage",
}
_THOUGHTS = {"reasoning", "thinking", "redacted_thinking"}
_VOLATILE_IN_THOUGHTS = {"id", "index", "signature", "encrypted_content"}
_TEXTS = {"text", "input_text", "output_text"}
_CALLS = {"tool_use", "tool_call", "function_call"}
_DONE = {"success", "completed"}


def read_message(value: object) -> Fields | None:
    """Read a message standing alone, in any known form; None if `value` is not a message."""
    if isinstance(value, BaseMessage):
        fields = {**value.__dict__, **(value.model_extra or {}), "type": value.type}
    elif isinstance(value, Mapping):
        fields = _unwrap(value)
    else:
        return None
    role = _role(fields)
    return None if role is None else _in_one_form(role, fields)


def read_messages(values: Sequence[object]) -> list[Fields] | None:
    """Read a conversation; None if any of `values` is not a message, or there are none.

    Among messages, a pair of role and content, and a dict of any role, are messages too.
    """
    messages = []
    for value in values:
        fields = read_message(value) or _read_in_company(value)
        if fields is None:
            return None
        messages.append(fields)
    return messages or None


def is_plain_message(value: object) -> bool:
    """Whether normalised `value` is a message."""
    return isinstance(value, dict) and (_role(value) is not None or _is_plain(value))


def _read_in_company(value: object) -> Fields | None:
    match value:
        case (str() as role, str() | list() as content) if isinstance(value, tuple):
            return _in_one_form(role, {"content": content}) if role in _ROLES else None
        case Mapping() if _is_plain(value):
            return _in_one_form(value["role"], dict(value))
    return None


def _is_plain(value: Mapping[Any, Any]) -> bool:
    """Whether `value` could be a message of a role of its own, and nothing else."""
    return (
        isinstance(value.get("role"), str) and "content" in value and value.keys() <= _PLAIN_FIELDS
    )


def _unwrap(value: Mapping[Any, Any]) -> Fields:
    match value:
        case {
            "lc": 1,
            "type": "constructor",
            "id": [*_, str() as name],
            "kwargs": Mapping() as data,
        }:
            # Traces of LangChain.js name the type in the class only.
            return {"type": name.removesuffix("Chunk").removesuffix("Message").lower(), **data}
        case {"type": str() as kind, "data": Mapping() as data, **more} if not more:
            return {**data, "type": kind}
    return dict(value)


def _role(fields: Mapping[Any, Any]) -> str | None:
    """The role that makes `fields` a message, or None."""
    if "content" not in fields and "tool_calls" not in fields:
        return None
    role, kind = fields.get("role"), fields.get("type")
    if isinstance(kind, str):
        kind = kind.removesuffix("MessageChunk").lower()
    if isinstance(role, str) and (role in _ROLES or kind == "chat"):
        return role
    if role is None and isinstance(kind, str) and _TYPES.get(kind) in fields:
        return kind
    return None


def _in_one_form(role: str, fields: Fields) -> Fields:
    plain: Fields = {"role": _RENAMED.get(role, role)}
    plain["content"], calls = _split(fields.pop("content", None))
    given = fields.pop("tool_calls", None)
    if not _is_nothing(given):
        # Content blocks only repeat these.
        calls = list(given) if isinstance(given, list | tuple) else [given]
    if calls:
        plain["tool_calls"] = [_call(call) for call in calls]
    extra = fields.get("additional_kwargs")
    if isinstance(extra, Mapping) and extra.get("refusal"):
        fields.setdefault("refusal", extra["refusal"])
    kept = _PLAIN_FIELDS if plain["role"] not in _ROLES else fields.keys() - _VOLATILE
    for key, item in fields.items():
        done = key == "status" and isinstance(item, str) and item in _DONE
        if key in kept and key != "role" and not _is_nothing(item) and not done:
            plain[key] = item
    return plain


def _split(content: Any) -> tuple[Any, list[Any]]:
    """Content without its tool calls, as text where it is only text; and the tool calls."""
    if content is None:
        return "", []
    if not isinstance(content, list | tuple):
        return content, []
    calls, blocks, only_text = [], [], True
    for block in content:
        kind = "text" if isinstance(block, str) else None
        if isinstance(block, Mapping) and isinstance(block.get("type"), str):
            kind = block["type"]
        if kind in _CALLS:
            calls.append(block)
            continue
        if kind in _THOUGHTS:
            block = {k: item for k, item in block.items() if k not in _VOLATILE_IN_THOUGHTS}
        only_text = only_text and kind in _TEXTS
        blocks.append({"type": "text", "text": block} if isinstance(block, str) else block)
    if only_text:
        return "\n".join(str(block.get("text", "")) for block in blocks), calls
    return blocks, calls


def _call(call: Any) -> Any:
    """A tool call of any provider as `name`, `args` and `id`; anything else as it is."""
    if not isinstance(call, Mapping):
        return call
    for inner in (call.get("function"), call.get("custom"), call):
        if isinstance(inner, Mapping) and isinstance(inner.get("name"), str):
            break
    else:
        return call
    args = next((inner[key] for key in ("args", "arguments", "input") if key in inner), None)
    return {"name": inner["name"], "args": args, "id": call.get("call_id") or call.get("id")}


def _is_nothing(value: object) -> bool:
    return value is None or (isinstance(value, Mapping | list | tuple) and not value)
