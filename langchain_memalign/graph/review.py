"""Waiting for a human's word on a judgement, and where a run goes from there."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from langgraph.types import interrupt

from langchain_memalign._values.answers import Answer, question_of, typed_in
from langchain_memalign._values.types import JudgeSpec
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.graph.answer import read_feedback
from langchain_memalign.graph.conclusion import said
from langchain_memalign.graph.node import Update
from langchain_memalign.graph.question import ReviewQuestion
from langchain_memalign.graph.state import ReviewState, case_of
from langchain_memalign.schema import Feedback, Unscored, Verdict, WorkingMemory


def human_review(state: ReviewState) -> Update:
    """Wait for a human. Runs again on resume: nothing here costs, writes or leaves the state."""
    _, feedback = ask_human(
        ReviewQuestion(
            spec=JudgeSpec.of(state["definition"]),
            case=case_of(state),
            outcome=_outcome(state),
            memory=WorkingMemory.of(state.get("working_memory") or {}),
        )
    )
    if feedback is None:
        return {"feedback": None, "messages": [said("Nothing was learned from this case.")]}
    return {"feedback": feedback.model_dump(mode="json")}


def ask_human(asked: ReviewQuestion) -> tuple[Answer, Feedback | None]:
    """Interrupt until there is an answer that can be used; say each time why another is needed."""
    while True:
        answer = interrupt(asked.request, response_schema=asked.form)
        if asked.is_other(other := question_of(answer)):
            asked = replace(asked, problem=f"that answers another question, {other!r}", typed={})
            continue
        try:
            return read_feedback(answer, asked.spec, asked.case, asked.outcome)
        except InvalidInputError as error:
            asked = replace(asked, problem=str(error), typed=typed_in(answer))


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
