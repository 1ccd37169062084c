"""What an experiment has found so far: JSONL, a file for each finished cell."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from langchain_memalign._files import replacing
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.evaluation.cells import Lesson, Row


class Results:
    """Rows of finished cells, in a directory or, without one, in memory.

    The first line of a file says what the lesson was and cost, each further line is one
    judgement. A file appears only once its cell is finished: what broke off is run again.

    Attributes:
        directory: Where the files are; None keeps everything in memory.
    """

    def __init__(self, directory: str | os.PathLike[str] | None = None) -> None:
        self.directory = None if directory is None else Path(directory)
        self._cells: dict[str, tuple[Lesson, tuple[Row, ...]]] = {}
        if self.directory is not None:
            try:
                self.directory.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise _unwritable(self.directory, error) from error

    def has(self, key: str, asked: int) -> bool:
        """Whether a cell, in which so many questions are asked, is finished.

        Raises:
            InvalidInputError: Its file is not whole; says what to do.
        """
        if key in self._cells:
            return True
        if self.directory is None or not (path := self.directory / f"{key}.jsonl").is_file():
            return False
        self._cells[key] = _read(path, asked)
        return True

    def rows_of(self, key: str) -> tuple[Row, ...]:
        """The judgements of a finished cell."""
        return self._cells[key][1]

    def add(self, key: str, lesson: Lesson, rows: Sequence[Row]) -> None:
        """Keep a finished cell."""
        if self.directory is not None:
            lines = [lesson.model_dump_json(), *(row.model_dump_json() for row in rows)]
            try:
                with replacing(self.directory / f"{key}.jsonl") as file:
                    file.write("\n".join(lines) + "\n")
            except OSError as error:
                raise _unwritable(self.directory, error) from error
        self._cells[key] = (lesson, tuple(rows))

    @property
    def rows(self) -> list[Row]:
        """All judgements of the cells that were asked for or added."""
        return [row for _, rows in self._cells.values() for row in rows]

    @property
    def lessons(self) -> list[Lesson]:
        """What teaching cost, once for each lesson."""
        return list({lesson.id: lesson for lesson, _ in self._cells.values()}.values())


def _unwritable(directory: Path, error: OSError) -> InvalidInputError:
    return InvalidInputError(
        f"cannot keep judgements in {directory}: {error.strerror or error}; expected a directory "
        "that can be written. Choose another place, or make room."
    )


def _read(path: Path, asked: int) -> tuple[Lesson, tuple[Row, ...]]:
    number = 1
    try:
        # At newlines alone: a judge's words may hold other separators of lines, such as U+2028.
        first, *others = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        lesson = Lesson.model_validate_json(first)
        rows = []
        for line in others:
            number += 1
            rows.append(Row.model_validate_json(line))
        if len(rows) != asked:
            raise ValueError(f"found {len(rows)} judgements, of {asked}")
    except ValueError as error:
        raise InvalidInputError(
            f"{path}, line {number}: {' '.join(str(error).split()):.200}; expected a row of an "
            "experiment. Remove the file to run its cell again."
        ) from error
    return lesson, tuple(rows)
