"""What a case accepts, what it refuses, and how it says so."""

import enum
import json

import pytest
from langchain_core.messages import HumanMessage
from pydantic import ValidationError

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Case, Feedback


def nested(depth):
    """A list in a list in a list ..., `depth` levels deep."""
    value = "core"
    for _ in range(depth):
        value = [value]
    return value


class Point:
    """Something that is not JSON."""


endless = {}
endless["again"] = endless

# What is wrong, and words of the remedy.
REFUSED = {
    "too deep": (nested(65), "flatten it"),
    "endless": (endless, "flatten it"),
    "not a number": ({"score": float("nan")}, "use None or text"),
    "infinite": ([1, float("-inf")], "use None or text"),
    "lone surrogate": ("caf\ud83d", "errors='replace'"),
    "lone surrogate within": ({"a": ["x", "\udc00"]}, "errors='replace'"),
    "lone surrogate in a key": ({"\udc00": 1}, "errors='replace'"),
    "lone surrogate in a message": ([HumanMessage("\udc00")], "errors='replace'"),
    "bytes": ({"file": b"abc"}, "decode it"),
    "bytearray": (bytearray(b"abc"), "decode it"),
    "memoryview": ({"file": memoryview(b"abc")}, "decode it"),
    "set": ({"tags": {"a"}}, "list()"),
    "huge integer": ({"n": 2**63}, "pass it as text"),
    "huge negative integer": ([-(2**63)], "pass it as text"),
    "enormous integer": ({"n": 10**5000}, "pass it as text"),
    "key that is a number": ({1: "a"}, "str()"),
    "key that is a tuple": ({"a": {("b",): 1}}, "str()"),
    "object": ({"p": Point()}, "dataclasses.asdict()"),
    "function": (print, "str()"),
    "bare number": (5, "{'value': 5}"),
    "bare truth": (True, "{'value': True}"),
}
each_refused = pytest.mark.parametrize(("value", "remedy"), REFUSED.values(), ids=REFUSED)
each_field = pytest.mark.parametrize("field", ["inputs", "outputs", "reference_outputs"])
each_way = pytest.mark.parametrize(
    "make",
    [
        lambda fields: Case(**fields),
        Case.of,
        lambda fields: Feedback(rationale="Too cold.", **fields),
        lambda fields: Feedback.of({"value": True, **fields}),
    ],
    ids=["Case()", "Case.of", "Feedback()", "Feedback.of"],
)


@each_refused
@each_field
@each_way
def test_what_is_not_json_is_refused_with_the_field_and_a_remedy(make, field, value, remedy):
    with pytest.raises(InvalidInputError) as caught:
        make({"inputs": "Where is my order?", field: value})

    assert isinstance(caught.value, ValueError)
    assert field in str(caught.value)
    assert remedy in str(caught.value)


@each_way
def test_the_place_of_what_is_refused_is_named(make):
    with pytest.raises(InvalidInputError, match=r"outputs\.steps\[1\]\.score is nan"):
        make({"outputs": {"steps": [{"score": 1}, {"score": float("nan")}]}})


def test_a_long_key_does_not_make_a_long_message():
    with pytest.raises(InvalidInputError) as caught:
        Case(inputs={"k" * 1_000_000: {1, 2}})

    assert len(str(caught.value)) < 500


@each_way
def test_an_unknown_field_is_refused_and_the_known_ones_are_named(make):
    with pytest.raises(InvalidInputError, match=r"output: unknown field; .* outputs, reference_"):
        make({"inputs": "Hi", "output": "Hello"})


@each_way
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"inputs": None},
        {"inputs": "", "outputs": " \n"},
        {"inputs": {}, "outputs": []},
        {"reference_outputs": "Hello"},
    ],
)
def test_a_case_without_inputs_and_outputs_is_refused(make, fields):
    with pytest.raises(InvalidInputError, match="the case is empty: expected inputs, outputs"):
        make(fields)


@pytest.mark.parametrize("value", ["Hi", 5, None, [("inputs", "Hi")], {1: "Hi"}])
def test_only_a_mapping_can_become_a_case(value):
    with pytest.raises(InvalidInputError, match="expected a Case or a mapping with the fields in"):
        Case.of(value)


