"""Files that are replaced whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from uuid import uuid4


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[TextIO]:
    """Write a text file that takes the place of `path` once it is whole and on the disk.

    Whatever stops the writing, a file that was there before stays as it was. Who may read it does
    not change, and a link goes on pointing to the file that it points to.

    Raises:
        OSError: It cannot be written, or something is there that is no regular file.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise OSError(errno.EEXIST, "what is there is no regular file", str(path))
    draft = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        with draft.open("x", encoding="utf-8") as file:
            if target.exists():
                shutil.copymode(target, draft)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
