"""Taking leases, keeping them alive and giving them back.

A lease is work that one process does at a time. Where its state is kept, and why no two can hold
it, is told in `alias_leases` and, for keys that may do less, in `update_leases`. Its holder changes
it every quarter of `lease_seconds`, as a sign of life; who waits watches it, by its own clock, and
takes it over once it did not change for as long as its holder promised to change it in.
"""

from __future__ import annotations

import math
import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_memalign._concurrency import pause
from langchain_memalign._stores.base import WRITER
from langchain_memalign._stores.qdrant.alias_leases import AliasLeases
from langchain_memalign._stores.qdrant.client import Requests
from langchain_memalign._stores.qdrant.collection import Collection
from langchain_memalign._stores.qdrant.failures import vanished
from langchain_memalign._stores.qdrant.lease_state import MOVED, LeaseState
from langchain_memalign._stores.qdrant.update_leases import UpdateLeases
from langchain_memalign.errors import MemoryLockedError, MemoryStoreError, MemoryUnavailableError

_FIRST_LOOK, _LAST_LOOK = 0.02, 0.25  # seconds between two looks at a lease that others hold
_BIRTHS = 20  # how often to try to make a lease that others try to make at the same time
_STUCK = 4  # swaps that failed, although nobody else changed the lease, before that is told


class Leases:
    """The leases of a memory, wherever their state is kept.

    Attributes:
        memory: The memory's id; set once it is known.
        aliases: The leases as aliases, if they are; None if they are points.
        points: The leases as points.
    """

    def __init__(self, requests: Requests, collection: Collection) -> None:
        self._requests = requests
        self._collection = collection
        self._last: dict[str, LeaseState] = {}
        self.memory = ""
        self.aliases: AliasLeases | None = None
        self.points = UpdateLeases(requests)

    @property
    def _kept(self) -> AliasLeases | UpdateLeases:
        return self.aliases or self.points

    def begin(self, memory: str, *, by_aliases: bool, of: str | None) -> None:
        """Say whose leases they are, where they are kept, and of which collection."""
        self.memory = self.points.memory = memory
        self.aliases = AliasLeases(self._requests, memory, real=of) if by_aliases else None

    def verify(self) -> LeaseState:
        """The writer's lease, which is there for as long as the memory is.

        Raises:
            MemoryUnavailableError: The memory is no longer the one that was opened.
        """
        for _ in range(_BIRTHS):
            state = self.find(WRITER)
            if state is not None:
                return state
            if self.aliases is None:
                break
            # A collection that was restored from a snapshot has no aliases.
            self._check_memory()
            self.aliases.create(WRITER)
            pause(random.uniform(0, _FIRST_LOOK))
        raise vanished(self._requests.server)

    def look(self) -> LeaseState | None:
        """As `verify`, but None where the key may not know the leases, and the memory is there."""
        try:
            return self.verify()
        except MemoryUnavailableError as error:
            if error.status != 403 or self.aliases is None:
                raise
        self._check_memory()
        return None

    def _check_memory(self) -> None:
        if self._collection.own().memory != self.memory:
            raise vanished(self._requests.server)

    def find(self, name: str) -> LeaseState | None:
        """A lease, if it exists.

        Raises:
            MemoryUnavailableError: The memory is no longer the one that was opened, or the key may
                not know its leases.
        """
        state = self._kept.find(name)
        if state is not None and state.instance == MOVED:
            # Somebody opened the memory with a key that may manage.
            self.aliases = AliasLeases(self._requests, self.memory)
            state = self.aliases.find(name)
        return state

    def read(self, name: str, *, deadline: float = math.inf) -> LeaseState:
        """A lease, which is made if it does not exist.

        Args:
            name: Which one.
            deadline: Until when to try, by `time.monotonic`.

        Raises:
            MemoryUnavailableError: The memory is no longer the one that was opened, or the lease
                could not be made in time.
        """
        if name == WRITER:
            return self.verify()
        tries = 0
        while (state := self.find(name)) is None:
            if tries and time.monotonic() > deadline:
                raise MemoryUnavailableError(
                    f"could not make the lease {name!r} of {self._requests.server.place} in time; "
                    "expected to: repeat what failed, and pass a longer lease_wait= if this "
                    "happens again."
                )
            self.verify()
            self._kept.create(name)
            tries += 1
            pause(random.uniform(0, _FIRST_LOOK))
        return state

    def expected(self, name: str) -> LeaseState | None:
        """A lease as this process left it, if it was free then; it may have changed since."""
        return self._last.pop(name, None) if self.aliases else None

    def swap(self, before: LeaseState, after: LeaseState) -> bool:
        """Change a lease if it is still as it was read; tells whether it was changed."""
        return self._kept.swap(before, after)

    def offer(self, before: LeaseState, after: LeaseState) -> None:
        """As `swap`, for those who need not know whether it was changed."""
        self._kept.offer(before, after)
        self._last[before.name] = after

    def turn(self, state: LeaseState) -> str | None:
        """The name by which the holder of the writer's lease writes; None for the memory's own."""
        return None if self.aliases is None else self.aliases.turn(state)

    def name_turn(self, state: LeaseState) -> None:
        """Make the name of a turn again that was lost."""
        if self.aliases is not None:
            self.aliases.name_turn(state)

    def withdraw(self, unborn: LeaseState) -> None:
        """Remove a lease whose maker died before it was born."""
        self._kept.withdraw(unborn)

    def journal(self, name: str) -> str:
        """The text of the write that an older version kept in a lease itself."""
        return self.points.journal(name)


