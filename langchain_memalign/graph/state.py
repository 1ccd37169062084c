"""The states of the graphs: JSON and LangChain's messages, which any checkpointer keeps."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from pydantic import Field

# Pydantic, which draws the schemas, accepts the TypedDict of `typing` from Python 3.12 on only.
from typing_extensions import TypedDict

from langchain_memalign.schema import Case, Unscored, Verdict, WorkingMemory

Json: TypeAlias = dict[str, Any]
Content: TypeAlias = str | dict[str, Any] | list[Any] | None
"""Text, a mapping, or messages; in a state always as JSON."""


def merge(old: Json | None, new: Json | None) -> Json:
    """Join what the retrieving nodes found, which run side by side."""
    return {**(old or {}), **(new or {})}


def collect(old: list[Json] | None, new: list[Json] | None) -> list[Json]:
    """Gather what parallel branches report; None starts anew."""
    return [] if new is None else [*(old or []), *new]


class CaseInput(TypedDict, total=False):
    """What is judged; each field is text, a mapping, or messages."""

    inputs: Annotated[Content, Field(description="What the judged system was given.")]
    outputs: Annotated[
        Content,
        Field(description='What it answered; for a comparison of two, {"A": ..., "B": ...}.'),
    ]
    reference_outputs: Annotated[
        Content, Field(description="What it should have answered, where that is known.")
    ]


class JudgeState(CaseInput, total=False):
    """A judgement under way.

    Attributes:
        judge: Which judge it is; read from the run's context once, so that it survives a resume.
        retrieval: For which judge the principles were loaded, how long finding episodes took and,
            over the principle budget, which principles are near to the case.
        working_memory: Principles and episodes, as a `WorkingMemory`.
        verdict: The `Verdict` or `Unscored`; None until there is one.
    """

    judge: Json
    retrieval: Annotated[Json, merge]
    working_memory: Annotated[Json, merge]
    verdict: Json | None


class ReviewInput(CaseInput, total=False):
    """What is judged: the fields of a case, or a conversation."""

    messages: Annotated[
        list[AnyMessage],
        Field(
            description="A conversation to judge, in place of inputs and outputs: its last "
            "message, if that is the assistant's, given what came before; else all of it."
        ),
        add_messages,  # the last, where LangGraph looks for it
    ]


class ReviewState(JudgeState, ReviewInput, total=False):
    """A judgement that a human may correct.

    Attributes:
        messages: What is reviewed, the judge's question, and at last the answer and what was
            learned from it, as chat clients show a thread.
        definition: What the judge is asked and which values it may give, as a `JudgeSpec`.
        needs_review: Whether the review policy selected it; None until the judge has judged.
        feedback: The human's word, as a `Feedback`; None if there was none.
        alignment: What was learned from it, as an `AlignmentReport`.
    """

    definition: Json
    needs_review: bool | None
    feedback: Json | None
    alignment: Json | None


class FeedbackInput(CaseInput, total=False):
    """An expert's word on a case: a value, a rationale, or both."""

    value: Annotated[
        bool | int | float | str, Field(description="What the expert says the value is.")
    ]
    rationale: Annotated[str, Field(description="Why, in the expert's words.")]
    reviewer: Annotated[str, Field(description="Who says so.")]
    id: Annotated[
        str,
        Field(description="Your own id; a later feedback with the same id replaces this one."),
    ]
    created_at: Annotated[str, Field(description="When it was said, as ISO 8601.")]
    judge_value: Annotated[
        bool | int | float | str, Field(description="What the judge had said, if known.")
    ]
    judge_rationale: Annotated[str, Field(description="Why the judge had said so.")]
    judge_sight: Annotated[
        list[str],
        Field(description="Ids of the episodes and principles that the judge had before it."),
    ]


class AlignmentInput(TypedDict, total=False):
    """A batch of feedback; an empty one only takes up what still waits to be learned."""

    feedback: Annotated[list[FeedbackInput], Field(description="What experts said.")]


class AlignmentState(AlignmentInput, total=False):
    """An alignment under way.

    Attributes:
        judge: Which judge it is.
        started: When it began, in seconds of the epoch.
        intake: What became of the feedback.
        batches: The ids of the episodes of each batch.
        learned: What each branch learned.
        alignment: The `AlignmentReport`; None until there is one.
    """

    judge: Json
    started: float
    intake: Json
    batches: list[list[str]]
    learned: Annotated[list[Json], collect]
    alignment: Json | None


class BatchState(TypedDict):
    """What one branch of an alignment is sent.

    Attributes:
        judge: Which judge it is.
        started: When the alignment began, in seconds of the epoch.
        episode_ids: The batch.
        total: How many episodes there are in all batches.
    """

    judge: Json
    started: float
    episode_ids: list[str]
    total: int


def concluded(outcome: Verdict | Unscored, memory: WorkingMemory) -> Json:
    """What the judge concluded, and what it had before it, as JSON."""
    return {
        "working_memory": memory.model_dump(mode="json"),
        "verdict": outcome.model_dump(mode="json"),
    }


def case_of(state: JudgeState) -> Case:
    """The case in a state.

    Raises:
        InvalidInputError: It cannot be judged.
    """
    return Case(
        inputs=state.get("inputs"),
        outputs=state.get("outputs"),
        reference_outputs=state.get("reference_outputs"),
    )
