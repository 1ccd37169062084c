"""Calls that outlive the event loop in which their client opened its connections."""

from __future__ import annotations

from typing import TypeVar

from langchain_memalign.flow import Flow, Step, perform

T = TypeVar("T")

_CLOSED_LOOP = "Event loop is closed"  # asyncio's words
_MOST_KEPT = 1000


def called(step: Step[T]) -> Flow[T]:
    """Perform a call of a model's client, again where it met a connection that nobody can use.

    Clients keep connections for the next call, also those of an event loop that has ended, as in a
    second `asyncio.run`. Each call that meets one fails and drops it. The provider may have got it,
    but could not answer.
    """
    for _ in range(_MOST_KEPT):
        try:
            return (yield from perform(step))
        except Exception as error:
            if not _is_of_a_closed_loop(error):
                raise
    return (yield from perform(step))


def _is_of_a_closed_loop(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, RuntimeError) and str(error) == _CLOSED_LOOP:
            return True
        error = error.__cause__
    return False
