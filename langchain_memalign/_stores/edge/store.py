"""The embedded store: a directory, or a temporary one, with Qdrant Edge inside the process."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_memalign._concurrency import LONGEST_WAIT, waited_too_long
from langchain_memalign._models import Vector
from langchain_memalign._stores.base import Fingerprint, MemoryStore, Point, Selection
from langchain_memalign._stores.location import MEMORY
from langchain_memalign._stores.write_batch import Batch
from langchain_memalign.errors import (
    ConfigurationError,
    InvalidInputError,
    MemAlignError,
    MemoryStoreError,
    MemoryUnavailableError,
)

if TYPE_CHECKING:
    from langchain_memalign._stores.edge.directory import MemoryDirectory
    from langchain_memalign._stores.edge.shard import Generation

_PAGE = 64


class EdgeStore(MemoryStore):
    """A memory in a directory, for one process at a time and any number of its threads.

    Reading never waits for writing: readers keep the generation they began with. Writes wait for
    each other. Made by `EdgeStore.open`.
    """

    guarantee = (
        "Erased records, their fields and their vectors are gone from every file of the memory's "
        "directory when the call returns. Not reached: exports, backups and snapshots of the "
        "directory or its disk, checkpoints and traces of graphs, blocks that the disk has freed "
        "but not yet overwritten. Text that was replaced rather than erased can stay in the files "
        "until something is next erased."
    )

    def __init__(
        self, location: str, directory: MemoryDirectory, current: Generation, floor: int
    ) -> None:
        self.location = location
        self._directory = directory
        self._floor = floor
        self._pid = os.getpid()
        self._writing = threading.Lock()
        self._idle = threading.Condition()
        self._users = 0
        self._current: Generation | None = current
        self._finalizer = weakref.finalize(self, _release, current, directory, self._pid)

    @classmethod
    def open(
        cls, location: str | os.PathLike[str], *, free_space_floor: int = 64 * 2**20
    ) -> EdgeStore:
        """Open a memory, or begin one in an empty directory or where there is none.

        Args:
            location: The directory; `":memory:"` for a temporary one that is removed when the store
                is closed or no longer used.
            free_space_floor: Bytes of the disk that writing leaves free.

        Raises:
            MemoryLockedError: Another process, or another store of this one, has it open.
            MemoryCorruptError: There is something else, or a memory that cannot be read; nothing
                was changed.
            MemoryUnavailableError: It cannot be made, read or written.
        """
        if sys.platform == "win32":
            # No fallback to `msvcrt`: its locks end differently, and open files cannot be deleted.
            raise ConfigurationError(
                "found Windows, expected Linux or macOS for a memory in a directory: use a Qdrant "
                "server there, or the Windows Subsystem for Linux."
            )
        # Here, so that who uses a server neither waits for nor needs the embedded engine.
        from langchain_memalign._stores.edge.directory import MemoryDirectory

        if free_space_floor < 0:
            raise InvalidInputError(
                f"found free_space_floor {free_space_floor}, expected 0 or more bytes."
            )
        name = os.fsdecode(location)
        temporary = name == MEMORY
        path = _temporary_path() if temporary else _path(name)
        directory = MemoryDirectory.open(path, temporary=temporary)
        return cls._in(directory, name, free_space_floor)

    @classmethod
    def _in(cls, directory: MemoryDirectory, name: str, floor: int) -> EdgeStore:
        """The store in a directory, which is released with it, also where it cannot be opened."""
        from langchain_memalign._stores.edge.shard import Generation

        with ExitStack() as undo:
            undo.callback(directory.release)
            if directory.generation is None:
                directory.check_space(floor)
                first = directory.next_generation()
                current = Generation.create(directory.shard(first), None)
                undo.callback(current.close)
                current.flush()
                directory.publish(first, is_indexed=current.is_indexed)
            else:
                directory.check_loadable(directory.generation)
                current = Generation.load(directory.shard(directory.generation))
                undo.callback(current.close)
                directory.make_private()
            # Not before: when the one that counts is damaged, another may be all that is left.
            directory.sweep()
            store = cls(name, directory, current, floor)
            undo.pop_all()
        return store

    def scratch(self) -> EdgeStore:
        """An empty store inside this one's directory, gone on close or when this one is opened."""
        with self._using():
            return self._in(self._directory.open_scratch(), self.location, self._floor)

    @staticmethod
    def sweep_temporary() -> None:
        """Remove the temporary memories that killed processes of this user left."""
        if sys.platform != "win32":
            from langchain_memalign._stores.edge.directory import sweep_temporary

            sweep_temporary()

    def fingerprint(self) -> Fingerprint | None:
        """The embeddings of the stored vectors; None while no vector was ever written."""
        with self._using() as current:
            return current.fingerprint

    def scan(self, selection: Selection, *, vectors: bool = False) -> list[Point]:
        """All selected points, ordered by id; with their vectors only when asked for."""
        with self._using() as current:
            return current.scan(selection, vectors=vectors)

    def nearest(
        self, selection: Selection, *, using: str, vector: Vector, limit: int
    ) -> list[tuple[Point, float]]:
        """The selected points whose vector named `using` is nearest, with cosine, best first."""
        with self._using() as current:
            return current.nearest(selection, using=using, vector=vector, limit=limit)

    def tally(self, selection: Selection, field: str) -> dict[str, int]:
        """How many selected points have each value of `field`; points without it do not count."""
        with self._using() as current:
            return current.tally(selection, field)

    def write(
        self,
        points: Sequence[Point],
        *,
        erased: Sequence[str] = (),
        fingerprint: Fingerprint | None = None,
    ) -> None:
        """Insert or replace `points` and erase the ids `erased`, all or nothing, and durable.

        Erasing, like the first vectors and what a small memory outgrows, rewrites all of it.
        """
        self._check_process()
        with self._writing, self._using() as current:
            batch = Batch.checked(points, erased, fingerprint, stored=current.fingerprint)
            erases = current.holds_any(batch.erased)
            self._directory.check()
            if batch.erased:
                # An earlier rewrite may have been interrupted before it deleted what it replaced.
                self._directory.sweep()
            if not batch.points and not erases:
                return
            grows = current.is_outgrown_by(len(batch.points))
            if erases or grows or batch.fingerprint != current.fingerprint:
                self._rewrite(current, batch)
            else:
                self._directory.check_space(self._floor, batch.text_size())
                current.put(current.with_vectors(batch.points))
                current.flush()
                self._directory.make_private()

    def sweep(self) -> str:
        """Make sure that nothing but the memory itself is left in the directory.

        Returns:
            What may still hold erased records, as a sentence; "" if nothing does.

        Raises:
            MemoryUnavailableError: Something could not be deleted.
        """
        self._check_process()
        with self._writing, self._using():
            in_use = self._directory.sweep()
        if not in_use:
            return ""
        return (
            f"Copies that a gate or an evaluation is working with ({in_use}) hold what they held "
            "until it ends."
        )

    def close(self) -> None:
        """Release everything; harmless when called again. Waits for reads and writes under way."""
        if os.getpid() != self._pid:
            return  # a forked child has nothing of it, and its locks may be held for ever
        with self._writing:
            with self._idle:
                self._current = None
                if not self._idle.wait_for(lambda: not self._users, LONGEST_WAIT):
                    raise waited_too_long()
            self._finalizer()

    def _rewrite(self, current: Generation, batch: Batch) -> None:
        """Replace the generation by one in which the batch is already carried out.

        What is erased or replaced is never copied: deleting it from a shard would leave its bytes
        in the shard's files.
        """
        directory = self._directory
        directory.check_space(self._floor, directory.used_space() + batch.text_size())
        name = directory.next_generation()
        size = current.count() + len(batch.points) - len(batch.erased)
        successor = type(current).create(directory.shard(name), batch.fingerprint, size=size)
        try:
            changed = current.with_vectors(batch.points)
            dropped = batch.erased.union(point.id for point in changed)
            for page in current.pages():
                successor.put([point for point in page if point.id not in dropped])
            for start in range(0, len(changed), _PAGE):
                successor.put(changed[start : start + _PAGE])
            successor.flush()
            directory.publish(name, is_indexed=successor.is_indexed)
        except BaseException:
            # Asked of the disk: an interrupt may come right after the manifest was replaced.
            if directory.reread() == name:
                self._bind(successor)
            else:
                successor.close()
                directory.discard(name)
            raise
        self._bind(successor)
        directory.sweep()

    def _bind(self, current: Generation) -> None:
        self._current = current
        self._finalizer.detach()
        self._finalizer = weakref.finalize(self, _release, current, self._directory, self._pid)

    @contextmanager
    def _using(self) -> Iterator[Generation]:
        """The current generation; `close` waits until it is no longer used."""
        self._check_process()
        with self._idle:
            current = self._current
            if current is None:
                raise MemoryUnavailableError(
                    f"found the memory {self.location!r} closed, expected it open: open it again."
                )
            self._users += 1
        try:
            yield current
        finally:
            with self._idle:
                self._users -= 1
                self._idle.notify_all()

    def _check_process(self) -> None:
        # In a forked child the engine's threads are missing and its locks are copies: a call hangs
        # or writes into the parent's files.
        if os.getpid() != self._pid:
            raise MemoryStoreError(
                f"found the memory {self.location!r} used in process {os.getpid()}, expected "
                f"process {self._pid}, which opened it before a fork: open the memory in the child "
                "after closing it in the parent, start children by 'spawn', or use a Qdrant server."
            )


def _release(current: Generation, directory: MemoryDirectory, pid: int) -> None:
    """Release what a store held; also run when it was never closed."""
    if os.getpid() != pid:
        return
    try:
        current.close()
        with suppress(MemAlignError, OSError):  # as where the directory was deleted meanwhile
            directory.make_private()  # the engine writes once more when it lets go
    finally:
        directory.release()


def _temporary_path() -> Path:
    from langchain_memalign._stores.edge.directory import temporary_path

    try:
        return temporary_path()
    except OSError as error:
        raise MemoryUnavailableError(
            f"found no directory for temporary files ({error}), expected one for {MEMORY!r}: set "
            "TMPDIR to one, or name a directory for the memory."
        ) from error


def _path(name: str) -> Path:
    """Absolute at once, so that changing the working directory later does not matter."""
    if not name or "\0" in name:
        raise InvalidInputError(
            f"found location {name!r}, expected the path of a directory or {MEMORY!r}."
        )
    return Path(name).expanduser().absolute()
