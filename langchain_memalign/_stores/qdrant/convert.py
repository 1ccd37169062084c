"""Points and selections in the terms of the Qdrant client."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from langchain_memalign._stores.base import Point, Selection
from langchain_memalign._stores.payload import (
    conditions,
    exclusions,
    from_payload,
    to_payload,
    to_vectors,
)
from langchain_memalign._stores.write_batch import known_ids
from langchain_memalign.errors import InvalidInputError

if TYPE_CHECKING:
    from qdrant_client import models

T = TypeVar("T")

RESTORE = "restore a snapshot of the collection, or import an export into a new one."
"""What to do when stored data cannot be read."""

MAX_POINT = 24 * 2**20
"""Most bytes of one point: a server takes requests of 32 MB, and some of that is framing."""

_NUMBER = 22  # most bytes of a float in JSON, with its comma


def to_filter(selection: Selection) -> models.Filter:
    """What the server filters by; never lets the memory's own points through."""
    from qdrant_client import models

    def each(wanted: Iterable[tuple[str, list[str]]]) -> list[Any]:
        return [
            models.FieldCondition(key=name, match=models.MatchAny(any=values))
            for name, values in wanted
        ]

    must = each(conditions(selection))
    if selection.ids is not None:
        must.append(models.HasIdCondition(has_id=list(known_ids(selection.ids))))
    return models.Filter(must=must, must_not=each(exclusions(selection)) or None)


def to_server(point: Point) -> models.PointStruct:
    """A point for the server."""
    from qdrant_client import models

    # The client takes no whole numbers, and a server may send 1.0 as 1.
    vector: Any = {name: [float(x) for x in values] for name, values in to_vectors(point).items()}
    return models.PointStruct(id=point.id, vector=vector, payload=to_payload(point))


def from_server(found: models.Record | models.ScoredPoint, *, vectors: bool = False) -> Point:
    """A point from the server; with what vectors it has, if any were asked for."""
    named: Any = (found.vector or {}) if vectors else None
    return from_payload(str(found.id), found.payload, named, remedy=RESTORE)


def size_of(point: Point) -> int:
    """About how many bytes a point takes in a request, at most.

    Raises:
        InvalidInputError: More than a server takes.
    """
    numbers = sum(len(vector) for vector in (point.vectors or {}).values())
    text = len(json.dumps(to_payload(point), ensure_ascii=False).encode())
    size = text + _NUMBER * numbers + 200
    if size > MAX_POINT:
        raise InvalidInputError(
            f"found the {point.kind} {point.id} with {size:,} bytes; expected at most "
            f"{MAX_POINT:,}, as a Qdrant server takes requests of 32 MB: shorten its texts."
        )
    return size


def by_size(
    sized: Iterable[tuple[T, int]], *, size: int, count: int | None = None
) -> Iterator[tuple[list[T], int]]:
    """Cut what comes with its size in bytes, in order, into groups, which come with theirs.

    Args:
        sized: What to cut.
        size: Most bytes of a group, where its items allow that.
        count: Most items of a group.
    """
    group: list[T] = []
    filled = 0
    for item, needed in sized:
        if group and (len(group) == count or filled + needed > size):
            yield group, filled
            group, filled = [], 0
        group.append(item)
        filled += needed
    if group:
        yield group, filled
