"""The server store: a collection on a Qdrant server or cluster, for any number of processes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar, Unpack

from langchain_memalign._models import Vector
from langchain_memalign._models.failures import Retry
from langchain_memalign._stores.base import (
    WRITER,
    Fingerprint,
    MemoryStore,
    Point,
    Selection,
)
from langchain_memalign._stores.qdrant.collection import Collection
from langchain_memalign._stores.qdrant.leases import Leases, LeaseState
from langchain_memalign._stores.qdrant.options import Server, ServerOptions
from langchain_memalign._stores.qdrant.reading import Reading
from langchain_memalign._stores.qdrant.requests import RETRY, Calls
from langchain_memalign._stores.qdrant.turns import Held, Turns
from langchain_memalign._stores.qdrant.writing import Writing
from langchain_memalign._stores.turn import bracket
from langchain_memalign._stores.write_batch import Batch
from langchain_memalign.flow import Flow, Lease, arun, run

T = TypeVar("T")


class QdrantStore(MemoryStore):
    """A memory on a Qdrant server. Made by `QdrantStore.open`.

    Every operation is a flow over the client's requests, driven blocking by the methods of the
    protocol and on the event loop by their twins.
    """

    is_shared = True
    guarantee = (
        "Erased records, their fields and their vectors are found by no request any more when the "
        "call returns. Not reached: bytes in the server's files until it next vacuums its segments "
        "and truncates its write-ahead log; nodes that are down; snapshots and backups of the "
        "server; exports; checkpoints and traces of graphs."
    )

    def __init__(self, server: Server, retry: Retry) -> None:
        self.location = server.url
        self._calls = Calls(server, retry)
        self._collection = Collection(self._calls)
        self._leases = Leases(self._calls)
        self._turns = Turns(self._calls, self._leases)
        self._reading = Reading(self._calls, self._collection, self._leases)
        self._writing = Writing(
            self._calls, self._collection, self._leases, self._turns, self._reading
        )
        self._guard = threading.Lock()
        self._here: dict[str, Lease] = {}
        self._held: dict[str, Held] = {}
        self._at_work = Lease()

    @classmethod
    def open(
        cls, url: str, *, retry: Retry = RETRY, **options: Unpack[ServerOptions]
    ) -> QdrantStore:
        """Open a memory on a server, or begin one in a collection that does not exist.

        Args:
            url: Such as `http://localhost:6333`.
            retry: How failing requests are repeated, within the timeout.
            options: See `Memory.open`.

        Raises:
            ConfigurationError: The address or an option cannot be used, or the server is too old.
            MemoryUnavailableError: The server is gone, does not answer in time, or refuses access.
            MemoryCorruptError: The collection holds something else; nothing was changed.
        """
        store = cls(Server.checked(url, **options), retry)
        try:
            run(store._begin())
        except BaseException:
            store.close()
            raise
        return store

    def fingerprint(self) -> Fingerprint | None:
        """The embeddings of the stored vectors; None while none was written, or none was read."""
        self._calls.check_open()
        return self._collection.fingerprint

    def scan(self, selection: Selection, *, vectors: bool = False) -> list[Point]:
        """All selected points, ordered by id; with their vectors only when asked for."""
        return run(self._reading.scan(selection, vectors=vectors))

    async def ascan(self, selection: Selection, *, vectors: bool = False) -> list[Point]:
        """Awaitable `scan`."""
        return await arun(self._reading.scan(selection, vectors=vectors))

    def nearest(
        self, selection: Selection, *, using: str, vector: Vector, limit: int
    ) -> list[tuple[Point, float]]:
        """The selected points whose vector named `using` is nearest, with cosine, best first."""
        return run(self._reading.nearest(selection, using=using, vector=vector, limit=limit))

    async def anearest(
        self, selection: Selection, *, using: str, vector: Vector, limit: int
    ) -> list[tuple[Point, float]]:
        """Awaitable `nearest`."""
        return await arun(self._reading.nearest(selection, using=using, vector=vector, limit=limit))

    def tally(self, selection: Selection, field: str) -> dict[str, int]:
        """How many selected points have each value of `field`; points without it do not count."""
        return run(self._reading.tally(selection, field))

    async def atally(self, selection: Selection, field: str) -> dict[str, int]:
        """Awaitable `tally`."""
        return await arun(self._reading.tally(selection, field))

    def write(
        self,
        points: Sequence[Point],
        *,
        erased: Sequence[str] = (),
        fingerprint: Fingerprint | None = None,
    ) -> None:
        """Insert or replace `points` and erase the ids `erased`, all or nothing, and durable.

        Happens under the writer's lease: the one this process holds already, or one of its own.
        """
        run(self._write(points, erased, fingerprint))

    async def awrite(
        self,
        points: Sequence[Point],
        *,
        erased: Sequence[str] = (),
        fingerprint: Fingerprint | None = None,
    ) -> None:
        """Awaitable `write`."""
        await arun(self._write(points, erased, fingerprint))

    def version(self) -> str | None:
        """Changes with every write of any process; None while one is being carried out."""
        return run(self._version())

    async def aversion(self) -> str | None:
        """Awaitable `version`."""
        return await arun(self._version())

    def acquire(self, lease: str) -> None:
        """Wait for a lease that one process holds at a time; `release` must follow."""
        run(self._acquire(lease))

    async def aacquire(self, lease: str) -> None:
        """Awaitable `acquire`."""
        await arun(self._acquire(lease))

    def release(self, lease: str) -> None:
        """Let others have a lease; never fails."""
        run(self._release(lease))

    async def arelease(self, lease: str) -> None:
        """Awaitable `release`."""
        await arun(self._release(lease))

    def close(self) -> None:
        """Close the connections; harmless when called again."""
        self._calls.close()

    async def aclose(self) -> None:
        """Awaitable `close`."""
        await self._calls.aclose()

    def __repr__(self) -> str:
        return f"QdrantStore({self._calls.server.place})"

    def _begin(self) -> Flow[None]:
        self._leases.memory = yield from self._collection.open()
        state = yield from self._leases.find(WRITER)
        if state is None:
            yield from self._leases.create(WRITER)
        elif state.entry is not None:
            dead = yield from self._turns.abandoned(WRITER)
            if dead is not None:
                # What it recorded belongs to the memory.
                enter = self._acquire(WRITER, dead=dead)
                yield from bracket(enter, _nothing, lambda: self._release(WRITER))

    def _version(self) -> Flow[str | None]:
        state = yield from self._leases.verify()
        return None if state.entry is not None else f"{state.memory}:{state.writes}"

    def _write(
        self, points: Sequence[Point], erased: Sequence[str], fingerprint: Fingerprint | None
    ) -> Flow[None]:
        self._calls.check_open()
        # Once without asking the server: what is wrong in itself needs no lease.
        known = self._collection.fingerprint
        batch = Batch.checked(points, erased, fingerprint, stored=known)

        def work() -> Flow[bool]:
            held = self._held.get(WRITER)
            if held is None:
                return False
            wanted = batch
            if batch.fingerprint is not None and known is None:
                there = yield from self._collection.learn()
                wanted = Batch.checked(points, erased, fingerprint, stored=there)
            yield from self._writing.write(held, wanted)
            return True

        if (yield from self._alone(work)):
            return
        yield from bracket(
            self._acquire(WRITER), lambda: self._alone(work), lambda: self._release(WRITER)
        )

    def _acquire(self, lease: str, *, dead: LeaseState | None = None) -> Flow[None]:
        with self._guard:
            here = self._here.setdefault(lease, Lease())
        yield from here.acquire()
        try:
            held = yield from self._turns.take(lease, dead=dead)
            if lease == WRITER:
                try:
                    yield from self._writing.recover(held)
                except BaseException:
                    # Whoever comes next tries again; nobody may write before that.
                    held.ended.set()
                    raise
            self._held[lease] = held
        except BaseException:
            here.release()
            raise

    def _release(self, lease: str) -> Flow[None]:
        held = self._held.get(lease)

        def work() -> Flow[None]:
            self._held.pop(lease, None)
            if held is not None:
                yield from self._turns.give_back(held)

        try:
            # A write that is under way uses the lease to its end.
            yield from self._alone(work) if lease == WRITER else work()
        except BaseException:
            # Interrupted: it must neither be used nor be kept alive any more.
            self._held.pop(lease, None)
            if held is not None:
                held.ended.set()
            raise
        finally:
            self._here[lease].release()

    def _alone(self, work: Callable[[], Flow[T]]) -> Flow[T]:
        yield from self._at_work.acquire()
        try:
            return (yield from work())
        finally:
            self._at_work.release()


def _nothing() -> Flow[None]:
    return
    yield  # makes this a flow
