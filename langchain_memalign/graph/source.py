"""Where a graph's judge comes from: fixed when it is built, or named by each run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol, TypeAlias

from langchain_memalign.errors import ConfigurationError
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import Case, Unscored, Verdict, WorkingMemory

ReviewPolicy: TypeAlias = (
    Literal["always", "never", "uncertain"]
    | Callable[[Case, Verdict | Unscored, WorkingMemory], bool]
)
"""Which judgements a human is asked about."""

_FEW_EPISODES = 3


class JudgeSource(Protocol):
    """Provides the judge of a run."""

    context_schema: type[Any] | None
    """What a run may be configured with; None if nothing."""

    def identity(self) -> dict[str, Any]:
        """Which judge the run at hand is for, as JSON; called at its start, inside a node.

        It is kept in the state: a resumed run does not remember its context.
        """
        ...

    def judge(self, identity: dict[str, Any]) -> MemAlignJudge:
        """The judge of that identity. May block; it is called off the event loop."""
        ...

    def review(self, identity: dict[str, Any]) -> ReviewPolicy:
        """Which of its judgements a human is asked about."""
        ...


class FixedJudge:
    """Always the same judge and review policy."""

    context_schema: type[Any] | None = None

    def __init__(self, judge: MemAlignJudge, review: ReviewPolicy = "never") -> None:
        if review not in ("always", "never", "uncertain") and not callable(review):
            raise ConfigurationError(
                f"review: found {review!r:.60}; expected 'always', 'never', 'uncertain' or a "
                "function of (case, verdict, working memory) that returns a bool."
            )
        self._judge = judge
        self._review = review

    def identity(self) -> dict[str, Any]:
        """The judge's name."""
        return {"name": self._judge.spec.name}

    def judge(self, identity: dict[str, Any]) -> MemAlignJudge:
        """The judge."""
        return self._judge

    def review(self, identity: dict[str, Any]) -> ReviewPolicy:
        """The policy."""
        return self._review


def needs_review(
    policy: ReviewPolicy,
    case: Case,
    outcome: Verdict | Unscored,
    memory: WorkingMemory,
    *,
    distant: float,
) -> bool:
    """Whether a human is asked about a judgement.

    Under "uncertain": if it is `Unscored`, or if fewer than 3 past cases were near, or they
    disagree, or even the nearest is distant.
    """
    if callable(policy):
        return bool(policy(case, outcome, memory))
    if policy != "uncertain":
        return policy == "always"
    values = {(type(v), v) for r in memory.episodes if (v := r.episode.value) is not None}
    return (
        isinstance(outcome, Unscored)
        or len(memory.episodes) < _FEW_EPISODES
        or len(values) > 1
        or memory.episodes[0].similarity < distant
    )
