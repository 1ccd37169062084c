"""Leases on a Qdrant server: points that change hands only by conditional updates.

A lease is a point of kind `meta`. Its `stamp` is new with every change, and a change is carried out
only where the stamp is still the one that was read: the server applies updates of a point one after
the other, so of several that compete for a stamp exactly one succeeds. Who holds a lease also
counts up its `beat`, which tells others that the holder lives and leaves the stamp as it is.

`fence` counts the holders. The lease of the writer also carries the journal (see `qdrant_write`):
recording a write and still holding the lease are thereby one and the same conditional update.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from langchain_memalign._stores.base import WRITER
from langchain_memalign._stores.qdrant.convert import RESTORE
from langchain_memalign._stores.qdrant.failures import vanished
from langchain_memalign._stores.qdrant.requests import Calls
from langchain_memalign.errors import MemoryCorruptError
from langchain_memalign.flow import Flow, pause

STAMP = "stamp"
"""The payload field by which conditional updates are told apart; indexed."""

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:langchain-memalign:lease")
_SKEW = timedelta(seconds=60)  # clocks of two machines that differ by more are somebody's fault
_GLANCES = 5  # copies of a point may differ for a moment


@dataclass(frozen=True, kw_only=True)
class LeaseState:
    """A lease as it was read.

    Attributes:
        name: Which one.
        memory: The memory that it belongs to; a collection that was replaced has another one.
        stamp: Changes with every change.
        beat: Changes while the holder lives.
        instance: Who holds it; None if nobody does.
        holder: The same for humans.
        fence: How many holders there have been.
        seconds: After so long without any change it may be taken over.
        until: When that will be, by the holder's clock, if it gives no further sign of life.
        writes: How many writes were recorded under it.
        entry: The id of a recorded write that may not have been carried out yet, if there is one.
        parts: In how many points it lies; 0 if in this one.
    """

    name: str
    memory: str
    stamp: str
    beat: int = 0
    instance: str | None = None
    holder: str = ""
    fence: int = 0
    seconds: float = 0.0
    until: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    writes: int = 0
    entry: str | None = None
    parts: int = 0

    @property
    def is_free(self) -> bool:
        """Whether nobody holds it."""
        return self.instance is None

    def is_long_expired(self) -> bool:
        """Whether it ran out so long ago that no difference between clocks can explain it."""
        return datetime.now(UTC) > self.until + _SKEW + timedelta(seconds=self.seconds)

    def changed(self, **changes: Any) -> LeaseState:
        """The lease after a change, with a new stamp."""
        until = datetime.now(UTC) + timedelta(seconds=changes.get("seconds", self.seconds))
        return replace(self, **{"until": until, **changes, "stamp": uuid.uuid4().hex})


def lease_id(name: str) -> str:
    """The id of a lease's point."""
    return str(uuid.uuid5(_NAMESPACE, name))


class Leases:
    """The leases of a memory.

    Attributes:
        memory: The memory's id; set once it is known.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.memory = ""

    def create(self, name: str) -> Flow[None]:
        """Make a lease that nobody holds, unless there is one."""
        from qdrant_client import models

        free = LeaseState(name=name, memory=self.memory, stamp=uuid.uuid4().hex)
        point = models.PointStruct(id=lease_id(name), vector={}, payload=_payload(free))
        yield from self._calls.write(
            "upsert", points=[point], update_mode=models.UpdateMode.INSERT_ONLY
        )

    def verify(self) -> Flow[LeaseState]:
        """The writer's lease, which is there for as long as the memory is.

        Raises:
            MemoryUnavailableError: The memory is no longer the one that was opened.
        """
        state = yield from self.find(WRITER)
        if state is None:
            raise vanished(self._calls.server)
        return state

    def read(self, name: str) -> Flow[LeaseState]:
        """A lease, which is made if it does not exist.

        Raises:
            MemoryUnavailableError: The memory is no longer the one that was opened.
        """
        if name == WRITER:
            return (yield from self.verify())
        while (state := (yield from self.find(name))) is None:
            yield from self.verify()
            yield from self.create(name)
        return state

    def find(self, name: str) -> Flow[LeaseState | None]:
        """A lease, if it exists.

        Raises:
            MemoryUnavailableError: It is one of another memory.
            MemoryCorruptError: It cannot be read.
        """
        for glance in range(_GLANCES if self._calls.is_replicated else 1):
            if glance:
                yield from pause(0.05)
            found = yield from self._calls.read(
                "retrieve", ids=[lease_id(name)], with_payload=["record", STAMP, "beat"]
            )
            if found:
                state = _read(found[0].payload, self._calls)
                if state.memory != self.memory:
                    raise vanished(self._calls.server)
                return state
        return None

    def swap(
        self, before: LeaseState, after: LeaseState, *, journal: str | None = None
    ) -> Flow[bool]:
        """Change a lease if it is still as it was read.

        Args:
            before: As it was read.
            after: As it shall be, made by `LeaseState.changed`.
            journal: The text of a write to keep in it; None leaves what is there.

        Returns:
            Whether it was changed.
        """
        yield from self.offer(before, after, journal=journal)
        now = yield from self.find(before.name)
        return now is not None and now.stamp == after.stamp

    def offer(
        self, before: LeaseState, after: LeaseState, *, journal: str | None = None
    ) -> Flow[None]:
        """As `swap`, for those who need not know whether it was changed."""
        payload = _payload(after) | ({} if journal is None else {"journal": journal})
        yield from self._calls.write("set_payload", payload=payload, points=_still(before))

    def beat(self, state: LeaseState, number: int) -> Flow[LeaseState | None]:
        """Give a sign of life, and return the lease as it is then."""
        yield from self._calls.write("set_payload", payload={"beat": number}, points=_still(state))
        return (yield from self.find(state.name))

    def journal(self, name: str) -> Flow[str]:
        """The text of the write that is kept in a lease."""
        found = yield from self._calls.read(
            "retrieve", ids=[lease_id(name)], with_payload=["journal"]
        )
        return str(found[0].payload.get("journal", "")) if found else ""


def _still(state: LeaseState) -> Any:
    """The lease's point, as long as its stamp is the one of `state`."""
    from qdrant_client import models

    stamp = models.FieldCondition(key=STAMP, match=models.MatchValue(value=state.stamp))
    return models.Filter(must=[models.HasIdCondition(has_id=[lease_id(state.name)]), stamp])


def _payload(state: LeaseState) -> dict[str, Any]:
    said = asdict(state)
    stamp, beat = said.pop("stamp"), said.pop("beat")
    said["until"] = state.until.isoformat()
    return {"kind": "meta", STAMP: stamp, "beat": beat, "record": json.dumps(said)}


def _read(payload: Any, calls: Calls) -> LeaseState:
    known = {field.name for field in fields(LeaseState)}
    try:
        said = {k: v for k, v in json.loads(payload["record"]).items() if k in known}
        said["until"] = datetime.fromisoformat(said["until"])
        return LeaseState(**said, stamp=payload[STAMP], beat=payload["beat"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MemoryCorruptError(
            f"found a lease that cannot be read at {calls.server.place} ({error!s:.200}); "
            "expected one written by this version or an older one: upgrade langchain-memalign, "
            f"or {RESTORE}"
        ) from error
