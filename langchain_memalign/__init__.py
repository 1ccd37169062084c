"""An LLM judge for LangChain and LangGraph that learns from a handful of expert remarks."""

from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from langchain_memalign.graph import (
        create_alignment_graph,
        create_judge_graph,
        create_review_graph,
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


def __getattr__(name: str) -> Any:
    # Half of what importing this package would take is LangGraph, which a judge alone does not use.
    if name in __all__:
        from langchain_memalign import graph

        return getattr(graph, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
