"""The states of the graphs: JSON throughout, so that any checkpointer keeps them as they are."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

Json = dict[str, Any]


def merge(old: Json | None, new: Json | None) -> Json:
    """Join what the retrieving nodes found, which run side by side."""
    return {**(old or {}), **(new or {})}


def collect(old: list[Json] | None, new: list[Json] | None) -> list[Json]:
    """Gather what parallel branches report; None starts anew."""
    return [] if new is None else [*(old or []), *new]


class CaseInput(TypedDict, total=False):
    """What is judged; each field is text, a mapping, or messages."""

    inputs: Any
    outputs: Any
    reference_outputs: Any


class JudgeState(CaseInput, total=False):
    """A judgement under way.

    Attributes:
        judge: Which judge it is; read from the run's context once, so that it survives a resume.
        retrieval: How long retrieving took and, over the principle budget, which principles are
            near to the case.
        working_memory: Principles and episodes, as a `WorkingMemory`.
        verdict: The `Verdict` or `Unscored`.
    """

    judge: Json
    retrieval: Json
    working_memory: Annotated[Json, merge]
    verdict: Json | None


class ReviewState(JudgeState, total=False):
    """A judgement that a human may correct.

    Attributes:
        needs_review: Whether the review policy selected it.
        feedback: The human's word, as a `Feedback`; None if there was none.
        alignment: What was learned from it, as an `AlignmentReport`.
    """

    needs_review: bool
    feedback: Json | None
    alignment: Json | None


class AlignmentInput(TypedDict, total=False):
    """A batch of feedback, each as a mapping of `Feedback`'s fields."""

    feedback: list[Json]


class AlignmentState(AlignmentInput, total=False):
    """An alignment under way.

    Attributes:
        judge: Which judge it is.
        started: When it began, in seconds of the epoch.
        intake: What became of the feedback.
        batches: The ids of the episodes of each batch.
        learned: What each branch learned.
        alignment: The `AlignmentReport`.
    """

    judge: Json
    started: float
    intake: Json
    batches: list[list[str]]
    learned: Annotated[list[Json], collect]
    alignment: Json | None


class BatchState(TypedDict):
    """What one branch of an alignment is sent."""

    judge: Json
    episode_ids: list[str]
