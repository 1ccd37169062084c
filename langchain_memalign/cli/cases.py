"""The rows of a file, or of standard input, as cases and feedback."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_memalign._values import ValueType
from langchain_memalign.cli.terminal import Screen
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.importers import (
    CASE_FIELDS,
    FEEDBACK_FIELDS,
    BadRow,
    FieldMap,
    Row,
    map_rows,
    read_csv,
    read_jsonl,
    with_values,
)
from langchain_memalign.schema import Case


@dataclass(frozen=True)
class CaseRow:
    """A case, the number of its line, and its row's own id."""

    line: int
    id: str | int | None
    case: Case


def read_cases(
    source: Path, mapping: Sequence[str], screen: Screen
) -> tuple[list[CaseRow], list[BadRow]]:
    """Read cases from a file, or from standard input where `source` is `-`.

    Returns:
        The cases, and the lines that cannot be used.

    Raises:
        InvalidInputError: The file cannot be read, or none of its lines can be used.
    """
    rows, bad = _read(source, FieldMap.parse(mapping, fields=CASE_FIELDS), screen)
    cases: list[CaseRow] = []
    for row in rows:
        fields = dict(row.data)
        identity = fields.pop("id", None)
        if not isinstance(identity, str | int):
            identity = None
        try:
            cases.append(CaseRow(row.line, identity, Case.of(fields)))
        except InvalidInputError as error:
            bad.append(BadRow(row.line, str(error)))
    _some(source, cases, bad)
    return cases, sorted(bad, key=lambda row: row.line)


def read_feedback(
    source: Path, mapping: Sequence[str], value_type: ValueType, screen: Screen
) -> tuple[list[Row], list[BadRow]]:
    """Read feedback from a file, or from standard input where `source` is `-`.

    Labels are read as generously as those of a reviewer: "Yes", "GOOD" and " 4 " are understood.

    Returns:
        Fields of feedback, and the lines that cannot be used.

    Raises:
        InvalidInputError: The file cannot be read, or none of its lines can be used.
    """
    rows, bad = _read(source, FieldMap.parse(mapping, fields=FEEDBACK_FIELDS), screen)
    feedback: list[Row] = []
    for row in rows:
        fields = dict(row.data)
        if isinstance(fields.get("id"), int):
            fields["id"] = str(fields["id"])
        try:
            fields = with_values(fields, value_type)
        except InvalidInputError as error:
            bad.append(BadRow(row.line, str(error)))
        else:
            feedback.append(Row(row.line, fields))
    _some(source, feedback, bad)
    return feedback, sorted(bad, key=lambda row: row.line)


def read_labelled(
    source: Path, mapping: Sequence[str], value_type: ValueType, screen: Screen
) -> list[Mapping[str, Any]]:
    """Read feedback to measure with; says which lines are left out, and goes on.

    Raises:
        InvalidInputError: The file cannot be read, or none of its lines can be used.
    """
    rows, bad = read_feedback(source, mapping, value_type, screen)
    for row in bad:
        screen.note(f"{source}, line {row.line} left out: {row.reason}", style="yellow")
    return [row.data for row in rows]


def one_case(inputs: str | None, outputs: str | None, reference: str | None) -> CaseRow:
    """The case that options describe; a JSON object or list is taken as such."""
    return CaseRow(
        1,
        None,
        Case(
            inputs=_content(inputs),
            outputs=_content(outputs),
            reference_outputs=_content(reference),
        ),
    )


def _read(source: Path, fields: FieldMap, screen: Screen) -> tuple[list[Row], list[BadRow]]:
    name = "standard input" if str(source) == "-" else str(source)
    try:
        text = sys.stdin.buffer.read() if str(source) == "-" else source.read_bytes()
    except FileNotFoundError:
        raise InvalidInputError(
            f"found no file {name}; expected JSONL, one JSON object a line, a .csv with names of "
            "columns, or - for standard input."
        ) from None
    except OSError as error:
        raise InvalidInputError(f"cannot read {name}: {error.strerror or error}.") from error
    try:
        found = read_csv(text) if source.suffix.lower() == ".csv" else read_jsonl(_lines(text))
        rows, bad, unused = map_rows(found, fields)
    except InvalidInputError as error:
        raise InvalidInputError(f"{name}: {error}") from error
    if unused:
        shown = ", ".join(unused[:8]) + (", …" if len(unused) > 8 else "")
        screen.note(f"{name}: fields not used: {shown} (--map says what is what)", style="dim")
    return rows, bad


def _lines(text: bytes) -> list[bytes]:
    """The lines; one object over several lines, as people write it, counts as a line."""
    lines = text.split(b"\n")
    if text.lstrip()[:1] == b"{" and len(lines) > 1:
        try:
            return [json.dumps(json.loads(text)).encode()]
        except (ValueError, RecursionError):
            pass
    return lines


def _some(source: Path, good: Sequence[Any], bad: Sequence[BadRow]) -> None:
    if not good and not bad and str(source) == "-":
        raise InvalidInputError("found nothing on standard input; expected JSON, a row a line.")
    if not good and bad:
        others = f" The other {len(bad) - 1} lines are no better." if len(bad) > 1 else ""
        raise InvalidInputError(f"{source}, line {bad[0].line}: {bad[0].reason}{others}")


def _content(text: str | None) -> Any:
    if text is not None and text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
