"""Where a graph's judge comes from: fixed when it is built, or named by each run."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from langchain_memalign.errors import ConfigurationError
from langchain_memalign.graph.policy import ReviewPolicy, check_policy
from langchain_memalign.judge import MemAlignJudge


@runtime_checkable
class JudgeSource(Protocol):
    """Provides the judge of a run."""

    context_schema: type[Any] | None
    """What a run may be configured with; None if nothing."""

    def identity(self) -> dict[str, Any]:
        """Which judge the run at hand is for, as JSON; called at its start, inside a node.

        It is kept in the state: a resumed run does not remember its context. Must not block.
        """
        ...

    def judge(self, identity: dict[str, Any]) -> MemAlignJudge:
        """The judge of that identity. May block; it is called off the event loop."""
        ...

    def review(self, identity: dict[str, Any]) -> ReviewPolicy:
        """Which of its judgements a human is asked about. Must not block."""
        ...


class FixedJudge:
    """Always the same judge and review policy."""

    context_schema: type[Any] | None = None

    def __init__(self, judge: MemAlignJudge, review: ReviewPolicy = "never") -> None:
        check_policy(review)
        self._judge = judge
        self._review = review

    def identity(self) -> dict[str, Any]:
        """The judge's name."""
        return {"name": self._judge.spec.name}

    def judge(self, identity: dict[str, Any]) -> MemAlignJudge:
        """The judge.

        Raises:
            ConfigurationError: The thread was begun with another one.
        """
        if identity != self.identity():
            raise ConfigurationError(
                f"this thread was begun with the judge {identity.get('name')!r}; found "
                f"{self._judge.spec.name!r}. Resume it with a graph of the former, or start a new "
                "thread."
            )
        return self._judge

    def review(self, identity: dict[str, Any]) -> ReviewPolicy:
        """The policy."""
        return self._review


def source_of(judge: MemAlignJudge | JudgeSource, review: ReviewPolicy = "always") -> JudgeSource:
    """A source itself, or one that always gives the judge and the policy.

    Raises:
        ConfigurationError: It is neither, or a policy comes with a source, which has its own.
    """
    if isinstance(judge, MemAlignJudge):
        return FixedJudge(judge, review)
    if not isinstance(judge, JudgeSource):
        raise ConfigurationError(
            f"judge: found a {type(judge).__name__}; expected a MemAlignJudge, or a JudgeSource."
        )
    if review != "always":
        raise ConfigurationError("review: a JudgeSource has its own; give it there.")
    return judge
