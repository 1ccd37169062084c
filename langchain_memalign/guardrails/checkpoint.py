"""Where judge and policy meet, and what a human's answer needs to be waited for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from langgraph.func import task
from langgraph.runtime import get_runtime

from langchain_memalign._values.types import JudgeSpec
from langchain_memalign.errors import ConfigurationError, GuardrailError
from langchain_memalign.graph.source import FixedJudge, JudgeSource, source_of
from langchain_memalign.guardrails.node_run import NodeRun, Visit
from langchain_memalign.guardrails.policy import GuardrailPolicy, Judged
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import Case, Unscored, Verdict

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """One judge and one policy: whatever is brought here passes or does not.

    Attributes:
        source: Names the judge of each run.
        policy: What passes, and what happens to what does not.
    """

    source: JudgeSource
    policy: GuardrailPolicy

    @classmethod
    def of(cls, judge: MemAlignJudge | JudgeSource, policy: GuardrailPolicy) -> Checkpoint:
        """Join the two.

        Raises:
            ConfigurationError: `judge` is neither, or the policy does not fit its values.
        """
        source = source_of(judge)
        if isinstance(judge, MemAlignJudge):
            policy.check_fits(judge.spec.value_type)
        return cls(source=source, policy=policy)

    def visit(self, guard: object, *traits: Any) -> Visit | None:
        """Begin to check something; None if no human is ever asked about it.

        Args:
            guard: The guardrail.
            *traits: Its name, and what tells this visit from others, as JSON.

        Raises:
            ConfigurationError: A human may be asked, and nothing can wait for the answer, or
                nobody could tell for whom it is.
        """
        if not self.policy.may_review:
            return None
        check_resumable()
        # The context of a run, which other sources read, is not repeated when it is resumed.
        fixed = self.source.identity() if isinstance(self.source, FixedJudge) else None
        return NodeRun.at_hand().visit(guard, *traits, fixed)


def start_task(work: Callable[[], T], name: str) -> Callable[[], T]:
    """Begin work in a task of LangGraph, and return what waits for its result.

    A node that was interrupted is run again from its first line. What LangGraph calls a task has
    its result kept in the thread's checkpoint, and is not run again.
    """

    def blocking() -> T:  # a function of its own: LangGraph sets its name, and keeps a module's
        return work()

    as_task: Any = task(name=name)
    wait: Callable[[], T] = as_task(blocking)().result
    return wait


def astart_task(work: Callable[[], Awaitable[T]], name: str) -> Callable[[], Awaitable[T]]:
    """Awaitable `start_task`."""

    async def awaited() -> T:
        return await work()

    as_task: Any = task(name=name)
    begun = as_task(awaited)()

    async def wait() -> T:
        done: T = await begun
        return done

    return wait


def check_resumable() -> None:
    """Refuse to ask a human where nothing can wait for the answer.

    Raises:
        ConfigurationError: Not inside a LangGraph graph that runs on a thread.
    """
    try:
        execution = getattr(get_runtime(), "execution_info", None)  # no runtime: no graph
    except RuntimeError:  # not even inside a Runnable
        execution = None
    if execution is None or execution.thread_id is None:
        raise ConfigurationError(
            "a guardrail that asks a human waits with a LangGraph interrupt; found no "
            f"{'thread' if execution else 'graph'} to wait on. Run it in a node of a graph that "
            'is compiled with a checkpointer, with {"configurable": {"thread_id": ...}}, or choose '
            "another on_fail."
        )


def refusal(judged: Judged) -> GuardrailError:
    """The error for what does not pass."""
    name = judged.judge.get("name")
    if isinstance(judged.outcome, Verdict):
        message = (
            f"the judge {name!r} gives {judged.outcome.value!r}, which does not pass: "
            f"{judged.outcome.rationale}"
        )
    else:
        wider = ", as would fail_open={'error'}"
        message = (
            f"the judge {name!r} reached no verdict, and this guardrail is closed without one: "
            f"{judged.outcome.reason} fail_open={{{judged.trouble!r}}} would let it pass"
            f"{wider if judged.trouble == 'outage' else ''}."
        )
    return GuardrailError(message, judge=name, verdict=judged.outcome)


def to_json(judged: Judged) -> dict[str, Any]:
    """What came of asking, for a checkpoint."""
    return {
        "judge": judged.judge,
        "spec": judged.spec and judged.spec.model_dump(mode="json"),
        "case": judged.case and judged.case.model_dump(mode="json"),
        "outcome": judged.outcome.model_dump(mode="json"),
        "trouble": judged.trouble,
        "is_sure": judged.is_sure,
    }


def from_json(kept: dict[str, Any]) -> Judged:
    """What `to_json` wrote."""
    outcome = kept["outcome"]
    return Judged(
        judge=kept["judge"],
        spec=kept["spec"] and JudgeSpec.of(kept["spec"]),
        case=kept["case"] and Case.of(kept["case"]),
        outcome=Verdict.of(outcome) if "value" in outcome else Unscored.of(outcome),
        trouble=kept["trouble"],
        is_sure=kept.get("is_sure", True),
    )
