"""Evaluators around a judge: which of two programs is better, how far judge and experts agree.

The judge itself is an evaluator: `langsmith.evaluate(target, data=..., evaluators=[judge])`.
"""

from langchain_memalign._results import EvaluatorResult
from langchain_memalign.evaluators.pairwise import PairwiseEvaluator
from langchain_memalign.evaluators.summary import (
    agreement,
    ccc,
    cohens_kappa,
    summary_evaluator,
)

__all__ = [
    "EvaluatorResult",
    "PairwiseEvaluator",
    "agreement",
    "ccc",
    "cohens_kappa",
    "summary_evaluator",
]
