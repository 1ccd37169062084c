"""One Qdrant Edge shard: all points of a memory between two rewrites."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import qdrant_edge as qe

from langchain_memalign._models import Vector
from langchain_memalign._stores.base import INDEXED_FIELDS, Fingerprint, Point, Selection
from langchain_memalign._stores.edge.convert import (
    PLACEMENT,
    RESTORE,
    SEARCH,
    from_engine,
    own_point,
    read_own_point,
    shard_config,
    to_engine,
    to_filter,
    to_search_filter,
)
from langchain_memalign._stores.write_batch import (
    OWN_POINT,
    check_field,
    checked_query,
    in_parts,
    selects_nothing,
)
from langchain_memalign.errors import (
    MemAlignError,
    MemoryCorruptError,
    MemoryLockedError,
    MemoryStoreError,
    MemoryUnavailableError,
)

# All but searching holds the interpreter lock: more points at a time would stop other threads.
PAGE = 64

SMALL = 128
"""How many points are looked through faster than it takes to make and to flush indexes of them."""

# The engine's own default is 10 values.
_ALL_VALUES = 2**31 - 1


class Generation:
    """The points of a memory in one shard. Threads may read while one of them writes.

    Dropping the last reference releases the shard: whoever still reads an outdated generation keeps
    it alive, even after its files were deleted.

    Attributes:
        fingerprint: The embeddings of its vectors; None if it can have none.
        is_indexed: Whether filters and counts go by indexes, and searches by codes. Of few points
            they would only be files to write, thrice as many as without them.
    """

    def __init__(
        self, shard: qe.EdgeShard, fingerprint: Fingerprint | None, *, is_indexed: bool
    ) -> None:
        self._shard = shard
        self.fingerprint = fingerprint
        self.is_indexed = is_indexed
        # Every judge that may have a point here.
        self._judges: set[str] = set()

    @classmethod
    def create(cls, path: Path, fingerprint: Fingerprint | None, *, size: int = 0) -> Generation:
        """Make an empty shard in a directory that does not exist yet.

        Args:
            path: The directory.
            fingerprint: None if the embeddings, and so the vectors' sizes, are not known yet.
            size: About how many points it will hold: a small one gets no indexes, then or later.
        """
        indexed = size > SMALL
        with _engine("create", path, MemoryUnavailableError), ExitStack() as undo:
            shard = qe.EdgeShard.create(str(path), shard_config(fingerprint, indexed=indexed))
            undo.callback(shard.close)
            for name in INDEXED_FIELDS if indexed else ():
                keyword = qe.KeywordIndexParams(is_tenant=name == "judge", memory=PLACEMENT)
                shard.update(qe.UpdateOperation.create_field_index(name, keyword))
            shard.update(qe.UpdateOperation.upsert_points([own_point(fingerprint)]))
            undo.pop_all()
        return cls(shard, fingerprint, is_indexed=indexed)

    @classmethod
    def load(cls, path: Path) -> Generation:
        """Open a shard.

        Raises:
            MemoryCorruptError: It is missing or damaged. Nothing was changed.
        """
        _check_parts(path)
        with _engine("read", path, MemoryCorruptError), ExitStack() as undo:
            shard = qe.EdgeShard.load(str(path))
            undo.callback(shard.close)
            indexed = shard.info().payload_schema
            own = shard.retrieve([OWN_POINT], True, False)
            # The engine silently starts afresh in place of some parts that are missing. Indexes, if
            # any, and this point were written first: without them, other points are gone too.
            lost = set(INDEXED_FIELDS).difference(indexed) if indexed else ()
            if not own or lost:
                raise MemoryCorruptError(
                    f"found a shard at {path} that has lost its beginning, expected all of it: "
                    + RESTORE
                )
            generation = cls(shard, read_own_point(own[0], path), is_indexed=bool(indexed))
            generation._judges.update(generation.tally(Selection(), "judge"))
            undo.pop_all()
        return generation

    def scan(self, selection: Selection, *, vectors: bool) -> list[Point]:
        """As `MemoryStore.scan`."""
        if selects_nothing(selection):
            return []
        # A filter is made for each page, which takes the longer, the more values it lists.
        filters = map(to_filter, in_parts(selection, PAGE))
        pages = (page for where in filters for page in self._pages(where, vectors))
        found = {point.id: point for page in pages for point in page}
        return [found[id_] for id_ in sorted(found)]

    def nearest(
        self, selection: Selection, *, using: str, vector: Vector, limit: int
    ) -> list[tuple[Point, float]]:
        """As `MemoryStore.nearest`."""
        if self.fingerprint is None:
            return []
        query = checked_query(vector, using, self.fingerprint)
        if query is None or limit < 1 or selects_nothing(selection):
            return []
        nearest = qe.Query.Nearest(list(query), using=using)
        if self._judges == {selection.judge}:
            # To check that each of 100,000 points is of the only judge takes as long as the search.
            selection = replace(selection, judge=None)
        # The engine breaks ties as it likes, so all that tie for the last place must be seen.
        wanted = limit + 1
        while True:
            request = qe.QueryRequest(
                limit=wanted,
                query=nearest,
                filter=to_search_filter(selection),
                params=SEARCH,
                with_payload=True,
            )
            with _engine("search", "the memory", MemoryCorruptError):
                hits = self._shard.query(request)
            if len(hits) < wanted or hits[-1].score < hits[limit - 1].score:
                break
            wanted *= 2
        found = [(from_engine(hit), max(-1.0, min(1.0, float(hit.score)))) for hit in hits]
        return sorted(found, key=lambda pair: (-pair[1], pair[0].id))[:limit]

    def tally(self, selection: Selection, field: str) -> dict[str, int]:
        """As `MemoryStore.tally`."""
        check_field(field)
        if selects_nothing(selection):
            return {}
        if not self.is_indexed:
            found = self.scan(selection, vectors=False)
            return dict(Counter(value for point in found for value in point.values_of(field)))
        request = qe.FacetRequest(
            key=field, limit=_ALL_VALUES, exact=True, filter=to_filter(selection)
        )
        with _engine("count in", "the memory", MemoryCorruptError):
            hits = self._shard.facet(request).hits
        return {str(hit.value): hit.count for hit in hits if hit.count}

    def pages(self) -> Iterator[list[Point]]:
        """All points with their vectors, a page at a time."""
        return self._pages(to_filter(Selection()), vectors=True)

    def is_outgrown_by(self, more: int) -> bool:
        """Whether it would be better made with indexes if it held so many points more."""
        # Without vectors there is nothing to search for yet; the first ones make another anyway.
        if self.is_indexed or self.fingerprint is None:
            return False
        return self.count() + more > SMALL

    def count(self) -> int:
        """How many points there are, the one that tells the fingerprint among them."""
        with _engine("count in", "the memory", MemoryCorruptError):
            return self._shard.count(qe.CountRequest(exact=True))

    def holds_any(self, ids: Iterable[str]) -> bool:
        """Whether a point with any of these ids is stored."""
        request = qe.CountRequest(exact=True, filter=to_filter(Selection(ids=tuple(ids))))
        with _engine("count in", "the memory", MemoryCorruptError):
            return self._shard.count(request) > 0

    def with_vectors(self, points: Sequence[Point]) -> list[Point]:
        """The points, those without vectors having the vectors stored under their id.

        An upsert replaces the whole point, so vectors that are to stay must be sent again.
        """
        missing = tuple(point.id for point in points if point.vectors is None)
        stored = {p.id: p.vectors for p in self.scan(Selection(ids=missing), vectors=True)}
        return [replace(p, vectors=stored.get(p.id)) if p.vectors is None else p for p in points]

    def put(self, points: Sequence[Point]) -> None:
        """Insert or replace points, all or none, lasting once `flush` returns."""
        if not points:
            return
        operation = qe.UpdateOperation.upsert_points([to_engine(point) for point in points])
        # Before they can be found.
        self._judges.update(point.judge for point in points)
        with _engine("write to", "the memory", MemoryUnavailableError):
            self._shard.update(operation)

    def flush(self) -> None:
        """Make all that was put survive a crash."""
        with _engine("write to", "the memory", MemoryUnavailableError):
            self._shard.flush()

    def close(self) -> None:
        """Release the shard at once, whoever refers to it."""
        with _engine("close", "the memory", MemoryStoreError):
            self._shard.close()

    def _pages(self, where: qe.Filter, vectors: bool) -> Iterator[list[Point]]:
        offset: Any = None
        while True:
            request = qe.ScrollRequest(
                offset=offset, limit=PAGE, filter=where, with_payload=True, with_vector=vectors
            )
            with _engine("read", "the memory", MemoryCorruptError):
                records, offset = self._shard.scroll(request)
            yield [from_engine(record, vectors=vectors) for record in records]
            if offset is None:
                return


@contextmanager
def _engine(doing: str, what: object, error_type: type[MemoryStoreError]) -> Iterator[None]:
    """Turn the engine's bare exceptions, and its panics, into ours."""
    try:
        yield
    except MemAlignError:
        raise
    except Exception as error:
        failure: BaseException = error
    except BaseException as error:
        # A Rust panic, of a type that cannot be imported, derives from BaseException.
        if type(error).__name__ != "PanicException":
            raise
        failure = error
    else:
        return
    remedy = RESTORE
    if "WouldBlock" in str(failure):
        # Our own lock is free, so a forked child has inherited the engine's and holds on to it.
        error_type = MemoryLockedError
        remedy = "end the forked children of the process that had it open before."
    elif error_type is MemoryUnavailableError:
        remedy = "check the disk, open the memory again, and repeat: repeating a write is harmless."
    raise error_type(
        f"could not {doing} {what}: {failure!s:.300}; expected Qdrant Edge to succeed: {remedy}"
    ) from failure


def _check_parts(path: Path) -> None:
    """Refuse a shard with parts missing: the engine would delete the rest or start afresh."""
    segments = sorted((path / "segments").glob("*/"))
    parts = [path / "edge_config.json", path / "wal" / "first-index"]
    told = ("segment.json", "version.info", "payload_index/config.json")
    parts += [segment / name for segment in segments for name in told]
    lost = [part for part in parts if not part.is_file()]
    if lost or not segments:
        raise MemoryCorruptError(
            f"found no {lost[0] if lost else path / 'segments'}, expected the whole shard that "
            "the manifest names; nothing was changed: " + RESTORE
        )
