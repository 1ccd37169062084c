"""A case as blocks: text, steps of a conversation, pictures, or two answers side by side."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from langchain_memalign._content import is_blank, is_messages
from langchain_memalign.schema import Case
from langchain_memalign.web import words

SHOWN = 12_000
"""Characters of a text that are shown at once."""
_FOLDED = 600
_MOST_STEPS = 200

_KINDS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
}


@dataclass(frozen=True)
class Picture:
    """A picture inside a case.

    Attributes:
        n: Its number in the case, from 1.
        state: Whether it can be shown; "remote" ones would tell another server.
        where: For one that is not shown: where it lies, or what it is.
    """

    n: int
    state: Literal["shown", "remote", "other"]
    where: str = ""
    description: str = ""
    data: bytes = b""
    kind: str = ""


@dataclass(frozen=True)
class Part:
    """A stretch of text, cut where it is long.

    Attributes:
        field: Its place in the case, by which the rest is asked for.
        rest: How many characters follow after what is shown.
        total: How many characters it has.
        code: Whether it is shown as code.
        folded: Whether it is folded away at first.
    """

    field: str
    text: str
    rest: int = 0
    total: int = 0
    end: int = 0
    code: bool = False
    folded: bool = False


@dataclass(frozen=True)
class Step:
    """One message, or one call of a tool."""

    title: str
    name: str = ""
    note: str = ""
    parts: tuple[Part, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Block:
    """A field of a case, or a key of one.

    Attributes:
        judged: Whether it is what is judged.
        side: "A" or "B" for one of a pair.
    """

    title: str
    judged: bool = False
    parts: tuple[Part, ...] = ()
    steps: tuple[Step, ...] = ()
    pictures: tuple[Picture, ...] = ()
    side: str = ""


def blocks(case: Case, titles: Mapping[str, str], *, swap: bool = False) -> list[Block]:
    """What is shown of a case, in order.

    Args:
        case: The case.
        titles: Headings, by field or key.
        swap: Whether the two of a pair change places.
    """
    return list(_Reader(titles, swap=swap).case(case))


def field_text(case: Case, field: str) -> str | None:
    """The whole text of a place in a case, as `Part.field` names it."""
    reader = _Reader({}, swap=False)
    for _ in reader.case(case):
        pass
    return reader.texts.get(field)


def picture(case: Case, n: int) -> Picture | None:
    """The picture of a number, if it can be shown."""
    reader = _Reader({}, swap=False)
    for _ in reader.case(case):
        pass
    found = [p for p in reader.pictures if p.n == n and p.state == "shown"]
    return found[0] if found else None


class _Reader:
    def __init__(self, titles: Mapping[str, str], *, swap: bool) -> None:
        self.texts: dict[str, str] = {}
        self.pictures: list[Picture] = []
        self._titles = titles
        self._swap = swap

    def case(self, case: Case) -> Iterator[Block]:
        for field in ("inputs", "outputs", "reference_outputs"):
            content = getattr(case, field)
            if not is_blank(content):
                yield from self._field(field, content)

    def _field(self, field: str, content: Any) -> Iterator[Block]:
        title = self._titles.get(field) or words.FIELDS[field]
        judged = field == "outputs"
        if is_messages(content):
            yield Block(title, judged, steps=tuple(self._steps(field, content)))
        elif isinstance(content, dict):
            if judged and content.keys() == {"A", "B"}:
                yield from self._pair(content)
                return
            for key, item in content.items():
                name = self._titles.get(f"{field}.{key}") or self._titles.get(key)
                if name is None:
                    name = title if len(content) == 1 else f"{title}: {key}"
                yield self._block(f"{field}.{key}", name, item, judged=judged)
        else:
            yield self._block(field, title, content, judged=judged)

    def _pair(self, content: Mapping[str, Any]) -> Iterator[Block]:
        sides = ("B", "A") if self._swap else ("A", "B")
        for side, name in zip(("A", "B"), sides, strict=True):
            block = self._block(f"outputs.{name}", side, content[name], judged=True)
            yield Block(block.title, True, block.parts, block.steps, block.pictures, side=side)

    def _block(self, place: str, title: str, item: Any, *, judged: bool) -> Block:
        if is_messages(item):
            return Block(title, judged, steps=tuple(self._steps(place, item)))
        parts, found = self._content(place, item)
        return Block(title, judged, parts=parts, pictures=found)

    def _steps(self, place: str, messages: Sequence[Mapping[str, Any]]) -> Iterator[Step]:
        for number, message in enumerate(messages):
            here = f"{place}.{number}"
            role = str(message.get("role", ""))
            parts, found = self._content(
                here, message.get("content"), folds=role in ("tool", "function")
            )
            name = message.get("name")
            calls = message.get("tool_calls") or []
            if parts or found or not calls:
                known = words.ROLES.get(role)
                yield Step(
                    known or role or "Said",
                    str(name) if name else "",
                    parts=parts,
                    pictures=found,
                )
            for index, call in enumerate(calls if isinstance(calls, list) else []):
                yield self._call(f"{here}.call{index}", call)

    def _call(self, place: str, call: Any) -> Step:
        if not isinstance(call, Mapping) or "name" not in call:
            return Step("Called a tool", parts=(self._part(place, _json(call), code=True),))
        args = call.get("args")
        name = str(call["name"])
        match args:
            case {**items} if len(items) == 1 and isinstance(
                (only := next(iter(items.values()))), str
            ):
                code = "\n" in only
                return Step("Called", name, parts=(self._part(place, only, code=code),))
            case {**items} if items:
                note = words.counted(len(items), "argument", "arguments")
                text = "\n".join(f"{key}: {_json(item)}" for key, item in items.items())
                return Step("Called", name, note, (self._part(place, text, code=True, folds=True),))
            case None | {}:
                return Step("Called", name, "without arguments")
        text = args if isinstance(args, str) else _json(args)
        return Step("Called", name, parts=(self._part(place, text, code=True, folds=True),))

    def _content(
        self, place: str, item: Any, *, folds: bool = False
    ) -> tuple[tuple[Part, ...], tuple[Picture, ...]]:
        if isinstance(item, str):
            return ((self._part(place, item, folds=folds),) if item.strip() else ()), ()
        if is_blank(item):
            return (), ()
        shown = _picture(item) if isinstance(item, Mapping) else None
        if shown is not None:
            return (), (self._kept(shown),)
        if isinstance(item, list) and any(_is_block(entry) for entry in item):
            parts: list[Part] = []
            found: list[Picture] = []
            for number, entry in enumerate(item):
                here = f"{place}.{number}"
                if isinstance(entry, Mapping) and isinstance(entry.get("text"), str):
                    entry = entry["text"]
                more, pictures = self._content(here, entry, folds=folds)
                parts += more
                found += pictures
            return tuple(parts), tuple(found)
        return (self._part(place, _json(item), code=True, folds=folds),), ()

    def _kept(self, found: Picture) -> Picture:
        kept = Picture(
            len(self.pictures) + 1,
            found.state,
            found.where,
            found.description,
            found.data,
            found.kind,
        )
        self.pictures.append(kept)
        return kept

    def _part(self, place: str, text: str, *, code: bool = False, folds: bool = False) -> Part:
        self.texts[place] = text
        return part(place, text, 0, code=code, folded=folds and len(text) > _FOLDED)


def part(place: str, text: str, start: int, *, code: bool = False, folded: bool = False) -> Part:
    """A stretch of a text, from a character on."""
    end = min(len(text), start + SHOWN)
    return Part(place, text[start:end], len(text) - end, len(text), end, code=code, folded=folded)


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _is_block(entry: Any) -> bool:
    return isinstance(entry, Mapping) and (
        isinstance(entry.get("text"), str) or _picture(entry) is not None
    )


def _picture(block: Mapping[str, Any]) -> Picture | None:
    """A content block of a picture, in the forms of OpenAI, Anthropic and LangChain."""
    kind = block.get("type")
    if kind not in ("image", "image_url", "input_image"):
        return None
    url = block.get("image_url") or block.get("url")
    source = block.get("source")
    if isinstance(url, Mapping):
        url = url.get("url")
    if isinstance(source, Mapping):
        url = url or source.get("url")
        block = {**block, **source}
    description = next(
        (block[key] for key in ("alt", "description") if isinstance(block.get(key), str)), ""
    )
    encoded = next(
        (block[key] for key in ("base64", "data") if isinstance(block.get(key), str)), None
    )
    if isinstance(url, str) and url.startswith("data:"):
        encoded = url.partition(",")[2]
    if isinstance(encoded, str):
        return _data(encoded, description)
    if isinstance(url, str):
        place = urlsplit(url)
        return Picture(0, "remote", f"{place.netloc}{place.path}"[:200], description)
    return None


def _data(encoded: str, description: str) -> Picture:
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return Picture(0, "other", "its data cannot be read", description)
    found = next((kind for start, kind in _KINDS.items() if data.startswith(start)), "")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        found = "image/webp"
    if not found:
        return Picture(0, "other", "it is of another kind", description)
    return Picture(0, "shown", "", description, data, found)
