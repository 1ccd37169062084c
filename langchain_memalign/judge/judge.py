"""The judge as users hold it: a LangChain Runnable and evaluator that can be taught."""

from langchain_memalign.judge.evaluating import EvaluatingJudge
from langchain_memalign.judge.knowledge import KnowingJudge
from langchain_memalign.judge.learning import LearningJudge
from langchain_memalign.judge.reliance import ReliableJudge


class MemAlignJudge(LearningJudge, KnowingJudge, EvaluatingJudge, ReliableJudge):
    """An LLM judge that learns from experts' remarks, after the MemAlign method.

    A Runnable from a `Case`, or a mapping of its fields, to a `Verdict`, or to an `Unscored` when
    no verdict could be reached. Judging only reads memory; `align`, `forget` and the principle
    methods write it. Safe to use from many threads and event loops at once. Every method has an
    async twin with the prefix `a`. The judge itself is an evaluator for LangSmith, openevals and
    agentevals; in async code, `judge.aevaluate` is.

    Source of the method: MemAlign, Databricks 2026
    (https://www.databricks.com/blog/memalign-building-better-llm-judges-human-feedback-scalable-memory).

    Attributes:
        name: The namespace in memory, and the name of the runs.
        spec: Name, instructions, value type and meanings.
        memory: Where the judge remembers.
        model: The chat model, or decision model, that judges.
        setup: What it is made of, for the library's own code.
    """
