"""Leases as names: who holds one is decided by the consensus of the servers.

The state of a lease *is* the name of an alias of the memory's collection, and every change renames
that alias. A server renames under one lock, a cluster in the one order that its consensus gives,
and either refuses where the old name is not there: a rename is a compare-and-swap. No name comes
twice, for each has a random stamp of its own.

**Of several that compete for a state one gets it.** A rename that succeeds takes the old name away,
so it has one successor; the names of a lease form one chain, and the state is its last name. A list
of aliases that comes from a node which lags behind may show an earlier name: a rename from that one
is refused. One that is repeated because its answer was lost is refused too, and then the list tells
whose it was, by the stamp.

**A lease begins once** (`create`). Whoever misses it adds an alias of its own, not yet born, looks
at all aliases, withdraws its own if there is another of that lease, and else renames it to a born
one. Suppose two had both been born. Each added its own before it looked, and additions have an
order: the later of both looked after the earlier one was there, and that one is never withdrawn,
as it came to be born. So the later one withdrew. Who finds an unborn one whose maker is dead
removes it by its name: if its maker was only slow, its next rename is refused.

**No two hold a lease.** Who is named in the last name holds it. A holder acts on that for at most
half of `seconds` after it *began* its last successful rename, and else renames first (`confirm` in
`leases`). Another renames a held name only after it watched that name, by its own clock, for
`seconds`; the name came into being after the holder's rename began. So a holder has stopped acting
before another begins, if (a) clocks of two machines run equally fast, within a factor of two, and
(b) a server begins no request later than half of `seconds` after it was sent. What clocks *read* is
compared only to recognise a lease that ran out ten minutes ago or more.

**A late write is refused**, so that (b) need not hold for what is written under the writer's lease.
The collection has one more alias, the name of the turn (`turn`), and such writes go by it. The
request that takes the lease makes that name, and takes away the one of the holder before; the
request that gives it back takes it away. So a write that lay in the network until the lease was
another's finds no collection of its name. (On a cluster the node that it comes to must have heard
of the change, which takes it milliseconds.) Where a server that died has lost the name, its holder
renews the lease, which fails if it is another's by now, and makes the name again.

**No old write is carried out again.** A recorded write is named in the state. Who takes a lease
over reads the last name, carries out what that names, and the next change takes it away from there.
Who wakes up later renames before it goes on, is refused, and stops.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_memalign._stores.base import WRITER
from langchain_memalign._stores.qdrant.client import Requests
from langchain_memalign._stores.qdrant.convert import RESTORE
from langchain_memalign._stores.qdrant.lease_state import LeaseState
from langchain_memalign._stores.qdrant.options import Server
from langchain_memalign.errors import (
    MemoryCorruptError,
    MemoryStoreError,
    MemoryUnavailableError,
)

_TRIES = 20


class AliasLeases:
    """The leases of a memory whose state is the name of an alias.

    Attributes:
        memory: The memory's id.
        real: The name of the collection itself, where the memory's own is an alias.
    """

    def __init__(self, requests: Requests, memory: str, *, real: str | None = None) -> None:
        self._requests = requests
        self.memory = memory
        self.real = real or requests.server.collection

    def may_manage(self) -> bool:
        """Whether the key that is used may rename aliases."""
        nothing = f"memalign-{secrets.token_hex(8)}"
        try:
            self._requests.agree([_rename(nothing, nothing)], tolerate=(404,))
        except MemoryStoreError as error:
            if error.status in (401, 403, 404, 405):
                return False
            raise
        return True

    def find(self, name: str) -> LeaseState | None:
        """A lease, if it exists.

        Raises:
            MemoryCorruptError: It cannot be read.
        """
        state = _chosen(self._there(), name)
        # A copy may have taken the place of the collection, or be about to.
        return state or _chosen(self._locate(), name)

    def _locate(self) -> list[LeaseState]:
        """Find out in which collection the memory is by now; the leases that it has anywhere."""
        found = self._everywhere()
        self.real = next((real for real, state in found if state.name == WRITER), self.real)
        return [state for _, state in found]

    def swap(self, before: LeaseState, after: LeaseState) -> bool:
        """Change a lease if it is still as it was read; tells whether it was changed."""
        if self._rename(before, after) is not None:
            return True
        # Refused, or done before: its answer may have been lost.
        now = self.find(before.name)
        return now is not None and now.stamp == after.stamp

    def offer(self, before: LeaseState, after: LeaseState) -> None:
        """As `swap`, for those who need not know whether it was changed."""
        self._rename(before, after)

    def create(self, name: str) -> None:
        """Make a lease that nobody holds, unless there is one."""
        unborn = LeaseState(
            name=name,
            memory=self.memory,
            stamp=secrets.token_hex(8),
            is_born=False,
            # Never a number that was there before: a restored collection has lost its aliases.
            writes=time.time_ns() // 1_000_000,
            is_unclean=True,
        )
        if self._requests.agree([self._adding(unborn)], tolerate=(404,)) is None:
            self._locate()  # a copy has taken the place of the collection
            return
        others = [
            (real, state)
            for real, state in self._everywhere()
            if state.name == name and state.stamp != unborn.stamp
        ]
        if not others:
            self._requests.agree(
                [self._renaming(unborn, unborn.changed(is_born=True))], tolerate=(404,)
            )
            return
        self._requests.agree([self._removing(unborn)])
        for real, state in others:
            if state.is_born:
                self.real = real

    def turn(self, state: LeaseState) -> str | None:
        """The name that the collection has for whoever holds the writer's lease; None if nobody."""
        if state.name != WRITER or state.is_free:
            return None
        return f"memalign-turn.{self.memory}.{state.instance}.{state.fence}"

    def name_turn(self, state: LeaseState) -> None:
        """Make the name of a turn again that a server has lost when it died."""
        if (turn := self.turn(state)) is not None:
            self._requests.agree([_create(self.real, turn)])

    def withdraw(self, unborn: LeaseState) -> None:
        """Remove a lease whose maker died before it was born."""
        self._requests.agree([self._removing(unborn)])

    def move(self, before: LeaseState, after: LeaseState, *, to: str) -> bool:
        """Let all leases, and the memory's own name if it is an alias, be aliases of another one.

        A list of actions ends at the first that is refused, so all checks come first: renaming a
        lease to its own name changes nothing, and is refused if it has another one by now. A server
        that dies may have carried out some of the actions and not the rest, so the writer's lease
        changes next to last: `settle` tells by it how far they came.

        Args:
            before: The writer's lease, which is held, and names the other collection as discarded.
            after: What it becomes thereby.
            to: The other collection.

        Returns:
            Whether it was done; it was not if a lease was changed meanwhile.
        """
        name = self._requests.server.collection
        states = [state for _, state in self._everywhere() if state.name != before.name]
        actions = self._bringing([*states, before], to)
        actions.append(self._renaming(before, after))
        if (turn := self.turn(after)) is not None:
            actions.append(_create(to, turn))
        if self.real != name:
            actions.append(_create(to, name))
        if self._requests.agree(actions, tolerate=(404,)) is None:
            located = self._everywhere()
            if not any(real == to and state.stamp == after.stamp for real, state in located):
                return False
        self.real = to
        return True

    def settle(self, discarded: str) -> None:
        """Complete or undo a move that a crash has broken off; harmless where none was.

        Where the writer's lease was brought to the copy and still calls it discarded, it did not
        change any more: the memory is where its name leads.

        Args:
            discarded: What the writer's lease, which is held, names so.

        Raises:
            MemoryUnavailableError: Other leases change all the time.
        """
        name = self._requests.server.collection
        for _ in range(_TRIES):
            aliases = _all_aliases(self._requests)
            found = self._everywhere(aliases)
            home = next((real for real, state in found if state.name == WRITER), self.real)
            if home == discarded:
                home = aliases.get(name, name)
            self.real = home
            actions = self._bringing([state for real, state in found if real != home], home)
            if aliases.get(name, home) != home:
                actions.append(_create(home, name))
            if not actions or self._requests.agree(actions, tolerate=(404,)) is not None:
                return
        raise MemoryUnavailableError(
            f"could not bring the leases of {self._requests.server.place} together, as they change "
            "all the time; expected to: repeat what failed. Nothing was lost."
        )

    def _bringing(self, states: Sequence[LeaseState], to: str) -> list[Any]:
        """Actions that let leases be aliases of a collection, if none has changed."""
        collection = self._requests.server.collection
        checks = [self._renaming(state, state) for state in states]
        return checks + [_create(to, state.as_alias(collection)) for state in states]

    def _everywhere(self, aliases: Mapping[str, str] | None = None) -> list[tuple[str, LeaseState]]:
        """The leases of this memory, each with the collection it is of."""
        found = find_leases(self._requests, aliases)
        return [(real, state) for real, state in found if state.memory == self.memory]

    def _rename(self, before: LeaseState, after: LeaseState) -> Any:
        return self._requests.agree(
            [self._renaming(before, after), *self._passing(before, after)],
            tolerate=(404,),
            is_done=lambda: any(state.stamp == after.stamp for state in self._there()),
        )

    def _passing(self, before: LeaseState, after: LeaseState) -> Iterator[Any]:
        """Actions that make the name of one turn at writing, and take away that of the other."""
        gone, made = self.turn(before), self.turn(after)
        if gone != made:
            if made is not None:
                yield _create(self.real, made)
            if gone is not None:
                yield _delete(gone)

    def _there(self) -> list[LeaseState]:
        answer = self._requests.ask("get_collection_aliases", collection_name=self.real)
        states = (_read(alias.alias_name, self._requests.server) for alias in answer.aliases)
        return [state for state in states if state is not None and state.memory == self.memory]

    def _renaming(self, before: LeaseState, after: LeaseState) -> Any:
        collection = self._requests.server.collection
        return _rename(before.as_alias(collection), after.as_alias(collection))

    def _adding(self, state: LeaseState) -> Any:
        return _create(self.real, state.as_alias(self._requests.server.collection))

    def _removing(self, state: LeaseState) -> Any:
        return _delete(state.as_alias(self._requests.server.collection))


