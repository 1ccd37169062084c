"""Files of data: cases and feedback that are read, and verdicts that are written."""

from __future__ import annotations

import fcntl
import json
import os
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from langchain_memalign._values.types import ValueType
from langchain_memalign.cli.terminal import Screen, counted
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.importers import (
    CASE_FIELDS,
    FEEDBACK_FIELDS,
    BadRow,
    FieldMap,
    Row,
    map_rows,
    read_rows,
    with_values,
)
from langchain_memalign.schema import Case, Unscored, Value, Verdict

_REMEDY = "Name another file with --out, or replace this one with --overwrite."

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
"""A language tag as HTML takes it, such as "ar" or "pt-BR"."""

_BEGINNING = b'{"line": '
"""How each line begins."""

T = TypeVar("T")

Line = dict[str, Any]


@dataclass(frozen=True)
class CaseRow:
    """A case, the number of its line, and its row's own id and language, where it has them."""

    line: int
    id: str | int | None
    case: Case
    lang: str = ""


def read_cases(
    source: Path, mapping: Sequence[str], screen: Screen
) -> tuple[list[CaseRow], list[BadRow]]:
    """Read cases from a file, or from standard input where `source` is `-`.

    Returns:
        The cases, and the lines that cannot be used.

    Raises:
        InvalidInputError: The file cannot be read, or none of its lines can be used.
    """

    def case_of(row: Row) -> CaseRow:
        fields = dict(row.data)
        identity = fields.pop("id", None)
        known = identity if isinstance(identity, str | int) else None
        lang = fields.pop("lang", None)
        spoken = lang if isinstance(lang, str) and _LANGUAGE.fullmatch(lang) else ""
        return CaseRow(row.line, known, Case.of(fields), spoken)

    return _read(source, FieldMap.parse(mapping, fields=(*CASE_FIELDS, "lang")), screen, case_of)


def read_feedback(
    source: Path,
    mapping: Sequence[str],
    value_type: ValueType,
    screen: Screen,
    *,
    words: Mapping[str, Value] | None = None,
    sheet: str | None = None,
) -> tuple[list[Row], list[BadRow]]:
    """Read feedback from a file, or from standard input where `source` is `-`.

    Labels are read as generously as those of a reviewer: "Yes", "GOOD" and " 4 " are understood.

    Args:
        source: The file.
        mapping: What is what in a row.
        value_type: The values that the judge may give.
        screen: Where to say what is not used.
        words: Further words that stand for a value.
        sheet: Which sheet of a workbook.

    Returns:
        Fields of feedback, and the lines that cannot be used.

    Raises:
        InvalidInputError: The file cannot be read, or none of its lines can be used.
    """

    def feedback_of(row: Row) -> Row:
        fields = dict(row.data)
        if isinstance(fields.get("id"), int):
            fields["id"] = str(fields["id"])
        return Row(row.line, with_values(fields, value_type, words=words))

    fields = FieldMap.parse(mapping, fields=FEEDBACK_FIELDS)
    return _read(source, fields, screen, feedback_of, sheet=sheet)


def read_labelled(
    source: Path,
    mapping: Sequence[str],
    value_type: ValueType,
    screen: Screen,
    *,
    words: Mapping[str, Value] | None = None,
) -> list[Mapping[str, Any]]:
    """Read feedback to measure with; says which lines are left out, and goes on.

    Raises:
        InvalidInputError: The file cannot be read, or none of its lines can be used.
    """
    rows, bad = read_feedback(source, mapping, value_type, screen, words=words)
    for row in bad:
        screen.note(f"{source}, line {row.line} left out: {row.reason}", style="yellow")
    return [row.data for row in rows]


def one_case(inputs: str | None, outputs: str | None, reference: str | None) -> CaseRow:
    """The case that options describe; a JSON object or list is taken as such."""
    case = Case(
        inputs=_content(inputs), outputs=_content(outputs), reference_outputs=_content(reference)
    )
    return CaseRow(1, None, case)


def data_of(source: Path) -> tuple[str, bytes]:
    """What a file holds, or standard input where `source` is `-`, and what messages call it.

    Raises:
        InvalidInputError: It cannot be read.
    """
    if str(source) == "-":
        return "standard input", sys.stdin.buffer.read()
    try:
        return str(source), source.read_bytes()
    except FileNotFoundError:
        raise InvalidInputError(
            f"found no file {source}; expected JSON or JSONL, a .csv or .xlsx with column "
            "names, or - for standard input."
        ) from None
    except OSError as error:
        raise InvalidInputError(f"cannot read {source}: {error.strerror or error}.") from error


def _read(
    source: Path,
    fields: FieldMap,
    screen: Screen,
    read: Callable[[Row], T],
    *,
    sheet: str | None = None,
) -> tuple[list[T], list[BadRow]]:
    """Read all rows; what `read` refuses is one that cannot be used."""
    name, data = data_of(source)
    try:
        rows, bad, unused = map_rows(read_rows(data, source.name, sheet=sheet), fields)
    except InvalidInputError as error:
        raise InvalidInputError(f"{name}: {error}") from error
    if unused:
        shown = ", ".join(unused[:8]) + (", …" if len(unused) > 8 else "")
        screen.note(f"{name}: fields not used: {shown} (--map says which is which)", style="dim")
    good: list[T] = []
    for row in rows:
        try:
            good.append(read(row))
        except InvalidInputError as error:
            bad.append(BadRow(row.line, str(error)))
    if not good and not bad:
        raise InvalidInputError(
            f"found nothing {'on' if str(source) == '-' else 'in'} {name}; expected at least one "
            "row: JSON or JSONL, or a .csv or .xlsx with column names."
        )
    if not good and bad:
        more = counted(len(bad) - 1, "other line")
        others = f" {more} could not be used either." if len(bad) > 1 else ""
        raise InvalidInputError(f"{source}, line {bad[0].line}: {bad[0].reason}{others}")
    return good, sorted(bad, key=lambda row: row.line)


