"""Waiting for a human's word on a judgement, and where a run goes from there."""

from __future__ import annotations

from typing import Literal

from langgraph.types import interrupt

from langchain_memalign._values import ValueType
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.graph.answer import read_answer
from langchain_memalign.graph.node import Update
from langchain_memalign.graph.question import response_schema, review_request
from langchain_memalign.graph.state import ReviewState, case_of
from langchain_memalign.schema import Unscored, Verdict


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
