"""The memory as users hold it: opened from a location, read, changed, carried away."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Self, TypedDict, Unpack
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

from langchain_core.embeddings import Embeddings

from langchain_memalign._async import recall as arecalling
from langchain_memalign._async import transactions as atransactions
from langchain_memalign._concurrency import blocking, off_loop, to_the_end
from langchain_memalign._memory.export_file import export_jsonl
from langchain_memalign._memory.records import Plan, Records
from langchain_memalign._models import Embedder, Retry, resolve_embeddings
from langchain_memalign._stores.base import MemoryStore
from langchain_memalign._stores.edge.store import EdgeStore
from langchain_memalign._stores.location import MEMORY, server_at
from langchain_memalign._stores.qdrant.options import ServerOptions
from langchain_memalign._stores.qdrant.store import QdrantStore
from langchain_memalign._sync import recall as recalling
from langchain_memalign._sync import transactions
from langchain_memalign.errors import ConfigurationError, EmbeddingMismatchError, InvalidInputError
from langchain_memalign.schema import Case, Change, Episode, Principle, WorkingMemory


class _Wanted(TypedDict):
    k: int
    principle_tokens: int
    as_of: datetime | None


PRINCIPLE_TOKENS = 2000
"""Default token budget for the principles shown to a judge."""


# The directories that this process has open, and which memories hold each: a notebook's cell that
# is run again opens what it opened before.
_sharing = threading.Lock()
_open: WeakValueDictionary[tuple[int, int, int], Records] = WeakValueDictionary()
_holders: WeakKeyDictionary[Records, WeakSet[Memory]] = WeakKeyDictionary()


class Memory:
    """Semantic and episodic memory of any number of judges, in one store.

    Only `apply` writes. Every method may be called from many threads at once; each has an async
    twin with the prefix `a`. Use it as a context manager, or `close` it.

    Attributes:
        records: What it holds, for the library's own code.
    """

    def __init__(self, store: MemoryStore, embedder: Embedder) -> None:
        held = store.fingerprint()
        if held and held.embeddings != embedder.id:
            store.close()
            raise EmbeddingMismatchError(
                f"{store.location} holds embeddings of {held.embeddings!r} (size {held.size}); "
                f"found {embedder.id!r}. Open it with those, or export_jsonl() it and "
                "import_jsonl() into a new memory, which embeds everything again."
            )
        self.records = Records(store, embedder)

    @classmethod
    def over(cls, records: Records) -> Self:
        """A memory over records that are open already, such as a copy."""
        memory = object.__new__(cls)
        memory.records = records
        return memory

    @classmethod
    def open(
        cls,
        location: str | os.PathLike[str],
        *,
        embeddings: str | Embeddings,
        embeddings_id: str | None = None,
        retry: Retry | None = None,
        **server: Unpack[ServerOptions],
    ) -> Self:
        """Open a memory; create it if it does not exist. Embeds nothing.

        A directory that this process already has open with the same embeddings is shared, and
        released when the last of its memories is closed.

        Args:
            location: A directory, ":memory:" for one that is deleted on close, or the address of a
                Qdrant server (1.18 or newer) or cluster, such as "http://localhost:6333";
                "localhost:6333" is the same, and "grpc://localhost:6334" is the server there whose
                REST port is 6333, with gRPC.
            embeddings: LangChain `Embeddings`, "local" (offline, extra `local`), or a
                "provider:name" as `init_embeddings` takes it.
            embeddings_id: Names an `Embeddings` object for the fingerprint; by default its class
                and model name.
            retry: How failing embedding calls are repeated.
            server: For a server only: `api_key`; `timeout`, the longest wait for an answer (10
                seconds); `collection` ("memalign"), which is made if it does not exist, with
                `shard_number`, `replication_factor` and `write_consistency_factor` as given (more
                than half of the copies, by default, so that three outlive the loss of one);
                `prefer_grpc` and `grpc_port`; `lease_wait`, the longest wait for another process
                that works on the same (60 seconds); `lease_seconds`, after which one that gives no
                sign of life is taken for dead (20).

        Raises:
            MemoryLockedError: Another process has the directory open.
            MemoryCorruptError: The location holds something else, or cannot be read.
            MemoryUnavailableError: It cannot be written to; or the server is gone, does not answer
                in time, or refuses the key.
            EmbeddingMismatchError: It was made with other embeddings.
            ConfigurationError: The embeddings, the address or an option cannot be used.
        """
        model, identity = resolve_embeddings(embeddings, embeddings_id)
        embedder = Embedder(model, identity, retry=retry or Retry())
        if (address := server_at(location)) is not None:
            options = address.options(dict(server))
            return cls(QdrantStore.open(address.url, **options), embedder)
        if server:
            raise ConfigurationError(
                f"found {', '.join(sorted(server))} for the directory {location!s}; expected "
                "these only for a server: leave them out, or give its address, such as "
                "'http://localhost:6333'."
            )
        with _sharing:
            place = _place(location)
            records = None if place is None else _open.get(place)
            if records is not None and records.embedder.id == identity:
                memory = cls.over(records)
            else:
                memory = cls(EdgeStore.open(location), embedder)
                if (place := _place(location)) is not None:
                    _open[place] = memory.records
            _holders.setdefault(memory.records, WeakSet()).add(memory)
        return memory

    @property
    def location(self) -> str:
        """Where the memory is, as it was opened."""
        return self.records.location

    @property
    def embeddings_id(self) -> str:
        """The id of the embedding model."""
        return self.records.embedder.id

    @property
    def guarantee(self) -> str:
        """What forgetting achieves in this store, and what it cannot reach."""
        return self.records.guarantee

    def judges(self) -> list[str]:
        """The names of the judges in this memory."""
        return self.records.judges()

    async def ajudges(self) -> list[str]:
        """Async `judges`."""
        return await off_loop(self.records.judges)

    def episodes(
        self,
        judge: str,
        *,
        status: Literal["pending", "distilled", "superseded"] | None = None,
        as_of: datetime | None = None,
    ) -> list[Episode]:
        """A judge's episodes, oldest first.

        Args:
            judge: The judge's name.
            status: Only those that wait to be learned from ("pending"), that were learned
                ("distilled"), or that a change of mind has superseded ("superseded").
            as_of: Only those that existed at this moment. Feedback that has been changed since is
                shown in its present words.
        """
        return self.records.episodes(judge, status=status, as_of=_aware(as_of))

    async def aepisodes(
        self,
        judge: str,
        *,
        status: Literal["pending", "distilled", "superseded"] | None = None,
        as_of: datetime | None = None,
    ) -> list[Episode]:
        """Async `episodes`."""
        return await off_loop(self.records.episodes, judge, status=status, as_of=_aware(as_of))

    def principles(
        self, judge: str, *, as_of: datetime | None = None, retired: bool = False
    ) -> list[Principle]:
        """A judge's principles, in the order in which they were learned.

        Args:
            judge: The judge's name.
            as_of: Those that applied at this moment; None means now.
            retired: Also those that no longer apply.
        """
        return self.records.principles(judge, as_of=_aware(as_of), retired=retired)

    async def aprinciples(
        self, judge: str, *, as_of: datetime | None = None, retired: bool = False
    ) -> list[Principle]:
        """Async `principles`."""
        return await off_loop(self.records.principles, judge, as_of=_aware(as_of), retired=retired)

    def recall(
        self,
        judge: str,
        case: Case | Mapping[str, Any],
        *,
        k: int = 5,
        principle_tokens: int = PRINCIPLE_TOKENS,
        as_of: datetime | None = None,
    ) -> WorkingMemory:
        """What a judge would be shown with a case. An empty memory is fine.

        Args:
            judge: The judge's name.
            case: The case, or a mapping of its fields.
            k: How many past cases at most.
            principle_tokens: Token budget for principles; see `WorkingMemory.principles_total`.
            as_of: What it would have been shown at this moment.

        Raises:
            InvalidInputError: The case or a number is not usable.
            ModelError: The case could not be embedded.
        """
        wanted = _wanted(k, principle_tokens, as_of)
        return recalling.recall(self.records, judge, Case.of(case), **wanted)

    async def arecall(
        self,
        judge: str,
        case: Case | Mapping[str, Any],
        *,
        k: int = 5,
        principle_tokens: int = PRINCIPLE_TOKENS,
        as_of: datetime | None = None,
    ) -> WorkingMemory:
        """Async `recall`."""
        wanted = _wanted(k, principle_tokens, as_of)
        asked = await arecalling.read_case(case)
        return await arecalling.recall(self.records, judge, asked, **wanted)

    def apply(self, changes: Sequence[Change]) -> None:
        """Write changes, all or nothing; durable when it returns."""
        with blocking("apply", "aapply"):
            transactions.transact(self.records, _plan(changes))

    async def aapply(self, changes: Sequence[Change]) -> None:
        """Async `apply`."""
        await atransactions.transact(self.records, _plan(changes))

    def scrub(self) -> str:
        """Remove every byte of what was erased from where the memory is kept, as far as possible.

        `forget` does this by itself, except for a large memory on a server, whose remaining
        records are copied into a new collection before the old one is deleted. Processes that have
        the memory open carry on.

        Returns:
            What forgetting has now achieved, and what it cannot reach.

        Raises:
            MemoryStoreError: This is not possible: a node is down, or the key may not manage
                collections. The memory is as it was.
        """
        return transactions.scrub(self.records)

    async def ascrub(self) -> str:
        """Async `scrub`."""
        return await atransactions.scrub(self.records)

    def export_jsonl(self, path: str | os.PathLike[str]) -> int:
        """Write the whole memory to a file that any store and embedding model can import.

        Returns:
            How many records were written.
        """
        return export_jsonl(self.records, path)

    async def aexport_jsonl(self, path: str | os.PathLike[str]) -> int:
        """Async `export_jsonl`."""
        return await to_the_end(export_jsonl, self.records, path)

    def import_jsonl(self, path: str | os.PathLike[str]) -> int:
        """Add an exported memory to this one; embed everything again if the embeddings differ.

        A record that exists already is replaced only by a newer one. All or nothing.

        Returns:
            How many records were written.

        Raises:
            InvalidInputError: The file is not an export; the message names the line.
        """
        with blocking("import_jsonl", "aimport_jsonl"):
            return transactions.import_jsonl(self.records, path)

    async def aimport_jsonl(self, path: str | os.PathLike[str]) -> int:
        """Async `import_jsonl`."""
        return await atransactions.import_jsonl(self.records, path)

    def close(self) -> None:
        """Release the store, once no other memory shares it; harmless when called again."""
        with _sharing:
            holders = _holders.get(self.records)
            if holders is not None:
                holders.discard(self)
                if holders:
                    return
                _holders.pop(self.records, None)
                for place in [place for place, held in _open.items() if held is self.records]:
                    del _open[place]
            self.records.close()

    async def aclose(self) -> None:
        """Async `close`."""
        await to_the_end(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"Memory({self.location!r}, embeddings={self.embeddings_id!r})"


def _place(location: str | os.PathLike[str]) -> tuple[int, int, int] | None:
    """What tells a directory from others, also by another path; None for one that is not there."""
    if str(location) == MEMORY:
        return None
    try:
        found = os.stat(location)
    except (OSError, ValueError):  # opening says what is wrong with it
        return None
    return os.getpid(), found.st_dev, found.st_ino  # what is open cannot be used after a fork


def _wanted(k: int, principle_tokens: int, as_of: datetime | None) -> _Wanted:
    return {
        "k": _count(k, "k"),
        "principle_tokens": _count(principle_tokens, "principle_tokens"),
        "as_of": _aware(as_of),
    }


def _plan(changes: Sequence[Change]) -> Plan[None]:
    # Taken at once: it may be an iterator, and the transaction may have to wait.
    wanted = tuple(changes)
    return lambda: (wanted, None)


def _count(number: int, name: str) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise InvalidInputError(f"{name}: found {number!r}; expected a whole number, 0 or more.")
    return number


def _aware(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise InvalidInputError(
            f"as_of: found {moment.isoformat()} without a time zone; expected an aware datetime, "
            "such as datetime.now(UTC)."
        )
    return moment
