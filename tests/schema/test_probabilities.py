"""How likely each value is: in Python, in JSON, and what is no distribution."""

import copy
import json
import pickle

import pytest

from langchain_memalign import InvalidInputError, Probabilities, Verdict

KINDS = [
    {True: 0.9, False: 0.1},
    {"good": 0.2, "bad": 0.7, "1": 0.1},
    {1: 0.1, 2: 0.2, 3: 0.7},
    {0.0: 1 / 3, 0.5: 1 / 3, 1.0: 1 / 3},
]


def exact(of):
    return [(type(value), value, probability) for value, probability in of.items()]


@pytest.mark.parametrize("of", KINDS, ids=str)
def test_a_verdict_with_probabilities_comes_back_from_json_as_it_was(of):
    value = next(iter(of))
    verdict = Verdict(
        value=value,
        rationale="Because.",
        probabilities=of,
        confidence=0.1 + 0.2,
        raw_value=value,
        decided_by="bigger",
    )

    stored = json.loads(json.dumps(verdict.model_dump(mode="json")))

    for back in (
        Verdict.model_validate(stored),
        Verdict.model_validate_json(verdict.model_dump_json()),
        Verdict.model_validate(verdict.model_dump()),
        Verdict(**dict(verdict)),
    ):
        assert back == verdict
        assert exact(back.probabilities) == exact(of)
        assert (back.confidence, back.raw_value, back.decided_by) == (0.1 + 0.2, value, "bigger")


def test_json_keeps_true_one_and_the_text_one_apart():
    shown = [
        Verdict(value=v, rationale="", probabilities=of).model_dump(mode="json")["probabilities"]
        for v, of in [(True, {True: 1, False: 0}), (1, {1: 1, 0: 0}), ("1", {"1": 1, "0": 0})]
    ]

    assert json.dumps(shown[0][0]) == '{"value": true, "probability": 1.0}'
    assert json.dumps(shown[1][0]) == '{"value": 1, "probability": 1.0}'
    assert json.dumps(shown[2][0]) == '{"value": "1", "probability": 1.0}'


def test_what_was_stored_before_has_no_probabilities():
    verdict = Verdict.model_validate({"value": True, "rationale": "Because."})

    assert verdict.probabilities is None
    assert verdict.confidence is None
    assert verdict.raw_value is None
    assert verdict.decided_by is None


def test_it_is_a_mapping_that_nobody_changes():
    of = Probabilities({"good": 0.75, "bad": 0.25})

    assert of["good"] == 0.75
    assert dict(of) == {"good": 0.75, "bad": 0.25} == of
    assert max(of, key=of.__getitem__) == "good"
    assert pickle.loads(pickle.dumps(of)) == copy.deepcopy(of) == of
    assert hash(of) == hash(Probabilities({"bad": 0.25, "good": 0.75}))
    with pytest.raises(TypeError):
        of["good"] = 1


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({}, "two or more values"),
        ({True: 1.0}, "two or more values"),
        ({"a": 0.5, "b": 0.4}, "found 0.9 together; expected 1"),
        ({"a": 1.5, "b": -0.5}, "less than or equal to 1"),
        ({"a": float("nan"), "b": 1.0}, "less than or equal|greater than or equal|finite"),
        ([{"value": 1, "probability": 0.5}, {"value": 1, "probability": 0.5}], "each once"),
        (0.9, "tuple"),
    ],
    ids=str,
)
def test_what_is_no_distribution_is_refused(wrong, problem):
    with pytest.raises(InvalidInputError, match=problem):
        Verdict(value=True, rationale="", probabilities=wrong)


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan")])
def test_a_confidence_is_a_probability(confidence):
    with pytest.raises(InvalidInputError, match="confidence"):
        Verdict(value=True, rationale="", confidence=confidence)
