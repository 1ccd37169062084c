"""What an answer says in another form is read as what it says; anything else is left to refuse."""

import copy
import json
import re
from typing import Annotated, Literal

import pytest
from pydantic import Field

from langchain_memalign import InvalidInputError
from langchain_memalign._models.answers import answers, join_answers, offered_schema
from langchain_memalign._prompts.distilling import DISTIL_SCHEMA, RECONCILE_SCHEMA
from langchain_memalign._values.types import ValueType

STARS = Annotated[int, Field(ge=1, le=5)]
SHARE = Annotated[float, Field(ge=0, le=1)]
GOOD_BAD = Literal["good", "bad"]
LEVELS = {"enum": [1, 2, 3]}


def schema_of(value_type):
    return ValueType.parse(value_type).verdict_schema()


def verdict(**changes):
    return {"rationale": "So.", "relied_on": [], "value": True} | changes


def read(data, value_type=bool):
    (found,) = answers(data, schema_of(value_type))
    return found


@pytest.mark.parametrize(
    ("value_type", "said", "value"),
    [
        (bool, "true", True),
        (bool, "False", False),
        (bool, " TRUE\n", True),
        (bool, '"false"', False),
        (STARS, "4", 4),
        (STARS, 4.0, 4),
        (STARS, "4.0", 4),
        (STARS, " 4 ", 4),
        (SHARE, "0.25", 0.25),
        (SHARE, "1", 1),
        (GOOD_BAD, "Good", "good"),
        (GOOD_BAD, "BAD ", "bad"),
        (GOOD_BAD, "'good'", "good"),
        (Literal["A", "B", "tie"], "a", "A"),
        (Literal["Stra\u00dfe", "Weg"], "STRASSE", "Stra\u00dfe"),
        (Literal["1", "2"], 1, "1"),
        (Literal["true", "unknown"], True, "true"),
        (LEVELS, "2", 2),
        (LEVELS, 2.0, 2),
        (LEVELS, "2.0", 2),
    ],
)
def test_a_value_that_says_the_same_in_another_form_is_read(value_type, said, value):
    found = read(verdict(value=said), value_type)["value"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("value_type", "said"),
    [
        (bool, "yes"),
        (bool, "1"),
        (bool, 1),
        (bool, 0),
        (bool, 1.0),
        (bool, None),
        (bool, [True]),
        (bool, "true or false"),
        (STARS, True),
        (STARS, "four"),
        (STARS, "4/5"),
        (STARS, "4.5"),
        (STARS, 4.5),
        (STARS, "\u0664"),
        (STARS, "1_0"),
        (STARS, None),
        (SHARE, "25%"),
        (SHARE, "0,25"),
        (SHARE, True),
        (SHARE, "nan"),
        (GOOD_BAD, "very good"),
        (GOOD_BAD, ["good"]),
        (GOOD_BAD, ""),
        (GOOD_BAD, None),
        (Literal["Good", "good"], "GOOD"),
        (Literal["yes", "no"], True),
        (LEVELS, True),
        (LEVELS, "two"),
        (LEVELS, 2.5),
    ],
)
def test_what_would_have_to_be_guessed_is_left_as_it_is(value_type, said):
    found = read(verdict(value=said), value_type)["value"]
    assert (type(found), found) == (type(said), said)


@pytest.mark.parametrize(
    ("said", "ids"),
    [
        (None, []),
        ("", []),
        ("[]", []),
        ("none", []),
        ("P1", ["P1"]),
        ("p1", ["P1"]),
        ("[P1]", ["P1"]),
        ('["P1", "E2"]', ["P1", "E2"]),
        ("P1, E2", ["P1", "E2"]),
        ("P1 and E2", ["P1", "E2"]),
        ("P1, P2, and E2", ["P1", "P2", "E2"]),
        ("[P1, E2]", ["P1", "E2"]),
        (["p1", "[E2]", '"P3"'], ["P1", "E2", "P3"]),
        (["P1", 7, None, "the first"], ["P1", 7, None, "the first"]),
    ],
)
def test_ids_are_read_from_a_list_in_any_form(said, ids):
    assert read(verdict(relied_on=said))["relied_on"] == ids
    item = {"text": "Be kind.", "sources": said, "relation": "Add", "target": ""}
    (found,) = answers({"principles": [item]}, DISTIL_SCHEMA)
    assert found == {"principles": [item | {"sources": ids, "relation": "add"}]}


@pytest.mark.parametrize("said", ["the first one", "P1 (in part)", "P1 to P3", {"P1": 1}, 1, True])
def test_what_is_no_list_of_ids_is_left_as_it_is(said):
    assert read(verdict(relied_on=said))["relied_on"] == said


ANSWER = verdict(value=False)
WRAPPED = [
    ANSWER,
    {"verdict": ANSWER},
    {"value": ANSWER},
    {"result": {"verdict": ANSWER}},
    {"name": "verdict", "parameters": ANSWER},
    {"name": "verdict", "arguments": json.dumps(ANSWER)},
    {"tool_calls": [{"id": "1", "function": {"name": "verdict", "arguments": json.dumps(ANSWER)}}]},
    {"tool_uses": [{"recipient_name": "functions.verdict", "parameters": ANSWER}]},
    {"title": "verdict", "properties": ANSWER},
    [ANSWER],
    [{"unrelated": 1}, {"verdict": ANSWER}],
]


