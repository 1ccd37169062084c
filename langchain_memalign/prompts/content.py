"""A case's content as XML for a prompt, and as plain text for an embedding."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from langchain_memalign.content import is_blank, is_messages
from langchain_memalign.prompts.text import attribute, clip, estimate_tokens, shorten
from langchain_memalign.schema import Case

_FIELDS = ("inputs", "outputs", "reference_outputs")
_MOST_PARTS = 400
_EMBEDDED_TOKENS = 6000


def render_case(case: Case, tokens: int) -> tuple[str, int]:
    """Render a case's fields as XML elements within a token budget.

    Longest texts are cut first, so that one huge text cannot crowd out the others.

    Args:
        case: What to render.
        tokens: The budget for its texts; the markup around them is not counted.

    Returns:
        The XML, and how many tokens were cut; every cut is marked by a `cut` element.
    """
    markup: list[str] = []
    texts: list[str] = []
    for field in _FIELDS:
        value = getattr(case, field)
        if value is None:
            continue
        markup.append(f"<{field}>")
        _collect(value, markup, texts)
        markup.append(f"</{field}>\n")
    share = _fair_share([estimate_tokens(text) for text in texts], tokens)
    cut = sum(max(0, estimate_tokens(text) - share) for text in texts)
    rendered = iter(clip(text, share) for text in texts)
    return "".join(next(rendered) if piece == _TEXT else piece for piece in markup), cut


def embedding_texts(case: Case) -> tuple[str | None, str | None]:
    """The texts by which a case is remembered: its inputs and its outputs; None for a blank one.

    Keys of mappings are left out: they are the same in every case and would make all alike.
    """
    return _plain(case.inputs), _plain(case.outputs)


# Stands in the markup for the next text; no rendered markup equals it.
_TEXT = ""


def _collect(value: Any, markup: list[str], texts: list[str]) -> None:
    if isinstance(value, dict) and value:
        parts = _ends([(f"<field name={attribute(key)}>", "</field>", value[key]) for key in value])
    elif is_messages(value):
        parts = _ends([(_open_message(message), "</message>", message) for message in value])
    else:
        markup.append(_TEXT)
        texts.append(_as_text(value))
        return
    for opening, closing, part in parts:
        markup.append("\n" + opening)
        if closing == "</message>":
            _collect_message(part, markup, texts)
        elif is_messages(part):
            _collect(part, markup, texts)
        elif closing:
            markup.append(_TEXT)
            texts.append(_as_text(part))
        markup.append(closing)
    markup.append("\n")


def _collect_message(message: dict[str, Any], markup: list[str], texts: list[str]) -> None:
    if message["content"] not in ("", None):
        markup.append(_TEXT)
        texts.append(_as_text(message["content"]))
    for call in message.get("tool_calls", ()):
        if not isinstance(call, dict):
            call = {"args": call}
        called = attribute(str(call.get("name"))), attribute(str(call.get("id")))
        markup.extend((f"<tool_call name={called[0]} id={called[1]}>", _TEXT, "</tool_call>"))
        texts.append(_as_text(call.get("args")))


def _open_message(message: dict[str, Any]) -> str:
    attributes = "".join(
        f" {name}={attribute(str(message[key]))}"
        for key, name in (
            ("name", "name"),
            ("tool_call_id", "answers"),
            ("status", "status"),
        )
        if key in message
    )
    return f"<message role={attribute(str(message['role']))}{attributes}>"


def _ends(parts: Sequence[tuple[str, str, Any]]) -> Sequence[tuple[str, str, Any]]:
    """Keep the first and last of very many parts, with a mark between."""
    if len(parts) <= _MOST_PARTS:
        return parts
    half = _MOST_PARTS // 2
    mark = (f'<cut parts="{len(parts) - _MOST_PARTS}"/>', "", None)
    return [*parts[:half], mark, *parts[-half:]]


def _fair_share(sizes: Sequence[int], budget: int) -> int:
    """The largest size to which all can be cut so that they fit the budget together."""
    left = budget
    for rank, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - rank)
        if size > share:
            return share
        left -= size
    return max(sizes, default=0)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain(value: Any) -> str | None:
    if is_blank(value):
        return None
    head, cut, tail = shorten("\n".join(_leaves(value)), _EMBEDDED_TOKENS)
    text = f"{head} … {tail}" if cut else head
    return text if text.strip() else None


def _leaves(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        if is_messages([value]) and "role" in value:
            value = {key: value[key] for key in ("content", "tool_calls") if key in value}
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif value is not None:
        yield _as_text(value)
