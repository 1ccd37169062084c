"""A reviewer's answer to a verdict, and what it teaches."""

from __future__ import annotations

from typing import Any

from langchain_memalign._values.answers import Answer, read_answer
from langchain_memalign._values.types import JudgeSpec
from langchain_memalign.schema import Case, Feedback, Unscored, Verdict


def read_feedback(
    answer: Any, spec: JudgeSpec, case: Case, outcome: Verdict | Unscored
) -> tuple[Answer, Feedback | None]:
    """Read a reviewer's answer, in the dialect of any client.

    Approving teaches the judge that its value was right, rejecting that it was not. The judge's
    own words are never taken for the reviewer's.

    Args:
        answer: What the client sent.
        spec: The judge.
        case: What was judged.
        outcome: What the judge concluded.

    Returns:
        The answer, and the feedback; None if the reviewer chose to say nothing.

    Raises:
        InvalidInputError: It cannot be read, or could mean two things; says what was expected.
    """
    judged = outcome if isinstance(outcome, Verdict) else None
    value, rationale = (judged.value, judged.rationale) if judged else (None, "")
    word = read_answer(answer, spec, value, judge_rationale=rationale)
    if word.decision == "ignore":
        return word, None
    return word, Feedback(
        **dict(case),
        value=word.value,
        rationale=word.remark,
        reviewer=word.reviewer,
        judge_value=value,
        judge_rationale=rationale or None,
        judge_sight=judged and judged.sight,
        judge_records=outcome.records,
    )
