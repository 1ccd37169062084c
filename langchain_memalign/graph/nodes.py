"""The nodes, each written once as a flow and driven on both sides of LangGraph."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, TypeAlias

from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.graph import END
from langgraph.types import Send, interrupt

from langchain_memalign.alignment import (
    NO_COST,
    Intake,
    Learned,
    align,
    alignment_report,
    learn_pending,
    pending_work,
    reconcile_batches,
    take_in,
)
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.flow import Flow, arun, off_loop, run
from langchain_memalign.graph.answers import read_answer, response_schema, review_request
from langchain_memalign.graph.source import JudgeSource, needs_review
from langchain_memalign.graph.state import AlignmentState, BatchState, JudgeState, ReviewState
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.memory import Recollection
from langchain_memalign.schema import Case, Unscored, Verdict, WorkingMemory
from langchain_memalign.values import ValueType

Update: TypeAlias = dict[str, Any]
NodeFlow: TypeAlias = Callable[[Any, RunnableConfig], Flow[Update]]


def node(flow: NodeFlow, name: str) -> RunnableLambda[Any, Update]:
    """Make a node of a flow: blocking under `invoke`, awaitable under `ainvoke`."""

    def blocking(state: Any, config: RunnableConfig) -> Update:
        return run(flow(state, config))

    async def awaitable(state: Any, config: RunnableConfig) -> Update:
        return await arun(flow(state, config))

    return RunnableLambda(blocking, awaitable, name=name)


class Nodes:
    """The nodes of all graphs, for one source of judges."""

    def __init__(self, source: JudgeSource) -> None:
        self._source = source

    def retrieve_episodes(self, state: JudgeState, config: RunnableConfig) -> Flow[Update]:
        """Embed the case once; find near episodes and, over budget, near principles."""
        identity = self._source.identity()
        judge = yield from self._judge(identity)
        started = time.perf_counter()
        found = yield from judge.flows.recollect(_case(state))
        return {
            "judge": identity,
            "working_memory": {
                "episodes": [recalled.model_dump(mode="json") for recalled in found.episodes],
                "value_counts": dict(found.value_counts),
            },
            "retrieval": {
                "nearest_principles": found.nearest_principles and list(found.nearest_principles),
                "recall_ms": (time.perf_counter() - started) * 1000,
            },
        }

    def load_principles(self, state: JudgeState, config: RunnableConfig) -> Flow[Update]:
        """Load all active principles; embeds nothing."""
        judge = yield from self._judge(self._source.identity())
        principles = yield from judge.flows.principles()
        return {
            "working_memory": {
                "principles": [p.model_dump(mode="json") for p in principles],
                "principles_total": len(principles),
            }
        }

    def judge(self, state: JudgeState, config: RunnableConfig) -> Flow[Update]:
        """Select what fits the budget, and judge."""
        update, _, _ = yield from self._decide(state, config)
        return update

    def judge_for_review(self, state: ReviewState, config: RunnableConfig) -> Flow[Update]:
        """Judge, and tell whether a human is asked."""
        update, outcome, memory = yield from self._decide(state, config)
        policy = self._source.review(state["judge"])
        judge = yield from self._judge(state["judge"])
        asked = yield from off_loop(
            lambda: needs_review(
                policy, _case(state), outcome, memory, distant=judge.flows.budgets.distant
            )
        )
        # What an earlier run on this thread left behind is not of this case.
        return {**update, "needs_review": asked, "feedback": None, "alignment": None}

    def human_review(self, state: ReviewState, config: RunnableConfig) -> Flow[Update]:
        """Wait for a human. Runs again on resume: nothing here costs or writes."""
        judge = yield from self._judge(state["judge"])
        value_type = judge.spec.value_type
        case, outcome = _case(state), _outcome(state, value_type)
        problem: str | None = None
        while True:
            request = review_request(case, outcome, value_type, problem)
            answer = interrupt(request, response_schema=response_schema(value_type))
            try:
                feedback = read_answer(answer, case, outcome, value_type)
            except InvalidInputError as error:
                problem = str(error)
            else:
                return {"feedback": feedback and feedback.model_dump(mode="json")}

    def align(self, state: ReviewState, config: RunnableConfig) -> Flow[Update]:
        """Learn the human's word."""
        judge = yield from self._judge(state["judge"])
        report = yield from align(judge.flows.learner(config), [state["feedback"] or {}])
        return {"alignment": report.model_dump(mode="json")}

    def store_feedback(self, state: AlignmentState, config: RunnableConfig) -> Flow[Update]:
        """Store a batch of feedback as pending, and cut what is pending into batches."""
        identity = self._source.identity()
        judge = yield from self._judge(identity)
        learner = judge.flows.learner(config)
        started = time.time()
        intake = yield from take_in(judge.spec, learner.memory, state.get("feedback") or [])
        batches, _ = yield from pending_work(learner)
        return {
            "judge": identity,
            "started": started,
            "intake": intake.model_dump(mode="json"),
            "batches": [[episode.id for episode in batch] for batch in batches],
            "learned": None,
            "alignment": None,
        }

    def learn_batch(self, state: BatchState, config: RunnableConfig) -> Flow[Update]:
        """Learn one batch and commit it. What is distilled already is skipped by the memory."""
        judge = yield from self._judge(state["judge"])
        learner = judge.flows.learner(config)
        learned = yield from learn_pending(learner, only=state["episode_ids"])
        return {"learned": [batch.model_dump(mode="json") for batch in learned]}

    def report(self, state: AlignmentState, config: RunnableConfig) -> Flow[Update]:
        """Compare what the branches learned, and report."""
        judge = yield from self._judge(state["judge"])
        learned = [Learned.of(batch) for batch in state.get("learned") or []]
        reconciled = yield from reconcile_batches(judge.flows.learner(config), learned)
        report = alignment_report(
            Intake.of(state["intake"]),
            learned,
            reconciled,
            cost=NO_COST,
            seconds=time.time() - state["started"],
        )
        return {"alignment": report.model_dump(mode="json")}

    def _judge(self, identity: dict[str, Any]) -> Flow[MemAlignJudge]:
        return off_loop(partial(self._source.judge, identity))

    def _decide(
        self, state: JudgeState, config: RunnableConfig
    ) -> Flow[tuple[Update, Verdict | Unscored, WorkingMemory]]:
        judge = yield from self._judge(state["judge"])
        found, retrieval = WorkingMemory.of(state["working_memory"]), state["retrieval"]
        nearest = retrieval["nearest_principles"]
        recollection = Recollection(
            episodes=found.episodes,
            nearest_principles=None if nearest is None else tuple(nearest),
            value_counts=found.value_counts,
        )
        memory = judge.flows.assemble(recollection, found.principles)
        outcome, _ = yield from judge.flows.decide(
            memory, _case(state), recall_ms=retrieval["recall_ms"], config=config
        )
        update = {
            "working_memory": memory.model_dump(mode="json"),
            "verdict": outcome.model_dump(mode="json"),
        }
        return update, outcome, memory


def after_judge(state: ReviewState) -> Literal["human_review", "__end__"]:
    """To the human, if the policy selected the judgement."""
    return "human_review" if state["needs_review"] else END


def after_review(state: ReviewState) -> Literal["align", "__end__"]:
    """To learning, if the human said something."""
    return "align" if state["feedback"] else END


def after_store(state: AlignmentState) -> list[Send] | Literal["report"]:
    """To a branch for each batch."""
    branches = [
        Send("learn_batch", {"judge": state["judge"], "episode_ids": ids})
        for ids in state["batches"]
    ]
    return branches or "report"


def _case(state: JudgeState | ReviewState) -> Case:
    return Case(
        inputs=state.get("inputs"),
        outputs=state.get("outputs"),
        reference_outputs=state.get("reference_outputs"),
    )


def _outcome(state: ReviewState, value_type: ValueType) -> Verdict | Unscored:
    found = state.get("verdict") or {}
    return Verdict.of(found) if "value" in found else Unscored.of(found)
