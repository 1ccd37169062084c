"""An LLM judge for LangChain and LangGraph that learns from a handful of expert remarks.

What is not offered here is in one of the submodules: `importers` and `exporters` (feedback from and
for other systems), `evaluation` (measuring a judge), `evaluators` (for LangSmith and openevals),
`guardrails`.
"""

import importlib
from typing import TYPE_CHECKING, Any

from langchain_memalign._calibration.promise import AtLeast
from langchain_memalign._models import Retry
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
    SourceError,
)
from langchain_memalign.judge import Gate, MemAlignJudge
from langchain_memalign.memory import Memory
from langchain_memalign.schema import (
    AgreementReport,
    AlignmentReport,
    CalibrationReport,
    Case,
    Episode,
    Erase,
    Feedback,
    ForgetReport,
    GateDecision,
    GateEvidence,
    HealthReport,
    Principle,
    Probabilities,
    Put,
    Recalled,
    Threshold,
    Unscored,
    Verdict,
    WorkingMemory,
)

if TYPE_CHECKING:
    from langchain_memalign.evaluation.gate import EvidenceGate
    from langchain_memalign.evaluators import PairwiseEvaluator
    from langchain_memalign.graph import (
        FixedJudge,
        JudgeSource,
        ReviewPolicy,
        create_alignment_graph,
        create_judge_graph,
        create_review_graph,
    )
    from langchain_memalign.guardrails import (
        GuardrailPolicy,
        MemAlignGuardrail,
        MemAlignMiddleware,
    )
    from langchain_memalign.retriever import EpisodeRetriever
    from langchain_memalign.tool import JudgeTool

    __version__: str

__all__ = [
    "AgreementReport",
    "AlignmentReport",
    "AtLeast",
    "CalibrationReport",
    "Case",
    "ConfigurationError",
    "EmbeddingMismatchError",
    "Episode",
    "EpisodeRetriever",
    "Erase",
    "EvidenceGate",
    "Feedback",
    "FixedJudge",
    "ForgetReport",
    "Gate",
    "GateDecision",
    "GateEvidence",
    "GuardrailError",
    "GuardrailPolicy",
    "HealthReport",
    "InvalidInputError",
    "JudgeSource",
    "JudgeTool",
    "MemAlignError",
    "MemAlignGuardrail",
    "MemAlignJudge",
    "MemAlignMiddleware",
    "Memory",
    "MemoryCorruptError",
    "MemoryLockedError",
    "MemoryStoreError",
    "MemoryUnavailableError",
    "ModelError",
    "PairwiseEvaluator",
    "Principle",
    "Probabilities",
    "Put",
    "Recalled",
    "Retry",
    "ReviewPolicy",
    "SourceError",
    "Threshold",
    "Unscored",
    "Verdict",
    "WorkingMemory",
    "__version__",
    "create_alignment_graph",
    "create_judge_graph",
    "create_review_graph",
]

# Loaded on first use: LangGraph alone is half of what importing this package would take, and some
# need an extra.
_LAZY = {
    "EpisodeRetriever": "retriever",
    "EvidenceGate": "evaluation.gate",
    "FixedJudge": "graph",
    "GuardrailPolicy": "guardrails",
    "JudgeSource": "graph",
    "JudgeTool": "tool",
    "MemAlignGuardrail": "guardrails",
    "MemAlignMiddleware": "guardrails",
    "PairwiseEvaluator": "evaluators",
    "ReviewPolicy": "graph",
    "create_alignment_graph": "graph",
    "create_judge_graph": "graph",
    "create_review_graph": "graph",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("langchain-memalign")
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
