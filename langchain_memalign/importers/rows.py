"""Rows of a file, and what they hold under a field mapping."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.importers.fields import FieldMap


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
