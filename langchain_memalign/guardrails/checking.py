"""Asking the judge within a time, asking the human, and teaching the judge what the human said."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.func import task
from langgraph.runtime import get_runtime

from langchain_memalign._values import ValueType
from langchain_memalign.errors import (
    ConfigurationError,
    GuardrailError,
    MemAlignError,
)
from langchain_memalign.flow import Flow, Step, arun, off_loop, perform, run, within
from langchain_memalign.graph import JudgeSource
from langchain_memalign.graph.reviewing import human_review
from langchain_memalign.graph.source import source_of
from langchain_memalign.guardrails.policy import Action, GuardrailPolicy, Judged
from langchain_memalign.judge import CaseLike, MemAlignJudge
from langchain_memalign.schema import Case, Feedback, Unscored, Verdict

T = TypeVar("T")


class Checkpoint:
    """One judge and one policy: whatever is brought here passes or does not.

    Attributes:
        policy: What passes, and what happens to what does not.
    """

    def __init__(self, judge: MemAlignJudge | JudgeSource, policy: GuardrailPolicy) -> None:
        """Join the two.

        Raises:
            ConfigurationError: `judge` is neither, or the policy does not fit its values.
        """
        self.policy = policy
        self._source = source_of(judge)
        if isinstance(judge, MemAlignJudge):
            policy.check_fits(judge.spec.value_type)

    def pass_through(
        self,
        case: Callable[[], CaseLike],
        *,
        retried: int = 0,
        config: RunnableConfig | None = None,
    ) -> Flow[tuple[Action, Judged]]:
        """Judge a case, ask the human where that is wanted, and say what is to be done.

        Args:
            case: Makes the case.
            retried: How many retries there were.
            config: Callbacks, tags and the like for the judge's run.

        Returns:
            "pass", "replace" or "retry", and what the last word on the case is.

        Raises:
            GuardrailError: It does not pass, and the policy is to raise.
            ConfigurationError: Judge, policy and surroundings do not fit together.
        """
        judged = yield from self._judged(case, config)
        action = self.policy.decide(judged, retried=retried)
        if action == "review":
            judged = yield from self._reviewed(judged)
            action = "pass" if self.policy.lets_pass(judged) else "replace"
        if action == "raise":
            raise _refusal(judged) from judged.error
        return action, judged

    def once(self, work: Callable[[], Flow[T]], name: str) -> Flow[T]:
        """Do work; if a human may be asked about it, only once, however often the node is rerun.

        A node that was interrupted is run again from its first line. What LangGraph calls a task
        has its result kept in the thread's checkpoint, and is not run again.
        """
        if not self.policy.may_review:
            return work()

        def blocking() -> T:
            return run(work())

        async def awaitable() -> T:
            return await arun(work())

        as_task: Any = task(name=name)
        return perform(Step(lambda: as_task(blocking)().result(), lambda: as_task(awaitable)()))

    def _judged(self, make: Callable[[], CaseLike], config: RunnableConfig | None) -> Flow[Judged]:
        if self.policy.may_review:
            check_resumable()
            kept = yield from self.once(lambda: self._asked_as_json(make), "guardrail_judge")
            return _from_json(kept)
        return (yield from self._asked(make, config))

    def _asked_as_json(self, make: Callable[[], CaseLike]) -> Flow[dict[str, Any]]:
        # Within a task its own config is the ambient one.
        return _to_json((yield from self._asked(make, None)))

    def _asked(self, make: Callable[[], CaseLike], config: RunnableConfig | None) -> Flow[Judged]:
        found: dict[str, Any] = {
            "judge": self._source.identity(),
            "value_type": None,
            "case": None,
        }
        try:
            case = found["case"] = Case.of(make())
            judge = yield from off_loop(partial(self._source.judge, found["judge"]))
            found["value_type"] = judge.spec.value_type
            self.policy.check_fits(judge.spec.value_type)
            asking = judge.judging(case, config)
            seconds = self.policy.timeout
            outcome = yield from (asking if seconds is None else within(asking, seconds))
        except ConfigurationError:
            raise  # to be mended, not to be passed or refused
        except TimeoutError:
            slow = Unscored(reason=f"the judge took longer than {seconds:g} seconds.")
            return Judged(**found, outcome=slow, trouble="timeout")
        except MemAlignError as error:
            reason = f"{type(error).__name__}: {error}"
            failed = Unscored(reason=reason)
            return Judged(**found, outcome=failed, trouble="error", error=error)
        if isinstance(outcome, Unscored):
            return Judged(**found, outcome=outcome, trouble="unscored")
        return Judged(**found, outcome=outcome)

    def _reviewed(self, judged: Judged) -> Flow[Judged]:
        """What counts once a human has spoken; what the human said is learned."""
        if judged.case is None or judged.value_type is None:
            raise _refusal(judged) from judged.error  # nothing that a human could be asked about
        word = human_review(
            {
                "inputs": judged.case.inputs,
                "outputs": judged.case.outputs,
                "reference_outputs": judged.case.reference_outputs,
                "verdict": judged.outcome.model_dump(mode="json"),
                "value_type": judged.value_type.json_schema,
            }
        )["feedback"]
        if word is None:
            return judged
        yield from self.once(partial(self._learn, judged.judge, word), "guardrail_align")
        said = Feedback.of(word)
        if said.value is None:
            return judged
        rationale = said.rationale or said.judge_rationale or ""
        return dataclasses.replace(
            judged, outcome=Verdict(value=said.value, rationale=rationale), trouble=None
        )

    def _learn(self, identity: dict[str, Any], word: dict[str, Any]) -> Flow[dict[str, Any]]:
        judge = yield from off_loop(partial(self._source.judge, identity))
        report = yield from perform(
            Step(partial(judge.align, [word]), partial(judge.aalign, [word]))
        )
        return report.model_dump(mode="json")


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


def _refusal(judged: Judged) -> GuardrailError:
    name = judged.judge.get("name")
    if isinstance(judged.outcome, Verdict):
        message = (
            f"the judge {name!r} gives {judged.outcome.value!r}, which does not pass: "
            f"{judged.outcome.rationale}"
        )
    else:
        message = (
            f"the judge {name!r} reached no verdict, and this guardrail is closed without one: "
            f"{judged.outcome.reason} fail_open={{{judged.trouble!r}}} would let it pass."
        )
    return GuardrailError(message, judge=name, verdict=judged.outcome)


def _to_json(judged: Judged) -> dict[str, Any]:
    return {
        "judge": judged.judge,
        "value_type": judged.value_type and judged.value_type.json_schema,
        "case": judged.case and judged.case.model_dump(mode="json"),
        "outcome": judged.outcome.model_dump(mode="json"),
        "trouble": judged.trouble,
    }


def _from_json(kept: dict[str, Any]) -> Judged:
    outcome = kept["outcome"]
    return Judged(
        judge=kept["judge"],
        value_type=kept["value_type"] and ValueType.parse(kept["value_type"]),
        case=kept["case"] and Case.of(kept["case"]),
        outcome=Verdict.of(outcome) if "value" in outcome else Unscored.of(outcome),
        trouble=kept["trouble"],
    )
