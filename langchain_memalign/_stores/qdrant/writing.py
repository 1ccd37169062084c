"""Writing to a Qdrant server: all or nothing, although the server promises that for no request.

A write is first recorded whole, as text, in points of its own; then the lease under which it
happens is changed to name them, which fails if the lease is no longer held. From then on it will
happen. It is carried out: principles first, then episodes, then what is erased, so that nobody who
reads meanwhile finds an episode distilled without its principles. Who finds a recorded write that
was not carried out, because its writer died, carries it out before anything else; doing so twice
changes nothing.
"""

from __future__ import annotations

import base64
import json
import secrets
import struct
import uuid
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_memalign._stores.base import WRITER, Point, Selection
from langchain_memalign._stores.payload import pack_vector, unpack_vector
from langchain_memalign._stores.qdrant.client import Requests
from langchain_memalign._stores.qdrant.collection import Collection
from langchain_memalign._stores.qdrant.convert import RESTORE, by_size, size_of, to_server
from langchain_memalign._stores.qdrant.failures import RequestTooLargeError
from langchain_memalign._stores.qdrant.leases import HeldLease, LeaseHolder, Leases
from langchain_memalign._stores.qdrant.reading import Reading
from langchain_memalign._stores.write_batch import Batch
from langchain_memalign.errors import MemoryCorruptError, MemoryUnavailableError

_FORMAT = 1
_FAST = 1  # the level of compression; most of the text are vectors, which hardly shrink

# About how many bytes go into one request: far below a server's limit, soon through a slow line.
_REQUEST = 4 * 2**20

_IDS = 1000


@dataclass(frozen=True, kw_only=True)
class JournalEntry:
    """What shall be there, and what shall not.

    Attributes:
        points: Whole, their vectors included.
        erased: Ids.
    """

    points: Sequence[Point]
    erased: Sequence[str]

    def text(self) -> str:
        """The entry as ASCII text without quotes, which JSON does not make any longer."""
        said = {
            "format": _FORMAT,
            "points": [_pack(point) for point in self.points],
            "erased": list(self.erased),
        }
        packed = zlib.compress(json.dumps(said, ensure_ascii=False).encode(), _FAST)
        return base64.b64encode(packed).decode("ascii")

    @classmethod
    def read(cls, text: str, *, remedy: str) -> JournalEntry:
        """The entry that `text` wrote.

        Raises:
            MemoryCorruptError: It is not one.
        """
        try:
            said = json.loads(zlib.decompress(base64.b64decode(text, validate=True)))
            if said["format"] != _FORMAT:
                raise ValueError(f"it has format {said['format']}")
            points = [_unpack(item) for item in said["points"]]
            return cls(points=points, erased=[str(id_) for id_ in said["erased"]])
        except (ValueError, KeyError, TypeError, zlib.error, struct.error) as error:
            raise MemoryCorruptError(
                f"found a recorded write that cannot be read ({error!s:.200}); expected one of "
                f"format {_FORMAT}: upgrade langchain-memalign, or {remedy}"
            ) from error