def test_a_case_that_is_one_already_is_returned_as_it_is():
    case = Case(inputs="Hi")

    assert Case.of(case) is case


@pytest.mark.parametrize(
    "value",
    [
        "text",
        "a\x01b \U0001f468\u200d\U0001f469\u200d\U0001f467 漢字",
        {"a": None, "b": True, "c": 2**63 - 1, "d": -0.5, "e": ["x", {}], "": ""},
        ["not", "messages"],
        nested(64),
        "\n".join(["A long letter."] * 200_000),
        {"pages": ["x" * 1_000_000, "y" * 1_000_000]},
    ],
)
def test_json_of_any_kind_and_size_comes_through_unchanged(value):
    case = Case(inputs=value)

    assert case.inputs == value
    assert Case(**json.loads(json.dumps(case.model_dump(mode="json")))) == case
    assert Case.model_validate_json(case.model_dump_json()) == case


def test_tuples_become_lists_and_text_of_an_enum_its_value():
    class Tone(str, enum.Enum):  # noqa: UP042 - its `str()` is the name, unlike a StrEnum's
        WARM = "warm"

    assert Case(inputs={Tone.WARM: (1, Tone.WARM)}).inputs == {"warm": [1, "warm"]}


def test_one_message_deep_within_counts_with_its_list():
    def deep(depth):
        return {"inputs": {"in": nested(0)}, "outputs": _wrap(HumanMessage("Hi"), depth)}

    def _wrap(value, depth):
        for _ in range(depth):
            value = {"in": value}
        return value

    case = Case(**deep(62))
    assert Case(**case.model_dump(mode="json")) == case
    with pytest.raises(InvalidInputError, match=r"outputs.* is nested deeper than 64 levels"):
        Case(**deep(63))


def test_a_case_does_not_change_with_what_it_was_made_from():
    inputs = {"question": "Where?", "notes": ["first"]}
    case = Case(inputs=inputs)
    inputs["notes"].append("second")

    assert case.inputs == {"question": "Where?", "notes": ["first"]}


@pytest.mark.parametrize("record", [Case(inputs="Hi"), Feedback(inputs="Hi", value=True)])
def test_records_are_frozen(record):
    with pytest.raises(ValidationError, match="frozen"):
        record.inputs = "Bye"

    assert record.inputs == "Hi"


def test_the_order_of_keys_does_not_matter():
    one = Case(inputs={"a": 1, "b": {"c": 2, "d": 3}})
    other = Case(inputs={"b": {"d": 3, "c": 2}, "a": 1})

    assert one == other
    assert one.key == other.key


def test_the_order_of_keys_does_not_matter_for_the_tool_calls_below_them():
    def call(run):
        tool_call = {"name": "f", "args": {}, "id": run}
        return [{"role": "assistant", "content": "", "tool_calls": [tool_call]}]

    one = Case(inputs={"a": call("1"), "b": call("2")})
    other = Case(inputs={"b": call("2"), "a": call("1")})

    assert one.key == other.key


@pytest.mark.parametrize(
    "other",
    [
        {"inputs": "Hi", "outputs": "Hello!"},
        {"inputs": "Hello", "outputs": "Hi"},
        {"inputs": "Hi", "reference_outputs": "Hello"},
        {"inputs": "Hi", "outputs": {"text": "Hello"}},
        {"inputs": "Hi", "outputs": ["Hello"]},
        {"inputs": "Hi ", "outputs": "Hello"},
    ],
)
def test_another_content_is_another_key(other):
    assert Case(**other).key != Case(inputs="Hi", outputs="Hello").key


def test_numbers_truths_and_texts_that_look_alike_are_different_content():
    keys = {Case(inputs={"a": value}).key for value in (1, 1.0, True, "1", "true", None)}

    assert len(keys) == 6


def test_a_feedback_has_the_key_of_its_case():
    feedback = Feedback(inputs="Hi", outputs="Hello", value=True, reviewer="Ann")

    assert feedback.key == feedback.case.key == Case(inputs="Hi", outputs="Hello").key
    assert feedback.case == Case(inputs="Hi", outputs="Hello")
