"""A judge of a decision model where judges are measured: gates, evaluations, its track record."""

import pytest
from fakes import ScriptedModel, one_rule_a_record

from langchain_memalign import EvidenceGate
from langchain_memalign.evaluation import evaluate

from .test_judging import LATE, REMARK

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture
def words():
    """Experts' words on twelve cases: those that say sorry are kind."""
    return [
        {
            "inputs": f"It is {i} days late, parcel {i}!",
            "outputs": f"Sorry! It is number {i}." if i % 2 else f"It is number {i}.",
            "value": bool(i % 2),
            "rationale": REMARK if i == 0 else None,
        }
        for i in range(12)
    ]


def test_a_gate_lets_in_what_helps_it(make_judge, words):
    report = make_judge().align(words, gate=EvidenceGate())

    assert len(report.stored) == 12
    assert report.principles_added


def test_an_evaluation_asks_it(make_judge, words):
    judge = make_judge()
    judge.align(words)
    found = evaluate(judge, words)

    measured = {a.state: a.estimates["exact_match"].value for a in found.agreements}
    assert measured["without memory"] == 0.5
    assert found.spent.input_tokens == 20 * found.spent.model_calls > 0


def test_its_track_record_calibrates_it(make_judge, words):
    judge = make_judge()
    judge.align(words)
    assert judge.calibrate().asked == 12

    # The case whose remark it learned from is asked without what it learned.
    found = judge.agreement().agreement
    assert (found.count, found.cases) == (11, 12)
    assert 0.5 < judge.invoke(LATE).confidence < 1


def test_a_second_judge_is_asked_where_it_is_not_sure(make_judge):
    bigger = make_judge(
        name="bigger", model=ScriptedModel(respond=one_rule_a_record), distiller=None
    )
    outcome = make_judge().escalating_to(bigger).invoke(LATE)

    assert outcome.decided_by == "bigger"
