"""Rows of CSV and JSONL, each on its own: one that cannot be read hides no other."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.importers.fields import FieldMap

_QUOTED = re.compile('"[^"]*(?:""[^"]*)*"')
_BROKEN = (
    "found a quote that is not closed before the next comma or line end; expected quotes around "
    "whole cells, doubled within one."
)


@dataclass(frozen=True)
class Row:
    """A row's fields and the number of its line, from 1."""

    line: int
    data: dict[str, Any]


@dataclass(frozen=True)
class BadRow:
    """A line that cannot be used, and why."""

    line: int
    reason: str


def map_rows(
    found: Iterable[Row | BadRow], fields: FieldMap
) -> tuple[list[Row], list[BadRow], list[str]]:
    """Map the fields of rows.

    Returns:
        The mapped rows, the lines that cannot be used, and the names of fields that were not used.

    Raises:
        InvalidInputError: A mapped field is in none of the rows.
    """
    rows: list[Row] = []
    bad: list[BadRow] = []
    for row in found:
        if isinstance(row, Row):
            rows.append(row)
        else:
            bad.append(row)
    if (missing := fields.missing([row.data for row in rows])) is not None:
        raise InvalidInputError(
            f"field mapping: none of the {len(rows)} rows has {missing!r}; line {rows[0].line} "
            f"has {', '.join(map(str, rows[0].data)) or 'nothing'}."
        )
    mapped: list[Row] = []
    for row in rows:
        try:
            mapped.append(Row(row.line, fields.apply(row.data)))
        except InvalidInputError as error:
            bad.append(BadRow(row.line, str(error)))
    return mapped, sorted(bad, key=lambda row: row.line), fields.unused(row.data for row in rows)


def read_jsonl(lines: Iterable[bytes]) -> Iterator[Row | BadRow]:
    """Read lines of UTF-8 JSON; blank ones are passed over."""
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            if not text.strip():
                continue
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            yield BadRow(number, f"found no JSON ({reason:.120}); expected one object a line.")
            continue
        if isinstance(data, dict):
            yield Row(number, data)
        else:
            yield BadRow(
                number,
                f"found a JSON {_kind(data)}; expected one object a line, with the fields of a "
                "case or feedback.",
            )


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
    # As files are opened for `csv`: any line end ends a line, and stays as it is within a cell.
    lines = list(io.StringIO(text, newline=""))
    delimiter = _delimiter(lines)
    names: list[str] = []
    for record in _records(lines, delimiter):
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


def _delimiter(lines: Iterable[str]) -> str:
    """The mark that stands most often between the names of the columns."""
    first = next((line for line in lines if line.strip(' \t,;"\r\n')), "")
    return max(",;\t", key=_QUOTED.sub("", first).count)


@dataclass(frozen=True)
class _Record:
    line: int
    """Where it begins, from 1."""
    cells: list[str]
    is_broken: bool = False
    is_doubtful: bool = False
    """Whether it may be a piece of a broken record before it."""


def _records(lines: list[str], delimiter: str) -> Iterator[_Record]:
    """The records; after a broken one, reading begins anew with the line that follows."""
    csv.field_size_limit(max(csv.field_size_limit(), sum(map(len, lines))))
    begin, doubtful_until = 0, 0
    while begin < len(lines):
        start = begin
        left = (lines[n] for n in range(start, len(lines)))
        reader = csv.reader(left, delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                end = start + reader.line_num
                is_doubtful = begin < doubtful_until
                # Where a cell ends that was opened before, a quote has no partner.
                if is_doubtful and sum(line.count('"') for line in lines[begin:end]) % 2:
                    break
                yield _Record(begin + 1, cells, is_doubtful=is_doubtful)
                begin = end
        except csv.Error:
            doubtful_until = max(doubtful_until, start + reader.line_num)
        if begin < len(lines):
            yield _Record(begin + 1, [], is_broken=True)
            begin += 1


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


def _kind(data: object) -> str:
    names = {list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(data), "number")
