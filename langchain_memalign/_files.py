"""Files that are replaced whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from uuid import uuid4

try:
    import fcntl
except ImportError:  # Windows, where a draft that is being written cannot be deleted
    fcntl = None  # type: ignore[assignment]


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[TextIO]:
    """Write a text file that takes the place of `path` once it is whole and on the disk.

    Whatever stops the writing, a file that was there before stays as it was. Who may read it does
    not change, a new one is its owner's alone, and a link goes on pointing to the file that it
    points to. A draft that a killed process left goes with the next writing of the same file.

    Raises:
        OSError: It cannot be written, or something is there that is no regular file.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise OSError(errno.EEXIST, "this is not a regular file", str(path))
    draft = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        _sweep(target)
        with open(draft, "x", encoding="utf-8", opener=_private) as file:
            _lock(file)
            if target.exists():
                shutil.copymode(target, draft)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _lock(file: TextIO) -> None:
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sweep(target: Path) -> None:
    """Delete the drafts of a file that nobody is writing any more."""
    of_target = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{32}}")
    for draft in filter(lambda path: of_target.fullmatch(path.name), target.parent.iterdir()):
        try:
            with draft.open("r+", encoding="utf-8") as file:
                _lock(file)
            draft.unlink()
        except OSError:
            continue  # somebody is writing it, or was faster
