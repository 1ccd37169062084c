"""A memory aside: to try out what a judge would learn without touching what it knows."""

from __future__ import annotations

from langchain_memalign.memory.edge import EdgeStore
from langchain_memalign.memory.memory import Memory
from langchain_memalign.models import Embedder


def scratch_memory(embedder: Embedder) -> Memory:
    """An empty memory in a temporary directory, gone on close."""
    return Memory(EdgeStore.open(":memory:"), embedder)
