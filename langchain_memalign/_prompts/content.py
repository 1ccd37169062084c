"""A case's content as XML for a prompt, and as plain text for an embedding."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from langchain_memalign._content import is_blank, is_messages
from langchain_memalign._prompts.omission import medium_mark, without_data
from langchain_memalign._prompts.text import attribute, clip, estimate_tokens, shorten, visible
from langchain_memalign.schema import Case

_FIELDS = ("inputs", "outputs", "reference_outputs")
_TOKENS_PER_ELEMENT = 20
_FEWEST_ELEMENTS = 20
_LONGEST_NAME = 80
_EMBEDDED_TOKENS = 6000

_UNSAID = {"type", "id", "role", "tool_call_id", "tool_use_id", "status"}


def render_case(case: Case, tokens: int) -> tuple[str, int]:
    """Render a case's fields as XML elements within a token budget.

    Longest texts are cut first, so that one huge text cannot crowd out the others. Of very many
    keys or messages, the first and last are kept.

    Args:
        case: What to render.
        tokens: The budget for its texts. The markup around them is not counted, but bounded.

    Returns:
        The XML, and how many tokens were cut; every cut is marked by a `cut` element.
    """
    fields: list[_Part] = [
        _Element(name, _content(value))
        for name in _FIELDS
        if (value := getattr(case, name)) is not None
    ]
    fields, cut = _prune(fields, max(_FEWEST_ELEMENTS, tokens // _TOKENS_PER_ELEMENT))
    sizes = [estimate_tokens(text) for text in _texts(fields)]
    share = _fair_share(sizes, tokens)
    cut += sum(max(0, size - share) for size in sizes)
    return "".join(f"{_render(field, share)}\n" for field in fields), cut


def embedding_texts(case: Case) -> tuple[str | None, str | None]:
    """The texts by which a case is remembered: its inputs and its outputs; None for a blank one.

    Keys of mappings are left out: they are the same in every case and would make all alike.
    """
    return _plain(case.inputs), _plain(case.outputs)


@dataclass(frozen=True)
class _Element:
    tag: str
    """Its name and attributes, as they stand in the opening tag."""
    content: list[_Part]


@dataclass(frozen=True)
class _Cut:
    parts: int
    tokens: int


_Part: TypeAlias = "_Element | _Cut | str"


def _content(value: Any) -> list[_Part]:
    if is_messages(value):
        return [_message(message) for message in value]
    if isinstance(value, dict) and value:
        return [
            _field(key, _content(item) if is_messages(item) else [_as_text(item)])
            for key, item in value.items()
        ]
    return [_as_text(value)]


def _message(message: dict[str, Any]) -> _Element:
    tag = f"message role={_short(message['role'])}"
    content: list[_Part] = []
    for key, item in message.items():
        match key:
            case "role" | "tool_calls":
                pass
            case "content":
                content.extend(_said(item))
            case "name" | "status" if isinstance(item, str):
                tag += f" {key}={_short(item)}"
            case "tool_call_id":
                tag += f" answers={_short(str(item))}"
            case _:
                content.append(_field(key, [_as_text(item)]))
    calls = message.get("tool_calls")
    content.extend(map(_tool_call, calls if isinstance(calls, list) else ()))
    return _Element(tag, content)


def _said(content: Any) -> list[_Part]:
    """What a message says: texts as they are, media as marks, thoughts and the rest as fields."""
    if not isinstance(content, list):
        return [_as_text(content)]
    parts: list[_Part] = []
    for block in content:
        match block:
            case {"type": "text", "text": str() as words, **more} if not more:
                part: _Part = _as_text(words)
            case {"type": "reasoning", "reasoning": str() as words, **more} if not more:
                part = _field("reasoning", [_as_text(words)])
            case _:
                part = medium_mark(block) or _as_text(block)
        if parts and isinstance(part, str) and isinstance(last := parts[-1], str):
            parts[-1] = f"{last}\n{part}"
        else:
            parts.append(part)
    return parts


def _tool_call(call: Any) -> _Element:
    if isinstance(call, dict) and "name" in call:
        tag = f"tool_call name={_short(str(call['name']))} id={_short(str(call.get('id')))}"
        return _Element(tag, [_as_text(call.get("args"))])
    return _Element("tool_call", [_as_text(call)])


def _field(name: str, content: list[_Part]) -> _Element:
    return _Element(f"field name={_short(name)}", content)


def _short(name: str) -> str:
    return attribute(name, _LONGEST_NAME)


def _as_text(value: Any) -> str:
    value = without_data(value)
    return visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _prune(parts: list[_Part], most: int) -> tuple[list[_Part], int]:
    """Keep at most about `most` elements; returns what is kept, and the tokens that were cut."""
    sizes = [_size(part) for part in parts]
    if sum(sizes) <= most:
        return parts, 0
    # A share of one would keep no tool call of any message: then rather keep fewer messages.
    share = _fair_share(sizes, most)
    share = share if share > 1 else 8
    weights = [min(size, share) for size in sizes]
    first, last = _ends(weights, most)
    dropped = parts[first:last]
    kept: list[_Part] = []
    cut = sum(map(estimate_tokens, _texts(dropped)))
    if dropped:
        parts = [*parts[:first], _Cut(len(dropped), cut), *parts[last:]]
    for part in parts:
        if isinstance(part, _Element):
            content, more = _prune(part.content, share - 1)
            part, cut = _Element(part.tag, content), cut + more
        kept.append(part)
    return kept, cut


def _ends(weights: Sequence[int], most: int) -> tuple[int, int]:
    """Where to cut a sequence so that the weights before and after it are at most `most`."""
    first, last = 0, len(weights)
    if sum(weights) <= most:
        return last, last
    left = max(most // 2, weights[0])
    while first < last and weights[first] <= left:
        left -= weights[first]
        first += 1
    left = most // 2
    while first < last and weights[last - 1] <= left:
        last -= 1
        left -= weights[last]
    return first, last


def _fair_share(sizes: Sequence[int], budget: int) -> int:
    """The largest size to which all can be cut so that they fit the budget together."""
    left = budget
    for rank, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - rank)
        if size > share:
            return share
        left -= size
    return max(sizes, default=0)


def _size(part: _Part) -> int:
    return 1 + sum(map(_size, part.content)) if isinstance(part, _Element) else 0


def _texts(parts: Iterable[_Part]) -> Iterable[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, _Element):
            yield from _texts(part.content)


def _render(part: _Part, share: int) -> str:
    if isinstance(part, str):
        return clip(part, share)
    if isinstance(part, _Cut):
        return f'<cut tokens="{part.tokens}" parts="{part.parts}"/>'
    inner = [_render(child, share) for child in part.content]
    lines = not any(isinstance(child, str) for child in part.content) and bool(inner)
    between = "\n" if lines else ""
    content = between.join(["", *inner, ""]) if lines else "".join(inner)
    return f"<{part.tag}>{content}</{part.tag.split(' ', 1)[0]}>"


def _plain(value: Any) -> str | None:
    if is_blank(value):
        return None
    head, cut, tail = shorten("\n".join(_leaves(value)), _EMBEDDED_TOKENS)
    text = f"{head} … {tail}" if cut else head
    return text if text.strip() else None


def _leaves(value: Any, *, within_message: bool = False) -> Iterable[str]:
    if (mark := medium_mark(value)) is not None:
        yield mark
    elif isinstance(value, dict):
        within_message = within_message or ("role" in value and is_messages([value]))
        for key, item in without_data(value).items():
            if not (within_message and key in _UNSAID):
                yield from _leaves(item, within_message=within_message and key != "args")
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, within_message=within_message)
    elif value is not None:
        yield _as_text(value)
