"""The nodes that let a human correct a judgement, and learn from it."""

from __future__ import annotations

from typing import Literal

from langchain_core.runnables import RunnableConfig
from langgraph.types import interrupt

from langchain_memalign._alignment import align
from langchain_memalign._values import ValueType
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.flow import Flow, off_loop
from langchain_memalign.graph.answer import read_answer
from langchain_memalign.graph.judging import JudgeNodes, case_of, concluded
from langchain_memalign.graph.node import Update
from langchain_memalign.graph.policy import needs_review
from langchain_memalign.graph.question import response_schema, review_request
from langchain_memalign.graph.state import JudgeState, ReviewState
from langchain_memalign.schema import Unscored, Verdict


class ReviewNodes(JudgeNodes):
    """The nodes of the review graph that work with a judge, for one source of judges."""

    def retrieve_episodes(self, state: JudgeState, config: RunnableConfig) -> Flow[Update]:
        """Find near episodes, and note what the human will be asked for."""
        update = yield from super().retrieve_episodes(state, config)
        judge = yield from self._judge(update["judge"])
        return {
            **update,
            "value_type": judge.spec.value_type.json_schema,
            "needs_review": None,
            "feedback": None,
            "alignment": None,
        }

    def judge(self, state: JudgeState, config: RunnableConfig) -> Flow[Update]:
        """Judge, and tell whether a human is asked."""
        judge, outcome, memory = yield from self._decide(state, config)
        policy = self._source.review(state["judge"])
        asked = yield from off_loop(
            lambda: needs_review(
                policy,
                case_of(state),
                outcome,
                memory,
                value_type=judge.spec.value_type,
                budgets=judge.flows.budgets,
            )
        )
        return {**concluded(outcome, memory), "needs_review": asked}

    def align(self, state: ReviewState, config: RunnableConfig) -> Flow[Update]:
        """Learn the human's word."""
        judge = yield from self._judge(state["judge"])
        report = yield from align(judge.flows.learner(config), [state["feedback"] or {}])
        return {"alignment": report.model_dump(mode="json")}


def human_review(state: ReviewState) -> Update:
    """Wait for a human. Runs again on resume: nothing here costs, writes or leaves the state."""
    value_type = ValueType.parse(state["value_type"])
    case, outcome = case_of(state), _outcome(state)
    form = response_schema(outcome, value_type)
    problem: str | None = None
    while True:
        answer = interrupt(review_request(case, outcome, value_type, problem), response_schema=form)
        try:
            feedback = read_answer(answer, case, outcome, value_type)
        except InvalidInputError as error:
            problem = str(error)
        else:
            return {"feedback": feedback and feedback.model_dump(mode="json")}


def after_judge(state: ReviewState) -> Literal["human_review", "__end__"]:
    """To the human, unless the policy did not select the judgement."""
    # Nobody has decided about a verdict that was put into the state by hand.
    return "__end__" if state.get("needs_review") is False else "human_review"


def after_review(state: ReviewState) -> Literal["align", "__end__"]:
    """To learning, if the human said something."""
    return "align" if state.get("feedback") else "__end__"


def _outcome(state: ReviewState) -> Verdict | Unscored:
    found = state.get("verdict") or {}
    return Verdict.of(found) if "value" in found else Unscored.of(found)
