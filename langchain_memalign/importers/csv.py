"""Rows of CSV, as spreadsheets write it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.importers.rows import BadRow, Row


def read_csv(data: bytes) -> Iterator[Row | BadRow]:
    """Read UTF-8 CSV of which the first line names the columns.

    Comma, semicolon and tab are told apart by the first line. An empty cell is no field; one that
    holds a JSON object or list is read as such.

    Raises:
        InvalidInputError: It is no UTF-8, or has no names of columns.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"found CSV that is no UTF-8 (byte {error.start}); save the sheet as UTF-8."
        ) from error
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    names: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not names:
                names = _names(cells)
            elif len(cells) > len(names):
                yield BadRow(
                    reader.line_num,
                    f"found {len(cells)} cells; expected at most {len(names)}. Quote a cell that "
                    f"holds {delimiter!r}.",
                )
            else:
                filled = {
                    n: _cell(c) for n, c in zip(names, cells, strict=False) if n and c.strip()
                }
                yield Row(reader.line_num, filled)
    except csv.Error as error:
        yield BadRow(reader.line_num, f"found no CSV ({error}); expected a row a line.")


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
