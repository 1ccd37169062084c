"""Whatever is passed in becomes a case or a refusal, and a case stays what it is."""

import json

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Case, Feedback

anything = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

TEXTS = st.text(st.characters())  # lone surrogates included
NUMBERS = st.integers() | st.integers(min_value=2**62) | st.floats()
# Words that mean something in a message make it likely that one is met.
WORDS = st.sampled_from(
    """
    role content type tool_calls tool_call_id id name args input function arguments kwargs lc data
    user assistant human ai tool chat system text tool_use tool_result tool_use_id thinking status
    success constructor AIMessage remove additional_kwargs refusal
    parts model kind request response part_kind tool-return tool-call user-prompt retry-prompt
    toolUse toolResult toolUseId functionCall functionResponse function_call_output call_id output
    result tool-invocation toolInvocation toolCallId toolName state step-start reasoning summary
    image image_url url base64 mime_type json choices message candidates error value is_error
    """.split()  # noqa: SIM905 - a page of quotes would say less
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS | WORDS | st.just(1)
KEYS = WORDS | TEXTS
JSON = st.recursive(
    SCALARS,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(KEYS, children, max_size=4),
    max_leaves=8,
)
CALLS = st.fixed_dictionaries(
    {"name": TEXTS | JSON, "id": JSON}, optional={"args": JSON, "input": JSON, "function": JSON}
)
BLOCKS = st.fixed_dictionaries(
    {"type": WORDS}, optional={"text": JSON, "id": JSON, "tool_use_id": JSON, "name": WORDS}
)
PARTS = BLOCKS | st.dictionaries(WORDS, JSON, max_size=3)
MESSAGES = st.fixed_dictionaries(
    {"content": JSON | st.lists(PARTS | TEXTS, max_size=4)},
    optional={
        "role": WORDS,
        "type": WORDS,
        "tool_calls": st.lists(CALLS) | JSON,
        "tool_call_id": JSON,
        "status": WORDS,
        "name": JSON,
        "extra": JSON,
        "data": JSON,
        "parts": st.lists(PARTS, max_size=3),
    },
)
TALKS = st.lists(MESSAGES, max_size=3)
CONTENT = JSON | MESSAGES | TALKS | st.dictionaries(KEYS, TALKS, max_size=2)


def case_of(**fields):
    """The case, or None where it is refused as it should be."""
    try:
        return Case(**fields)
    except InvalidInputError:
        return None


@given(CONTENT, CONTENT, CONTENT)
@example({"a": [{"role": "user", "content": {"role": [], "content": ""}}]}, 1, None)
@anything
def test_any_json_becomes_a_case_or_is_refused(inputs, outputs, reference_outputs):
    case = case_of(inputs=inputs, outputs=outputs, reference_outputs=reference_outputs)

    if case is not None:
        dumped = case.model_dump(mode="json")
        again = Case.of(json.loads(json.dumps(dumped, allow_nan=False)))
        assert again == case
        assert again.key == case.key
        assert again.model_dump_json() == case.model_dump_json()


@given(CONTENT, CONTENT)
@anything
def test_cases_are_equal_when_their_json_is(one, other):
    first, second = case_of(inputs=one), case_of(inputs=other)

    if first is not None and second is not None:
        same = json.dumps(first.inputs, sort_keys=True) == json.dumps(second.inputs, sort_keys=True)
        assert same == (first.key == second.key)


@given(TALKS, TALKS, JSON)
@anything
def test_the_order_of_keys_never_matters(first, second, third):
    case = case_of(inputs={"a": first, "b": second, "c": third})
    shuffled = case_of(inputs={"c": third, "b": second, "a": first})

    assert (case and case.key) == (shuffled and shuffled.key)


@given(value=JSON, rationale=JSON, reviewer=JSON, id=JSON, judge_value=JSON)
@anything
def test_any_word_of_an_expert_becomes_feedback_or_is_refused(**said):
    try:
        feedback = Feedback(inputs="Hi", **said)
    except InvalidInputError:
        return
    again = Feedback.of(json.loads(feedback.model_dump_json()))
    assert again == feedback
    assert type(again.value) is type(feedback.value)