class Writing:
    """Writes under the writer's lease."""

    def __init__(
        self,
        requests: Requests,
        collection: Collection,
        leases: Leases,
        holder: LeaseHolder,
        reading: Reading,
    ) -> None:
        self._requests = requests
        self._collection = collection
        self._leases = leases
        self._holder = holder
        self._reading = reading

    def write(self, held: HeldLease, batch: Batch) -> None:
        """Carry out a checked write.

        Args:
            held: The writer's lease.
            batch: What to write.

        Raises:
            InvalidInputError: A point is larger than a server takes.
            MemoryLockedError: The lease was lost. If the write had been recorded, it is carried out
                by whoever has the lease now.
        """
        if batch.fingerprint is not None and self._collection.fingerprint is None:
            self._holder.confirm(held)
            self._collection.establish(batch.fingerprint)
        self._requests.let_copies_catch_up()
        points = self._with_vectors(batch.points)
        entry = JournalEntry(points=points, erased=sorted(batch.erased))
        operations = list(self._operations(entry))
        if not operations:
            return
        self._record(held, entry.text(), erases=bool(entry.erased))
        self._carry_out(held, operations)
        self._collection.points += len(batch.points)

    def recover(self, held: HeldLease) -> None:
        """Carry out what the one who had the lease before recorded, and remove what it left.

        Args:
            held: The writer's lease, just taken.
        """
        if held.state.entry is not None:
            held.is_carried_out = False
            entry = JournalEntry.read(self._recorded(held), remedy=RESTORE)
            self._carry_out(held, list(self._operations(entry)))
        if held.taken_from is not None:
            self._tidy(held)

    def _with_vectors(self, points: Sequence[Point]) -> list[Point]:
        """The points, those without vectors having the vectors stored under their id.

        An upsert replaces the whole point, so vectors that are to stay must be sent again.
        """
        kept_as_they_are = (point.id for point in points if point.vectors is None)
        missing = tuple(id_ for id_ in kept_as_they_are if not self._reading.lacks(id_))
        # Asked of the server: another process may have written the first vectors.
        if not missing or self._collection.learn() is None:
            return list(points)
        stored = self._reading.pages(Selection(ids=missing), vectors=True)
        kept = {point.id: point.vectors for point in stored}
        return [replace(p, vectors=kept.get(p.id)) if p.vectors is None else p for p in points]

    def _record(self, held: HeldLease, text: str, *, erases: bool) -> None:
        """Write an entry down, and let the lease name it: from then on it will happen."""
        state, entry = held.state, secrets.token_hex(8)
        chunks = [text[i : i + _REQUEST] for i in range(0, len(text), _REQUEST)]
        # Until the lease names them, the parts are nothing but litter.
        held.spent = [*held.spent, *state.recorded, f"{entry}:{len(chunks)}"]
        for number, chunk in enumerate(chunks):
            self._holder.confirm(held)
            self._write(held, "upsert", points=[_part(entry, number, chunk)])
        held.is_carried_out = False
        spent = held.spent[:-1]
        self._holder.change(
            held,
            entry=entry,
            parts=len(chunks),
            writes=state.writes + 1,
            spent=" ".join(spent),
            is_unclean=state.is_unclean or erases,
        )
        held.spent = spent

    def _recorded(self, held: HeldLease) -> str:
        state = held.state
        if not state.parts:
            return self._leases.journal(WRITER)
        texts = []
        for number in range(state.parts):  # one at a time: together they may be too long an answer
            found = self._requests.read(
                "retrieve", ids=[_part_id(state.entry, number)], with_payload=["record"]
            )
            if not found:
                raise MemoryCorruptError(
                    f"found part {number + 1} of {state.parts} of a recorded write missing at "
                    f"{self._requests.server.place}; expected all of them: {RESTORE}"
                )
            texts.append(str(found[0].payload["record"]))
        return "".join(texts)

    def _carry_out(self, held: HeldLease, operations: Sequence[tuple[Any, int]]) -> None:
        spent = [_part_id(*part) for named in held.spent for part in _parts(named)]
        for request, _ in by_size([*operations, *_deleting(spent)], size=_REQUEST):
            self._send(held, request)
        held.is_carried_out = True
        held.spent = []

    def _send(self, held: HeldLease, operations: list[Any]) -> None:
        # Who has lost the lease must stop: later writes of others would be undone.
        self._holder.confirm(held)
        try:
            self._write(held, "batch_update_points", update_operations=operations)
        except RequestTooLargeError:
            halves = _halves(operations)
            if halves is None:
                raise
            for half in halves:
                self._send(held, half)

    def _write(self, held: HeldLease, method: str, **arguments: Any) -> None:
        """Write by the name that the collection has for as long as the lease is held."""
        turn = self._leases.turn(held.state)
        try:
            self._requests.write(method, collection=turn, **arguments)
        except MemoryUnavailableError as error:
            if turn is None or error.status != 404:
                raise
            self._holder.renew(held)
            self._leases.name_turn(held.state)
            self._requests.write(method, collection=turn, **arguments)

    def _operations(self, entry: JournalEntry) -> Iterator[tuple[Any, int]]:
        from qdrant_client import models

        most = self._collection.limits.upserted
        for kind in ("judge", "principle", "episode"):
            sized = ((point, size_of(point)) for point in entry.points if point.kind == kind)
            for group, size in by_size(sized, size=_REQUEST, count=most):
                upsert = models.PointsList(points=[to_server(point) for point in group])
                yield models.UpsertOperation(upsert=upsert), size
        yield from _deleting(entry.erased)

    def _tidy(self, held: HeldLease) -> None:
        """Remove the parts of writes that were never recorded in full, or carried out long ago."""
        from qdrant_client import models

        meta = models.FieldCondition(key="kind", match=models.MatchValue(value="meta"))
        offset, litter = None, []
        while True:
            records, offset = self._requests.read(
                "scroll",
                scroll_filter=models.Filter(must=[meta]),
                limit=self._collection.limits.page,
                offset=offset,
                with_payload=["part_of"],
            )
            parts = ((str(record.id), (record.payload or {}).get("part_of")) for record in records)
            litter += [id_ for id_, entry in parts if entry not in (None, held.state.entry)]
            if offset is None:
                break
        self._holder.confirm(held)
        if litter:
            selector = models.PointIdsList(points=list(litter))
            self._write(held, "delete", points_selector=selector)


