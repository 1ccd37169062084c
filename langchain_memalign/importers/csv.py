"""Rows of CSV, as spreadsheets write it: each on its own, so that a broken one hides no other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.importers.rows import BadRow, Row

_LINE_END = re.compile(r"\r\n|\r|\n")
_QUOTED = r'"[^"]*(?:""[^"]*)*'
_OPENED = re.compile(_QUOTED)
_BROKEN = (
    "found a quote that is not closed before the next comma or line end; expected quotes around "
    "whole cells, doubled within one."
)


@dataclass(frozen=True)
class _Record:
    line: int
    """Where it begins, from 1."""
    cells: list[str]
    is_broken: bool = False
    is_doubtful: bool = False
    """Whether it may be a piece of a broken record before it."""


def read_csv(data: bytes) -> Iterator[Row | BadRow]:
    """Read UTF-8 CSV of which the first line that is not blank names the columns.

    Comma, semicolon and tab are told apart by the names of the columns. An empty cell is no field;
    one that holds a JSON object or list is read as such. A row is named by the line it begins on.
    Where a quote is not closed, only that row is lost: reading goes on with the next line.

    Raises:
        InvalidInputError: It is no UTF-8, or has no names of columns.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"found CSV that is no UTF-8 (byte {error.start}); save the sheet as UTF-8."
        ) from error
    delimiter = _delimiter(text)
    names: list[str] = []
    for record in _records(text, delimiter):
        if record.is_broken and not names:
            raise InvalidInputError(f"names of columns, line {record.line}: {_BROKEN}")
        if record.is_broken:
            yield BadRow(record.line, _BROKEN)
        elif not any(cell.strip() for cell in record.cells):
            continue
        elif not names:
            names = _names(record.cells)
        elif len(record.cells) > len(names) or (
            record.is_doubtful and len(record.cells) < len(names)
        ):
            yield BadRow(
                record.line,
                f"found {len(record.cells)} cells; expected {len(names)}. Quote a cell that holds "
                f"{delimiter!r} or a line end, and close every quote.",
            )
        else:
            cells = zip(names, record.cells, strict=False)
            yield Row(record.line, {n: _cell(c) for n, c in cells if n and c.strip()})


def _delimiter(text: str) -> str:
    """The mark that stands most often between the names of the columns."""
    first = next((line for line in _LINE_END.split(text) if line.strip(' \t,;"')), "")
    unquoted = re.sub(_QUOTED + '"', "", first)
    return max(",;\t", key=unquoted.count)


def _records(text: str, delimiter: str) -> Iterator[_Record]:
    """The records, as RFC 4180 describes them, with any line end and any length of a cell."""
    end_of_cell = rf"(?={delimiter}|[\r\n]|\Z)"
    cell = re.compile(rf"(?:{_QUOTED}\"|(?!\")[^{delimiter}\r\n]*){end_of_cell}")
    position, line, doubtful_until = 0, 1, 0
    while position < len(text):
        begin, cells = position, []
        while (found := cell.match(text, position)) is not None:
            cells.append(found[0])
            position = found.end()
            if not text.startswith(delimiter, position):
                break
            position += 1
        is_doubtful = begin < doubtful_until
        is_stray = any('"' in c and not c.startswith('"') for c in cells)
        is_broken = found is None or (is_doubtful and is_stray)
        if found is None:
            opened = _OPENED.match(text, position)
            doubtful_until = max(doubtful_until, opened.end() if opened else position)
        if is_broken:
            cells, position = [], begin
        line_end = _LINE_END.search(text, position)
        position = line_end.end() if line_end else len(text)
        yield _Record(line, [_unquoted(c) for c in cells], is_broken, is_doubtful)
        line += len(_LINE_END.findall(text, begin, position))


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def _names(cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    given = [name for name in names if name]
    if len(set(given)) < len(given):
        twice = next(name for name in given if given.count(name) > 1)
        raise InvalidInputError(f"found the column {twice!r} twice; expected different names.")
    return names


def _cell(text: str) -> Any:
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass
    return text
