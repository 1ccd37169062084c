"""The directory of an embedded memory: who may use it, and which of its shards is the memory.

    <directory>/lock            held for as long as the memory is open
    <directory>/manifest.json   names the generation that counts; replaced as a whole
    <directory>/g7/             that generation, a shard of Qdrant Edge
    <directory>/scratch-<hex>/  a copy to try something out in, a directory like this one

Only its owner may read the files. A memory changes its generation by building the next one beside
it and then replacing the manifest; whatever a crash leaves behind is a generation that no manifest
names.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from langchain_memalign._stores.edge.lock import LOCK, DirectoryLock, is_marked, remove_dead
from langchain_memalign.errors import MemoryCorruptError, MemoryUnavailableError

_MANIFEST = "manifest.json"
_DRAFT = "manifest.json.new"
_INDEXED, _UNINDEXED = 1, 2  # formats; older versions take one without indexes for damaged
_GENERATION = re.compile(r"g[1-9][0-9]{0,17}")
_SCRATCH = re.compile(r"scratch-[0-9a-f]{32}")
_TEMPORARY = "memalign-temporary-"
_RENAMES = 10
_HOUR = 3600
_SHARD_PART = re.compile(r"edge_config\.json|segments|wal|\.atomicwrite\w+")


class MemoryDirectory:
    """A locked directory. `generation` is the one its manifest names; None before the first."""

    def __init__(self, path: Path, *, temporary: bool) -> None:
        self.path = path
        self.generation: str | None = None
        self._lock = DirectoryLock(path / LOCK, temporary=temporary)
        self._scratching = threading.Lock()
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
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _refuse_foreign(path)
            directory = cls(path, temporary=temporary)
            try:
                # Again, now that nobody changes it any more.
                _refuse_foreign(path)
                directory.generation = _read_manifest(path)
                if temporary or directory.generation is not None:
                    directory._lock.mark()
            except BaseException:
                directory.release()
                raise
        return directory

    def open_scratch(self) -> MemoryDirectory:
        """Make a directory inside this one that `release` removes, or else the next opening."""
        with self._scratching:
            return self.open(self.path / f"scratch-{uuid4().hex}", temporary=True)

    def shard(self, generation: str) -> Path:
        """Where a generation is, or would be."""
        return self.path / generation

    def next_generation(self) -> str:
        """A name that no generation has yet; what a crash left under it is removed."""
        number = int(self.generation[1:]) if self.generation else 0
        name = f"g{number + 1}"
        self.discard(name)
        return name

    def publish(self, generation: str, *, is_indexed: bool) -> None:
        """Make a finished generation the memory, at once and for good.

        From here on a crash leaves either the old or the new generation, and both are whole.

        Args:
            generation: Its name.
            is_indexed: Whether it has indexes.
        """
        said = {"format": _INDEXED if is_indexed else _UNINDEXED, "generation": generation}
        with _reachable(self.path):
            self.make_private(generation)
            _for_each_file(self.shard(generation), self._sync)
            draft = self.path / _DRAFT
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(said), "utf-8")
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

    def make_private(self, generation: str | None = None) -> None:
        """Let nobody but the owner read the files: the engine makes them as the umask has it.

        Args:
            generation: Whose files; None for the one that counts, and what names it.
        """
        with _reachable(self.path):
            if generation is None:
                for name in (LOCK, _MANIFEST):
                    _make_private(self.path / name)
            _for_each_file(self.shard(generation or self.generation or ""), _make_private)

    def sweep(self) -> int:
        """Delete all but the generation that counts: what crashes, or failed deletions, left.

        Returns:
            How many copies are left because somebody works with them.

        Raises:
            MemoryUnavailableError: Something could not be deleted; `sweep` again.
        """
        in_use = 0
        with self._scratching, _reachable(self.path):
            for name in os.listdir(self.path):
                if _GENERATION.fullmatch(name) and name != self.generation:
                    self.discard(name)
                elif _SCRATCH.fullmatch(name) and not remove_dead(self.path / name):
                    in_use += 1
            (self.path / _DRAFT).unlink(missing_ok=True)
            there = filter(_GENERATION.fullmatch, os.listdir(self.path))
            left = sorted(name for name in there if name != self.generation)
        if left:
            raise MemoryUnavailableError(
                f"found {', '.join(left)} of {self.path} still there after they were deleted; "
                "expected nothing that can hold erased records: end what has them open, and "
                "repeat it."
            )
        return in_use

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

    def check_loadable(self, generation: str) -> None:
        """Refuse to open files that would not fit on a nearly full RAM disk.

        There, unlike on other disks, a hole takes space once it is read. When there is none left,
        the process is killed by SIGBUS.

        Raises:
            MemoryUnavailableError: They would not.
        """
        with _reachable(self.path):
            shard = self.shard(generation)
            config = shard / "edge_config.json"
            if not _is_ram_disk(self.path) or not config.is_file():  # then loading tells
                return
            is_cold = b'"cold"' in config.read_bytes().lower()
            needed = sum(
                max(0, file.lstat().st_size - file.lstat().st_blocks * 512)
                for file in shard.glob("segments/*/*/**/*")
                if file.is_file() and _is_filled(file.relative_to(shard).parts[2], is_cold=is_cold)
            )
            free = shutil.disk_usage(self.path).free
        if free < needed:
            raise MemoryUnavailableError(
                f"found {free:,} bytes free on the RAM disk of {self.path}, expected {needed:,} to "
                "open it; nothing was changed: free some space, or move the closed memory to a "
                "larger disk."
            )

    def used_space(self) -> int:
        """Bytes that the generation takes on disk; its files claim far more than they take."""
        if self.generation is None:
            return 0
        with _reachable(self.path):
            found: dict[Path, int] = {}
            _for_each_file(
                self.shard(self.generation),
                lambda path: found.update({path: path.lstat().st_blocks * 512}),
            )
            return sum(found.values())

    def release(self) -> None:
        """Let others open it; harmless when called again."""
        self._lock.release()


def temporary_path() -> Path:
    """Make a directory for a memory that is gone on close; those of killed processes go now.

    Raises:
        OSError: There is no place for temporary files.
    """
    sweep_temporary()
    return Path(tempfile.mkdtemp(prefix=_TEMPORARY))


def sweep_temporary() -> None:
    """Remove the temporary memories that killed processes of this user left."""
    for path in Path(tempfile.gettempdir()).glob(f"{_TEMPORARY}*"):
        try:
            found = path.lstat()
            is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
            # One that is not marked yet may be about to be locked.
            if is_ours and (is_marked(path / LOCK) or time.time() - found.st_mtime > _HOUR):
                remove_dead(path)
        except OSError:
            continue  # somebody else was faster


def _is_ram_disk(path: Path) -> bool:
    device = path.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8").splitlines()
    except OSError:
        return False
    return any(
        mount.split()[2] == number and mount.partition(" - ")[2].split()[0] in ("tmpfs", "ramfs")
        for mount in mounts
    )


def _is_filled(part: str, *, is_cold: bool) -> bool:
    """Whether the engine reads all of the files in this part of a segment when it opens them."""
    return part == "payload_index" or (part.startswith("vector_storage") and not is_cold)


def _for_each_file(shard: Path, work: Callable[[Path], None]) -> None:
    """Do something to all files and folders, anew if the engine renames one meanwhile."""
    for attempt in range(_RENAMES + 1):
        try:
            for folder, _, files in os.walk(shard):
                for name in (*files, "."):
                    work(Path(folder, name))
            return
        except FileNotFoundError:
            if attempt == _RENAMES:
                raise


def _make_private(path: Path) -> None:
    mode = path.lstat().st_mode
    if stat.S_IMODE(mode) & 0o077:
        path.chmod(0o700 if stat.S_ISDIR(mode) else 0o600)


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
        (path / LOCK).is_file()
        and not is_marked(path / LOCK)
        and not names - {LOCK, _DRAFT, first.name}
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
    if said["format"] not in (_INDEXED, _UNINDEXED):
        raise MemoryCorruptError(
            f"found format {said['format']} at {path}, expected {_INDEXED} or {_UNINDEXED}; "
            "nothing was changed: upgrade langchain-memalign, or export this memory with the "
            "version that wrote it."
        )
    generation = said.get("generation")
    if not isinstance(generation, str) or not _GENERATION.fullmatch(generation):
        raise _unreadable(path, "it names no generation")
    return generation


def _unreadable(path: Path, why: str) -> MemoryCorruptError:
    return MemoryCorruptError(
        f"found a {_MANIFEST} at {path} that cannot be read ({why}), expected "
        '{"format": 2, "generation": "g..."}; nothing was changed: restore it from a backup, or '
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