def find_leases(
    requests: Requests, aliases: Mapping[str, str] | None = None
) -> list[tuple[str, LeaseState]]:
    """The leases of all memories of this collection's name, each with the collection it is of.

    Args:
        requests: The server.
        aliases: All aliases, each with its collection; None to ask for them.
    """
    aliases = _all_aliases(requests) if aliases is None else aliases
    found = ((of, _read(alias, requests.server)) for alias, of in aliases.items())
    return [(of, state) for of, state in found if state is not None]


def _all_aliases(requests: Requests) -> dict[str, str]:
    return {a.alias_name: a.collection_name for a in requests.ask("get_aliases").aliases}


def adopt(requests: Requests, collection: str) -> None:
    """Let the memory's own name be an alias of a collection."""
    requests.agree([_create(collection, requests.server.collection)])


def _chosen(states: list[LeaseState], name: str) -> LeaseState | None:
    """The state of a lease: a born one if there is one."""
    named = [state for state in states if state.name == name]
    return min(named, key=lambda state: (not state.is_born, state.stamp), default=None)


def _read(alias: str, server: Server) -> LeaseState | None:
    try:
        return LeaseState.from_alias(alias, server.collection)
    except ValueError as error:
        raise MemoryCorruptError(
            f"found a lease that cannot be read at {server.place} ({error!s:.200}); expected one "
            f"written by this version or an older one: upgrade langchain-memalign, or {RESTORE}"
        ) from error


def _rename(old: str, new: str) -> Any:
    from qdrant_client import models

    names = models.RenameAlias(old_alias_name=old, new_alias_name=new)
    return models.RenameAliasOperation(rename_alias=names)


def _create(collection: str, alias: str) -> Any:
    from qdrant_client import models

    names = models.CreateAlias(collection_name=collection, alias_name=alias)
    return models.CreateAliasOperation(create_alias=names)


def _delete(alias: str) -> Any:
    from qdrant_client import models

    return models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))
