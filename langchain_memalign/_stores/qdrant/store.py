"""The server store: a collection on a Qdrant server or cluster, for any number of processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Unpack

from langchain_memalign._concurrency import LONGEST_WAIT, waited_too_long
from langchain_memalign._models import Vector
from langchain_memalign._models.failures import Retry
from langchain_memalign._stores.base import (
    WRITER,
    Fingerprint,
    MemoryStore,
    Point,
    Search,
    Selection,
)
from langchain_memalign._stores.qdrant.alias_leases import AliasLeases
from langchain_memalign._stores.qdrant.client import RETRY, Requests
from langchain_memalign._stores.qdrant.collection import (
    BY_ALIASES,
    BY_UPDATES,
    FORMATS,
    Collection,
)
from langchain_memalign._stores.qdrant.lease_state import MOVED, LeaseState
from langchain_memalign._stores.qdrant.leases import HeldLease, LeaseHolder, Leases
from langchain_memalign._stores.qdrant.options import Server, ServerOptions
from langchain_memalign._stores.qdrant.reading import Reading
from langchain_memalign._stores.qdrant.scrubbing import Scrubbing
from langchain_memalign._stores.qdrant.update_leases import STAMP, moved
from langchain_memalign._stores.qdrant.writing import Writing
from langchain_memalign._stores.write_batch import Batch
from langchain_memalign.errors import ConfigurationError, MemoryUnavailableError


class QdrantStore(MemoryStore):
    """A memory on a Qdrant server. Made by `QdrantStore.open`."""

    is_shared = True
    guarantee = (
        "Erased records, their fields and their vectors are found by no request any more when the "
        "call returns. Not reached: bytes in the server's files until it next vacuums its segments "
        "and truncates its write-ahead log, which a small memory may never see: `scrub` leaves "
        "them behind; nodes that are down; snapshots and backups of the server; exports; "
        "checkpoints and traces of graphs."
    )

    def __init__(self, server: Server, retry: Retry) -> None:
        self.location = server.url
        self._requests = Requests(server, retry)
        self._collection = Collection(self._requests)
        self._leases = Leases(self._requests, self._collection)
        self._holder = LeaseHolder(self._requests, self._leases)
        self._reading = Reading(self._requests, self._collection, self._leases)
        self._writing = Writing(
            self._requests, self._collection, self._leases, self._holder, self._reading
        )
        self._scrubbing = Scrubbing(self._requests, self._collection, self._holder)
        self._guard = threading.Lock()
        self._here: dict[str, threading.Lock] = {}
        self._held: dict[str, HeldLease] = {}
        self._at_work = threading.Lock()

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
            store._begin()
        except BaseException:
            store.close()
            raise
        return store

    def fingerprint(self) -> Fingerprint | None:
        """The embeddings of the stored vectors; None while none was written, or none was read."""
        self._requests.check_open()
        return self._collection.fingerprint

    def scan(self, selection: Selection, *, vectors: bool = False) -> list[Point]:
        """All selected points, ordered by id; with their vectors only when asked for."""
        return self._reading.scan(selection, vectors=vectors)

    def nearest(
        self, selection: Selection, *, using: str, vector: Vector, limit: int
    ) -> list[tuple[Point, float]]:
        """The selected points whose vector named `using` is nearest, with cosine, best first."""
        search = Search(selection=selection, using=using, vector=vector, limit=limit)
        return self._reading.nearest([search])[0]

    def nearest_each(self, searches: Sequence[Search]) -> list[list[tuple[Point, float]]]:
        """As `nearest`, for several searches, in one request."""
        return self._reading.nearest(searches)

    def tally(self, selection: Selection, field: str) -> dict[str, int]:
        """How many selected points have each value of `field`; points without it do not count."""
        return self._reading.tally(selection, field)

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
        self._requests.check_open()
        # Once without asking the server: what is wrong in itself needs no lease.
        Batch.checked(points, erased, fingerprint, stored=self._collection.fingerprint)
        if self._write_held(points, erased, fingerprint):
            return
        with self._leased(WRITER):
            self._write_held(points, erased, fingerprint)

    def version(self) -> str | None:
        """Changes with every write of any process; None while one is being carried out.

        None too while that cannot be known: what was read then may be outdated already.
        """
        self._requests.check_open()
        held = self._held.get(WRITER)
        if held is not None and self._requests.is_writing:
            return f"{held.state.memory}:{held.state.writes}"  # nobody else can write
        if (state := self._leases.look()) is None:
            return None
        is_certain = state.entry is None and self._requests.doubt is None
        return f"{state.memory}:{state.writes}" if is_certain else None

    def acquire(self, lease: str) -> None:
        """Wait for a lease that one process holds at a time; `release` must follow."""
        self._acquire(lease)

    def release(self, lease: str) -> None:
        """Let others have a lease, if this process has it; never fails."""
        held = self._held.get(lease)
        if held is None:
            return
        try:
            # A write that is under way uses the lease to its end.
            with self._at_work if lease == WRITER else nullcontext():
                self._held.pop(lease, None)
                self._holder.give_back(held)
        except BaseException:
            # Interrupted: it must neither be used nor be kept alive any more.
            self._held.pop(lease, None)
            held.ended.set()
            raise
        finally:
            if lease == WRITER:
                self._requests.writer = None
            self._here[lease].release()

    @property
    def doubt(self) -> str | None:
        """Why what was read last may lack something; None where most copies agreed on it."""
        return self._requests.doubt

    def scrub(self, *, limit: int | None = None) -> str:
        """Leave no byte of what was erased in the server's files; tells what holds then.

        Raises:
            ConfigurationError: The memory's leases are not aliases, as it was begun with a key that
                may not manage collections.
            MemoryUnavailableError: A node is down, or the key may not manage collections.
        """
        self._requests.check_open()
        if self._leases.aliases is None:
            problem = (
                f"found a memory at {self._requests.server.place} that is shared by keys which may "
                "not manage collections; expected one begun with a key that may: export it and "
                "import it into a new collection, and delete this one."
            )
            if limit is None:
                raise ConfigurationError(problem)
            return f"{self.guarantee} It was not scrubbed: {problem}"
        if limit is not None and self._collection.points > limit:
            return (
                f"{self.guarantee} It was not scrubbed, as it has more than {limit:,} records: "
                "call memory.scrub()."
            )
        with self._leased(WRITER), self._at_work:
            held, aliases = self._held[WRITER], self._leases.aliases
            snapshots = self._scrubbing.snapshots()
            if held.state.is_unclean or limit is None:
                self._scrubbing.scrub(held, aliases)
        named = f" ({', '.join(snapshots)})" if snapshots else ""
        return (
            "Erased records, their fields and their vectors are found by no request any more, and "
            "no byte of them is left in the files of the collection: what lives was copied into a "
            "new one, and the old one is deleted. Not reached: snapshots and backups of the server"
            f"{named}; what a node that is down has until it is back; what one that crashed while "
            "it deleted files left in the folder .deleted of its storage; exports; checkpoints and "
            "traces of graphs."
        )

    def close(self) -> None:
        """Close the connections; harmless when called again."""
        self._requests.close()

    def __repr__(self) -> str:
        return f"QdrantStore({self._requests.server.place})"

    def _begin(self) -> None:
        own = self._collection.open()
        self._leases.begin(own.memory, by_aliases=own.leases == BY_ALIASES, of=own.copied_to)
        if own.leases is None:
            self._choose_leases()
        try:
            state = self._leases.look()
        except MemoryUnavailableError:
            if self._leases.aliases is not None or own.leases is None:
                raise
            self._leases.points.create(WRITER)
            state = None
        if state is not None and state.is_unfinished:
            dead = self._holder.abandoned(WRITER)
            if dead is not None:
                # What it recorded belongs to the memory.
                with self._leased(WRITER, dead=dead):
                    pass

    def _choose_leases(self) -> None:
        """Decide how the leases of the memory are kept, and move those that were kept otherwise."""
        aliases = AliasLeases(self._requests, self._leases.memory)
        points = self._leases.points
        old = points.find(WRITER)
        if old is not None and old.instance == MOVED:
            self._leases.aliases = aliases
        elif not aliases.may_manage():
            self._keep_points(old)
            return
        elif old is None:
            aliases.create(WRITER)
            self._leases.aliases = aliases
        elif not self._move(old, aliases):
            return
        self._collection.note(leases=BY_ALIASES, format=FORMATS[-1])

    def _keep_points(self, old: LeaseState | None) -> None:
        try:
            if self._collection.is_indexed_for_updates and not self._collection.has_index(STAMP):
                self._collection.make_index(STAMP)
            if old is None:
                self._leases.points.create(WRITER)
            self._collection.note(leases=BY_UPDATES)
        except MemoryUnavailableError as error:
            if error.status != 403:  # a key that may only read: whoever writes first decides
                raise

    def _move(self, old: LeaseState, aliases: AliasLeases) -> bool:
        """Keep the leases as aliases from now on; False while somebody holds the writer's.

        An update by a filter finds its point by the index of `stamp`, which may be wrong after a
        crash. Without the index it looks at the point itself.
        """
        if self._collection.has_index(STAMP) and not self._collection.is_indexed_for_updates:
            self._collection.drop_index(STAMP)
        if not old.is_free and not old.is_long_expired():
            return False
        with self._leased(WRITER, dead=None if old.is_free else old):
            if self._leases.aliases is None:  # else another process was faster
                held = self._held[WRITER]
                aliases.create(WRITER)
                held.ended.set()
                with held.changing:
                    self._leases.swap(held.state, moved(held.state))
        self._leases.aliases = aliases
        return True

    def _write_held(
        self, points: Sequence[Point], erased: Sequence[str], fingerprint: Fingerprint | None
    ) -> bool:
        """Write under the lease that this process holds; False where it holds none."""
        with self._at_work:
            held = self._held.get(WRITER)
            if held is None:
                return False
            known = self._collection.fingerprint
            if fingerprint is not None and known is None:
                known = self._collection.learn()
            batch = Batch.checked(points, erased, fingerprint, stored=known)
            try:
                self._writing.write(held, batch)
            finally:
                self._reading.forget_known()
            return True

    @contextmanager
    def _leased(self, lease: str, *, dead: LeaseState | None = None) -> Iterator[None]:
        self._acquire(lease, dead=dead)
        try:
            yield
        finally:
            self.release(lease)

    def _acquire(self, lease: str, *, dead: LeaseState | None = None) -> None:
        with self._guard:
            here = self._here.setdefault(lease, threading.Lock())
        if not here.acquire(timeout=LONGEST_WAIT):
            raise waited_too_long()
        try:
            if self._requests.is_short:
                # In vain without most of them: then nothing is changed for it.
                self._collection.own(needs_most=True)
            held = self._holder.take(lease, dead=dead)
            if lease == WRITER:
                self._reading.forget_known()
                self._requests.writer = threading.get_ident()
                try:
                    if self._leases.aliases is not None:
                        self._scrubbing.finish(held, self._leases.aliases)
                    self._writing.recover(held)
                except BaseException:
                    # Whoever comes next tries again; nobody may write before that.
                    held.ended.set()
                    raise
            self._held[lease] = held
        except BaseException:
            if lease == WRITER:
                self._requests.writer = None
            here.release()
            raise
