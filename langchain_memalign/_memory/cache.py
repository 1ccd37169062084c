"""What a memory holds of a judge apart from its episodes, and keeping it until it changes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from langchain_memalign.schema import Principle

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What the one who learns for a judge must know.

    Attributes:
        principles: The active ones, in the order in which they were learned.
        value_counts: How often the experts gave each value, what is superseded apart; keys are
            JSON text.
    """

    principles: tuple[Principle, ...]
    value_counts: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class JudgeKnowledge(Lesson):
    """What a judge's memory holds, apart from the episodes themselves.

    Attributes:
        episodes_total: How many episodes there are.
        superseded: How many of them are not recalled.
    """

    episodes_total: int
    superseded: int = 0


@dataclass(frozen=True, kw_only=True)
class EpisodeCounts:
    """How many episodes a judge has: in all, superseded, and by the JSON text of the value.

    Superseded ones do not count by value.
    """

    total: int
    superseded: int
    by_value: dict[str, int]


class Word(NamedTuple):
    """What feedback said when it was read: of which episode, in which words, and their source."""

    episode_id: str
    revision: str
    source_id: str | None


class ReadWords:
    """What feedback said that was read before, by the digest of how it was handed in.

    Holds digests only, of as many as were read last; safe to use from many threads.
    """

    _MOST = 2**17  # some 40 MB

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._words: dict[bytes, Word] = {}

    def get(self, digest: bytes) -> Word | None:
        """What feedback of this digest said; None if it was not read, or long ago."""
        return self._words.get(digest)

    def add(self, words: Mapping[bytes, Word]) -> None:
        """Keep what was read."""
        with self._guard:
            self._words |= words
            for digest in list(self._words)[: max(0, len(self._words) - self._MOST)]:
                del self._words[digest]


class VersionedCache(Generic[T]):
    """What was last read of each judge, until it changes; safe to use from many threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._kept: dict[str, tuple[T, str]] = {}
        self._version = 0

    def get(self, judge: str, theirs: str | None) -> tuple[T | None, int]:
        """What was kept for a version of the store, and the version that `keep` wants to hear."""
        with self._guard:
            kept = self._kept.get(judge)
            return kept[0] if kept and kept[1] == theirs else None, self._version

    def keep(self, judge: str, theirs: str, what: T, version: int) -> None:
        """Keep what was read, unless all was dropped since `get` told `version`."""
        with self._guard:
            if version == self._version:
                self._kept[judge] = (what, theirs)

    def carry_over(self, before: str | None, after: str | None) -> None:
        """Keep what was kept for one version also for the next, which did not change it."""
        if before is None or after is None:
            self.drop()
            return
        with self._guard:
            self._kept = {
                judge: (what, after if theirs == before else theirs)
                for judge, (what, theirs) in self._kept.items()
            }

    def drop(self) -> None:
        """Forget what was kept, also where reading is under way."""
        with self._guard:
            self._version += 1
            self._kept.clear()
