"""Rows of JSONL, each on its own: one that cannot be read does not hide the others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.importers.fields import FieldMap


@dataclass(frozen=True)
class Row:
    """A JSON object and the number of its line, from 1."""

    line: int
    data: dict[str, Any]


@dataclass(frozen=True)
class BadRow:
    """A line that cannot be used, and why."""

    line: int
    reason: str


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


def read_mapped(
    lines: Iterable[bytes], fields: FieldMap
) -> tuple[list[Row], list[BadRow], list[str]]:
    """Read rows and map their fields.

    Returns:
        The mapped rows, the lines that cannot be used, and the names of fields that were not used.

    Raises:
        InvalidInputError: A mapped field is in none of the rows.
    """
    rows: list[Row] = []
    bad: list[BadRow] = []
    for found in read_jsonl(lines):
        if isinstance(found, Row):
            rows.append(found)
        else:
            bad.append(found)
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


def _kind(data: object) -> str:
    names = {list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(data), "number")
