"""Reading a memory from a Qdrant server."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable

from langchain_memalign._models import Vector
from langchain_memalign._stores.base import Point, Selection
from langchain_memalign._stores.qdrant.client import Requests
from langchain_memalign._stores.qdrant.collection import Collection
from langchain_memalign._stores.qdrant.convert import from_server, in_parts, to_filter
from langchain_memalign._stores.qdrant.leases import Leases
from langchain_memalign._stores.write_batch import check_field, checked_query, selects_nothing
from langchain_memalign.errors import MemoryStoreError, MemoryUnavailableError

_EMBEDDED = 100  # points read at a time with their vectors, each of some 60 kB as JSON
_VALUES = 1000  # first guess at how many values a field has


class Reading:
    """What is in the collection.

    Where nothing is found, the memory itself is looked for: a server that came up without its data
    answers like one with an empty memory.
    """

    def __init__(self, requests: Requests, collection: Collection, leases: Leases) -> None:
        self._requests = requests
        self._collection = collection
        self._leases = leases

    def scan(self, selection: Selection, *, vectors: bool) -> list[Point]:
        """As `MemoryStore.scan`."""
        self._requests.check_open()
        if selects_nothing(selection):
            return []
        found = self.pages(selection, vectors=vectors)
        if not found:
            self._leases.look()
        return found

    def pages(self, selection: Selection, *, vectors: bool) -> list[Point]:
        """As `scan`, without a doubt about finding nothing."""
        limits = self._collection.limits
        page = min(limits.page, _EMBEDDED) if vectors else limits.page
        found: dict[str, Point] = {}
        for part in in_parts(selection, limits.listed):
            offset = None
            while True:
                records, following = self._requests.read(
                    "scroll",
                    scroll_filter=to_filter(part),
                    limit=page,
                    offset=offset,
                    with_payload=True,
                    with_vectors=vectors,
                )
                found.update((str(r.id), from_server(r, vectors=vectors)) for r in records)
                if following is None and self._requests.is_replicated and records:
                    # Where copies disagree on a page the server takes it for the last one.
                    following = _after(str(records[-1].id))
                if following is None:
                    break
                offset = following
        if vectors and any(point.vectors for point in found.values()):
            self._collection.learn()
        return [found[id_] for id_ in sorted(found)]

    def nearest(
        self, selection: Selection, *, using: str, vector: Vector, limit: int
    ) -> list[tuple[Point, float]]:
        """As `MemoryStore.nearest`."""
        self._requests.check_open()
        fingerprint = self._collection.learn()
        if fingerprint is None:
            return []
        query = checked_query(vector, using, fingerprint)
        if query is None or limit < 1 or selects_nothing(selection):
            return []
        found: dict[str, tuple[Point, float]] = {}
        for part in in_parts(selection, self._collection.limits.listed):
            try:
                near = self._near(part, using, query, limit)
            except MemoryUnavailableError:
                raise
            except MemoryStoreError:
                # In a memory that replaced this one there may be no such vector.
                self._leases.look()
                raise
            found.update((point.id, (point, score)) for point, score in near)
        if not found:
            self._leases.look()
        return sorted(found.values(), key=lambda pair: (-pair[1], pair[0].id))[:limit]

    def tally(self, selection: Selection, field: str) -> dict[str, int]:
        """As `MemoryStore.tally`."""
        self._requests.check_open()
        check_field(field)
        if selects_nothing(selection):
            return {}
        limits = self._collection.limits
        parts = list(in_parts(selection, limits.listed))
        most = min(_VALUES, limits.found)
        while len(parts) == 1:
            answer = self._requests.read(
                "facet",
                key=field,
                facet_filter=to_filter(selection),
                limit=most,
                exact=limits.exact,
            )
            if len(answer.hits) < most:
                if not answer.hits:
                    self._leases.look()
                return {str(hit.value): hit.count for hit in answer.hits if hit.count}
            if most == limits.found:
                break
            most = min(10 * most, limits.found)
        # A point may be in several parts, and a server in strict mode may not list all values.
        return _count(self.scan(selection, vectors=False), field)

    def _near(
        self, selection: Selection, using: str, query: Vector, limit: int
    ) -> list[tuple[Point, float]]:
        # The server breaks ties as it likes, so all that tie for the last place must be seen.
        most = self._collection.limits.found
        wanted = min(limit + 1, most)
        while True:
            answer = self._requests.read(
                "query_points",
                query=list(query),
                using=using,
                query_filter=to_filter(selection),
                limit=wanted,
                with_payload=True,
                search_params=self._collection.search_params(),
            )
            hits = answer.points
            is_complete = len(hits) < wanted or wanted == most
            if is_complete or hits[-1].score < hits[limit - 1].score:
                return [(from_server(hit), max(-1.0, min(1.0, float(hit.score)))) for hit in hits]
            wanted = min(2 * wanted, most)


def _after(id_: str) -> str:
    """The smallest id that is larger than another."""
    return str(uuid.UUID(int=uuid.UUID(id_).int + 1))


def _count(points: Iterable[Point], field: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for point in points:
        if field in ("judge", "kind"):
            counts[getattr(point, field)] += 1
        elif (value := point.fields.get(field)) is not None:
            counts.update(set(value) if isinstance(value, tuple) else {value})
    return dict(counts)
