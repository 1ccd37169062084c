"""Taking turns among processes: waiting for a lease, keeping it alive, taking over a dead one's."""

from __future__ import annotations

import math
import os
import random
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from langchain_memalign._stores.qdrant.leases import Leases, LeaseState
from langchain_memalign._stores.qdrant.requests import Calls
from langchain_memalign.errors import MemoryLockedError, MemoryStoreError
from langchain_memalign.flow import Flow, pause, run

_FIRST_LOOK, _LAST_LOOK = 0.02, 0.25  # seconds between two looks at a lease that others hold


@dataclass
class Held:
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


class Turns:
    """The leases that this process holds or waits for; one caller at a time for each name.

    When a lease was last changed is told by the waiting one's own clock: it watches the lease for
    as long as its holder said it would need at most between two signs of life. Clocks of different
    machines are compared only to recognise those that ran out long ago.
    """

    def __init__(self, calls: Calls, leases: Leases) -> None:
        self._calls = calls
        self._server = calls.server
        self._leases = leases
        self._instance = uuid.uuid4().hex
        self._holder = f"process {os.getpid()} on {socket.gethostname()}"

    def take(self, name: str, *, dead: LeaseState | None = None) -> Flow[Held]:
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
            state = yield from self._leases.read(name)
            now = time.monotonic()
            if (state.stamp, state.beat) != seen:
                seen, since = (state.stamp, state.beat), now
            if self._may_take(state, unchanged=now - since):
                held = yield from self._try(state)
                if held is not None:
                    threading.Thread(target=self._keep, args=[held], daemon=True).start()
                    return held
            elif now >= deadline:
                raise self._told(state)
            yield from pause(random.uniform(look / 2, look))
            look = min(_LAST_LOOK, look * 1.5)

    def abandoned(self, name: str) -> Flow[LeaseState | None]:
        """The lease, if somebody who is dead now recorded a write in it.

        Watches it until its holder has done something, or for as long as it may do nothing.
        """
        first = state = yield from self._leases.read(name)
        began = time.monotonic()
        while state.entry is not None and (state.stamp, state.beat) == (first.stamp, first.beat):
            if self._may_take(state, unchanged=time.monotonic() - began):
                return state
            yield from pause(_LAST_LOOK / 2)
            state = yield from self._leases.read(name)
        return None

    def confirm(self, held: Held) -> Flow[None]:
        """Make sure that a lease is still held.

        Raises:
            MemoryLockedError: Another process has taken it over.
        """
        if not held.is_sure and not (yield from self._beat(held)):
            raise self.lost(held)

    def change(self, held: Held, after: LeaseState, *, journal: str | None = None) -> Flow[None]:
        """Change a held lease.

        Raises:
            MemoryLockedError: Another process has taken it over; nothing was changed.
        """
        began = time.monotonic()
        # Known before it is certain: a beat must not take our own change for somebody else's.
        before, held.state = held.state, after
        if not (yield from self._leases.swap(before, after, journal=journal)):
            held.state = before
            raise self.lost(held)
        held.confirmed = began

    def give_back(self, held: Held) -> Flow[None]:
        """Let others have a lease at once; never fails.

        Where the server cannot be reached, or a write was recorded but not carried out, the lease
        is left to run out: whoever takes it over then carries the write out.
        """
        held.ended.set()
        if held.is_left or not self._calls.is_reachable:
            return  # and who waited long for an answer does not wait twice
        try:
            state = held.state
            if state.entry is not None and not held.is_carried_out:
                state = yield from self._leases.read(state.name)
                if state.entry is not None or state.instance != self._instance:
                    return
            free = state.changed(instance=None, holder="", entry=None)
            journal = "" if state.entry is not None else None
            yield from self._leases.offer(state, free, journal=journal)
        except MemoryStoreError:
            return

    def lost(self, held: Held) -> MemoryLockedError:
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

    def _try(self, state: LeaseState) -> Flow[Held | None]:
        began = time.monotonic()
        mine = state.changed(
            instance=self._instance,
            holder=self._holder,
            fence=state.fence + 1,
            seconds=self._server.lease_seconds,
        )
        if not (yield from self._leases.swap(state, mine)):
            return None
        return Held(state=mine, taken_from=None if state.is_free else state, confirmed=began)

    def _keep(self, held: Held) -> None:
        """Give signs of life until the lease is given back or lost; runs in a thread of its own.

        A thread also for async callers: a loop that is blocked for a while is still alive.
        """
        while not held.ended.wait(held.state.seconds / 4):
            try:
                if not run(self._beat(held)):
                    return
            except MemoryStoreError:
                if self._calls.is_closed:
                    return
                # Else tried again; who relies on the lease asks `confirm`.

    def _beat(self, held: Held) -> Flow[bool]:
        began, fence = time.monotonic(), held.state.fence
        number = next(held.beats)
        found = yield from self._leases.beat(held.state, number)
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
