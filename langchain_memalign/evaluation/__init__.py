"""Evidence: does a judge agree with the experts, and does learning help it?

Needs the extra `eval`. The metrics are in `langchain_memalign.evaluation.metrics`.
"""

import importlib.util

from langchain_memalign.errors import ConfigurationError

if importlib.util.find_spec("numpy") is None:
    raise ConfigurationError(
        "evaluation: found no numpy; install it with `pip install 'langchain-memalign[eval]'`."
    )

from langchain_memalign.evaluation.cost import Price, Spent, read_prices
from langchain_memalign.evaluation.datasets import DATASETS, Loaded, load_file, load_named
from langchain_memalign.evaluation.evaluate import Evaluation, aevaluate, evaluate
from langchain_memalign.evaluation.experiments import (
    Experiment,
    aablation,
    ablation,
    acompare_models,
    across_validate,
    alearning_curve,
    compare_models,
    cross_validate,
    learning_curve,
)
from langchain_memalign.evaluation.figures import Agreement, Figures
from langchain_memalign.evaluation.gate import EvidenceGate
from langchain_memalign.evaluation.inter_rater import (
    krippendorff_alpha,
    reviewer_agreement,
    reviewer_alpha,
    reviewer_match,
)
from langchain_memalign.evaluation.leave_one_out import Influence
from langchain_memalign.evaluation.metrics import Metric, confusion_matrix, metrics_for
from langchain_memalign.evaluation.report import write_curve, write_evaluation
from langchain_memalign.evaluation.resampling import Estimate, Resampling
from langchain_memalign.evaluation.trials import EvalCase, Judgement

__all__ = [
    "DATASETS",
    "Agreement",
    "Estimate",
    "EvalCase",
    "Evaluation",
    "EvidenceGate",
    "Experiment",
    "Figures",
    "Influence",
    "Judgement",
    "Loaded",
    "Metric",
    "Price",
    "Resampling",
    "Spent",
    "aablation",
    "ablation",
    "acompare_models",
    "across_validate",
    "aevaluate",
    "alearning_curve",
    "compare_models",
    "confusion_matrix",
    "cross_validate",
    "evaluate",
    "krippendorff_alpha",
    "learning_curve",
    "load_file",
    "load_named",
    "metrics_for",
    "read_prices",
    "reviewer_agreement",
    "reviewer_alpha",
    "reviewer_match",
    "write_curve",
    "write_evaluation",
]
