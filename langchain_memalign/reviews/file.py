"""The SQLite file that keeps reviews, and the tables of the page in it."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from langchain_memalign.errors import MemoryUnavailableError

PATIENCE_SECONDS = 10.0
"""How long somebody else at the file is waited for."""

_TABLES = """
CREATE TABLE IF NOT EXISTS memalign_answers (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    judge TEXT NOT NULL, person TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
    case_id TEXT, case_key TEXT, record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS memalign_answers_of ON memalign_answers (judge, person, n);
CREATE INDEX IF NOT EXISTS memalign_answers_on ON memalign_answers (judge, case_id);
CREATE INDEX IF NOT EXISTS memalign_answers_in ON memalign_answers (judge, state, n);
CREATE TABLE IF NOT EXISTS memalign_images (
    answer INTEGER NOT NULL, record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS memalign_images_of ON memalign_images (answer);
CREATE TABLE IF NOT EXISTS memalign_readings (
    judge TEXT NOT NULL, case_id TEXT NOT NULL, case_key TEXT NOT NULL, stale INTEGER NOT NULL,
    selected TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (judge, case_id)
);
CREATE TABLE IF NOT EXISTS memalign_drafts (
    judge TEXT NOT NULL, person TEXT NOT NULL, case_id TEXT NOT NULL, case_key TEXT NOT NULL,
    record TEXT NOT NULL, PRIMARY KEY (judge, person, case_id)
);
CREATE TABLE IF NOT EXISTS memalign_reservations (
    judge TEXT NOT NULL, case_id TEXT NOT NULL, person TEXT NOT NULL, name TEXT NOT NULL,
    until REAL NOT NULL, PRIMARY KEY (judge, case_id)
);
CREATE TABLE IF NOT EXISTS memalign_marks (
    judge TEXT NOT NULL, case_id TEXT NOT NULL, person TEXT NOT NULL, kind TEXT NOT NULL,
    at REAL NOT NULL, PRIMARY KEY (judge, case_id, person, kind)
);
CREATE TABLE IF NOT EXISTS memalign_settled (
    judge TEXT NOT NULL, case_key TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (judge, case_key)
);
CREATE TABLE IF NOT EXISTS memalign_receipts (
    n INTEGER PRIMARY KEY AUTOINCREMENT, judge TEXT NOT NULL, record TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS memalign_people (
    judge TEXT NOT NULL, person TEXT NOT NULL, name TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (judge, person)
);
CREATE TABLE IF NOT EXISTS memalign_settings (judge TEXT PRIMARY KEY, record TEXT NOT NULL);
"""


class ReviewFile:
    """One connection to a review file, for any number of threads.

    Attributes:
        path: Where the file is.
    """

    def __init__(self, path: Path) -> None:
        """Open or begin the file.

        Raises:
            MemoryUnavailableError: It cannot be used.
        """
        self.path = path
        self._lock = threading.RLock()
        try:
            # It holds cases: for the owner's eyes only, like a mail box.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(
                path, check_same_thread=False, timeout=PATIENCE_SECONDS
            )
            self._connection.execute("PRAGMA journal_mode=WAL")
            # What is deleted is overwritten, also in pages that stay in use.
            self._connection.execute("PRAGMA secure_delete=ON")
            self._connection.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise MemoryUnavailableError(
                f"cannot keep reviews in {path}: {error}; expected a SQLite file that can be "
                "written. Name another place with the key `reviews` of the judge file."
            ) from error

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction; durable when the block ends.

        Raises:
            MemoryUnavailableError: It cannot be written, such as with a full disk.
        """
        with self._lock:
            try:
                with self._connection:
                    yield self._connection
            except sqlite3.Error as error:
                raise self._unwritable(error) from error

    def write(self, sql: str, *values: Any) -> int:
        """One statement, durable when it returns; the number of the row that it added."""
        with self.writing() as connection:
            return int(connection.execute(sql, values).lastrowid or 0)

    def erase(self, table: str, rowids: Sequence[int]) -> None:
        """Delete rows of a table."""
        with self.writing() as connection:
            connection.executemany(
                f"DELETE FROM {table} WHERE rowid = ?",  # a name of ours, never a caller's
                [(rowid,) for rowid in rowids],
            )

    def shrink(self) -> None:
        """Rewrite the file: pages that were freed, and the log of changes, may hold old text.

        Raises:
            MemoryUnavailableError: Somebody is at the file for so long that they may still do.
        """
        with self._lock:
            try:
                self._connection.execute("VACUUM")
                busy, *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.Error as error:
                raise self._unwritable(error) from error
        if busy:
            raise MemoryUnavailableError(
                f"{self.path} was erased, but what went may still be in its log, since another "
                "process reads the file: end that one, and forget again."
            )

    def _unwritable(self, error: sqlite3.Error) -> MemoryUnavailableError:
        return MemoryUnavailableError(
            f"cannot write to {self.path}: {error}; make room, or end what holds it, and try again."
        )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
