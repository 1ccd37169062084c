"""Which memories a server has, by name, and those of them that are open.

Runs and requests name a memory; where it is, the server's environment alone says. Otherwise whoever
may send a request could have directories made and read, and hosts called, wherever they like.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_memalign import ConfigurationError, MemAlignError, Memory, MemoryUnavailableError
from langchain_memalign._stores.location import server_at

_REMEMBERED = 5.0  # seconds for which a memory that could not be opened is not tried again
_LONGEST_WAIT = 5.0  # seconds that others wait for whoever is opening a memory


def default_location() -> str:
    """Where the memory is that is meant when none is named."""
    return os.environ.get("MEMALIGN_MEMORY") or "./memory"


def is_default(named: str) -> bool:
    """Whether the default memory is meant."""
    return named == default_location()


def location_of(named: str) -> str | None:
    """Where a memory is that a run or a request names; None if the server has none of that name.

    Raises:
        ConfigurationError: The server's own list cannot be read.
    """
    return default_location() if is_default(named) else _listed().get(named)


def check_listed(named: str) -> None:
    """Refuse the name of a memory that the server does not have.

    Raises:
        ConfigurationError: It has none of that name.
    """
    if location_of(named) is None:
        raise ConfigurationError(
            "memory: found a name that this server does not know; expected none, for its own "
            "memory, or one that MEMALIGN_MEMORIES in the server's environment lists as "
            "name=location."
        )


def _listed() -> dict[str, str]:
    listed: dict[str, str] = {}
    for entry in filter(None, os.environ.get("MEMALIGN_MEMORIES", "").split(",")):
        name, is_there, location = entry.partition("=")
        if not (is_there and name.strip() and location.strip()):
            raise ConfigurationError(
                "MEMALIGN_MEMORIES: found an entry without a name or a location; expected "
                "name=location,name=location."
            )
        if listed.setdefault(name.strip(), location.strip()) != location.strip():
            raise ConfigurationError(
                "MEMALIGN_MEMORIES: found one name with two locations; expected one: give the "
                "other memory a name of its own."
            )
    return listed


def _key_of(named: str) -> str | None:
    """The key of a Qdrant server; no place is shown the key of another."""
    own = "" if is_default(named) else f"_{named.upper()}"
    return os.environ.get(f"QDRANT_API_KEY{own}")


def _is_there(place: str) -> bool:
    """Whether a directory has a memory.

    Raises:
        MemoryUnavailableError: It cannot be looked into.
    """
    try:
        return Path(place, "manifest.json").exists()
    except OSError as error:
        raise MemoryUnavailableError(
            f"the memory's directory cannot be looked into ({error.strerror}); expected one that "
            "the server may read: correct its place in the server's environment, or its owner."
        ) from error


@dataclass
class _Slot:
    """One memory: open, being opened, or known to have failed a moment ago."""

    opening: threading.Lock = field(default_factory=threading.Lock)
    memory: Memory | None = None
    embeddings: str = ""
    failed: tuple[float, str | None, MemAlignError] | None = None


class Memories:
    """The open memories of a server; each is opened once a process and shared.

    A memory that takes long to open, or cannot be, holds nobody up who wants another one.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._slots: dict[str, _Slot] = {}

    def get(self, named: str, embeddings: str, *, creates: bool = True) -> Memory | None:
        """A memory, opened when it is first asked for.

        Args:
            named: Its name, or its location where the caller has checked that it may be opened.
            embeddings: What it was, or is to be, made with.
            creates: Whether a directory may be made. Otherwise None is given where there is none.

        Raises:
            ConfigurationError: It is open with other embeddings.
            MemoryUnavailableError: Somebody else is still opening it.
            MemAlignError: It cannot be opened.
        """
        location = location_of(named) or named
        is_server = server_at(location) is not None
        place = location if is_server else os.path.realpath(Path(location).expanduser())
        if not (creates or is_server or _is_there(place)):
            return None
        with self._guard:
            slot = self._slots.setdefault(place, _Slot())
        if slot.memory is None:
            options = {"api_key": _key_of(named)} if is_server else {}
            self._open(slot, location, embeddings, options)
        if slot.embeddings != embeddings:
            raise ConfigurationError(
                f"the memory is open with the embeddings {slot.embeddings!r}; found "
                f"{embeddings!r}. Use those that it is open with, or another memory."
            )
        return slot.memory

    def close(self) -> None:
        """Close them all."""
        with self._guard:
            slots = list(self._slots.values())
            self._slots.clear()
        for slot in slots:
            if slot.memory is not None:
                slot.memory.close()

    def _open(self, slot: _Slot, location: str, embeddings: str, options: dict[str, Any]) -> None:
        if not slot.opening.acquire(timeout=_LONGEST_WAIT):
            raise MemoryUnavailableError(
                f"found the memory still being opened after {_LONGEST_WAIT:g} seconds; expected "
                "it to be there: try again."
            )
        try:
            if slot.memory is not None:
                return
            until, with_key, error = slot.failed or (0.0, None, None)
            key = options.get("api_key")
            if error is not None and time.monotonic() < until and with_key == key:
                raise type(error)(str(error)) from error
            try:
                slot.memory = Memory.open(location, embeddings=embeddings, **options)
                slot.embeddings = embeddings
            except MemAlignError as error:
                if isinstance(error, MemoryUnavailableError):
                    slot.failed = time.monotonic() + _REMEMBERED, key, error
                raise
        finally:
            slot.opening.release()
