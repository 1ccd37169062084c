"""Rows of CSV, JSON and Excel files, each on its own: one that cannot be read hides no other."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import PurePath
from typing import Any

from langchain_memalign._content import is_blank
from langchain_memalign.errors import ConfigurationError, InvalidInputError
from langchain_memalign.importers.fields import NOTHING, FieldMap

_QUOTED = re.compile('"[^"]*(?:""[^"]*)*"')
_BROKEN = (
    "found a quote that is not closed before the next comma or line end; expected quotes around "
    "whole cells, doubled within one."
)
# Excel's own first line: how cells are parted, whatever the names of the columns hold.
_PARTED_BY = re.compile(r'"?sep=([^\w\s"]|\t)"?\s*', re.IGNORECASE)
# How spreadsheets and databases write that a cell holds nothing; no one's words.
_EMPTY_CELLS = {"#N/A", "#N/A N/A", "#NA", "<NA>", "\\N"}
_BETWEEN = re.compile(r"[\s,]*")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_WORKBOOK = "save the sheet as .xlsx or CSV"
# What files begin with that are no text.
_OTHERS = {
    b"\xd0\xcf\x11\xe0": f"an .xls workbook, or one with a password; {_WORKBOOK}",
    b"PAR1": "a Parquet file; write it as CSV or JSONL",
    b"ARROW1": "an Arrow file; write it as CSV or JSONL",
    b"\x1f\x8b": "a gzip file; unpack it",
    b"%PDF": "a PDF; expected CSV or JSONL",
    b"SQLite format 3": "a SQLite database; write the table as CSV or JSONL",
}


@dataclass(frozen=True)
class Row:
    """A row's fields, and its line number, from 1."""

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

    An id, reviewer or moment written as nan, NULL or N/A counts as missing.

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
            mapped.append(Row(row.line, _named(fields.apply(row.data))))
        except InvalidInputError as error:
            bad.append(BadRow(row.line, str(error)))
    return mapped, sorted(bad, key=lambda row: row.line), fields.unused(row.data for row in rows)


def _named(record: dict[str, Any]) -> dict[str, Any]:
    """A record without names of nothing, which rows of different people would share."""
    for name in ("id", "source_id", "reviewer", "created_at"):
        given = record.get(name)
        if isinstance(given, str) and given.strip().casefold() in NOTHING:
            record[name] = None
    return record


def read_rows(data: bytes, name: str = "", *, sheet: str | None = None) -> Iterator[Row | BadRow]:
    """Read the rows of a file, whatever its format: CSV, JSON, JSONL or an Excel workbook.

    The format follows from the content, and for text from the ending of the name: .csv, .tsv and
    .tab are CSV; .json, .jsonl and .ndjson are JSON. Text with another ending is JSON if it begins
    like JSON, else CSV.

    Args:
        data: The file's content.
        name: Its name.
        sheet: Which sheet of a workbook to read; needed if several have rows.

    Raises:
        InvalidInputError: It has none of these formats, or is not valid in its format.
        ConfigurationError: It is a workbook, and the extra `sheets` is not installed.
    """
    ending = PurePath(name).suffix.lower()
    if data.startswith(b"PK\x03\x04"):
        return read_xlsx(data, sheet=sheet)
    if sheet is not None:
        raise InvalidInputError(
            f"sheet {sheet!r}: found a file without sheets; expected a workbook."
        )
    if data.startswith(_UTF16):
        data = _decoded(data).encode()
    found = next((what for start, what in _OTHERS.items() if data.startswith(start)), None)
    if found is None and b"\0" in data[:4096]:
        found = "a binary file; expected CSV, JSONL or an .xlsx workbook"
    if found is not None:
        raise InvalidInputError(f"found {found}.")
    is_json = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")
    if ending in (".csv", ".tsv", ".tab") or not (
        is_json or ending in (".json", ".jsonl", ".ndjson")
    ):
        return read_csv(data)
    return read_json(data)


def read_json(data: bytes) -> Iterator[Row | BadRow]:
    """Read JSON: an object a line, an array of objects, or objects that take several lines each.

    A row is named by the line it begins on; in an array that stands on one line, by its place.
    """
    lines = data.split(b"\n")
    first = next((line for line in lines if line.strip(b"\xef\xbb\xbf \t\r")), b"")
    alone = sum(1 for line in lines if line.strip()) == 1
    by_line = list(read_jsonl(lines))
    if not (alone and first.lstrip(b"\xef\xbb\xbf \t").startswith(b"[")) and _is_json(first):
        return iter(by_line)
    try:
        whole = list(_scanned(data.decode("utf-8-sig")))
    except UnicodeDecodeError:
        return iter(by_line)
    readings: list[list[Row | BadRow]] = [whole, by_line]
    best = max(readings, key=_gain)
    return iter(best)


