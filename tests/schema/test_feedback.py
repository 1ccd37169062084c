"""What an expert may say, and what of it is refused."""

import datetime as dt

import pytest
from langchain_core.messages import AIMessage

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Feedback

each_way = pytest.mark.parametrize(
    "make", [lambda said: Feedback(**said), Feedback.of], ids=["Feedback()", "Feedback.of"]
)


@each_way
@pytest.mark.parametrize(
    "said",
    [
        {"value": True},
        {"value": False},
        {"value": 0},
        {"value": 0.5},
        {"value": "good"},
        {"rationale": "Too cold: say sorry first."},
        {"value": False, "rationale": "Too cold."},
    ],
)
def test_a_value_a_rationale_or_both_are_feedback(make, said):
    feedback = make({"inputs": "Where is my order?", **said})

    assert {name: getattr(feedback, name) for name in said} == said
    assert type(feedback.value) is type(said.get("value"))


@each_way
@pytest.mark.parametrize(
    "said",
    [
        {},
        {"value": None, "rationale": None},
        {"rationale": ""},
        {"value": "", "rationale": " \n\t"},
        {"reviewer": "Ann", "judge_value": True},
    ],
)
def test_neither_a_value_nor_a_rationale_is_refused(make, said):
    with pytest.raises(InvalidInputError, match="expected a value, a rationale, or both"):
        make({"inputs": "Hi", **said})


REFUSED = {
    "value of a list": ({"value": ["good"]}, "value: found a list; expected true or false"),
    "value of a mapping": ({"value": {"a": 1}}, "value: found a dict; expected true or false"),
    "value of bytes": ({"value": b"good"}, "value: found a bytes; expected true or false"),
    "value not a number": ({"value": float("nan")}, "value: found nan; expected a finite"),
    "value infinite": ({"judge_value": float("inf")}, "judge_value: found inf; expected a finite"),
    "value huge": ({"value": 2**63}, "value: found an integer beyond 64 bits"),
    "value enormous": ({"value": 10**5000}, "value: found an integer beyond 64 bits"),
    "value with a surrogate": ({"value": "\ud800"}, "value: .* errors='replace'"),
    "rationale with a surrogate": ({"rationale": "\ud800"}, "rationale: .* errors='replace'"),
    "reviewer with a surrogate": ({"reviewer": "\ud800"}, "reviewer: .* errors='replace'"),
    "rationale of bytes": ({"rationale": b"cold"}, "rationale: .*valid string"),
    "rationale of a list": ({"rationale": ["cold"]}, "rationale: .*valid string"),
    "reviewer of a number": ({"reviewer": 7}, "reviewer: .*valid string"),
    "id of a number": ({"id": 7}, "id: .*valid string"),
    "time without a zone": ({"created_at": dt.datetime(2026, 1, 1)}, "created_at: .*timezone"),  # noqa: DTZ001
    "no time": ({"created_at": "yesterday"}, "created_at: .*valid datetime"),
    "unknown field": ({"label": True}, "label: unknown field; expected only inputs, .*rationale"),
}


@each_way
@pytest.mark.parametrize(("fields", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_stored_is_refused_with_the_field_and_a_remedy(make, fields, message):
    with pytest.raises(InvalidInputError, match=f"^Feedback is not usable: {message}") as caught:
        make({"inputs": "Hi", "value": True, **fields})

    assert isinstance(caught.value, ValueError)


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(InvalidInputError) as caught:
        Feedback(inputs={"a": {1}}, value=[], rationale=7, note="x")

    assert [name in str(caught.value) for name in ("inputs.a", "value", "rationale", "note")] == [
        True
    ] * 4


@pytest.mark.parametrize("value", [None, "Hi", 5, [], {1: 2}])
def test_only_a_mapping_can_become_feedback(value):
    with pytest.raises(InvalidInputError, match="expected a Feedback or a mapping"):
        Feedback.of(value)


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", "true"])
def test_the_type_of_a_value_survives_json(value):
    feedback = Feedback(inputs="Hi", value=value, judge_value=value)
    again = Feedback.model_validate_json(feedback.model_dump_json())

    assert (type(again.value), again.value) == (type(value), value)
    assert (type(again.judge_value), again.judge_value) == (type(value), value)


def test_feedback_survives_json_whole():
    feedback = Feedback(
        inputs={"messages": [AIMessage("Hi", id="1")]},
        outputs={"A": "x", "B": "y"},
        reference_outputs="B",
        id="row-7",
        value="A",
        rationale="Warmer.",
        reviewer="Ann",
        judge_value="B",
        judge_rationale="Shorter.",
    )

    assert Feedback.model_validate_json(feedback.model_dump_json()) == feedback
    assert Feedback.of(feedback.model_dump(mode="json")) == feedback


def test_feedback_is_dated_now_in_utc():
    before = dt.datetime.now(dt.UTC)
    feedback = Feedback(inputs="Hi", value=True)

    assert before <= feedback.created_at <= dt.datetime.now(dt.UTC)
    assert feedback.created_at.utcoffset() == dt.timedelta(0)


def test_blank_optional_words_are_none():
    blank = dict.fromkeys(["id", "rationale", "reviewer", "judge_value", "judge_rationale"], " \n")
    feedback = Feedback(inputs="Hi", value=True, **blank)

    assert {getattr(feedback, name) for name in blank} == {None}


def test_a_long_rationale_is_kept_to_the_last_letter():
    rationale = "Say sorry first. " * 100_000

    assert Feedback(inputs="Hi", rationale=rationale).rationale == rationale
