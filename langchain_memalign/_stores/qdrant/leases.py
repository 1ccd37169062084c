"""Leases on a Qdrant server: points that change hands only by conditional updates.

A lease is a point of kind `meta`. Its `stamp` is new with every change, and a change is carried out
only where the stamp is still the one that was read: the server applies updates of a point one after
the other, so of several that compete for a stamp exactly one succeeds. Who holds a lease also
counts up its `beat`, which tells others that the holder lives and leaves the stamp as it is.

`fence` counts the holders. The lease of the writer also carries the journal (see `writing`):
recording a write and still holding the lease are thereby one and the same conditional update.

When a lease was last changed is told by the waiting one's own clock: it watches the lease for as
long as its holder said it would need at most between two signs of life. Clocks of different
machines are compared only to recognise leases that ran out long ago.
"""

from __future__ import annotations

import json
import math
import os
import random
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from langchain_memalign._concurrency import pause
from langchain_memalign._stores.base import WRITER
from langchain_memalign._stores.qdrant.client import Requests
from langchain_memalign._stores.qdrant.convert import RESTORE
from langchain_memalign._stores.qdrant.failures import vanished
from langchain_memalign.errors import MemoryCorruptError, MemoryLockedError, MemoryStoreError

STAMP = "stamp"
"""The payload field by which conditional updates are told apart; indexed."""

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:langchain-memalign:lease")
_SKEW = timedelta(seconds=60)  # clocks of two machines that differ by more are somebody's fault
_GLANCES = 5  # copies of a point may differ for a moment
_FIRST_LOOK, _LAST_LOOK = 0.02, 0.25  # seconds between two looks at a lease that others hold


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

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self.memory = ""

    def create(self, name: str) -> None:
        """Make a lease that nobody holds, unless there is one."""
        from qdrant_client import models

        free = LeaseState(name=name, memory=self.memory, stamp=uuid.uuid4().hex)
        point = models.PointStruct(id=lease_id(name), vector={}, payload=_payload(free))
        self._requests.write("upsert", points=[point], update_mode=models.UpdateMode.INSERT_ONLY)

    def verify(self) -> LeaseState:
        """The writer's lease, which is there for as long as the memory is.

        Raises:
            MemoryUnavailableError: The memory is no longer the one that was opened.
        """
        state = self.find(WRITER)
        if state is None:
            raise vanished(self._requests.server)
        return state

    def read(self, name: str) -> LeaseState:
        """A lease, which is made if it does not exist.

        Raises:
            MemoryUnavailableError: The memory is no longer the one that was opened.
        """
        if name == WRITER:
            return self.verify()
        while (state := self.find(name)) is None:
            self.verify()
            self.create(name)
        return state

    def find(self, name: str) -> LeaseState | None:
        """A lease, if it exists.

        Raises:
            MemoryUnavailableError: It is one of another memory.
            MemoryCorruptError: It cannot be read.
        """
        for glance in range(_GLANCES if self._requests.is_replicated else 1):
            if glance:
                pause(0.05)
            found = self._requests.read(
                "retrieve", ids=[lease_id(name)], with_payload=["record", STAMP, "beat"]
            )
            if found:
                state = _read(found[0].payload, self._requests)
                if state.memory != self.memory:
                    raise vanished(self._requests.server)
                return state
        return None

    def swap(self, before: LeaseState, after: LeaseState, *, journal: str | None = None) -> bool:
        """Change a lease if it is still as it was read.

        Args:
            before: As it was read.
            after: As it shall be, made by `LeaseState.changed`.
            journal: The text of a write to keep in it; None leaves what is there.

        Returns:
            Whether it was changed.
        """
        self.offer(before, after, journal=journal)
        now = self.find(before.name)
        return now is not None and now.stamp == after.stamp

    def offer(self, before: LeaseState, after: LeaseState, *, journal: str | None = None) -> None:
        """As `swap`, for those who need not know whether it was changed."""
        payload = _payload(after) | ({} if journal is None else {"journal": journal})
        self._requests.write("set_payload", payload=payload, points=_still(before))

    def beat(self, state: LeaseState, number: int) -> LeaseState | None:
        """Give a sign of life, and return the lease as it is then."""
        self._requests.write("set_payload", payload={"beat": number}, points=_still(state))
        return self.find(state.name)

    def journal(self, name: str) -> str:
        """The text of the write that is kept in a lease."""
        found = self._requests.read("retrieve", ids=[lease_id(name)], with_payload=["journal"])
        return str(found[0].payload.get("journal", "")) if found else ""


