"""Text of others, times and names, as a person reads them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from markupsafe import Markup, escape

from langchain_memalign._prompts.content import embedding_texts
from langchain_memalign._prompts.invisible import unseen
from langchain_memalign.schema import Case
from langchain_memalign.web import words

_AROUND = 60
"""How much of a text is shown on either side of what was found in it, in characters."""

# Lawful in Arabic and Hebrew, where they place punctuation beside numbers and Latin words.
_LAWFUL = "\u200e\u200f\u061c"
_SHORT = {
    "\u00ad": "SHY",
    "\u200b": "ZWSP",
    "\u2028": "LS",
    "\u2029": "PS",
    "\u202a": "LRE",
    "\u202b": "RLE",
    "\u202c": "PDF",
    "\u202d": "LRO",
    "\u202e": "RLO",
    "\u2060": "WJ",
    "\u2066": "LRI",
    "\u2067": "RLI",
    "\u2068": "FSI",
    "\u2069": "PDI",
    "\ufeff": "BOM",
}


@dataclass(frozen=True)
class Piece:
    """A piece of text as it is, or the mark of a character that nobody would see.

    Attributes:
        text: The text; of a mark, its label.
        title: What the character is called; "" for plain text.
    """

    text: str
    title: str = ""


def pieces(text: str) -> list[Piece]:
    """Text with invisible and direction-changing characters as labelled marks."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return [Piece(text)]
    return list(_pieces(text))


def seen(text: object) -> Markup:
    """Text of others as HTML: nothing of it is markup, and nothing in it is out of sight."""
    return Markup("").join(
        Markup('<span class="unseen" title="{}">{}</span>').format(piece.title, piece.text)
        if piece.title
        else escape(piece.text)
        for piece in pieces(str(text))
    )


def _pieces(text: str) -> Iterator[Piece]:
    plain = 0
    for match in unseen(text):
        character = match.group()
        if character in _LAWFUL:
            continue
        if match.start() > plain:
            yield Piece(text[plain : match.start()])
        code = f"U+{ord(character):04X}"
        yield Piece(_SHORT.get(character, code), unicodedata.name(character, code).lower())
        plain = match.end()
    if plain < len(text):
        yield Piece(text[plain:])


def begins(case: Case, *, longest: int = 140) -> str:
    """How a case begins, on one line."""
    inputs, outputs = embedding_texts(case)
    text = " ".join((inputs or outputs or "").split())
    return text if len(text) <= longest else f"{text[:longest].rstrip()}…"


def excerpt(text: str, found: str) -> tuple[str, str, str] | None:
    """The place where a text is found, in any case: before, itself, after."""
    match = re.search(re.escape(found), text, re.IGNORECASE)
    if match is None:
        return None
    start, end = match.span()
    before = " ".join(text[max(0, start - _AROUND) : start].split(" "))
    lead = "… " if start > _AROUND else ""
    return lead + before, match.group(), text[end : end + _AROUND]


def day(moment: datetime, *, at: datetime | None = None, clock: bool = False) -> str:
    """A moment as people say it: "today 10:42", "yesterday", "12 May", "12 May 2025"."""
    moment = moment.astimezone()
    at = (at or datetime.now(UTC)).astimezone()
    if moment.date() == at.date():
        return f"today {moment:%H:%M}" if clock else "today"
    if moment.date() == (at - timedelta(days=1)).date():
        return "yesterday"
    name = f"{moment.day} {moment:%B}"
    return name if moment.year == at.year else f"{name} {moment.year}"


def on_day(moment: datetime, *, at: datetime | None = None) -> str:
    """The same within a sentence: "today", "on 12 May"."""
    said = day(moment, at=at)
    return said if said in ("today", "yesterday") else f"on {said}"


def ago(moment: datetime, *, at: datetime | None = None) -> str:
    """How long ago: "20 seconds ago", "2 minutes ago", then as a day."""
    seconds = ((at or datetime.now(UTC)) - moment).total_seconds()
    if seconds < 90:
        return f"{words.counted(max(1, round(seconds)), 'second', 'seconds')} ago"
    if seconds < 3600:
        return f"{round(seconds / 60)} minutes ago"
    return on_day(moment, at=at)


def who(reviewer: str | None, me: str | None) -> str:
    """Who said something, seen by somebody."""
    if not reviewer:
        return words.SOMEBODY
    return words.YOU if me and reviewer == me else reviewer


def short_name(name: str) -> str:
    """The first name, as colleagues call one another; titles are passed over."""
    parts = [part for part in name.split() if part.rstrip(".").casefold() not in ("dr", "prof")]
    return parts[0] if parts else name


def initials(name: str) -> str:
    """At most two letters for a narrow window."""
    parts = [part for part in name.split() if part.rstrip(".").casefold() not in ("dr", "prof")]
    letters = [letter for part in parts for letter in part if letter.isalnum()][:1] + [
        letter for letter in (parts[-1] if len(parts) > 1 else "") if letter.isalnum()
    ][:1]
    return "".join(letters).upper() or "?"