def _deleting(ids: Sequence[str]) -> Iterator[tuple[Any, int]]:
    """Operations that delete points, each with its size in bytes."""
    from qdrant_client import models

    for start in range(0, len(ids), _IDS):
        some = ids[start : start + _IDS]
        selector = models.PointIdsList(points=list(some))
        yield models.DeleteOperation(delete=selector), 40 * len(some)


def _halves(operations: list[Any]) -> tuple[list[Any], list[Any]] | None:
    """The same as two requests; None for one that cannot be divided."""
    from qdrant_client import models

    if len(operations) > 1:
        middle = len(operations) // 2
        return operations[:middle], operations[middle:]
    (operation,) = operations
    if not isinstance(operation, models.UpsertOperation):
        return None
    points: list[Any] = operation.upsert.points  # type: ignore[union-attr]
    if len(points) < 2:
        return None
    middle = len(points) // 2
    first, second = (
        [models.UpsertOperation(upsert=models.PointsList(points=some))]
        for some in (points[:middle], points[middle:])
    )
    return first, second


def _part_id(entry: str | None, number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:langchain-memalign:journal:{entry}:{number}"))


def _parts(named: str) -> Iterator[tuple[str, int]]:
    """The parts of a write as a lease names it."""
    entry, _, number = named.partition(":")
    return ((entry, part) for part in range(int(number)))


def _part(entry: str, number: int, text: str) -> Any:
    from qdrant_client import models

    payload = {"kind": "meta", "part_of": entry, "record": text}
    return models.PointStruct(id=_part_id(entry, number), vector={}, payload=payload)


def _pack(point: Point) -> dict[str, Any]:
    return {
        "id": point.id,
        "kind": point.kind,
        "judge": point.judge,
        "record": point.record,
        "fields": {k: list(v) if isinstance(v, tuple) else v for k, v in point.fields.items()},
        "vectors": {name: pack_vector(v) for name, v in (point.vectors or {}).items()},
    }


def _unpack(item: dict[str, Any]) -> Point:
    fields = {k: tuple(v) if isinstance(v, list) else v for k, v in item["fields"].items()}
    vectors = {name: unpack_vector(text) for name, text in item["vectors"].items()}
    return Point(
        id=item["id"],
        kind=item["kind"],
        judge=item["judge"],
        record=item["record"],
        fields=fields,
        vectors=vectors,
    )
