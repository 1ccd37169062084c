"""The judge: recalls, decides, and is taught."""

from langchain_memalign.judge.flows import Budgets, JudgeFlows
from langchain_memalign.judge.judge import CaseLike, MemAlignJudge
from langchain_memalign.judge.teaching import FeedbackLike

__all__ = ["Budgets", "CaseLike", "FeedbackLike", "JudgeFlows", "MemAlignJudge"]
