"""Finding whole JSON in what a model wrote around it: prose, fences, its thinking.

JSON is looked for first. What is thinking is then told by the tags outside of it, so that a text
inside the JSON may hold any tag, and JSON inside the thinking is not taken for the answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NoReturn

_START = re.compile(r"\{|\[(?=\s*\{)")
_LIKELY = re.compile(r'[\[\s]*\{\s*["}]')
# A first key and its colon: from here on it is JSON, or was meant to be.
_BEGUN = re.compile(r'[\[\s]*\{\s*"[^"]*"\s*:')
_REST_OF_A_LITERAL = re.compile(r"[\w.+-]*\s*")
_OBJECT_AT_START = re.compile(r"\s*(?:```\w*\s*)?\{")
_KEY = re.compile(r'\s*"([^"\\]*)"\s*:\s*')
_AFTER_VALUE = re.compile(r"\s*,")
_ITEM = re.compile(r"[\s,]*(?=\{)")
_BETWEEN_CALLS = re.compile(r"(?:\s|[,;]|```\w*|</?[\w|:=.-]+>|\[/?\w+\])*")

_THOUGHT = r"\w*?(?:think|thought|reason|reflection|analysis|scratchpad|monologue)\w*"
_PIPE = r"[|\uff5c]"
_OPENING = re.compile(
    rf"""< (?:\w+:)? {_THOUGHT} (?:\s[^<>/]*)? >
       | \[ {_THOUGHT} \]
       | \u25c1 {_THOUGHT} \u25b7                                     # Kimi
       | < {_PIPE} (?:begin|start) [_\u2581] (?:of[_\u2581])? {_THOUGHT} {_PIPE} >
       | < {_PIPE} channel {_PIPE}? > (?:analysis|thought|thinking)\b  # gpt-oss, Gemma
       | <unused94> (?:thought\b)?                                    # MedGemma
    """,
    re.IGNORECASE | re.VERBOSE,
)
_CLOSING = re.compile(
    rf"""</ (?:\w+:)? {_THOUGHT} \s* >
       | \[/ {_THOUGHT} \]
       | \u25c1/ {_THOUGHT} \u25b7
       | < {_PIPE} end [_\u2581] (?:of[_\u2581])? {_THOUGHT} {_PIPE} >
       | < {_PIPE} channel {_PIPE} > (?:final|commentary)\b
       | < channel {_PIPE} >
       | <unused95>
    """,
    re.IGNORECASE | re.VERBOSE,
)
# These end a thought, but also an answer, so that alone they tell nothing.
_ENDING = re.compile(rf"< {_PIPE} (?:end|start) {_PIPE} >", re.VERBOSE)
# gpt-oss, where its server leaves the special tokens out.
_BARE_CHANNELS = re.compile(r"\s*analysis.*?assistant(?:final|commentary)", re.DOTALL)


@dataclass(frozen=True)
class Found:
    """A whole JSON object or list of objects, and where in the text it stands."""

    value: Any
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class JsonText:
    """What a text holds.

    Attributes:
        found: The JSON in it that is no part of the model's thinking, in order.
        adjacent: Whether there is nothing but tags and commas between them.
        rest: The text without them and without the thinking.
        problem: Why the first attempt at JSON outside of them is none; None without an attempt.
        is_cut_off: Whether JSON begins that has no end.
        ends_with_json: Whether nothing but a tag or a fence comes after the last of them.
    """

    found: tuple[Found, ...]
    adjacent: bool
    rest: str
    problem: str | None
    is_cut_off: bool
    ends_with_json: bool


@dataclass(frozen=True)
class _Broken:
    start: int
    problem: str
    is_cut_off: bool = False
    is_too_deep: bool = False


def find_json(text: str) -> JsonText:
    """Find the JSON objects, and lists of objects, that a model's text shows whole.

    A raw line break or tab inside a JSON text, and a comma before a closing bracket, have one
    meaning and are read as that. What is broken in any other way is not mended.
    """
    found, broken = _scan(text)
    thoughts = _thoughts(text, found)
    answers = [one for one in found if not _is_within(one.start, thoughts)]
    failed = [one for one in broken if not _is_within(one.start, thoughts)]
    between = [text[a.end : b.start] for a, b in pairwise(answers)]
    after = text[answers[-1].end :] if answers else ""
    return JsonText(
        found=tuple(answers),
        adjacent=all(map(_BETWEEN_CALLS.fullmatch, between)),
        rest="".join(_outside(text, [*thoughts, *((one.start, one.end) for one in answers)])),
        problem=failed[0].problem if failed else None,
        is_cut_off=any(one.is_cut_off for one in failed),
        ends_with_json=bool(answers and _BETWEEN_CALLS.fullmatch(after)),
    )


def begun_object(
    text: str, *, open_texts: AbstractSet[str], open_list: str | None
) -> dict[str, Any]:
    """What stands in a JSON object that has no end, if the text begins with one.

    Args:
        text: What a model wrote up to its limit.
        open_texts: The keys whose text counts though it has no end; it then closes with "…".
        open_list: The key whose list counts though it has no end, with the items that are whole.

    Returns:
        The values by key. A number that nothing follows may go on, and is left out.
    """
    if (start := _OBJECT_AT_START.match(text)) is None:
        return {}
    read: dict[str, Any] = {}
    position = start.end()
    while key := _KEY.match(text, position):
        name, position = key[1], key.end()
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            if name in open_texts and text.startswith('"', position):
                read[name] = _open_text(text[position + 1 :])
            elif name == open_list and text.startswith("[", position):
                read[name] = _whole_items(text, position + 1)
            break
        after = _AFTER_VALUE.match(text, position)
        if name in read or (after is None and not isinstance(value, str | list | dict | bool)):
            return {}
        read[name] = value
        if after is None:
            break
        position = after.end()
    return read


def _open_text(text: str) -> str:
    """A JSON text without its end, as far as it can be read."""
    for cut in range(len(text), max(len(text) - 12, -1), -1):  # an escape is at most so long
        try:
            said: str = json.loads(f'"{text[:cut]}"', strict=False)
        except ValueError:
            continue
        return f"{said.rstrip()} …"
    return "…"


def _whole_items(text: str, position: int) -> list[Any]:
    items: list[Any] = []
    while begins := _ITEM.match(text, position):
        try:
            item, position = _DECODER.raw_decode(text, begins.end())
        except (ValueError, RecursionError):
            break
        items.append(item)
    return items


def _scan(text: str) -> tuple[list[Found], list[_Broken]]:
    found: list[Found] = []
    broken: list[_Broken] = []
    position = 0
    while match := _START.search(text, position):
        start = match.start()
        read = _decode(text, start)
        if isinstance(read, _Broken):
            broken.append(read)
            position = len(text) if read.is_too_deep else start + 1
        else:
            value, position = read
            found.append(Found(value, start, position))
    return found, broken


def _decode(text: str, start: int) -> tuple[Any, int] | _Broken:
    if not _LIKELY.match(text, start):
        return _Broken(start, f"no key in double quotes follows the brace at char {start}")
    while True:
        try:
            return _DECODER.raw_decode(text, start)
        except json.JSONDecodeError as error:
            if (comma := _trailing_comma(text, error.pos)) is not None:
                text = f"{text[:comma]} {text[comma + 1 :]}"
                continue
            ends = error.msg.startswith("Unterminated") or _REST_OF_A_LITERAL.fullmatch(
                text, error.pos
            )
            return _Broken(start, str(error), bool(ends and _BEGUN.match(text, start)))
        except RecursionError:
            return _Broken(start, "it is nested too deeply", is_cut_off=True, is_too_deep=True)
        except ValueError as error:
            return _Broken(start, str(error))


def _trailing_comma(text: str, position: int) -> int | None:
    """Where the comma stands at which, or after which, the decoder met a closing bracket."""
    comma = position
    if text[position : position + 1] != ",":
        comma = len(text[:position].rstrip()) - 1
    if comma < 0 or text[comma] != ",":
        return None
    before, after = text[:comma].rstrip()[-1:], text[comma + 1 :].lstrip()[:1]
    return comma if after in ("}", "]") and before not in ("", "{", "[", ",", ":") else None


def _thoughts(text: str, found: Iterable[Found]) -> list[tuple[int, int]]:
    """Where the text is thinking: between tags, and before a closing tag that nothing opened."""
    if bare := _BARE_CHANNELS.match(text):
        return [(0, bare.end())]
    inside = [(one.start, one.end) for one in found]
    marks = sorted(
        (match.start(), match.end(), kind)
        for kind, pattern in (("open", _OPENING), ("close", _CLOSING), ("end", _ENDING))
        for match in pattern.finditer(text)
        if not _is_within(match.start(), inside)
    )
    thoughts: list[tuple[int, int]] = []
    opened: int | None = None
    for start, end, kind in marks:
        if kind == "open":
            opened = start if opened is None else opened
        elif opened is not None and _bracket(text, opened) == _bracket(text, start):
            thoughts.append((opened, end))
            opened = None
        elif kind == "close" and not _is_all_answer(text, start, end, inside):
            thoughts, opened = [(0, end)], None
    if opened is not None:
        thoughts.append((opened, len(text)))
    return thoughts


def _bracket(text: str, start: int) -> str:
    """What a tag is made of: a thought in one kind of tag may quote another."""
    return "<|" if re.match(rf"<\w*{_PIPE}", text[start : start + 12]) else text[start]


def _is_all_answer(text: str, start: int, end: int, inside: list[tuple[int, int]]) -> bool:
    """Whether there is nothing but JSON before a closing tag, and nothing after it."""
    before = "".join(_outside(text[:start], inside))
    return bool(inside) and not text[end:].strip() and bool(_BETWEEN_CALLS.fullmatch(before))


def _outside(text: str, spans: Iterable[tuple[int, int]]) -> Iterator[str]:
    position = 0
    for start, end in sorted(spans):
        yield text[position : max(position, start)]
        position = max(position, end)
    yield text[position:]


def _is_within(position: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(start <= position < end for start, end in spans)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for key, value in pairs:
        if key in read and (type(read[key]) is not type(value) or read[key] != value):
            raise ValueError(f"it gives {key!r} twice, and not the same")
        read[key] = value
    return read


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(strict=False, parse_constant=_no_constant, object_pairs_hook=_object)
