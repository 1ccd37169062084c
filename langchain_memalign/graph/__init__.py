"""The judge as LangGraph graphs."""

from langchain_memalign._calibration.promise import AtLeast
from langchain_memalign.graph.build import (
    create_alignment_graph,
    create_judge_graph,
    create_review_graph,
)
from langchain_memalign.graph.policy import ReviewPolicy
from langchain_memalign.graph.source import FixedJudge, JudgeSource

__all__ = [
    "AtLeast",
    "FixedJudge",
    "JudgeSource",
    "ReviewPolicy",
    "create_alignment_graph",
    "create_judge_graph",
    "create_review_graph",
]
