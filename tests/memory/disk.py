"""Looking at the files of a directory, the way someone would who found the disk."""

import os
import re

_FEW = bytes(64)
_ZEROS = re.compile(b"\0{64,}")


def files_with(directory, *markers):
    """The markers (text or bytes) that some file below `directory`, or a file's name, holds."""
    wanted = {m.encode() if isinstance(m, str) else m for m in markers}
    everything = [name.encode() + b"\n" + found for name, found in content(directory).items()]
    return {marker for marker in wanted if any(marker in found for found in everything)}


def content(directory):
    """All files with what is in them, and all directories with nothing."""
    return {
        str(path.relative_to(directory)): _read(path) if path.is_file() else b""
        for path in directory.rglob("*")
    }


def _read(path):
    """What a file holds; long runs of zeros, of which the engine's mostly consist, cut short.

    Holes are zeros that need not be read. Which zeros are holes is up to the file system and may
    change at any time, so what comes out does not depend on it.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        parts, position = [], 0
        while position < size:
            try:
                start = os.lseek(file.fileno(), position, os.SEEK_DATA)
            except OSError:
                break  # only a hole is left
            position = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            parts.append(os.pread(file.fileno(), position - start, start))
        return _ZEROS.sub(_FEW, _FEW.join([b"", *parts, b""]))