def _gain(rows: Sequence[Row | BadRow]) -> tuple[int, int]:
    """How much a way to read gives: rows, then fewer problems."""
    good = sum(isinstance(row, Row) for row in rows)
    return good, good - len(rows)


def read_jsonl(lines: Iterable[bytes]) -> Iterator[Row | BadRow]:
    """Read lines of UTF-8 JSON; blank ones are passed over."""
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            if text.strip():
                yield _object(number, json.loads(text))
        except (ValueError, RecursionError) as error:
            yield _no_json(number, error, "expected one object a line")


def _scanned(text: str) -> Iterator[Row | BadRow]:
    """Objects one after another, in an array or not, however many lines each takes."""
    decoder = json.JSONDecoder()
    is_array = text.lstrip().startswith("[")
    position = text.index("[") + 1 if is_array else 0
    by_place = "\n" not in text.strip()
    line, place, counted = 1, 0, 0
    while True:
        position = _BETWEEN.match(text, position).end()  # type: ignore[union-attr]
        line, counted, place = line + text.count("\n", counted, position), position, place + 1
        number = place if by_place else line
        if is_array and text.startswith("]", position):
            is_array, position = False, position + 1
            continue
        if position == len(text):
            if is_array:
                yield BadRow(number, "found an array that is not closed; is the file whole?")
            return
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            yield _no_json(number, error, "what follows was not read")
            return
        yield _object(number, value)


def _object(number: int, data: Any) -> Row | BadRow:
    if isinstance(data, dict):
        return Row(number, data)
    names = {list: "array", str: "string", bool: "boolean", type(None): "null"}
    return BadRow(
        number,
        f"found a JSON {names.get(type(data), 'number')}; expected one object a line, with the "
        "fields of a case or feedback.",
    )


def _no_json(number: int, error: Exception, remedy: str) -> BadRow:
    reason = " ".join(str(error).split()) or type(error).__name__
    return BadRow(number, f"found no JSON ({reason:.120}); {remedy}.")


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def read_csv(data: bytes) -> Iterator[Row | BadRow]:
    """Read CSV of which the first line that is not blank names the columns.

    It is UTF-8, or UTF-16 with its mark at the beginning. What parts the cells (comma, semicolon,
    tab, bar) is told by Excel's line `sep=;`, else by the names of the columns. An empty cell is
    None, as is one with `#N/A`; one that holds a JSON object or list is read as such. A row is
    named by the line it begins on. Where a quote is not closed, only that row is lost: reading
    goes on with the next line.

    Raises:
        InvalidInputError: It is no such text, or has no names of columns.
    """
    # As files are opened for `csv`: any line end ends a line, and stays as it is within a cell.
    lines = list(io.StringIO(_decoded(data), newline=""))
    start = next((n for n, line in enumerate(lines) if line.strip(' \t,;"\r\n')), 0)
    told = _PARTED_BY.fullmatch(lines[start]) if lines else None
    if told:
        lines[start] = "\n"
    first = next((line for line in lines if line.strip(' \t,;"\r\n')), "")
    mark = told[1] if told else _mark(_QUOTED.sub("", first))
    return _table(_records(lines, mark), mark)


def _mark(names: str) -> str:
    """The mark that stands most often between the names; a bar, only where no other does."""
    mark = max(",;\t", key=names.count)
    return "|" if mark not in names and "|" in names else mark


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"found text that is not UTF-8 (byte {error.start}); save the file as UTF-8."
        ) from error


@dataclass(frozen=True)
class _Record:
    line: int
    """Where it begins, from 1."""
    cells: Sequence[Any] = ()
    problem: str = ""
    """Why it cannot be used."""
    is_doubtful: bool = False
    """Whether it may be a piece of a broken record before it."""


