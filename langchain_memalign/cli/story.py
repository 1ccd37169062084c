"""The story of the demo: a judge is taught a house rule, applies it, and forgets it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.memory import Memory
from langchain_memalign.schema import AlignmentReport, Case, ForgetReport, Unscored, Verdict

Outcomes = Mapping[str, Verdict | Unscored]

# What experts had said before: labels without a word of explanation.
EARLIER = [
    {
        "inputs": "My parcel is four days late. Where is it?",
        "outputs": "It left our warehouse on Monday and will reach you on Friday.",
        "value": True,
    },
    {
        "inputs": "I forgot my password. How do I get back into my account?",
        "outputs": "Click 'Forgot password' on the sign-in page; our link works an hour.",
        "value": True,
    },
    {
        "inputs": "Why was I charged twice this month?",
        "outputs": "Read the terms of your contract.",
        "value": False,
    },
]
LATE_PARCEL = Case(
    inputs="My parcel is a week late and nobody answers! Where is it?",
    outputs="It left our warehouse on Tuesday and will reach you tomorrow.",
)
LATE_FRIDGE = Case(
    inputs="My new fridge is two weeks late and nobody answers the phone! Where is it?",
    outputs="It left our warehouse yesterday and will reach you on Monday.",
)
PASSWORD = Case(
    inputs="I lost my password. How do I reset my account?",
    outputs="Click 'Forgot password' on the sign-in page and follow the link that we mail you.",
)
CASES = {
    "the case itself: a late parcel": LATE_PARCEL,
    "a similar case: a late fridge": LATE_FRIDGE,
    "an unrelated case: a lost password": PASSWORD,
}
REMARK = "Correct, but cold: say sorry first when a customer had to wait."


@dataclass(frozen=True)
class Story:
    """What happened.

    Attributes:
        before: What the judge said of each of `CASES` at first.
        taught: What it learned from `REMARK` on the late parcel.
        after: What it said then.
        forgotten: What went when the remark was taken back.
        at_last: What it said after that.
    """

    before: Outcomes
    taught: AlignmentReport
    after: Outcomes
    forgotten: ForgetReport
    at_last: Outcomes


def tell(model: str, embeddings: str) -> Story:
    """Let it happen, in a memory that is gone afterwards."""
    with Memory.open(":memory:", embeddings=embeddings) as memory:
        judge = MemAlignJudge(
            name="support_tone",
            instructions="Is the reply appropriate for an upset customer?",
            value_type=bool,
            model=model,
            memory=memory,
        )
        judge.align(EARLIER)
        before = _outcomes(judge)
        taught = judge.align([{**dict(LATE_PARCEL), "value": False, "rationale": REMARK}])
        after = _outcomes(judge)
        forgotten = judge.forget(taught.stored)
        return Story(before, taught, after, forgotten, _outcomes(judge))


def _outcomes(judge: MemAlignJudge) -> Outcomes:
    return dict(zip(CASES, judge.batch(list(CASES.values())), strict=True))
