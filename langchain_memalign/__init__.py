"""An LLM judge for LangChain and LangGraph that learns from a handful of expert remarks."""

from langchain_memalign.errors import (
    ConfigurationError,
    EmbeddingMismatchError,
    GuardrailError,
    InvalidInputError,
    MemAlignError,
    MemoryCorruptError,
    MemoryLockedError,
    MemoryStoreError,
    MemoryUnavailableError,
    ModelError,
)
from langchain_memalign.graph import (
    create_alignment_graph,
    create_judge_graph,
    create_review_graph,
)
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.memory import Memory
from langchain_memalign.schema import (
    AlignmentReport,
    Case,
    Episode,
    Feedback,
    ForgetReport,
    Principle,
    Recalled,
    Unscored,
    Verdict,
    WorkingMemory,
)

__all__ = [
    "AlignmentReport",
    "Case",
    "ConfigurationError",
    "EmbeddingMismatchError",
    "Episode",
    "Feedback",
    "ForgetReport",
    "GuardrailError",
    "InvalidInputError",
    "MemAlignError",
    "MemAlignJudge",
    "Memory",
    "MemoryCorruptError",
    "MemoryLockedError",
    "MemoryStoreError",
    "MemoryUnavailableError",
    "ModelError",
    "Principle",
    "Recalled",
    "Unscored",
    "Verdict",
    "WorkingMemory",
    "create_alignment_graph",
    "create_judge_graph",
    "create_review_graph",
]