def _content(text: str | None) -> Any:
    if text is not None and text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def verdict_line(
    judge: str, row: CaseRow, outcome: Verdict | Unscored, *, with_case: bool = False
) -> Line:
    """What the file says about one case.

    Args:
        judge: The judge's name.
        row: The case.
        outcome: What the judge concluded.
        with_case: Whether to repeat the case.
    """
    kind = "verdict" if isinstance(outcome, Verdict) else "unscored"
    line = {
        "line": row.line,
        "id": row.id,
        "case_key": row.case.key,
        "judge": judge,
        kind: outcome.model_dump(mode="json"),
    }
    return line | row.case.model_dump(mode="json") if with_case else line


class VerdictFile:
    """A file of verdicts, held by one process at a time.

    A line is written whole, by one system call, as soon as its verdict is there: whatever ends the
    process, at most the last line is torn, and opening the file again removes it.

    Attributes:
        path: The file.
        lines: The lines that are whole.
    """

    def __init__(self, path: Path, *, judge: str, overwrite: bool = False) -> None:
        """Open or begin the file.

        Raises:
            InvalidInputError: It holds something else, or the verdicts of another judge, or another
                process is writing it.
        """
        self.path = path
        self.lines: list[Line] = []
        self._descriptor = _open(path)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if overwrite:
                os.ftruncate(self._descriptor, 0)
            else:
                self._take_up(judge)
        except BlockingIOError:
            self.close()
            raise InvalidInputError(
                f"found {path} in use by another `memalign judge`; expected it to be free. "
                "Wait for that one, or name another file with --out."
            ) from None
        except BaseException:
            self.close()
            raise

    def todo(self, rows: Sequence[CaseRow], *, retry_unscored: bool = False) -> list[CaseRow]:
        """The cases that have no line yet.

        Args:
            rows: All cases.
            retry_unscored: Whether a case that is unscored counts as having none; its line goes.

        Raises:
            InvalidInputError: The file has verdicts on cases that are not among `rows`.
        """
        if retry_unscored:
            self._rewrite([line for line in self.lines if "unscored" not in line])
        waiting = _by_key(self.lines)
        left = [row for row in rows if not _pop(waiting, row.case.key)]
        if others := sum(map(len, waiting.values())):
            raise InvalidInputError(
                f"found {counted(others, 'verdict')} in {self.path} on other cases; expected a new "
                f"file, or one with verdicts on these cases. {_REMEDY}"
            )
        return left

    def add(self, line: Line) -> None:
        """Write a line."""
        data = _encoded(line)
        while data:  # one round, unless the disk is full
            data = data[os.write(self._descriptor, data) :]
        self.lines.append(line)

    def sort(self, rows: Sequence[CaseRow]) -> None:
        """Bring the lines into the order of the cases; those judged at once came as they were."""
        there = _by_key(self.lines)
        ordered: list[Line] = []
        for row in rows:
            if line := _pop(there, row.case.key):
                ordered.append({**line, "line": row.line, "id": row.id})
        if ordered != self.lines and len(ordered) == len(self.lines):
            self._rewrite(ordered)

    def close(self) -> None:
        """Let others write it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take_up(self, judge: str) -> None:
        text = self.path.read_bytes()
        whole = text.rfind(b"\n") + 1
        for number, line in enumerate(text[:whole].splitlines(), 1):
            self.lines.append(_checked(line, f"{self.path}, line {number}", judge))
        # A torn first line goes; anything else without a line break is not ours to cut.
        if whole == 0 and text[: len(_BEGINNING)] != _BEGINNING[: len(text)]:
            _checked(text, f"{self.path}, line 1", judge)
        os.ftruncate(self._descriptor, whole)

    def _rewrite(self, lines: list[Line]) -> None:
        """Replace the file in one step, and hold the new one."""
        target = Path(os.path.realpath(self.path))
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.fchmod(descriptor, os.fstat(self._descriptor).st_mode & 0o777)
            with os.fdopen(os.dup(descriptor), "wb") as file:
                file.writelines(map(_encoded, lines))
                file.flush()
                os.fsync(descriptor)
            os.replace(name, target)
        except BaseException:
            os.close(descriptor)
            Path(name).unlink(missing_ok=True)
            raise
        os.close(self._descriptor)
        os.lseek(descriptor, 0, os.SEEK_END)
        self._descriptor, self.lines = descriptor, lines


def _open(path: Path) -> int:
    if path.exists() and not path.is_file():
        raise InvalidInputError(
            f"--out: found {path}, which is not a regular file; expected one. Without "
            "--out the verdicts go to stdout."
        )
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise InvalidInputError(f"--out: cannot write {path}: {error.strerror}.") from error


def _checked(text: bytes, where: str, judge: str) -> Line:
    try:
        line = json.loads(text)
    except ValueError:
        line = None
    if not isinstance(line, dict) or not isinstance(line.get("case_key"), str):
        raise InvalidInputError(f"{where}: found no verdict of `memalign judge`. {_REMEDY}")
    if line.get("judge") != judge:
        raise InvalidInputError(
            f"{where}: found a verdict of the judge {line.get('judge')!r}; expected {judge!r}. "
            f"{_REMEDY}"
        )
    return line


def _encoded(line: Mapping[str, Any]) -> bytes:
    # A lone surrogate, which a model may write, stays as its JSON escape.
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _by_key(lines: Sequence[Line]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        found[line["case_key"]].append(line)
    return found


def _pop(lines: dict[str, list[Line]], key: str) -> Line | None:
    return lines[key].pop(0) if lines.get(key) else None
