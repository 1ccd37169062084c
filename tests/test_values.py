"""Which values a judge may give: how they are declared, checked, and read from a human."""

import enum
import json
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from langchain_memalign._values.types import JudgeSpec, ValueType, value_key
from langchain_memalign.errors import InvalidInputError


class Tone(enum.Enum):
    GOOD = "good"
    BAD = "bad"


BOOL = ValueType.parse(bool)
LABELS = ValueType.parse(Literal["good", "bad"])
GRADES = ValueType.parse(Literal[1, 2, 5])
STARS = ValueType.parse(Annotated[int, Field(ge=1, le=5)])
SHARE = ValueType.parse(Annotated[float, Field(ge=0, le=1)])
ALL = [BOOL, LABELS, GRADES, STARS, SHARE]
NAMES = ["bool", "labels", "grades", "stars", "share"]
each_type = pytest.mark.parametrize("value_type", ALL, ids=NAMES)

ACCEPTED = [
    (bool, {"type": "boolean"}, "true or false"),
    ({"type": "boolean", "title": "Polite", "description": "Is it?"}, {"type": "boolean"}, None),
    (Literal[True, False], {"type": "boolean"}, "true or false"),
    ({"enum": [False, True]}, {"type": "boolean"}, None),
    (
        Literal["good", "bad"],
        {"type": "string", "enum": ["good", "bad"]},
        'one of "good", "bad"',
    ),
    (Literal["A", "B", "tie"], {"type": "string", "enum": ["A", "B", "tie"]}, None),
    ({"enum": ["gut", "schön"]}, {"type": "string", "enum": ["gut", "schön"]}, 'gut", "schön"'),
    (Tone, {"type": "string", "enum": ["good", "bad"]}, None),
    (Literal[1, 2, 5], {"type": "integer", "enum": [1, 2, 5]}, "one of 1, 2, 5"),
    (
        Annotated[int, Field(ge=1, le=5)],
        {"type": "integer", "minimum": 1, "maximum": 5},
        "a whole number from 1 to 5",
    ),
    (Annotated[int, Field(gt=0, lt=6)], {"type": "integer", "minimum": 1, "maximum": 5}, None),
    (
        {"type": "integer", "minimum": 0.5, "exclusiveMinimum": -3, "maximum": 4.5},
        {"type": "integer", "minimum": 1, "maximum": 4},
        None,
    ),
    (
        {"type": "integer", "minimum": 0, "maximum": 12345678, "default": 3},
        {"type": "integer", "minimum": 0, "maximum": 12345678},
        "from 0 to 12345678",
    ),
    (
        Annotated[float, Field(ge=0, le=1)],
        {"type": "number", "minimum": 0, "maximum": 1},
        "a number from 0 to 1",
    ),
    (
        {"type": "number", "minimum": -0.25, "maximum": 1234567.5},
        {"type": "number", "minimum": -0.25, "maximum": 1234567.5},
        "from -0.25 to 1234567.5",
    ),
    (
        {"$ref": "#/$defs/Tone", "$defs": {"Tone": {"enum": ["a", "b"], "type": "string"}}},
        {"type": "string", "enum": ["a", "b"]},
        None,
    ),
]

