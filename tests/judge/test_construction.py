"""Setting a judge up: nothing is called, and what is not usable is refused at once."""

from enum import Enum
from typing import Annotated, Literal

import pytest
from fakes import CountingEmbeddings, ScriptedModel, verdict
from langchain_openai import ChatOpenAI
from pydantic import Field

from langchain_memalign import ConfigurationError, InvalidInputError, MemAlignJudge, Memory

KEY = "sk-very-secret-0123456789"


def test_setting_a_judge_up_calls_nothing(bench):
    bench.judge_named("other", value_type=Literal["good", "bad"])
    assert bench.calls() == (0, 0)
    assert bench.memory.judges() == []


class Grade(Enum):
    GOOD = "good"
    BAD = "bad"


@pytest.mark.parametrize(
    ("value_type", "in_words"),
    [
        (bool, "true or false"),
        (Literal["good", "bad"], 'one of "good", "bad"'),
        (Grade, 'one of "good", "bad"'),
        (Annotated[int, Field(ge=1, le=5)], "a whole number from 1 to 5"),
        (Annotated[float, Field(ge=0, le=1)], "a number from 0 to 1"),
        ({"type": "string", "enum": ["A", "B", "tie"]}, 'one of "A", "B", "tie"'),
        ({"type": "integer", "minimum": 0, "maximum": 3}, "a whole number from 0 to 3"),
    ],
)
def test_value_types_are_python_types_or_json_schemas(make_bench, value_type, in_words):
    bench = make_bench(lambda request: verdict("?"), value_type=value_type)
    bench.judge.invoke({"outputs": "Hello."})
    assert in_words in bench.model.requests[0].system


def test_instructions_stand_in_the_system_message_and_the_case_does_not(make_bench):
    bench = make_bench(instructions="  Is it <kind>?  ")
    bench.judge.invoke({"outputs": "The case in question."})
    (request,) = bench.model.requests
    assert "Is it <kind>?" in request.system
    assert "The case in question." not in request.system
    assert "The case in question." in request.prompt


UNUSABLE = [
    ("name", ["", "  ", None, 5]),
    ("instructions", ["", "  ", None]),
    ("value_type", [str, int, float, object, None, "text", {"type": "string"}, Literal["only"]]),
    ("k", [-1, 2.5, "5", True, None]),
    ("principle_tokens", [0, -5, 1.5, None]),
    ("case_tokens", [0, 99, "100"]),
    ("episode_tokens", [0, 49]),
    ("distant", ["near", None, float("nan"), 2, True]),
]


@pytest.mark.parametrize(
    ("argument", "unusable"),
    [(name, value) for name, values in UNUSABLE for value in values],
)
def test_an_unusable_argument_is_refused_at_once(bench, argument, unusable):
    arguments = {
        "name": "tone",
        "instructions": "Is it kind?",
        "value_type": bool,
        "model": bench.model,
        "memory": bench.memory,
        argument: unusable,
    }
    with pytest.raises(InvalidInputError):
        MemAlignJudge(**arguments)


@pytest.mark.parametrize(
    "argument",
    [
        {"memory": "./memory"},
        {"memory": None},
        {"model": None},
        {"model": 5},
        {"model": "gpt"},
        {"model": "openai:gpt-4.1-mini"},  # no key in the environment
        {"model": "no-such-provider:model"},
        {"retry": 3},
        {"structured_output": "json_mode"},
    ],
)
def test_parts_that_cannot_work_together_are_refused_at_once(bench, argument):
    with pytest.raises(ConfigurationError, match=r"[Ee]xpected"):
        MemAlignJudge(
            **{
                "name": "tone",
                "instructions": "Is it kind?",
                "value_type": bool,
                "model": bench.model,
                "memory": bench.memory,
                **argument,
            }
        )


def test_structured_output_options_that_the_model_does_not_take_are_an_error(make_bench):
    bench = make_bench(structured_output={"method": "no-such-method", "nonsense": 1})
    with pytest.raises(ConfigurationError, match="structured"):
        bench.judge.invoke({"outputs": "Hello."})


def test_a_judges_repr_shows_no_secrets(bench):
    model = ChatOpenAI(model="gpt-4.1-mini", api_key=KEY, base_url="http://user:pw@host/v1")
    judge = bench.judge_named("tone", model=model)
    for shown in (repr(judge), str(judge), repr(bench.memory), repr(judge.spec)):
        assert KEY not in shown
        assert "pw@" not in shown
    assert repr(judge) == "MemAlignJudge('tone', true or false)"


def test_a_wrong_key_does_not_reach_error_messages(bench):
    class Leaking(CountingEmbeddings):
        def embed_documents(self, texts):
            raise ValueError(f"Incorrect API key provided: {KEY}")

    model = ScriptedModel(respond=lambda request: ValueError(f"Incorrect API key provided: {KEY}"))
    outcome = bench.judge_named("tone", model=model).invoke({"outputs": "Hello."})
    assert "Incorrect API key" in outcome.reason
    assert KEY not in repr(outcome)
    with Memory.open(":memory:", embeddings=Leaking()) as memory:
        judge = MemAlignJudge(
            name="tone", instructions="?", value_type=bool, model=bench.model, memory=memory
        )
        report = judge.align([{"outputs": "Hello.", "value": True}])
        assert KEY not in repr(report)


def test_two_judges_of_one_memory_do_not_mix(bench):
    other = bench.judge_named("other")
    bench.judge.align([{"outputs": "Hello.", "value": True, "rationale": "Mine."}])
    other.align([{"outputs": "Hello.", "value": False, "rationale": "Theirs."}])
    assert [e.rationale for e in other.episodes()] == ["Theirs."]
    outcome = bench.judge.invoke({"outputs": "Hello."})
    prompt = bench.model.titled("verdict")[-1].prompt
    assert "Mine." in prompt
    assert "Theirs." not in prompt
    assert len(outcome.episode_ids) == len(outcome.principle_ids) == 1
    assert bench.memory.judges() == ["other", "tone"]
