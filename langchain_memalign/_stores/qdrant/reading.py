"""Reading a memory from a Qdrant server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from langchain_memalign._stores.base import Point, Search, Selection
from langchain_memalign._stores.qdrant.client import Requests
from langchain_memalign._stores.qdrant.collection import Collection, after
from langchain_memalign._stores.qdrant.convert import from_server, to_filter
from langchain_memalign._stores.qdrant.leases import Leases
from langchain_memalign._stores.write_batch import (
    check_field,
    checked_query,
    in_parts,
    known_ids,
    selects_nothing,
)
from langchain_memalign.errors import MemoryStoreError, MemoryUnavailableError

_EMBEDDED = 100  # points read at a time with their vectors, each of some 60 kB as JSON
_UNDECIDED = 64  # at least so many more are asked for where copies seem to break ties differently
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
        self._seen: dict[str, Point | None] = {}

    def scan(self, selection: Selection, *, vectors: bool) -> list[Point]:
        """As `MemoryStore.scan`."""
        self._requests.check_open()
        if selects_nothing(selection):
            return []
        if self._requests.is_writing:
            # The lease was just taken: the memory is there, and nobody else changes it.
            return self.pages(selection, vectors=vectors) if vectors else self._known(selection)
        found = self.pages(selection, vectors=vectors)
        if not found:
            self._leases.look()
        return found

    def forget_known(self) -> None:
        """Read anew what was read under the writer's lease."""
        self._seen.clear()

    def lacks(self, id_: str) -> bool:
        """Whether the thread that writes has found out that there is no such point."""
        return self._requests.is_writing and self._seen.get(id_, self) is None

    def _known(self, selection: Selection) -> list[Point]:
        """What is selected, by the thread that writes; no point that is named is read twice."""
        if selection.ids is None:
            return self.pages(selection, vectors=False)
        wanted = known_ids(selection.ids)
        unread = tuple(id_ for id_ in wanted if id_ not in self._seen)
        if unread:
            read = {point.id: point for point in self.pages(Selection(ids=unread), vectors=False)}
            self._seen.update((id_, read.get(id_)) for id_ in unread)
        found = (self._seen[id_] for id_ in sorted(wanted))
        return [point for point in found if point is not None and _fits(point, selection)]

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
                    following = after(str(records[-1].id))
                if following is None:
                    break
                offset = following
        if vectors and any(point.vectors for point in found.values()):
            self._collection.learn()
        return [found[id_] for id_ in sorted(found)]

    def nearest(self, searches: Sequence[Search]) -> list[list[tuple[Point, float]]]:
        """As `MemoryStore.nearest_each`: all are one request, where none must be asked again."""
        self._requests.check_open()
        fingerprint = self._collection.learn() if searches else None
        if fingerprint is None:
            return [[] for _ in searches]
        found: list[dict[str, tuple[Point, float]]] = [{} for _ in searches]
        asked: list[tuple[int, Search, int, int | None]] = []
        for number, search in enumerate(searches):
            query = checked_query(search.vector, search.using, fingerprint)
            if query is None or search.limit < 1 or selects_nothing(search.selection):
                continue
            for part in in_parts(search.selection, self._collection.limits.listed):
                one = replace(search, selection=part, vector=query)
                # The server breaks ties as it likes: all that tie for the last place must be seen.
                wanted = min(search.limit + 1, self._collection.limits.found)
                asked.append((number, one, wanted, None))
        while asked:
            again: list[tuple[int, Search, int, int | None]] = []
            hits_of = self._hits([(search, wanted) for _, search, wanted, _ in asked])
            for (number, search, wanted, before), hits in zip(asked, hits_of, strict=True):
                if self._is_complete(hits, search.limit, wanted, before):
                    near = ((from_server(hit), _cosine(hit.score)) for hit in hits)
                    found[number].update((point.id, (point, score)) for point, score in near)
                else:
                    is_full = len(hits) == wanted
                    more = 2 * wanted if is_full else 4 * wanted + _UNDECIDED
                    most = min(more, self._collection.limits.found)
                    again.append((number, search, most, None if is_full else len(hits)))
            asked = again
        if not any(found):
            self._leases.look()
        return [
            sorted(some.values(), key=lambda pair: (-pair[1], pair[0].id))[: search.limit]
            for some, search in zip(found, searches, strict=True)
        ]

    def _facet(self, selection: Selection, field: str, limit: int, exact: bool) -> Any:
        where = to_filter(selection)
        return self._requests.read("facet", key=field, facet_filter=where, limit=limit, exact=exact)

    def _is_complete(
        self, hits: Sequence[Any], limit: int, wanted: int, before: int | None
    ) -> bool:
        """Whether none that ties for the last place can be missing.

        Args:
            hits: What was found.
            limit: How many are to be found.
            wanted: How many were asked for.
            before: How many were found when fewer were asked for; None the first time, and where
                as many as asked for were found: then there may be more.
        """
        if wanted == self._collection.limits.found:
            return True
        if len(hits) > limit and hits[-1].score < hits[limit - 1].score:
            return True
        if len(hits) == wanted:
            return False
        # There are no more. Or copies break ties differently, and what only some of them name is
        # left out: then more are found where more are asked for.
        return not self._requests.is_replicated or len(hits) == before

    def _hits(self, searches: Sequence[tuple[Search, int]]) -> list[Any]:
        from qdrant_client import models

        def ask(exact: bool) -> Any:
            params = self._collection.search_params(exact=exact)
            requests = [
                models.QueryRequest(
                    query=list(search.vector),
                    using=search.using,
                    filter=to_filter(search.selection),
                    limit=wanted,
                    with_payload=True,
                    params=params,
                )
                for search, wanted in searches
            ]
            return self._requests.read("query_batch_points", requests=requests)

        try:
            answers = self._collection.exactly(ask)
        except MemoryUnavailableError:
            raise
        except MemoryStoreError:
            # In a memory that replaced this one there may be no such vector.
            self._leases.look()
            raise
        return [answer.points for answer in answers]

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
            answer = self._collection.exactly(partial(self._facet, selection, field, most))
            if len(answer.hits) < most:
                if not answer.hits:
                    self._leases.look()
                return {str(hit.value): hit.count for hit in answer.hits if hit.count}
            if most == limits.found:
                break
            most = min(10 * most, limits.found)
        # A point may be in several parts, and a server in strict mode may not list all values.
        return _count(self.scan(selection, vectors=False), field)


def _fits(point: Point, selection: Selection) -> bool:
    """Whether a point fits a selection, its ids apart."""
    if selection.kind not in (None, point.kind) or selection.judge not in (None, point.judge):
        return False
    for field, values in selection.fields.items():
        if _held(point, field).isdisjoint(values):
            return False
    return all(_held(point, f).isdisjoint(values) for f, values in selection.without.items())


def _held(point: Point, field: str) -> set[str | None]:
    held = {"judge": point.judge, "kind": point.kind, **point.fields}.get(field)
    return set(held) if isinstance(held, tuple) else {held}


def _cosine(score: float) -> float:
    return max(-1.0, min(1.0, float(score)))


def _count(points: Iterable[Point], field: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for point in points:
        if field in ("judge", "kind"):
            counts[getattr(point, field)] += 1
        elif (value := point.fields.get(field)) is not None:
            counts.update(set(value) if isinstance(value, tuple) else {value})
    return dict(counts)