REFUSED = [
    (str, "found {'type': 'string'}"),
    (int, "finite minimum below a finite maximum"),
    (float, "such as Annotated[int, Field(ge=1, le=5)]"),
    (Annotated[int, Field(ge=1)], "finite minimum"),
    (Annotated[int, Field(ge=5, le=1)], "finite minimum"),
    (Annotated[int, Field(ge=1, le=1)], "finite minimum"),
    (Annotated[float, Field(gt=0, le=1)], "both included"),
    (Annotated[int, Field(ge=0, le=10, multiple_of=5)], "finite minimum"),
    (Literal["only"], "Literal with two or more labels"),
    (Literal[True], "expected bool"),
    (Literal["a", 1], "all text or all integers"),
    (Literal[1, True], "all text or all integers"),
    (bool | None, "expected bool"),
    (list[bool], "expected bool"),
    (dict, "expected bool"),
    (None, "expected bool"),
    (Any, "expected bool"),
    (BaseModel, "expected bool"),
    (object, "expected bool"),
    (print, "expected bool"),
    (5, "found 5; expected bool"),
    ({}, "found {}; expected bool"),
    ({1: 2}, "expected bool"),
    ({("a",): 10**5000}, "too large to show"),
    ({"type": ["boolean", "null"]}, "expected bool"),
    ({"type": "boolean", "const": True}, "expected bool"),
    ({"type": "integer", "enum": ["a", "b"]}, "two or more different labels"),
    ({"type": "object", "enum": ["a", "b"]}, "two or more different labels"),
    ({"enum": "ab"}, "expected bool"),
    ({"enum": []}, "two or more different labels"),
    ({"enum": ["a", "a"]}, "two or more different labels"),
    ({"enum": ["a", " "]}, "two or more different labels"),
    ({"enum": [True, True]}, "two or more different labels"),
    ({"enum": [["a"], ["b"]]}, "two or more different labels"),
    ({"enum": ["a", "b"], "pattern": "a"}, "expected bool"),
    ({"type": "integer", "minimum": True, "maximum": 5}, "finite minimum"),
    ({"type": "integer", "minimum": 0, "maximum": 5, "exclusiveMinimum": True}, "finite minimum"),
    ({"type": "integer", "minimum": "1", "maximum": "5"}, "finite minimum"),
    ({"type": "integer", "minimum": 0, "maximum": 10**400}, "finite minimum"),
    ({"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2}, "finite minimum"),
    ({"type": "number", "minimum": 0, "maximum": float("inf")}, "finite minimum"),
    ({"type": "number", "minimum": float("nan"), "maximum": 1}, "finite minimum"),
    ({"$ref": "#/$defs/a", "$defs": ["a"]}, "expected bool"),
    ({"$ref": "#/$defs/a", "$defs": {"a": 5}}, "expected bool"),
]


@pytest.mark.parametrize(("declared", "schema", "words"), ACCEPTED)
def test_a_type_and_its_json_schema_are_the_same_values(declared, schema, words):
    value_type = ValueType.parse(declared)

    assert value_type.json_schema == schema
    assert json.loads(json.dumps(value_type.json_schema)) == schema
    assert ValueType.parse(schema) == value_type == ValueType.parse(value_type)
    assert words is None or words in value_type.describe()


@pytest.mark.parametrize(("declared", "message"), REFUSED)
def test_what_no_judge_can_give_is_refused_with_what_it_could(declared, message):
    with pytest.raises(InvalidInputError) as caught:
        ValueType.parse(declared)

    assert str(caught.value).startswith("value type: found ")
    assert message in str(caught.value)


FITTING = {
    "bool": [True, False],
    "labels": ["good", "bad"],
    "grades": [1, 2, 5],
    "stars": [1, 3, 5],
    "share": [0, 0.5, 1, 1.0],
}
STRANGE = [None, "", "yes", "1", "Good", "good ", [], [True], {}, 10**5000, "x" * 10_000]
WRONG = {
    "bool": [*STRANGE, 1, 0, 1.0, "true", "good"],
    "labels": [*STRANGE, True, 1, "other"],
    "grades": [*STRANGE, True, 1.0, 3, "5"],
    "stars": [*STRANGE, True, 1.0, 0, 6, "3", float("nan")],
    "share": [*STRANGE, True, -0.1, 1.1, 2, "0.5", float("nan"), float("inf"), 10**400],
}


def pairs(values):
    """Each type with each value; named by position, as some values have no end."""
    return [
        pytest.param(value_type, value, id=f"{name}-{i}")
        for value_type, name in zip(ALL, NAMES, strict=True)
        for i, value in enumerate(values[name])
    ]


@pytest.mark.parametrize(("value_type", "value"), pairs(FITTING))
def test_a_value_of_the_type_is_kept_whoever_gives_it(value_type, value):
    for kept in (value_type.check(value), value_type.read(value), value_type.read(f" {value}\n")):
        assert kept == value
        assert type(kept) is (float if value_type is SHARE else type(value))


@pytest.mark.parametrize(("value_type", "value"), pairs(WRONG))
def test_a_models_value_is_taken_strictly(value_type, value):
    with pytest.raises(InvalidInputError) as caught:
        value_type.check(value)

    assert f"expected {value_type.describe()}" in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("value_type", "answer", "meant"),
    [
        *[(BOOL, answer, True) for answer in ("yes", "Y", " TRUE ", "1", 1, "pass", "Pass\n")],
        *[(BOOL, answer, True) for answer in ("Yes!", "ja", "Oui.", "1.0", 1.0, "👍🏽", "✔️", "T")],
        *[(BOOL, answer, False) for answer in ("no", "N", "False", "0", 0, "fail")],
        *[
            (BOOL, answer, False)
            for answer in ("“no”", "nein", "failed", 0.0, "👎", "❌", "false.")
        ],
        *[(LABELS, answer, "good") for answer in ("GOOD", " Good ", "good\n", Tone.GOOD.value)],
        *[(LABELS, answer, "bad") for answer in ("Bad!", "(bad)", "“bad”.", "**bad**")],
        *[(GRADES, answer, 5) for answer in ("5", " 5 ", 5.0, "5.", "five", "5 points")],
        *[(STARS, answer, 4) for answer in ("4", " 4 ", "4.0", 4.0, "4\n")],
        *[(STARS, answer, 4) for answer in ("4/5", "4 of 5", "4 out of 5.", "4 von 5", "Four")],
        *[(STARS, answer, 4) for answer in ("4 stars", "4/5 stars", "★★★★", "★★★★☆", "⭐️⭐️⭐️⭐️")],
        *[(STARS, answer, 4) for answer in ("4 points", "4,0", "4️⃣", "\uff14")],
        *[(SHARE, answer, 0.5) for answer in ("0.5", " .5 ", "5e-1", "0,5", ",5")],
        (SHARE, "1,000", 1.0),
        (ValueType.parse(Annotated[float, Field(ge=1, le=5)]), "3,5", 3.5),
        (ValueType.parse(Annotated[int, Field(ge=100, le=5000)]), "1,000", 1000),
        (ValueType.parse(Annotated[int, Field(ge=1, le=10)]), "7/10", 7),
        (ValueType.parse(Annotated[int, Field(ge=1, le=10)]), "8 points", 8),
        (ValueType.parse(Literal["not_ok", "fully-ok"]), "Not ok!", "not_ok"),
        (ValueType.parse(Literal["A", "A-", "B"]), "A-", "A-"),
        (ValueType.parse(Literal["Good", "good"]), "good", "good"),
        (ValueType.parse(Literal["good", "Good"]), "good", "good"),
        (ValueType.parse(Literal["STRASSE", "weg"]), "straße", "STRASSE"),
    ],
)
def test_a_humans_answer_is_understood(value_type, answer, meant):
    read = value_type.read(answer)

    assert (type(read), read) == (type(meant), meant)


@pytest.mark.parametrize(
    ("value_type", "answer"),
    [
        *[(BOOL, answer) for answer in ("maybe", "", None, 2, "yes and no", [True])],
        *[(LABELS, answer) for answer in ("goo", "good bad", "", None, True)],
        *[(GRADES, answer) for answer in ("3", "5.5", "six", None)],
        *[
            (STARS, answer)
            for answer in ("4.5", "0", "6", "fourth", "", None, True, "nan", "1e999")
        ],
        *[(SHARE, answer) for answer in ("1.5", "-1", "half", "50%", None, True, "inf")],
        *[(BOOL, answer) for answer in ("yes?", "ok", "good", "7", 0.5, "1/1")],
        *[(LABELS, answer) for answer in ("good?", "not good", "very good", 1)],
        *[
            (STARS, answer)
            for answer in ("4?", "4/10", "4/4", "4/", "3,5", "★★★☆", "7 stars", "4 5")
        ],
        *[(SHARE, answer) for answer in ("1 star", "4/5", "★", "1.2.3")],
        (ValueType.parse(Annotated[int, Field(ge=1, le=5000)]), "1,000"),
        (ValueType.parse(Annotated[int, Field(ge=1, le=10)]), "4/5"),
        (ValueType.parse(Annotated[int, Field(ge=1, le=10)]), "5 stars"),
        (ValueType.parse(Literal["A.", "A"]), "a!"),
        *[pytest.param(value_type, 10**5000, id="huge") for value_type in ALL],
    ],
)
def test_an_answer_that_could_mean_anything_is_refused(value_type, answer):
    with pytest.raises(InvalidInputError, match=r"^value: found .*; expected "):
        value_type.read(answer)


@each_type
@given(answer=st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary())
def test_any_answer_is_read_as_a_value_of_the_type_or_refused(value_type, answer):
    try:
        value = value_type.read(answer)
    except InvalidInputError:
        return
    assert value_type.check(value) == value


@given(low=st.integers(-(2**53), 2**53), high=st.integers(-(2**53), 2**53))
def test_a_scale_holds_exactly_the_whole_numbers_within_its_bounds(low, high):
    schema = {"type": "integer", "minimum": min(low, high), "maximum": max(low, high) + 1}
    if schema["maximum"] > 2**53:
        return
    scale = ValueType.parse(schema)

    assert scale.json_schema == schema
    assert str(schema["minimum"]) in scale.describe()
    assert str(schema["maximum"]) in scale.describe()
    assert scale.check(schema["minimum"]) == schema["minimum"]
    with pytest.raises(InvalidInputError):
        scale.check(schema["maximum"] + 1)


def test_only_scales_are_ordered():
    assert [t.is_ordered for t in ALL] == [False, False, True, True, True]


@each_type
def test_a_verdict_gives_its_reasons_before_its_value(value_type):
    schema = value_type.verdict_schema()

    assert list(schema["properties"]) == schema["required"] == ["rationale", "relied_on", "value"]
    assert schema["additionalProperties"] is False
    assert value_type.json_schema.items() <= schema["properties"]["value"].items()
    assert value_type.describe() in schema["properties"]["value"]["description"]


def test_values_that_look_alike_have_keys_of_their_own():
    assert [value_key(v) for v in (True, 1, 1.0, "1", "true", "ü")] == [
        "true",
        "1",
        "1.0",
        '"1"',
        '"true"',
        '"ü"',
    ]


def test_a_judge_is_described_by_its_name_instructions_and_values():
    spec = JudgeSpec.create(name=" tone ", instructions="\nIs it polite?\n", value_type=bool)

    assert (spec.name, spec.instructions, spec.value_type) == ("tone", "Is it polite?", BOOL)
    assert JudgeSpec.model_validate_json(spec.model_dump_json()) == spec


MEANINGS = {True: "appropriate", False: "not appropriate"}


def meant(value_type=bool, meanings=None, **fields):
    fields = {"name": "tone", "instructions": "Is it polite?", **fields}
    return JudgeSpec.create(value_type=value_type, value_meanings=meanings or MEANINGS, **fields)


def test_values_have_meanings_that_people_read_and_type():
    spec = meant(question=" Is it fit to send? ")

    assert spec.value_in_words(False) == "not appropriate (false)"
    assert spec.asked == "Is it fit to send?"
    assert spec.describe_values() == (
        'true or false, where true means "appropriate" and false means "not appropriate"'
    )
    assert spec.read_value("Not appropriate!") is False
    assert spec.read_value("yes") is True
    assert JudgeSpec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize(
    ("value_type", "meanings", "kept"),
    [
        (bool, {"true": "fit", "no": "unfit"}, {"true": "fit", "false": "unfit"}),
        (STARS, {1: "useless", "5": " perfect "}, {"1": "useless", "5": "perfect"}),
        (SHARE, {0: "never", 1.0: "always"}, {"0": "never", "1": "always"}),
        (LABELS, {"Good": "worth sending"}, {"good": "worth sending"}),
        (LABELS, {"good": "good"}, {"good": "good"}),
    ],
)
def test_meanings_may_be_of_any_values_and_written_in_any_way(value_type, meanings, kept):
    spec = meant(value_type, meanings)
    assert spec.value_meanings == kept
    assert meant(value_type, spec.value_meanings) == spec


@pytest.mark.parametrize(
    ("value_type", "meanings", "told"),
    [
        (bool, {"maybe": "hm"}, "found 'maybe'; expected true or false"),
        (bool, {True: " "}, "found nothing for true"),
        (bool, {True: "fit", "yes": "ok"}, "two meanings"),
        (bool, {True: "fit", False: "Fit!"}, "the same words for two values"),
        (bool, {True: "no"}, "take for another value"),
        (LABELS, {"good": "bad"}, "take for another value"),
        (bool, ["fit", "unfit"], "expected a mapping from values to words"),
        (bool, {True: 5}, "value_meanings"),
    ],
)
def test_meanings_that_cannot_be_told_apart_are_refused(value_type, meanings, told):
    with pytest.raises(InvalidInputError, match=told):
        meant(value_type, meanings)


@pytest.mark.parametrize("changed", [{"name": " "}, {"instructions": ""}, {"name": 7}])
def test_a_judge_without_a_name_or_instructions_is_refused(changed):
    described = {"name": "tone", "instructions": "Is it polite?", "value_type": bool, **changed}

    with pytest.raises(InvalidInputError, match=next(iter(changed))):
        JudgeSpec.create(**described)


@pytest.mark.parametrize(
    ("written", "declared"),
    [
        ("bool", bool),
        ("1-5", Annotated[int, Field(ge=1, le=5)]),
        ("0.0-1.0", Annotated[float, Field(ge=0, le=1)]),
        ("-2 to 2", Annotated[int, Field(ge=-2, le=2)]),
        (["good", "bad"], Literal["good", "bad"]),
        (("A", "B", "tie"), Literal["A", "B", "tie"]),
        ("[good, bad]", Literal["good", "bad"]),
        ('["good", "bad"]', Literal["good", "bad"]),
        ('{"type": "integer", "minimum": 1, "maximum": 3}', Annotated[int, Field(ge=1, le=3)]),
    ],
    ids=str,
)
def test_a_value_type_may_be_written_in_short(written, declared):
    assert ValueType.parse(written) == ValueType.parse(declared)


@pytest.mark.parametrize("written", ["", "good", "5-1", "1-", "[one]", "[good, good]", "str", "{"])
def test_a_short_form_that_says_nothing_is_refused(written):
    with pytest.raises(InvalidInputError, match=r"'1-5'|two or more|minimum below"):
        ValueType.parse(written)
