"""A store's operations as flows."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

from langchain_memalign._models import Vector
from langchain_memalign._stores.base import Fingerprint, MemoryStore, Point, Selection
from langchain_memalign.flow import Flow, Step, perform


class StoreFlows:
    """Pairs each blocking method of a `MemoryStore` with its awaitable twin."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    @property
    def location(self) -> str:
        """Where the points are."""
        return self._store.location

    @property
    def guarantee(self) -> str:
        """What erasing achieves here."""
        return self._store.guarantee

    @property
    def is_shared(self) -> bool:
        """Whether other processes write here too."""
        return self._store.is_shared

    def fingerprint(self) -> Fingerprint | None:
        """The embeddings of the stored vectors."""
        return self._store.fingerprint()

    def scan(self, selection: Selection, *, vectors: bool = False) -> Flow[list[Point]]:
        """See `MemoryStore.scan`."""
        store = self._store
        return perform(
            Step(
                lambda: store.scan(selection, vectors=vectors),
                lambda: store.ascan(selection, vectors=vectors),
            )
        )

    def nearest(
        self, selection: Selection, *, using: str, vector: Vector, limit: int
    ) -> Flow[list[tuple[Point, float]]]:
        """See `MemoryStore.nearest`."""
        store = self._store
        return perform(
            Step(
                lambda: store.nearest(selection, using=using, vector=vector, limit=limit),
                lambda: store.anearest(selection, using=using, vector=vector, limit=limit),
            )
        )

    def tally(self, selection: Selection, field: str) -> Flow[dict[str, int]]:
        """See `MemoryStore.tally`."""
        store = self._store
        return perform(
            Step(lambda: store.tally(selection, field), lambda: store.atally(selection, field))
        )

    def write(
        self,
        points: Sequence[Point],
        *,
        erased: Sequence[str] = (),
        fingerprint: Fingerprint | None = None,
    ) -> Flow[None]:
        """See `MemoryStore.write`."""
        store = self._store
        return perform(
            Step(
                lambda: store.write(points, erased=erased, fingerprint=fingerprint),
                lambda: _to_the_end(store.awrite(points, erased=erased, fingerprint=fingerprint)),
            )
        )

    def version(self) -> Flow[str | None]:
        """See `MemoryStore.version`; always the same where no other process can write."""
        store = self._store
        if not store.is_shared:
            return ""
        return (yield from perform(Step(store.version, store.aversion)))

    def acquire(self, lease: str) -> Flow[None]:
        """See `MemoryStore.acquire`; nothing to wait for where no other process can write."""
        store = self._store
        if store.is_shared:
            yield from perform(Step(lambda: store.acquire(lease), lambda: store.aacquire(lease)))

    def release(self, lease: str) -> Flow[None]:
        """See `MemoryStore.release`."""
        store = self._store
        if store.is_shared:
            yield from perform(
                Step(lambda: store.release(lease), lambda: _to_the_end(store.arelease(lease)))
            )

    def close(self) -> Flow[None]:
        """See `MemoryStore.close`."""
        return perform(Step(self._store.close, self._store.aclose))


async def _to_the_end(write: Coroutine[Any, Any, None]) -> None:
    """Await a write or a release also when cancelled, and only then pass the cancellation on.

    The engine cannot be stopped halfway; who goes on before it is done reads what it will change.
    """
    task = asyncio.ensure_future(write)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        raise