def _table(records: Iterable[_Record], mark: str) -> Iterator[Row | BadRow]:
    """Rows of which the first that is not blank names the columns."""
    names: list[str] = []
    for record in records:
        cells = [_cell(cell) for cell in record.cells]
        if record.problem and not names:
            raise InvalidInputError(f"names of columns, line {record.line}: {record.problem}")
        if record.problem:
            yield BadRow(record.line, record.problem)
        elif all(cell is None for cell in cells):
            continue
        elif not names:
            names = _names(record.cells)
        elif len(cells) > len(names) or (record.is_doubtful and len(cells) < len(names)):
            yield BadRow(
                record.line,
                f"found {len(cells)} cells; expected {len(names)}. Quote a cell that holds "
                f"{mark!r} or a line end, and close every quote.",
            )
        else:
            cells += [None] * (len(names) - len(cells))
            yield Row(record.line, {n: c for n, c in zip(names, cells, strict=True) if n})


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
            yield _Record(begin + 1, problem=_BROKEN)
            begin += 1


def _names(cells: Sequence[Any]) -> list[str]:
    names = [str(cell).strip() if cell is not None else "" for cell in cells]
    given = [name for name in names if name]
    if len(set(given)) < len(given):
        twice = next(name for name in given if given.count(name) > 1)
        raise InvalidInputError(f"found the column {twice!r} twice; expected different names.")
    return names


def _cell(value: Any) -> Any:
    if isinstance(value, date | time):
        return value.isoformat()
    if not isinstance(value, str):
        return value
    if is_blank(value) or value.strip() in _EMPTY_CELLS:
        return None
    if value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            pass
    return value


def read_xlsx(data: bytes, *, sheet: str | None = None) -> Iterator[Row | BadRow]:
    """Read an Excel workbook, of which the first row that is not blank names the columns.

    Args:
        data: The file's content.
        sheet: Which of its sheets; needed where several have rows.

    Raises:
        InvalidInputError: It is no such workbook, has no such sheet, or several have rows.
        ConfigurationError: The extra `sheets` is not installed.
    """
    _check_workbook(data)
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise ConfigurationError(
            "found an .xlsx workbook, and no openpyxl; install langchain-memalign[sheets], or save "
            "the sheet as CSV."
        ) from error
    try:
        # With the formulas, then with what they came to: only a spreadsheet works them out.
        written, values = (
            {
                there.title: list(there.iter_rows())
                for there in load_workbook(io.BytesIO(data), data_only=as_values).worksheets
                if there.sheet_state == "visible"
            }
            for as_values in (False, True)
        )
    except Exception as error:  # openpyxl passes on whatever its parsers raise
        raise InvalidInputError(
            f"cannot read the .xlsx workbook ({error!s:.120}); save it again, or as CSV."
        ) from error
    if sheet is not None and sheet not in written:
        raise InvalidInputError(
            f"found no sheet {sheet!r}; the workbook has {', '.join(map(repr, written))}."
        )
    used = [
        title
        for title, rows in written.items()
        if sheet in (None, title) and any(cell.value is not None for row in rows for cell in row)
    ]
    if len(used) > 1:
        raise InvalidInputError(
            f"found rows in the sheets {', '.join(map(repr, used))}; expected them in one. Name it "
            "(--sheet of `memalign align`), or save it as CSV."
        )
    rows = (_sheet_records(written[title], values[title]) for title in used)
    return _table((record for records in rows for record in records), "a cell")


def _sheet_records(
    written: Sequence[Sequence[Any]], values: Sequence[Sequence[Any]]
) -> Iterator[_Record]:
    for number, (there, row) in enumerate(zip(written, values, strict=True), 1):
        # A formula that came to no text is a text without characters, not a number without digits.
        lost = next(
            (
                formula.value
                for formula, cell in zip(there, row, strict=True)
                if formula.value is not None and cell.value is None and cell.data_type == "n"
            ),
            None,
        )
        if lost is not None:
            yield _Record(
                number,
                problem=f"found the formula {lost!s:.60} without its value; open the workbook in "
                "a spreadsheet and save it.",
            )
        else:
            last = max((n for n, cell in enumerate(row, 1) if cell.value is not None), default=0)
            yield _Record(number, [cell.value for cell in row[:last]])


def _check_workbook(data: bytes) -> None:
    """Tell the many formats apart that are zip files."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            parts = set(file.namelist())
            kind = file.read("mimetype").decode() if "mimetype" in parts else ""
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InvalidInputError(f"found a broken .xlsx or zip file ({error!s:.80}).") from error
    if "xl/workbook.xml" not in parts:
        what = "an .ods workbook" if "spreadsheet" in kind else "a zip file"
        remedy = _WORKBOOK if "spreadsheet" in kind else "unpack it"
        raise InvalidInputError(f"found {what}; {remedy}.")
