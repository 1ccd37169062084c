"""The contract between memory and a storage engine: points in, points out, nothing about judging.

All of it is blocking: async callers hop to a thread once for each operation of a memory, not once
for each request. `tests/memory/contract.py` is the same contract as tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from langchain_memalign._models import Vector

Kind: TypeAlias = Literal["episode", "principle", "judge"]

CASE_VECTOR = "case"
"""Name of an episode's vector: its inputs and outputs, twice the embedding's size."""

RULE_VECTOR = "rule"
"""Name of a principle's vector: its text, the embedding's size."""

WRITER = "writer"
"""Name of the lease under which all writing to a shared store happens."""

INDEXED_FIELDS = ("judge", "kind", "status", "case_key", "value", "episode_ids")
"""The filter fields that engines index as keywords."""

TOLD_FIELDS = ("revision", "source_id")
"""What a record says in short, for whoever need not read it; nothing is filtered by these."""


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """Which embeddings a memory's vectors come from.

    Attributes:
        embeddings: The embedding model's id.
        size: Numbers in the embedding of one text.
    """

    embeddings: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Point:
    """One record as an engine keeps it.

    Attributes:
        id: A UUID.
        judge: The judge that it belongs to.
        fields: What it can be filtered by, besides judge and kind, and what tells it apart without
            reading it; names from `INDEXED_FIELDS` and `TOLD_FIELDS`.
        record: The record itself as JSON text; opaque to the engine.
        vectors: By name. None keeps the vectors that are stored under this id, if any.
    """

    id: str
    kind: Kind
    judge: str
    fields: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    record: str = ""
    vectors: Mapping[str, Vector] | None = None

    def values_of(self, field: str) -> set[str]:
        """The values of one of `INDEXED_FIELDS`."""
        value = {"judge": self.judge, "kind": self.kind, **self.fields}.get(field, ())
        return {value} if isinstance(value, str) else set(value)


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which points: all conditions hold; None does not restrict.

    Attributes:
        fields: For each named field, the values of which it must have (or contain) at least one.
        without: For each named field, the values of which it must have (or contain) none.
    """

    kind: Kind | None = None
    judge: str | None = None
    ids: tuple[str, ...] | None = None
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    without: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search for the points nearest to a vector; see `MemoryStore.nearest`."""

    selection: Selection
    using: str
    vector: Vector
    limit: int


class MemoryStore(Protocol):
    """What a storage engine must do. All methods may be called from many threads at once.

    Raises (any method): `MemoryUnavailableError` when closed, gone or unwritable,
    `MemoryCorruptError` when what is stored cannot be read, `MemoryStoreError` otherwise; never an
    engine's own exception.
    """

    location: str
    """Where the points are, as the user named it."""

    guarantee: str
    """What erasing achieves here and what it cannot reach, in a sentence or two for the user."""

    is_shared: bool = False
    """Whether other processes write here too, so that what was read may be outdated at once.

    Only such a store is asked for its `version` and for leases.
    """

    def fingerprint(self) -> Fingerprint | None:
        """The embeddings of the stored vectors; None while no vector was ever written."""
        ...

    def scan(self, selection: Selection, *, vectors: bool = False) -> list[Point]:
        """All selected points, ordered by id; with their vectors only when asked for."""
        ...

    def nearest(
        self, selection: Selection, *, using: str, vector: Vector, limit: int
    ) -> list[tuple[Point, float]]:
        """The selected points whose vector named `using` is nearest, with cosine, best first.

        Points without that vector never come back; equal cosines are ordered by id. The points
        come without vectors.
        """
        ...

    def nearest_each(self, searches: Sequence[Search]) -> list[list[tuple[Point, float]]]:
        """As `nearest`, for several searches at once."""
        return [
            self.nearest(s.selection, using=s.using, vector=s.vector, limit=s.limit)
            for s in searches
        ]

    def tally(self, selection: Selection, field: str) -> dict[str, int]:
        """How many selected points have each value of `field`; points without it do not count."""
        ...

    def write(
        self,
        points: Sequence[Point],
        *,
        erased: Sequence[str] = (),
        fingerprint: Fingerprint | None = None,
    ) -> None:
        """Insert or replace `points` and erase the ids `erased`, all or nothing, and durable.

        Args:
            points: At most one per id, none of them erased.
            erased: Ids to remove so that nothing of them remains; unknown ids are no error.
            fingerprint: Given with the first vectors; equal to the stored one ever after.
        """
        ...

    def version(self) -> str | None:
        """Changes with every write of any process; None while one is being carried out.

        What was read between two equal answers is how things are while the answer stays the same.
        """
        return None

    @property
    def doubt(self) -> str | None:
        """Why what was read last may lack something; None where it cannot."""
        return None

    def scrub(self, *, limit: int | None = None) -> str:
        """Leave no byte of what was erased where the store keeps it.

        Args:
            limit: Do it only for at most so many records; None for any number.

        Returns:
            What erasing has achieved then, and what it cannot reach.
        """
        return self.guarantee

    def acquire(self, lease: str) -> None:
        """Wait for a lease that one process holds at a time; `release` must follow.

        While this process holds the lease `WRITER`, what it writes is written under it.

        Raises:
            MemoryLockedError: Another process held it for too long.
        """
        return

    def release(self, lease: str) -> None:
        """Let others have a lease, if this process has it; never fails."""
        return

    def sweep(self) -> str:
        """Delete what interrupted erasing may have left; `forget` ends with it.

        Returns:
            What may still hold erased records, as a sentence; "" if nothing does.

        Raises:
            MemoryUnavailableError: Something could not be deleted.
        """
        return ""

    def close(self) -> None:
        """Release everything; harmless when called again."""
        ...
