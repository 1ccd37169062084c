"""The lock file of a memory's directory: one process has it open at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

from langchain_memalign.errors import MemoryLockedError

LOCK = "lock"
"""Name of the lock file of a memory's directory."""


class DirectoryLock:
    """A lock held from construction until `release`, or until the process ends in any way.

    The lock file stays; it says who holds it. Nothing is written to it before `mark`.
    """

    def __init__(self, file: Path, *, temporary: bool = False) -> None:
        """Lock a file, which is made if it does not exist.

        Args:
            file: The lock file.
            temporary: Whether `release` removes the directory it is in.

        Raises:
            MemoryLockedError: It is locked, by another process or by this one.
            OSError: It cannot be opened.
        """
        self._file = file
        self._temporary = temporary
        self._pid = os.getpid()
        self._descriptor: int | None = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _locked(file, self._descriptor) from None
        except BaseException:
            os.close(self._descriptor)
            raise

    def mark(self) -> None:
        """Write down who holds the lock."""
        if self._descriptor is not None:
            # Always as long, so that it needs no more space on a full disk.
            os.pwrite(self._descriptor, b"held by process %10d\n" % self._pid, 0)

    def is_in_place(self) -> bool:
        """Whether the lock file is still there and still the one that is held."""
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(os.stat(self._file), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let others lock it; harmless when called again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        if self._pid == os.getpid():
            if self._temporary:
                shutil.rmtree(self._file.parent, ignore_errors=True)
            # Closing would not do: a forked child may have a copy open. The reverse is why a child
            # must not unlock: it would unlock its parent's.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def remove_dead(directory: Path) -> bool:
    """Remove a directory with a lock in it that nobody holds; whether it is gone."""
    try:
        lock = DirectoryLock(directory / LOCK, temporary=True)
    except MemoryLockedError:
        return False
    lock.release()
    return not directory.exists()


def is_marked(file: Path) -> bool:
    """Whether there is a lock file in which somebody has said that they hold, or held, it."""
    return file.is_file() and file.stat().st_size > 0


def _locked(file: Path, descriptor: int) -> MemoryLockedError:
    said = os.pread(descriptor, 64, 0).decode("ascii", "replace").split()
    os.close(descriptor)
    holder = f"process {said[-1]}" if said else "another process"
    if said and said[-1] == str(os.getpid()):
        holder = "this very process"
    return MemoryLockedError(
        f"found the memory at {file.parent} held by {holder}, expected nobody to have it open: "
        "share one `Memory` between all judges and threads, or close the other one (or end its "
        "forked children); for several processes keep the memory on a Qdrant server."
    )
