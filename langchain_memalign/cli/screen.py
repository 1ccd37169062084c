"""Where output goes: results to stdout, all else to stderr; tables for people, text for pipes."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from langchain_memalign.cli.exits import Left
from langchain_memalign.cli.keyboard import read_line
from langchain_memalign.errors import InvalidInputError

# Control characters other than tab and line feed, and those that turn the direction of writing:
# text of a case must not drive the terminal.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Screen:
    """What a command writes on.

    Attributes:
        json: Whether stdout is for a script: then only JSON goes there.
        out: Results for people; stderr when stdout is for a script.
        err: Progress and remarks.
    """

    def __init__(self, *, json: bool = False) -> None:
        self.json = json
        self.err = Console(stderr=True, highlight=False)
        self.out = self.err if json else Console(highlight=False)

    @property
    def is_pretty(self) -> bool:
        """Whether a person is looking at the results."""
        return self.out.is_terminal and not self.json

    def data(self, value: Any) -> None:
        """Write one JSON document on a line of its own, on stdout."""
        # As ASCII: whatever the terminal's encoding, and whatever a model wrote, it can be read.
        sys.stdout.write(json.dumps(value) + "\n")
        sys.stdout.flush()

    def show(self, thing: RenderableType) -> None:
        """Write a result for people."""
        self.out.print(thing)

    def note(self, message: str, *, style: str = "") -> None:
        """Write a remark on stderr; `message` is not markup."""
        self.err.print(Text(clean(message), style=style), soft_wrap=True)

    def working(self, what: str) -> AbstractContextManager[Any]:
        """Show that something is going on, for as long as the block lasts."""
        if not self.err.is_terminal:
            return nullcontext()
        return self.err.status(f"{what} …")

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something that cannot be undone.

        Raises:
            InvalidInputError: Nobody is there to answer.
            Left: The answer is no.
        """
        if yes:
            return
        answer = self.ask(f"{question} [y/N] ")
        if answer is None:
            raise InvalidInputError(
                "found no answer; expected y or n. Where nobody can answer, add --yes."
            )
        if answer.lower() not in ("y", "yes"):
            raise Left("nothing was changed.")

    def ask(self, question: str) -> str | None:
        """Ask for a line; None at the end of standard input."""
        # Stdout may be for a script.
        seen = sys.stdin.isatty() and sys.stdout.isatty()
        where = self.out if seen else self.err
        where.print(Text(question), end="", soft_wrap=True)
        if (line := read_line()) is None:
            where.print()
            return None
        return line.strip()

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[str | Text]],
        *,
        cut: Sequence[str] = (),
    ) -> None:
        """Write a table: drawn for people, without empty columns; tab-separated for pipes.

        Args:
            title: Its title.
            columns: The headings.
            rows: The cells.
            cut: Columns that share what width is left and are cut to it, not folded; in a pipe
                they are whole.
        """
        lines = [[clean(c.plain if isinstance(c, Text) else c) for c in row] for row in rows]
        if not self.out.is_terminal:
            for line in lines:
                # Not by way of rich, which would draw the tabs as blanks.
                self.out.file.write("\t".join(" ".join(cell.split()) for cell in line) + "\n")
            return
        table = Table(title=title or None, title_justify="left", title_style="bold")
        table.box, table.header_style = SIMPLE_HEAD, "dim"
        used = [place for place in range(len(columns)) if any(line[place] for line in lines)]
        for place in used:
            if columns[place] in cut:
                table.add_column(columns[place], overflow="ellipsis", no_wrap=True, ratio=1)
            else:
                table.add_column(columns[place], overflow="fold")
        table.expand = bool(cut)
        for row, line in zip(rows, lines, strict=True):
            cells = [(row[place], line[place]) for place in used]
            table.add_row(*(cell if isinstance(cell, Text) else Text(text) for cell, text in cells))
        self.out.print(table)


def clean(text: str) -> str:
    """Text without characters that would drive the terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def excerpt(content: Any, length: int = 80) -> str:
    """The beginning of a text, or of the texts in a mapping, in one line."""
    text = " ".join(clean(plain(content)).split())
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def plain(content: Any) -> str:
    """A case's field as people read it."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, dict) and all(isinstance(value, str) for value in content.values()):
        return "\n".join(f"{name}: {value}" for name, value in content.items())
    return json.dumps(content, ensure_ascii=False, indent=1)


def worth(value: Any) -> str:
    """A judgement's value as people read it."""
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def short(identity: str) -> str:
    """As much of an id as tells it from others; commands take it."""
    return identity[:8]