@dataclass
class HeldLease:
    """A lease that this process holds.

    Attributes:
        state: As it was when it was changed last.
        taken_from: The one who held it and gave no sign of life any more; None if it was free.
        confirmed: When others last saw a sign of life, at the earliest; of `time.monotonic`.
        beats: Numbers for the signs of life.
        ended: Set once no more of them are wanted.
        is_carried_out: Whether the write recorded in it is in place.
        is_left: Whether it shall run out, so that whoever takes it over tidies up.
    """

    state: LeaseState
    taken_from: LeaseState | None
    confirmed: float
    beats: Iterator[int] = field(default_factory=lambda: count(1))
    ended: threading.Event = field(default_factory=threading.Event)
    is_carried_out: bool = True
    is_left: bool = False

    @property
    def is_sure(self) -> bool:
        """Whether nobody can have taken it over yet, with a margin for a request under way."""
        return time.monotonic() < self.confirmed + self.state.seconds / 2


class LeaseHolder:
    """The leases that this process holds or waits for; one caller at a time for each name."""

    def __init__(self, requests: Requests, leases: Leases) -> None:
        self._requests = requests
        self._server = requests.server
        self._leases = leases
        self._instance = uuid.uuid4().hex
        self._holder = f"process {os.getpid()} on {socket.gethostname()}"

    def take(self, name: str, *, dead: LeaseState | None = None) -> HeldLease:
        """Wait for a lease and take it; `give_back` must follow.

        Args:
            name: Which one.
            dead: The lease of a holder that is known to be dead.

        Raises:
            MemoryLockedError: Another process held it for longer than `lease_wait`.
            MemoryUnavailableError: The memory cannot be reached, or is gone.
        """
        deadline = time.monotonic() + self._server.lease_wait
        seen = dead and (dead.stamp, dead.beat)
        since, look = -math.inf, _FIRST_LOOK
        while True:
            state = self._leases.read(name)
            now = time.monotonic()
            if (state.stamp, state.beat) != seen:
                seen, since = (state.stamp, state.beat), now
            if self._may_take(state, unchanged=now - since):
                held = self._try(state)
                if held is not None:
                    threading.Thread(target=self._keep, args=[held], daemon=True).start()
                    return held
            elif now >= deadline:
                raise self._told(state)
            pause(random.uniform(look / 2, look))
            look = min(_LAST_LOOK, look * 1.5)

    def abandoned(self, name: str) -> LeaseState | None:
        """The lease, if somebody who is dead now recorded a write in it.

        Watches it until its holder has done something, or for as long as it may do nothing.
        """
        first = state = self._leases.read(name)
        began = time.monotonic()
        while state.entry is not None and (state.stamp, state.beat) == (first.stamp, first.beat):
            if self._may_take(state, unchanged=time.monotonic() - began):
                return state
            pause(_LAST_LOOK / 2)
            state = self._leases.read(name)
        return None

    def confirm(self, held: HeldLease) -> None:
        """Make sure that a lease is still held.

        Raises:
            MemoryLockedError: Another process has taken it over.
        """
        if not held.is_sure and not self._beat(held):
            raise self.lost(held)

    def change(self, held: HeldLease, after: LeaseState, *, journal: str | None = None) -> None:
        """Change a held lease.

        Raises:
            MemoryLockedError: Another process has taken it over; nothing was changed.
        """
        began = time.monotonic()
        # Known before it is certain: a beat must not take our own change for somebody else's.
        before, held.state = held.state, after
        if not self._leases.swap(before, after, journal=journal):
            held.state = before
            raise self.lost(held)
        held.confirmed = began

    def give_back(self, held: HeldLease) -> None:
        """Let others have a lease at once; never fails.

        Where the server cannot be reached, or a write was recorded but not carried out, the lease
        is left to run out: whoever takes it over then carries the write out.
        """
        held.ended.set()
        if held.is_left or not self._requests.is_reachable:
            return  # and who waited long for an answer does not wait twice
        try:
            state = held.state
            if state.entry is not None and not held.is_carried_out:
                state = self._leases.read(state.name)
                if state.entry is not None or state.instance != self._instance:
                    return
            free = state.changed(instance=None, holder="", entry=None)
            journal = "" if state.entry is not None else None
            self._leases.offer(state, free, journal=journal)
        except MemoryStoreError:
            return

    def lost(self, held: HeldLease) -> MemoryLockedError:
        """The error for a lease that another process has taken over."""
        return MemoryLockedError(
            f"lost the lease {held.state.name!r} of {self._server.place} to another process, after "
            f"{held.state.seconds:g} s or more without contact to the server; expected to hold it: "
            "repeat what failed, and pass a longer lease_seconds= if this happens again."
        )

    def _may_take(self, state: LeaseState, *, unchanged: float) -> bool:
        return (
            state.is_free
            # Our own, from a call that could not give it back; of ours, only one asks at a time.
            or state.instance == self._instance
            or unchanged >= state.seconds
            or state.is_long_expired()
        )

    def _try(self, state: LeaseState) -> HeldLease | None:
        began = time.monotonic()
        mine = state.changed(
            instance=self._instance,
            holder=self._holder,
            fence=state.fence + 1,
            seconds=self._server.lease_seconds,
        )
        if not self._leases.swap(state, mine):
            return None
        return HeldLease(state=mine, taken_from=None if state.is_free else state, confirmed=began)

    def _keep(self, held: HeldLease) -> None:
        """Give signs of life until the lease is given back or lost; runs in a thread of its own.

        A thread also for async callers: a loop that is blocked for a while is still alive.
        """
        while not held.ended.wait(held.state.seconds / 4):
            try:
                if not self._beat(held):
                    return
            except MemoryStoreError:
                if self._requests.is_closed:
                    return
                # Else tried again; who relies on the lease asks `confirm`.

    def _beat(self, held: HeldLease) -> bool:
        began, fence = time.monotonic(), held.state.fence
        number = next(held.beats)
        found = self._leases.beat(held.state, number)
        if found is None or (found.instance, found.fence) != (self._instance, fence):
            return False
        if found.beat == number:  # else it met a change of the stamp, which is as good a sign
            held.confirmed = max(held.confirmed, began)
        return True

    def _told(self, state: LeaseState) -> MemoryLockedError:
        return MemoryLockedError(
            f"found the lease {state.name!r} of {self._server.place} held by {state.holder}; "
            f"expected it to become free within {self._server.lease_wait:g} s: try again when that "
            "one is done, or pass a longer lease_wait=."
        )


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


def _read(payload: Any, requests: Requests) -> LeaseState:
    known = {field.name for field in fields(LeaseState)}
    try:
        said = {k: v for k, v in json.loads(payload["record"]).items() if k in known}
        said["until"] = datetime.fromisoformat(said["until"])
        return LeaseState(**said, stamp=payload[STAMP], beat=payload["beat"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MemoryCorruptError(
            f"found a lease that cannot be read at {requests.server.place} ({error!s:.200}); "
            "expected one written by this version or an older one: upgrade langchain-memalign, "
            f"or {RESTORE}"
        ) from error