@pytest.mark.parametrize("data", WRAPPED, ids=lambda data: json.dumps(data)[:40])
def test_an_answer_is_found_in_what_is_wrapped_around_it(data):
    assert read(data) == ANSWER


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (verdict(rationale=json.dumps(verdict(value=False))), True),
        ({"rationale": json.dumps(verdict(value=False)), "value": True}, True),
        (verdict(note=verdict(value=False)), True),
    ],
)
def test_an_answer_that_an_answer_quotes_is_not_taken_for_it(data, value):
    assert read(data)["value"] is value


@pytest.mark.parametrize(
    "data",
    [{}, {"note": 1}, [], [1], "text", {"a": {"b": {"c": {"d": {"e": {"f": ANSWER}}}}}}],
)
def test_what_holds_no_answer_gives_none(data):
    assert answers(data, schema_of(bool)) == []


def test_the_schema_itself_is_no_answer():
    assert answers(schema_of(bool), schema_of(bool)) == []
    assert answers([schema_of(bool), ANSWER], schema_of(bool)) == [ANSWER]


RULE = {"text": "Be kind.", "sources": ["R1"], "relation": "add", "target": ""}


@pytest.mark.parametrize(
    "data",
    [
        {"principles": [RULE]},
        {"principles": RULE},
        {"principles": json.dumps([RULE])},
        {"principles": [json.dumps(RULE)]},
        [RULE],
        RULE,
        {"rules": [RULE]},
        {"name": "principles", "arguments": {"principles": [RULE]}},
    ],
    ids=lambda data: json.dumps(data)[:40],
)
def test_a_list_is_found_without_the_object_that_should_hold_it(data):
    assert answers(data, DISTIL_SCHEMA) == [{"principles": [RULE]}]


def test_what_is_no_item_stays_in_the_list_to_be_refused():
    (found,) = answers([RULE, "Be brief.", {"rule": "Be clear."}], DISTIL_SCHEMA)
    assert found["principles"] == [RULE, "Be brief.", {"rule": "Be clear."}]


@pytest.mark.parametrize("data", [{"principles": None}, {"principles": "Be kind."}])
def test_a_missing_list_is_not_an_empty_one(data):
    assert answers(data, DISTIL_SCHEMA) == [data]


# Several answers


def joined(*found, schema=None, are_parts=True):
    return join_answers(found, schema or schema_of(bool), are_parts=are_parts)


def test_lists_of_several_calls_are_joined():
    second = RULE | {"text": "Be brief."}
    parts = [{"principles": [RULE]}, {"principles": [second, RULE]}]
    assert joined(*parts, schema=DISTIL_SCHEMA) == {"principles": [RULE, second, RULE]}
    parts = [{"decisions": []}, {"decisions": [{"principle": "P1", "target": "P2"}]}]
    assert joined(*parts, schema=RECONCILE_SCHEMA) == parts[1]


def test_lists_that_follow_each_other_in_a_text_may_be_corrections_and_are_not_joined():
    parts = [{"principles": [RULE]}, {"principles": []}]
    with pytest.raises(InvalidInputError, match="2 different answers"):
        joined(*parts, schema=DISTIL_SCHEMA, are_parts=False)
    assert joined(parts[0], copy.deepcopy(parts[0]), schema=DISTIL_SCHEMA, are_parts=False)


def test_verdicts_that_agree_are_one():
    first, second = verdict(relied_on=["P1"]), verdict(rationale="Yes.", relied_on=["E1"])
    assert joined(first, second) == verdict(rationale="So.\nYes.", relied_on=["P1", "E1"])


@pytest.mark.parametrize(
    ("first", "second"),
    [(True, False), (True, "yes"), (True, 1), (False, 0), (True, None), ("true", True)],
)
def test_verdicts_that_differ_are_none(first, second):
    with pytest.raises(InvalidInputError, match="'value' is"):
        joined(verdict(value=first), verdict(value=second))


def test_half_a_verdict_and_half_a_verdict_are_none():
    halves = {"rationale": "So.", "relied_on": []}, {"relied_on": [], "value": True}
    with pytest.raises(InvalidInputError, match="'value' is true"):
        joined(*halves)


# What is offered


@pytest.mark.parametrize("value_type", [bool, STARS, SHARE, GOOD_BAD])
def test_a_schema_is_offered_as_it_is(value_type):
    for schema in (schema_of(value_type), DISTIL_SCHEMA):
        assert offered_schema(schema, has_lengths=True) == schema


def test_lengths_are_offered_only_to_providers_that_take_them():
    lengths = re.compile("maxLength|maxItems")
    for schema in (schema_of(bool), DISTIL_SCHEMA):
        offered = offered_schema(schema)
        assert lengths.search(str(schema))
        assert not lengths.search(str(offered))
        assert offered["required"] == schema["required"]


def test_whole_numbers_as_labels_are_offered_as_text_and_read_back():
    offered = offered_schema(schema_of(LEVELS))
    value = offered["properties"]["value"]
    assert (value["type"], value["enum"]) == ("string", ["1", "2", "3"])
    assert [read(verdict(value=label), LEVELS)["value"] for label in value["enum"]] == [1, 2, 3]
    assert schema_of(LEVELS)["properties"]["value"]["enum"] == [1, 2, 3]
