"""What an expert may say, and what of it is refused."""

import datetime as dt
import enum
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
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
    "value missing": ({"value": float("nan")}, "the record: expected a value, a rationale"),
    "value infinite": ({"judge_value": float("inf")}, "judge_value: found inf; expected a finite"),
    "value huge": ({"value": 2**63}, "value: found an integer beyond 64 bits"),
    "value enormous": ({"value": 10**5000}, "value: found an integer beyond 64 bits"),
    "value with a surrogate": ({"value": "\ud800"}, "value: .* errors='replace'"),
    "rationale with a surrogate": ({"rationale": "\ud800"}, "rationale: .* errors='replace'"),
    "reviewer with a surrogate": ({"reviewer": "\ud800"}, "reviewer: .* errors='replace'"),
    "rationale of bytes": ({"rationale": b"cold"}, "rationale: .*valid string"),
    "rationale of a list": ({"rationale": ["cold"]}, "rationale: .*valid string"),
    "rationale of a number": ({"rationale": 7}, "rationale: .*valid string"),
    "reviewer of a list": ({"reviewer": ["Ann"]}, "reviewer: .*valid string"),
    "id of a truth": ({"id": True}, "id: .*valid string"),
    "id of a fraction": ({"id": 7.5}, "id: .*valid string"),
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


MISSING = [None, float("nan"), np.float64("nan"), np.float32("nan"), pd.NA, pd.NaT, Decimal("nan")]


@each_way
@pytest.mark.parametrize("missing", MISSING, ids=[type(m).__name__ for m in MISSING])
def test_missing_is_missing_in_every_field(make, missing):
    fields = ["rationale", "reviewer", "id", "judge_value", "judge_rationale", "reference_outputs"]
    feedback = make(
        {"inputs": "Hi", "outputs": missing, "value": True} | dict.fromkeys(fields, missing)
    )

    assert {getattr(feedback, name) for name in fields} == {None}
    assert feedback.outputs is None
    assert make({"inputs": "Hi", "value": missing, "rationale": "Cold."}).value is None
    assert make({"inputs": "Hi", "value": True, "created_at": missing}).created_at.tzinfo is dt.UTC


class Grade(enum.Enum):
    GOOD = "good"
    FOUR = 4


@each_way
@pytest.mark.parametrize(
    ("given", "value"),
    [
        (np.bool_(True), True),
        (np.bool_(False), False),
        (np.int64(4), 4),
        (np.float64(4.5), 4.5),
        (np.float32(0.5), 0.5),
        (np.str_("good"), "good"),
        (np.array(4), 4),
        (pa.scalar(True), True),
        (Decimal("4.5"), 4.5),
        (Grade.GOOD, "good"),
        (Grade.FOUR, 4),
    ],
)
def test_a_scalar_is_what_it_holds(make, given, value):
    feedback = make({"inputs": "Hi", "value": given, "judge_value": given})

    assert feedback.value == feedback.judge_value == value
    assert type(feedback.value) is type(value)


@each_way
@pytest.mark.parametrize("given", [7, np.int64(7), 7.0, np.float64(7), Decimal(7), "7"])
def test_numbers_in_tables_name_records_and_reviewers(make, given):
    feedback = make({"inputs": "Hi", "value": True, "id": given, "reviewer": given})

    assert (feedback.id, feedback.reviewer) == ("7", "7")


def test_ids_of_other_kinds_are_their_text():
    feedback = Feedback(inputs="Hi", value=True, id=uuid.UUID(int=1), reviewer="Ann\0")

    assert feedback.id == "00000000-0000-0000-0000-000000000001"
    assert feedback.reviewer == "Ann\ufffd"


def test_a_row_of_a_table_with_gaps_is_feedback():
    frame = pd.DataFrame(
        {
            "inputs": ["Where is it?", "Thanks!"],
            "outputs": ["Unknown.", None],
            "value": [True, None],
            "rationale": [float("nan"), "Polite."],
            "reviewer": [7, float("nan")],
            "created_at": [pd.Timestamp("2026-01-01", tz="UTC"), pd.NaT],
        }
    )

    first, second = map(Feedback.of, frame.to_dict("records"))
    assert (first.value, first.rationale, first.reviewer) == (True, None, "7")
    assert (second.value, second.rationale, second.reviewer) == (None, "Polite.", None)
    assert first.created_at == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert second.outputs is None
