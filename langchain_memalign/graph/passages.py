"""A case as people read it: labelled passages, conversations as turns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_memalign._content import is_messages
from langchain_memalign.schema import Case

FIELDS = {
    "inputs": "What it was given",
    "outputs": "What it answered",
    "reference_outputs": "What it should have answered",
}
"""The fields of a case, in words."""

_SPEAKERS = {"user": "User", "assistant": "Assistant", "system": "System", "developer": "System"}
_LONGEST_TITLE = 80


@dataclass(frozen=True)
class Passage:
    """A piece of a case.

    Attributes:
        label: What it is, or who says it; "" where it speaks for itself.
        text: What it says.
    """

    label: str
    text: str


def passages(content: Any) -> list[Passage]:
    """A field of a case: one passage for a text, one for each key, one for each turn."""
    return list(_passages(content, ""))


def about(case: Case, longest: int = _LONGEST_TITLE) -> str:
    """What a case is about, in one line: how the person in it, or its first text, begins."""
    for content in (case.inputs, case.outputs):
        if words := " ".join(_gist(content).split()):
            return words if len(words) <= longest else words[: longest - 1].rstrip() + "…"
    return ""


def _passages(content: Any, label: str) -> Iterator[Passage]:
    if is_messages(content):
        if label:
            yield Passage(label, "")
        calls: dict[str, str] = {}
        for message in content:
            yield from _turn(message, calls)
    elif isinstance(content, dict) and content and not label:
        for key, value in content.items():
            yield from _passages(value, key.replace("_", " "))
    else:
        yield Passage(label, outline(content))


def _turn(message: Mapping[str, Any], calls: dict[str, str]) -> Iterator[Passage]:
    role = message["role"]
    speaker = _SPEAKERS.get(role, role)
    if role in ("tool", "function"):
        name = message.get("name") or calls.get(str(message.get("tool_call_id")))
        speaker = f"Result of {name}" if name else "Result"
    elif name := message.get("name"):
        speaker = f"{speaker} ({name})"
    text = _text_of(message.get("content"))
    if text or not message.get("tool_calls"):
        yield Passage(speaker, text)
    given = message.get("tool_calls")
    for call in given if isinstance(given, list) else ():
        if isinstance(call, dict) and "name" in call:
            calls[str(call.get("id"))] = str(call["name"])
        yield Passage(f"{speaker} calls", _call(call))


def _call(call: Any) -> str:
    if not isinstance(call, dict) or "name" not in call:
        return outline(call)
    args = call.get("args")
    if isinstance(args, dict):
        args = ", ".join(f"{name}={_json(value)}" for name, value in args.items())
    return f"{call['name']}({'' if args is None else args})"


def _text_of(content: Any) -> str:
    """The words of a message; what is no text is named."""
    if not isinstance(content, list):
        return outline(content)
    blocks = []
    for block in content:
        if isinstance(block, dict) and isinstance(block.get("text"), str):
            blocks.append(block["text"])
        elif isinstance(block, dict) and isinstance(block.get("type"), str):
            words = next((w for k in ("reasoning", "thinking") if (w := block.get(k))), "")
            blocks.append(f"[{block['type']}] {words}".strip())
        else:
            blocks.append(outline(block))
    return "\n".join(blocks)


def outline(value: Any, indent: str = "") -> str:
    """Any JSON data as people write it down: one line for each entry."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and value:
        return "\n".join(_entry(f"{indent}{key}:", item, indent) for key, item in value.items())
    if isinstance(value, list) and value:
        return "\n".join(_entry(f"{indent}-", item, indent) for item in value)
    return _json(value)


def _entry(start: str, item: Any, indent: str) -> str:
    if isinstance(item, dict | list) and item:
        return f"{start}\n{outline(item, indent + '  ')}"
    text = outline(item)
    if "\n" in text:
        return "\n".join([start, *(f"{indent}  {line}" for line in text.split("\n"))])
    return f"{start} {text}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _gist(content: Any) -> str:
    if is_messages(content):
        said: Sequence[Any] = [m for m in content if m["role"] == "user"] or content
        return next((t for m in reversed(said) if (t := _text_of(m.get("content")))), "")
    if isinstance(content, dict):
        return next(filter(None, map(_gist, content.values())), "")
    if isinstance(content, list):
        return next(filter(None, map(_gist, content)), "")
    return "" if content is None else outline(content)
