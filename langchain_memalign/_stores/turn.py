"""Taking turns: exclusive work in this process, and among processes where the store is shared."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from langchain_memalign._stores.store_flows import StoreFlows
from langchain_memalign.flow import Flow, Lease, run

T = TypeVar("T")


class Turn:
    """A lease for one kind of work: first come, first served here, then as the store says."""

    def __init__(self, store: StoreFlows, name: str) -> None:
        self._store = store
        self._name = name
        self._here = Lease()

    def acquire(self) -> Flow[None]:
        """Wait for the turn; `release` must follow.

        Raises:
            MemoryLockedError: Another process had it for too long.
        """
        yield from self._here.acquire()
        try:
            yield from self._store.acquire(self._name)
        except BaseException:
            self._here.release()
            raise

    def release(self) -> Flow[None]:
        """Let the next one begin."""
        try:
            yield from self._store.release(self._name)
        finally:
            self._here.release()

    def during(self, work: Callable[[], Flow[T]]) -> Flow[T]:
        """Do `work` while nobody else has the turn."""
        return bracket(self.acquire(), work, self.release)


def bracket(
    enter: Flow[None], work: Callable[[], Flow[T]], leave: Callable[[], Flow[None]]
) -> Flow[T]:
    """Do `work` between two other flows, of which the last is driven whatever happens.

    A plain `finally` would not do: a flow that is closed early must not yield any more.
    """
    yield from enter
    try:
        result = yield from work()
    except GeneratorExit:
        run(leave())
        raise
    except BaseException:
        yield from leave()
        raise
    yield from leave()
    return result
