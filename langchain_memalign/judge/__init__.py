"""The judge: what it is asked, taught and made to forget, and how far it can be relied on."""

from langchain_memalign.judge.base import CaseLike, FeedbackLike, Outcome
from langchain_memalign.judge.judge import MemAlignJudge
from langchain_memalign.judge.learning import Gate

__all__ = ["CaseLike", "FeedbackLike", "Gate", "MemAlignJudge", "Outcome"]
