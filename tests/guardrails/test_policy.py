"""What passes, and what happens to what does not: decided without any judge."""

from typing import Annotated, Literal

import pytest
from pydantic import Field

from langchain_memalign import ConfigurationError, InvalidInputError, Unscored, Verdict
from langchain_memalign._values.types import ValueType
from langchain_memalign.guardrails import GuardrailPolicy
from langchain_memalign.guardrails.policy import Judged

STARS = ValueType.parse(Annotated[int, Field(ge=1, le=5)])
SHARE = ValueType.parse(Annotated[float, Field(ge=0, le=1)])
LABELS = ValueType.parse(Literal["good", "fair", "bad"])


def judged(value):
    outcome = Verdict(value=value, rationale="Because.")
    return Judged(judge={}, spec=None, case=None, outcome=outcome)


def unjudged(trouble):
    return Judged(judge={}, spec=None, case=None, outcome=Unscored(reason="Hm."), trouble=trouble)


@pytest.mark.parametrize(
    ("options", "passing", "failing"),
    [
        ({}, [True], [False]),
        ({"passes": [False]}, [False], [True]),
        ({"threshold": 4}, [4, 5], [1, 3]),
        ({"threshold": 0.5}, [0.5, 1.0], [0.0, 0.49]),
        ({"passes": ["good", "fair"]}, ["good", "fair"], ["bad"]),
        ({"passes": (1, 2)}, [1, 2], [3, True]),
        ({"passes": [0, 1]}, [0.0, 1.0, 1], [0.5]),
    ],
)
def test_which_values_pass(options, passing, failing):
    policy = GuardrailPolicy(**options)
    assert [policy.decide(judged(value)) for value in passing] == ["pass"] * len(passing)
    assert [policy.decide(judged(value)) for value in failing] == ["raise"] * len(failing)


@pytest.mark.parametrize("on_fail", ["raise", "replace", "review"])
def test_what_fails_goes_where_the_policy_says(on_fail):
    assert GuardrailPolicy(on_fail=on_fail).decide(judged(False)) == on_fail
    assert GuardrailPolicy(on_fail=on_fail).decide(unjudged("error")) == on_fail


@pytest.mark.parametrize("otherwise", ["raise", "replace", "review"])
def test_a_retry_ends(otherwise):
    policy = GuardrailPolicy(on_fail="retry", retries=2, otherwise=otherwise)
    decided = [policy.decide(judged(False), retried=number) for number in range(3)]
    assert decided == ["retry", "retry", otherwise]
    assert policy.decide(unjudged("unscored")) == otherwise  # no retry would help the judge


def test_open_on_an_outage_and_closed_on_an_abstention():
    policy = GuardrailPolicy(fail_open={"outage"})
    troubles = ("outage", "unscored", "error", "timeout")
    decided = {trouble: policy.decide(unjudged(trouble)) for trouble in troubles}
    assert [trouble for trouble, action in decided.items() if action == "pass"] == ["outage"]
    errors = GuardrailPolicy(fail_open={"error"})  # of which an outage is one
    assert [errors.decide(unjudged(trouble)) for trouble in troubles] == [
        "pass",
        "raise",
        "pass",
        "raise",
    ]


@pytest.mark.parametrize("trouble", ["unscored", "error", "timeout"])
def test_open_only_where_told(trouble, caplog):
    others = {"unscored", "error", "timeout"} - {trouble}
    for closed in (False, others, []):
        assert GuardrailPolicy(fail_open=closed).decide(unjudged(trouble)) == "raise"
    assert not caplog.records
    for opened in (True, {trouble}, [trouble, "error"]):
        assert GuardrailPolicy(fail_open=opened).decide(unjudged(trouble)) == "pass"
    assert caplog.messages[0] == "a guardrail passed what was not judged: Hm."


def test_open_lets_no_failing_verdict_pass():
    assert GuardrailPolicy(fail_open=True).decide(judged(False)) == "raise"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"on_fail": "explode"}, "on_fail: found 'explode'"),
        ({"otherwise": "retry"}, "otherwise: found 'retry'"),
        ({"message": 3}, "message: found 3"),
        ({"retries": 0}, "retries: found 0"),
        ({"timeout": 0}, "timeout: found 0"),
        ({"fail_open": "error"}, "fail_open: found 'error'"),
        ({"fail_open": None}, "fail_open: found None; expected True, False, or a list of"),
        ({"fail_open": 1}, "fail_open: found 1; expected"),
        ({"fail_open": (kind for kind in ["error"])}, "fail_open: found <generator"),
        ({"passes": (value for value in [True])}, "passes: found <generator"),
        ({"passes": 1}, "passes: found 1"),
        ({"fail_open": [["error"]]}, "fail_open: found"),
        ({"fail_open": ["slow"]}, "fail_open: found 'slow'"),
        ({"passes": "good"}, "passes: found 'good'"),
    ],
)
def test_an_unusable_option_is_told(options, told):
    with pytest.raises(InvalidInputError, match=told):
        GuardrailPolicy(**options)


@pytest.mark.parametrize(
    ("options", "value_type"),
    [
        ({}, STARS),
        ({}, LABELS),
        ({"threshold": 3}, LABELS),
        ({"threshold": 1}, STARS),  # all would pass
        ({"threshold": 6}, STARS),  # none would
        ({"threshold": True}, STARS),
        ({"threshold": 3, "passes": [3]}, STARS),
        ({"passes": ["great"]}, LABELS),
    ],
)
def test_a_policy_that_does_not_fit_the_judge_is_told(options, value_type):
    with pytest.raises(ConfigurationError, match="found"):
        GuardrailPolicy(**options).check_fits(value_type)


def test_a_policy_that_fits_is_taken():
    GuardrailPolicy(threshold=4).check_fits(STARS)
    GuardrailPolicy(threshold=0.5).check_fits(SHARE)
    GuardrailPolicy(passes=["good"]).check_fits(LABELS)


def test_the_message_may_depend_on_the_verdict():
    policy = GuardrailPolicy(message=lambda outcome: f"No: {outcome.rationale}")
    assert policy.replacement(judged(False).outcome) == "No: Because."
