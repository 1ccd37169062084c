"""Ids and fields of past cases, kept in memory without any text, so that no page reads all."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from langchain_memalign._values.types import value_key
from langchain_memalign.errors import MemAlignError
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import Episode, Value
from langchain_memalign.web.knowledge import episodes_of, version_of


@dataclass(frozen=True)
class Entry:
    """What is known of a past case without its text."""

    id: str
    case_key: str
    value: Value | None
    judge_value: Value | None
    reviewer: str | None
    created_at: datetime
    updated_at: datetime
    is_pending: bool
    unseen: bool
    is_superseded: bool = False

    @property
    def differs(self) -> bool:
        """Whether the judge had said otherwise."""
        return (
            self.value is not None
            and self.judge_value is not None
            and not same(self.value, self.judge_value)
        )


def same(one: Value | None, other: Value | None) -> bool:
    """Whether two values are one; 1 and True are not."""
    return type(one) is type(other) and one == other


class Index:
    """The entries of one judge's past cases."""

    def __init__(self, judge: MemAlignJudge) -> None:
        self._judge = judge
        self._guard = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._ready = threading.Event()
        self._tried = threading.Event()
        self._problem: MemAlignError | None = None
        self._version: str | None = None
        self._sorted: list[Entry] | None = None
        self._conflicts: dict[str, list[Entry]] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it has been read."""
        return self._ready.is_set()

    def load(self) -> None:
        """Read all anew."""
        with self._guard:
            try:
                before = version_of(self._judge)
                entries = [entry_of(e) for e in self._judge.episodes()]
            except MemAlignError as error:
                self._problem = error
                self._tried.set()
                raise
            self._entries = {e.id: e for e in entries}
            self._sorted = self._conflicts = None
            # What was read while somebody wrote is read once more.
            self._version = before if before == version_of(self._judge) else None
            self._problem = None
        self._ready.set()
        self._tried.set()

    def follow(self) -> bool:
        """Read all anew if the memory was written to since, by whomever; whether it was."""
        if self._version is not None and version_of(self._judge) == self._version:
            return False
        self.load()
        return True

    def refresh(self, ids: Collection[str]) -> None:
        """Read some anew; those that are gone leave."""
        if not ids:
            return
        with self._guard:
            found = {e.id: entry_of(e) for e in episodes_of(self._judge, ids)}
            for id_ in ids:
                self._entries.pop(id_, None)
            self._entries.update(found)
            self._sorted = self._conflicts = None

    def newest_first(self) -> list[Entry]:
        """All entries; waits for the first reading.

        Raises:
            MemAlignError: They cannot be read, such as when the memory's server is down.
        """
        self._wait()
        with self._guard:
            if self._sorted is None:
                entries = self._entries.values()
                self._sorted = sorted(entries, key=lambda e: (e.updated_at, e.id), reverse=True)
            return self._sorted

    def _wait(self) -> None:
        self._tried.wait()
        if self._problem is not None and not self.is_ready:
            raise self._problem

    def get(self, id_: str) -> Entry | None:
        """The entry of an id."""
        self._wait()
        return self._entries.get(id_)

    def of_case(self, case_key: str) -> list[Entry]:
        """What was said of one case, oldest first."""
        self._wait()
        with self._guard:
            found = [e for e in self._entries.values() if e.case_key == case_key]
        return sorted(found, key=lambda e: (e.created_at, e.id))

    def conflicts(self) -> dict[str, list[Entry]]:
        """By case: what was said of those to which experts gave different values, oldest first."""
        self._wait()
        with self._guard:
            if self._conflicts is None:
                self._conflicts = _conflicts(self._entries.values())
            return self._conflicts


def _conflicts(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    by_case: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.value is not None and not entry.is_superseded:
            by_case[entry.case_key].append(entry)
    found = [
        sorted(said, key=lambda e: (e.created_at, e.id))
        for said in by_case.values()
        if _differ(said)
    ]
    return {said[0].case_key: said for said in sorted(found, key=lambda said: said[0].created_at)}


def entry_of(episode: Episode) -> Entry:
    """What is kept of a past case."""
    return Entry(
        episode.id,
        episode.case.key,
        episode.value,
        episode.judge_value,
        episode.reviewer,
        episode.created_at,
        episode.updated_at,
        episode.status == "pending",
        episode.unseen,
        episode.is_superseded(),
    )


def _differ(entries: Iterable[Entry]) -> bool:
    return len({value_key(e.value) for e in entries if e.value is not None}) > 1
