"""A memory aside: to try out what a judge would learn without touching what it knows."""

from __future__ import annotations

from collections.abc import Iterable

from langchain_memalign._memory.convert import to_put
from langchain_memalign._models import Embedder
from langchain_memalign._stores.base import Point
from langchain_memalign._stores.edge.store import EdgeStore
from langchain_memalign.flow import Flow, off_loop
from langchain_memalign.memory import Memory


def scratch_memory(embedder: Embedder) -> Memory:
    """An empty memory in a temporary directory, gone on close."""
    return Memory(EdgeStore.open(":memory:"), embedder)


def scratch_copy(points: Iterable[Point], embedder: Embedder) -> Flow[Memory]:
    """A memory aside that holds these records, with their vectors; embeds nothing.

    Args:
        points: The records, read with their vectors.
        embedder: The embedding model that they were embedded with.
    """

    def filled() -> Memory:
        memory = scratch_memory(embedder)
        try:
            memory.apply([to_put(point) for point in points])
        except BaseException:
            memory.close()
            raise
        return memory

    return off_loop(filled)
