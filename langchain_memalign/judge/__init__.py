"""The judge: recalls, decides, and is taught."""

from langchain_memalign.judge.batching import CaseLike
from langchain_memalign.judge.flows import Budgets, JudgeFlows
from langchain_memalign.judge.gating import Gate, judge_over
from langchain_memalign.judge.judge import MemAlignJudge
from langchain_memalign.judge.teaching import FeedbackLike

__all__ = [
    "Budgets",
    "CaseLike",
    "FeedbackLike",
    "Gate",
    "JudgeFlows",
    "MemAlignJudge",
    "judge_over",
]
