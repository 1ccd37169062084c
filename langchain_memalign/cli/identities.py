"""Ids as people type them: as much of one as tells it from all others."""

from __future__ import annotations

from collections.abc import Iterable

from langchain_memalign.cli.terminal import short
from langchain_memalign.errors import InvalidInputError


def full_id(written: str, ids: Iterable[str], *, what: str) -> str:
    """The one id that begins with `written`.

    Args:
        written: An id, or its beginning.
        ids: All ids.
        what: What they are ids of, for the message.

    Raises:
        InvalidInputError: None begins so, or several do.
    """
    start = written.strip().lower()
    found = [id_ for id_ in ids if id_.startswith(start)] if start else []
    if start in found:
        return start
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(map(short, found[:4]))
        raise InvalidInputError(
            f"{what}: found {len(found)} that begin with {written!r} ({several}, …); expected one. "
            "Write more of the id."
        )
    raise InvalidInputError(
        f"{what}: found none whose id begins with {written!r}; `memalign {what}s list` shows those "
        "that there are."
    )
