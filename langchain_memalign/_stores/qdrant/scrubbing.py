"""Leaving no byte of what was erased on a server: what lives is copied, the rest is deleted whole.

A server keeps erased words in its files for long: its write-ahead log is not cut before it is full,
and few deletions are no reason to tidy a segment up. So a scrub copies what lives into a new
collection and deletes the old one, under the writer's lease. Before it makes anything, the lease
names the copy as what is to be deleted. Then one change, which happens whole or not at all, lets
all leases be aliases of the copy, and names the old collection instead. So whoever holds the lease
next, after a crash at any step, deletes what it names: there is never more than one memory, nor
none. The memory's own name becomes an alias with the first scrub, once the old collection of that
name is gone; who looks for it in that moment finds the copy by its leases.

Others that have the memory open go on: the copy has the same ids and is known by the same name.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from langchain_memalign._concurrency import parallel
from langchain_memalign._stores.qdrant.alias_leases import AliasLeases, adopt
from langchain_memalign._stores.qdrant.client import Requests
from langchain_memalign._stores.qdrant.collection import Collection
from langchain_memalign._stores.qdrant.leases import HeldLease, LeaseHolder
from langchain_memalign._stores.write_batch import OWN_POINT
from langchain_memalign.errors import MemoryStoreError, MemoryUnavailableError

_PAGE = 100  # points copied at a time, each of some 60 kB with its vectors as JSON


class Scrubbing:
    """Copies a memory into a collection of its own, and deletes the old one."""

    def __init__(self, requests: Requests, collection: Collection, holder: LeaseHolder) -> None:
        self._requests = requests
        self._collection = collection
        self._holder = holder

    def scrub(self, held: HeldLease, aliases: AliasLeases) -> None:
        """Copy what lives and delete the rest.

        Args:
            held: The writer's lease; what is recorded in it is carried out.
            aliases: The leases.

        Raises:
            MemoryUnavailableError: A node is down, or the key may not manage collections. The
                memory is as it was.
            MemoryLockedError: The lease was lost; whoever has it now finishes or undoes this.
        """
        server = self._requests.server
        if (down := self._requests.missing()) is not None:
            raise MemoryUnavailableError(
                f"found {down[0]} of the {down[1]} copies of {server.place} missing; expected all "
                "of them, as what is copied is what most of them say: start the nodes that are "
                "down, and scrub again."
            )
        old, new = aliases.real, f"{server.collection}.{secrets.token_hex(4)}"
        info = self._requests.of_collection("get_collection")
        self._holder.change(held, discarded=new)
        try:
            self._requests.of_collection(
                "create_collection",
                collection=new,
                tolerate=(409,),  # made before, and the answer was lost
                **_alike(info),
            )
            fields = sorted(info.payload_schema)
            indexes = [
                partial(self._collection.make_index, name, collection=new) for name in fields
            ]
            parallel(indexes, limit=max(1, len(fields)))
            copied = sum(self._copied(held, new))
            there = self._collection.exactly(
                lambda exact: self._requests.of_collection("count", collection=new, exact=exact)
            ).count
            if self._collection.limits.exact and there != copied:
                raise MemoryStoreError(
                    f"found {there} points in the copy of {server.place}; expected {copied}: "
                    "nothing was changed; scrub again when the server is well."
                )
        except BaseException:
            # Nothing leads to the copy yet. Whoever has the lease now may have looked for it before
            # it was made; where it cannot be deleted here, whoever takes the lease next does so.
            with suppress(MemoryStoreError):
                self._delete(new)
                self.finish(held, aliases)
            raise
        # What was recorded is not copied: it is carried out.
        self._holder.change(
            held,
            by=partial(aliases.move, to=new),
            discarded=old,
            entry=None,
            parts=0,
            spent="",
            is_unclean=False,
        )
        held.spent = []
        self._collection.points = copied
        self.finish(held, aliases)

    def finish(self, held: HeldLease, aliases: AliasLeases) -> None:
        """Delete what a scrub has left, also one that was broken off.

        Args:
            held: The writer's lease.
            aliases: The leases.
        """
        discarded = held.state.discarded
        if discarded is None:
            return
        self._holder.confirm(held)
        aliases.settle(discarded)
        self._delete(discarded)
        if discarded == self._requests.server.collection:
            adopt(self._requests, aliases.real)
        self._holder.change(held, discarded=None)

    def _delete(self, collection: str) -> None:
        # An alias is no collection: of that name nothing is deleted.
        self._requests.of_collection("delete_collection", collection=collection, tolerate=(404,))

    def snapshots(self) -> list[str]:
        """The names of the server's snapshots of the memory, and of all that it has."""
        found: list[str] = []
        for ask in (
            partial(self._requests.of_collection, "list_snapshots"),
            partial(self._requests.ask, "list_full_snapshots"),
        ):
            found += [snapshot.name for snapshot in ask(tolerate=(403, 404, 405)) or []]
        return sorted(found)

    def _copied(self, held: HeldLease, new: str) -> Iterator[int]:
        """Copy page after page; tells of how many points each was."""
        from qdrant_client import models

        page = min(_PAGE, self._collection.limits.page, self._collection.limits.upserted)
        for records in self._collection.everything(page):
            points = [
                models.PointStruct(id=r.id, vector=r.vector or {}, payload=r.payload)
                for r in records
                if not (r.payload or {}).get("part_of")
            ]
            for point in points:
                if point.id == OWN_POINT:
                    point.payload = {**(point.payload or {}), "copied_to": new}
            if points:
                self._holder.confirm(held)
                self._requests.write("upsert", collection=new, points=points)
            yield len(points)


def _alike(info: Any) -> dict[str, Any]:
    """What makes a collection like another one."""
    from qdrant_client import models

    params, config = info.config.params, info.config
    return {
        "vectors_config": params.vectors or {},
        "sparse_vectors_config": params.sparse_vectors,
        "shard_number": params.shard_number,
        "replication_factor": params.replication_factor,
        "write_consistency_factor": params.write_consistency_factor,
        "on_disk_payload": params.on_disk_payload,
        "hnsw_config": _same(models.HnswConfigDiff, config.hnsw_config),
        "optimizers_config": _same(models.OptimizersConfigDiff, config.optimizer_config),
        "wal_config": _same(models.WalConfigDiff, config.wal_config),
        "quantization_config": config.quantization_config,
        "strict_mode_config": _same(models.StrictModeConfig, config.strict_mode_config),
        "metadata": config.metadata,
    }


def _same(kind: Any, said: Any) -> Any:
    """Settings as they are given, of settings as they are told."""
    if said is None:
        return None
    told = said.model_dump(exclude_none=True)
    return kind(**{name: told[name] for name in kind.model_fields if name in told})
