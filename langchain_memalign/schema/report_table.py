"""A report as a short table, for a terminal and for a notebook."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from html import escape
from typing import TypeAlias

from langchain_memalign.schema.record import Record

Row: TypeAlias = tuple[str, str]
"""What is told, and what there is to tell."""

_MOST_LINES = 3
_WIDTH = 100


class Report(Record):
    """Base of the reports: printed as a table of what there is to tell."""

    @abstractmethod
    def rows(self) -> list[Row]:
        """What there is to tell, most important first."""

    def __str__(self) -> str:
        rows = self.rows()
        width = max((len(name) for name, _ in rows), default=0)
        lines = [type(self).__name__]
        lines += [f"  {name:<{width}}  {value}".rstrip() for name, value in rows]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The table as notebooks show it."""
        cells = "".join(
            f'<tr><th style="text-align:left">{escape(name)}</th>'
            f'<td style="text-align:left">{escape(value)}</td></tr>'
            for name, value in self.rows()
        )
        return f"<table><caption>{type(self).__name__}</caption>{cells}</table>"


def counted(names: Iterable[tuple[str, Sequence[object]]]) -> list[Row]:
    """A row for each of what there is some of, with how many."""
    return [(name, str(len(items))) for name, items in names if items]


def listed(name: str, lines: Sequence[str]) -> list[Row]:
    """How many there are, and the first of them, a row each."""
    if not lines:
        return []
    shown = [("", _one_line(line)) for line in lines[:_MOST_LINES]]
    more = len(lines) - _MOST_LINES
    return [(name, str(len(lines))), *shown, *([("", f"and {more} more")] if more > 0 else [])]


def _one_line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
