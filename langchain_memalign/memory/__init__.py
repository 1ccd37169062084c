"""What judges remember: semantic and episodic memory, and the stores that keep them."""

from langchain_memalign.memory.flows import MemoryFlows
from langchain_memalign.memory.knowledge import Knowledge
from langchain_memalign.memory.memory import PRINCIPLE_TOKENS, Memory
from langchain_memalign.memory.retrieval import (
    OnRecallFailure,
    rank_principles,
    recall,
    recollect,
)
from langchain_memalign.memory.scratch import scratch_copy, scratch_memory
from langchain_memalign.memory.selection import Recollection, assemble, fit, over_budget

__all__ = [
    "PRINCIPLE_TOKENS",
    "Knowledge",
    "Memory",
    "MemoryFlows",
    "OnRecallFailure",
    "Recollection",
    "assemble",
    "fit",
    "over_budget",
    "rank_principles",
    "recall",
    "recollect",
    "scratch_copy",
    "scratch_memory",
]