@dataclass
class HeldLease:
    """A lease that this process holds.

    Attributes:
        state: As it was when it was changed last.
        taken_from: The one who held it and gave no sign of life any more; None if it was free.
        confirmed: When the last change of it that succeeded was begun; of `time.monotonic`.
        changing: Held by whoever changes it: the one who works under it, or the one who keeps it.
        ended: Set once no more signs of life are wanted.
        is_carried_out: Whether the write recorded in it is in place.
        spent: Recorded writes whose points are to be deleted, as `LeaseState.spent` names them.
    """

    state: LeaseState
    taken_from: LeaseState | None
    confirmed: float
    changing: Any = field(default_factory=threading.RLock)
    ended: threading.Event = field(default_factory=threading.Event)
    is_carried_out: bool = True
    spent: list[str] = field(default_factory=list)

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
        self._instance = secrets.token_hex(8)
        self._holder = f"process {os.getpid()} on {socket.gethostname()}"

    def take(self, name: str, *, dead: LeaseState | None = None) -> HeldLease:
        """Wait for a lease and take it; `give_back` must follow.

        Args:
            name: Which one.
            dead: The lease of a holder that is known to be dead.

        Raises:
            MemoryLockedError: Another process held it for longer than `lease_wait`.
            MemoryUnavailableError: The memory cannot be reached, or is gone.
            MemoryStoreError: Nobody holds it, and yet the server does not let it be taken.
        """
        began = time.monotonic()
        deadline = began + self._server.lease_wait
        seen, since = dead and dead.stamp, -math.inf
        failed, look = 0, _FIRST_LOOK
        guess = self._leases.expected(name)
        state = guess or self._leases.read(name, deadline=deadline)
        while True:
            now = time.monotonic()
            if state.stamp != seen:
                seen, since, failed = state.stamp, now, 0
            if self._may_take(state, unchanged=now - since):
                held = self._try(state)
                if held is not None:
                    threading.Thread(target=self._keep, args=[held], daemon=True).start()
                    return held
                failed += 1
            is_in_doubt = 0 < failed < _STUCK
            if state is not guess and time.monotonic() >= deadline and not is_in_doubt:
                raise self._stuck(state) if failed else self._told(state)
            if state is not guess:  # which may just be out of date
                pause(random.uniform(look / 2, look))
                look = min(_LAST_LOOK, look * 1.5)
            state = self._leases.read(name, deadline=deadline)

    def abandoned(self, name: str) -> LeaseState | None:
        """The lease, if somebody who is dead now left work in it.

        Watches it until its holder has done something, or for as long as it may do nothing; at
        most for `lease_wait`.
        """
        first = state = self._leases.read(name)
        began = time.monotonic()
        while state.is_unfinished and state.stamp == first.stamp:
            unchanged = time.monotonic() - began
            if self._may_take(state, unchanged=unchanged):
                return state
            if unchanged > self._server.lease_wait:
                return None
            pause(_LAST_LOOK / 2)
            state = self._leases.read(name)
        return None

    def confirm(self, held: HeldLease) -> None:
        """Make sure that a lease is still held.

        Raises:
            MemoryLockedError: Another process has taken it over.
        """
        if not held.is_sure:
            self.renew(held)

    def renew(self, held: HeldLease) -> None:
        """Give a sign of life now, which only the holder of a lease can.

        Raises:
            MemoryLockedError: Another process has taken it over.
        """
        if not self._beat(held):
            raise self.lost(held)

    def change(
        self,
        held: HeldLease,
        *,
        by: Callable[[LeaseState, LeaseState], bool] | None = None,
        **changes: Any,
    ) -> None:
        """Change a held lease.

        Args:
            held: The lease.
            by: Changes it from one state to another, and tells whether it did; None for a change
                of nothing but the lease.
            changes: What is changed.

        Raises:
            MemoryLockedError: Another process has taken it over; nothing was changed.
        """
        if not self._change(held, by or self._leases.swap, changes):
            raise self.lost(held)

    def give_back(self, held: HeldLease) -> None:
        """Let others have a lease at once; never fails.

        Where the server cannot be reached, or a write was recorded but not carried out, the lease
        is left to run out: whoever takes it over then carries the write out.
        """
        held.ended.set()
        with held.changing:
            if not self._requests.is_reachable:
                return  # and who waited long for an answer does not wait twice
            try:
                state = held.state
                if not held.is_carried_out:
                    found = self._leases.find(state.name)
                    if found is None or found.entry is not None or not self._is_mine(found, held):
                        return
                    state = found
                self._leases.offer(state, state.freed(spent=held.spent))
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
            (state.is_free and state.is_born)
            # Our own, from a call that could not give it back; of ours, only one asks at a time.
            or state.instance == self._instance
            or unchanged >= (state.seconds or self._server.lease_seconds)
            or (state.is_born and state.is_long_expired())
        )

    def _try(self, state: LeaseState) -> HeldLease | None:
        if not state.is_born:
            self._leases.withdraw(state)
            return None
        began = time.monotonic()
        mine = state.changed(
            instance=self._instance,
            holder=self._holder,
            fence=state.fence + 1,
            beat=0,
            seconds=self._server.lease_seconds,
        )
        if not self._leases.swap(state, mine):
            return None
        return HeldLease(
            state=mine,
            taken_from=None if state.is_free else state,
            confirmed=began,
            spent=state.spent.split(),
        )

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
        with held.changing:
            if held.ended.is_set():
                return True
            return self._change(held, self._leases.swap, {"beat": held.state.beat + 1})

    def _change(
        self,
        held: HeldLease,
        by: Callable[[LeaseState, LeaseState], bool],
        changes: Mapping[str, Any],
    ) -> bool:
        with held.changing:
            began = time.monotonic()
            before, after = held.state, held.state.changed(**changes)
            if not by(before, after):
                found = self._leases.find(before.name)
                if found is None or found.stamp == before.stamp or not self._is_mine(found, held):
                    return False
                # A change before this one took place, and its answer was lost.
                before, after = found, found.changed(**changes)
                if not by(before, after):
                    return False
            held.state, held.confirmed = after, began
            return True

    def _is_mine(self, state: LeaseState, held: HeldLease) -> bool:
        return (state.instance, state.fence) == (self._instance, held.state.fence)

    def _told(self, state: LeaseState) -> MemoryLockedError:
        return MemoryLockedError(
            f"found the lease {state.name!r} of {self._server.place} held by "
            f"{state.holder or 'one process after the other'}; "
            f"expected it to become free within {self._server.lease_wait:g} s: try again when that "
            "one is done, or pass a longer lease_wait=."
        )

    def _stuck(self, state: LeaseState) -> MemoryStoreError:
        return MemoryStoreError(
            f"found the lease {state.name!r} of {self._server.place} free to take, but the server "
            "does not let it be taken: after a crash its index says something else than the "
            f"stored data, or its copies disagree; expected them to agree. Delete the index of the "
            "payload field 'stamp' and make it anew, upgrade the server to Qdrant 1.19, or open "
            "the memory with a key that may manage collections. Nothing was lost."
        )
