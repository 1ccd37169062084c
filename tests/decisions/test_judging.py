"""Judges of decision models: every value type, in both colours, taught and made to forget."""

from typing import Annotated, Literal

import pytest
from pydantic import Field

from langchain_memalign import Verdict

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

LATE = {"inputs": "My parcel is a week late!", "outputs": "It comes tomorrow."}
COLD = {"inputs": "My parcel is two weeks late!", "outputs": "Tomorrow."}
PAIR = {"inputs": "It is late!", "outputs": {"A": "Tomorrow.", "B": "Tomorrow, I think."}}
REMARK = "Say sorry first."

# The value type, a case, the value before anything is known, and the value once sorry is asked for.
EACH = {
    "yes or no": (bool, LATE, True, False),
    "categories": (Literal["good", "fair", "bad"], LATE, "good", "bad"),
    "pair": (Literal["A", "B", "tie"], PAIR, "A", "tie"),
    "scale": (Annotated[int, Field(ge=1, le=5)], LATE, 5, 1),
    "scale of labels": (Literal[3, 1, 2], LATE, 3, 1),
    "numbers": (Annotated[float, Field(ge=0, le=1)], LATE, 0.94, 0.06),
    "long scale": (Annotated[int, Field(ge=0, le=100)], LATE, 94, 6),
}
each_type = pytest.mark.parametrize(
    ("value_type", "case", "before", "after"), EACH.values(), ids=EACH
)


@each_type
def test_a_verdict_has_the_probability_of_each_value(
    make_judge, do, value_type, case, before, after
):
    verdict = do(make_judge(value_type), "invoke", case)

    assert isinstance(verdict, Verdict)
    assert (verdict.value, type(verdict.value)) == (before, type(before))
    assert sum(verdict.probabilities.values()) == pytest.approx(1)
    assert max(verdict.probabilities.values()) == pytest.approx(0.9)
    assert verdict.confidence == pytest.approx(0.9)
    assert verdict.usage == {"input_tokens": 20, "output_tokens": 1, "total_tokens": 21}
    assert "No expert's answer was known" in verdict.rationale


@each_type
def test_it_learns_by_its_distiller_and_forgets(
    make_judge, do, distiller, value_type, case, before, after
):
    judge = make_judge(value_type)
    said = {**COLD, "value": after if value_type is not EACH["pair"][0] else "B"}
    report = do(judge, "align", [{**said, "rationale": REMARK}])

    assert report.model_calls == 1
    assert [request.title for request in distiller.requests] == ["principles"]
    taught = do(judge, "invoke", case)
    assert taught.value == after
    assert taught.episode_ids == report.stored
    (rule,) = judge.principles()
    assert rule.id[:8] in taught.rationale
    assert report.stored[0][:8] in taught.rationale
    assert taught.relied_on == ()

    do(judge, "forget", report.stored)
    assert do(judge, "invoke", case).value == before


def test_a_probe_asks_the_decision_model(make_judge, do, distiller):
    judge = make_judge()
    report = do(judge, "align", [{**COLD, "value": False, "rationale": REMARK}], probe=True)

    assert report.model_calls == 2
    assert judge.episodes()[0].judge_value is True
    assert '<judge value="true">' in distiller.requests[0].prompt


def test_batches_are_judged_side_by_side(make_judge, do):
    outcomes = do(make_judge(), "batch", [LATE, COLD, PAIR])

    assert [outcome.value for outcome in outcomes] == [True] * 3


def test_the_mean_of_a_scale_can_be_asked_for(make_judge):
    judge = make_judge(Annotated[int, Field(ge=1, le=5)], aggregate="mean")

    assert judge.invoke(LATE).value == 5  # 0.9 * 5 and 0.025 of each other is 4.75
    assert judge.invoke(LATE).confidence == pytest.approx(0.9)


def test_the_mode_of_numbers_can_be_asked_for(make_judge):
    judge = make_judge(Annotated[float, Field(ge=0, le=1)], aggregate="mode")

    assert judge.invoke(LATE).value == 1.0


def test_meanings_are_told_with_the_values(make_judge, do):
    judge = make_judge(value_meanings={True: "appropriate", False: "not appropriate"})

    assert isinstance(do(judge, "invoke", LATE), Verdict)
    assert "false (" not in judge.invoke(LATE).rationale
    judge.align([{**COLD, "value": False, "rationale": REMARK}])
    assert "not appropriate (false)" in judge.invoke(LATE).rationale
