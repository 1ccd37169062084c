"""The directory of an embedded memory: who may use it, and which of its shards is the memory.

    <directory>/lock            held for as long as the memory is open
    <directory>/manifest.json   names the generation that counts; replaced as a whole
    <directory>/g7/             that generation, a shard of Qdrant Edge

A memory changes its generation by building the next one beside it and then replacing the manifest;
whatever a crash leaves behind is a generation that no manifest names.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from langchain_memalign._stores.edge.lock import DirectoryLock, is_unmarked
from langchain_memalign.errors import MemoryCorruptError, MemoryUnavailableError

_LOCK = "lock"
_MANIFEST = "manifest.json"
_DRAFT = "manifest.json.new"
_FORMAT = 1
_GENERATION = re.compile(r"g[1-9][0-9]{0,17}")
_SHARD_PART = re.compile(r"edge_config\.json|segments|wal|\.atomicwrite\w+")


class MemoryDirectory:
    """A locked directory. `generation` is the one its manifest names; None before the first."""

    def __init__(self, path: Path, *, temporary: bool) -> None:
        self.path = path
        self.generation: str | None = None
        self._lock = DirectoryLock(path / _LOCK, temporary=temporary)
        # What does not outlive the process need not survive a power failure, and syncing is slow.
        self._sync = _skip if temporary else _sync

    @classmethod
    def open(cls, path: Path, *, temporary: bool = False) -> MemoryDirectory:
        """Lock a directory, which is made if it does not exist, and read its manifest.

        Args:
            path: The directory, absolute.
            temporary: Whether `release` removes it.

        Raises:
            MemoryLockedError: Someone else has it open.
            MemoryCorruptError: It holds something else, or its manifest cannot be read.
            MemoryUnavailableError: It cannot be made, read or written.
        """
        with _reachable(path):
            path.mkdir(parents=True, exist_ok=True)
            _refuse_foreign(path)
            directory = cls(path, temporary=temporary)
            try:
                # Again, now that nobody changes it any more.
                _refuse_foreign(path)
                directory.generation = _read_manifest(path)
                if directory.generation is not None:
                    directory._lock.mark()
            except BaseException:
                directory.release()
                raise
        return directory

    def shard(self, generation: str) -> Path:
        """Where a generation is, or would be."""
        return self.path / generation

    def next_generation(self) -> str:
        """A name that no generation has yet; what a crash left under it is removed."""
        number = int(self.generation[1:]) if self.generation else 0
        name = f"g{number + 1}"
        self.discard(name)
        return name

    def publish(self, generation: str) -> None:
        """Make a finished generation the memory, at once and for good.

        From here on a crash leaves either the old or the new generation, and both are whole.
        """
        with _reachable(self.path):
            for folder, _, files in os.walk(self.shard(generation)):
                for name in (*files, "."):
                    self._sync(Path(folder, name))
            draft = self.path / _DRAFT
            draft.write_text(json.dumps({"format": _FORMAT, "generation": generation}), "utf-8")
            self._sync(draft)
            os.replace(draft, self.path / _MANIFEST)
            self.generation = generation
            self._sync(self.path)
            # From now on a missing manifest is a lost one.
            self._lock.mark()

    def reread(self) -> str | None:
        """Which generation the manifest names now; that one is `generation` from here on."""
        with _reachable(self.path):
            self.generation = _read_manifest(self.path)
        return self.generation

    def discard(self, generation: str) -> None:
        """Delete a generation, for good, if it exists."""
        with _reachable(self.path):
            if self.shard(generation).exists():
                shutil.rmtree(self.shard(generation))
                self._sync(self.path)

    def sweep(self) -> None:
        """Delete what crashes left behind: all generations but the one that counts."""
        with _reachable(self.path):
            for name in os.listdir(self.path):
                if _GENERATION.fullmatch(name) and name != self.generation:
                    self.discard(name)
            (self.path / _DRAFT).unlink(missing_ok=True)

    def check(self) -> None:
        """Notice that the directory was deleted or exchanged while it was open.

        Raises:
            MemoryUnavailableError: It is no longer what was opened.
        """
        with _reachable(self.path):
            if (
                self._lock.is_in_place()
                and self.generation is not None
                and (self.shard(self.generation) / "segments").is_dir()
                and _read_manifest(self.path) == self.generation
            ):
                return
        raise MemoryUnavailableError(
            f"found {self.path} deleted or exchanged since it was opened, expected the memory "
            "that was there; nothing was written: close the memory, put its directory back, and "
            "open it again."
        )

    def check_space(self, floor: int, needed: int = 0) -> None:
        """Refuse to write to a disk that is nearly full.

        The engine maps files larger than what they hold; on a full disk the process would be killed
        by SIGBUS in the middle of a write.

        Raises:
            MemoryUnavailableError: After writing `needed` bytes less than `floor` would be free.
        """
        with _reachable(self.path):
            free = shutil.disk_usage(self.path).free
        if free - needed < floor:
            raise MemoryUnavailableError(
                f"found {free:,} bytes free on the disk of {self.path}, expected {needed:,} to "
                f"write and {floor:,} beyond (free_space_floor); nothing was written: free some "
                "space, or move the closed memory to a larger disk."
            )

    def used_space(self) -> int:
        """Bytes that the generation takes on disk; its files claim far more than they take."""
        if self.generation is None:
            return 0
        with _reachable(self.path):
            files = self.shard(self.generation).rglob("*")
            return sum(file.lstat().st_blocks * 512 for file in files)

    def release(self) -> None:
        """Let others open it; harmless when called again."""
        self._lock.release()


def _refuse_foreign(path: Path) -> None:
    """Refuse a directory with something in it that is not a memory."""
    names = set(os.listdir(path))
    if not names or _MANIFEST in names or _is_unborn(path, names):
        return
    raise MemoryCorruptError(
        f"found {', '.join(sorted(names)[:5])} but no {_MANIFEST} at {path}, expected a memory, "
        "an empty directory or none; nothing was changed: name another directory, or, if this "
        "was a memory, restore it from a backup or an export."
    )


def _is_unborn(path: Path, names: set[str]) -> bool:
    """Whether this is what a crash leaves of a memory that never had a manifest."""
    first = path / "g1"
    return (
        is_unmarked(path / _LOCK)
        and not names - {_LOCK, _DRAFT, first.name}
        and (first.name not in names or all(map(_SHARD_PART.fullmatch, os.listdir(first))))
    )


def _read_manifest(path: Path) -> str | None:
    try:
        said = json.loads((path / _MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, str(error)) from error
    if not isinstance(said, dict) or type(said.get("format")) is not int:
        raise _unreadable(path, "it has no format")
    if said["format"] != _FORMAT:
        raise MemoryCorruptError(
            f"found format {said['format']} at {path}, expected {_FORMAT}; nothing was changed: "
            "upgrade langchain-memalign, or export this memory with the version that wrote it."
        )
    generation = said.get("generation")
    if not isinstance(generation, str) or not _GENERATION.fullmatch(generation):
        raise _unreadable(path, "it names no generation")
    return generation


def _unreadable(path: Path, why: str) -> MemoryCorruptError:
    return MemoryCorruptError(
        f"found a {_MANIFEST} at {path} that cannot be read ({why}), expected "
        '{"format": 1, "generation": "g..."}; nothing was changed: restore it from a backup, or '
        "name in it the generation that is there."
    )


def _skip(path: Path) -> None:
    """Do nothing, in place of `_sync`."""


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _reachable(path: Path) -> Iterator[None]:
    """Turn what the operating system says about a path into an error of ours."""
    try:
        yield
    except OSError as error:
        raise MemoryUnavailableError(
            f"found {error.filename or path}: {error.strerror or error}; expected {path} to be, "
            "or to become, a directory that this process may read and write: name another one, "
            "or correct its permissions."
        ) from error
