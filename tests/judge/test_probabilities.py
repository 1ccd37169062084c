"""Probabilities from a chat model's tokens, through the real client of OpenAI's API."""

import asyncio
import json
import math
from typing import Annotated, Literal

import pytest
from fakes import ScriptedModel, verdict
from langchain_openai import ChatOpenAI
from models.conftest import server
from models.openai_server import completion
from pydantic import Field

from langchain_memalign import InvalidInputError, Verdict

__all__ = ["server"]

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

CASE = {"inputs": "It is late!", "outputs": "Tomorrow."}


def token(written, probability, **others):
    shares = {written: probability, **others}
    top = [{"token": t, "logprob": math.log(p), "bytes": None} for t, p in shares.items()]
    return {**top[0], "top_logprobs": top}


def reply(*value, before='{"rationale": "Because.", "relied_on": [], "value":', after="}"):
    """A completion whose value consists of these tokens."""
    tokens = [token(before, 1.0), *value, token(after, 1.0)]
    status, headers, body = completion("".join(t["token"] for t in tokens))
    body["choices"][0]["logprobs"] = {"content": tokens, "refusal": None}
    return status, headers, body


@pytest.fixture
def ask(make_bench, server):
    """Asks a judge with log probabilities for its verdict."""

    def ask(value_type, *replies, way="invoke", top_logprobs=None, **options):
        server.will_say(*replies)
        model = ChatOpenAI(
            model="gpt-test",
            api_key="none",
            base_url=server.url,
            max_retries=0,
            top_logprobs=top_logprobs,
        )
        judge = make_bench(
            value_type=value_type, model=model, **{"probabilities": "logprobs", **options}
        ).judge
        if way == "invoke":
            return judge.invoke(CASE)
        return asyncio.run(judge.ainvoke(CASE))

    return ask


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
@pytest.mark.parametrize(
    ("value_type", "value", "expected"),
    [
        (bool, token("true", 0.75, false=0.25), {True: 0.75, False: 0.25}),
        (Literal["good", "bad"], token('"good"', 0.6, **{'"bad"': 0.4}), {"good": 0.6, "bad": 0.4}),
        (Literal[2, 1], token("1", 0.75, **{"2": 0.25}), {1: 0.75, 2: 0.25}),
    ],
    ids=["yes or no", "labels", "ordered labels"],
)
def test_they_are_those_of_the_values_tokens(ask, server, way, value_type, value, expected):
    outcome = ask(value_type, reply(value), way=way)

    assert dict(outcome.probabilities) == pytest.approx(expected)
    assert list(outcome.probabilities) == list(expected)
    assert outcome.confidence == pytest.approx(max(expected.values()))
    assert outcome.raw_value is None
    assert [body["logprobs"] for body in server.bodies] == [True]
    assert server.bodies[0]["top_logprobs"] == 20


def test_the_likeliest_value_counts_though_another_was_drawn(ask):
    outcome = ask(bool, reply(token("false", 0.25, true=0.75)))

    assert (outcome.value, outcome.raw_value) == (True, False)
    assert outcome.confidence == pytest.approx(0.75)


def test_the_mean_of_a_scale(ask):
    scale = Annotated[int, Field(ge=1, le=5)]
    drawn = reply(token("5", 0.5, **{"1": 0.3, "2": 0.2}))

    assert ask(scale, drawn).value == 5
    outcome = ask(scale, drawn, aggregate="mean")
    assert (outcome.value, outcome.raw_value) == (3, 5)
    assert outcome.confidence == 0.0  # nobody finds it a 3: the judge is of two minds


def test_numbers_are_asked_for_in_steps(ask, server):
    # The schema has the steps as text, which is what a model then writes.
    drawn = reply(token('"', 1.0), token("0.", 1.0), token("7", 0.5, **{"8": 0.5}), token('"', 1.0))
    outcome = ask(Annotated[float, Field(ge=0, le=1)], drawn)

    assert outcome.value == pytest.approx(0.75)
    assert outcome.raw_value == 0.7
    assert outcome.confidence == pytest.approx(1)  # both are within a tenth of it
    schema = server.bodies[0]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["value"]["enum"] == [str(i / 10) for i in range(11)]
    assert "one of 0, 0.1, 0.2" in server.bodies[0]["messages"][0]["content"]


def test_a_step_that_was_not_asked_for_is_a_value_without_probabilities(ask):
    outcome = ask(
        Annotated[float, Field(ge=0, le=1)],
        reply(token(" 0.", 1.0), token("75", 0.9, **{"8": 0.1})),
    )

    assert (outcome.value, outcome.probabilities, outcome.confidence) == (0.75, None, None)


def test_a_repaired_reply_is_read_by_its_own_tokens(ask, server):
    broken = reply(token('"perhaps"', 1.0))
    outcome = ask(bool, broken, reply(token("true", 0.75, false=0.25)))

    assert outcome.probabilities[True] == pytest.approx(0.75)
    assert len(server.requests) == 2


def test_fewer_alternatives_where_the_model_is_set_up_so(ask, server):
    ask(bool, reply(token("true", 0.9, false=0.1)), top_logprobs=5)

    assert server.bodies[0]["top_logprobs"] == 5


def test_a_reply_without_them_is_a_verdict_without_them(ask):
    outcome = ask(bool, completion(json.dumps(verdict(True))))

    assert isinstance(outcome, Verdict)
    assert (outcome.probabilities, outcome.confidence, outcome.raw_value) == (None, None, None)


def test_a_judge_that_is_not_asked_asks_for_none(ask, server):
    outcome = ask(bool, reply(token("true", 0.9, false=0.1)), probabilities=None)

    assert outcome.probabilities is None
    assert not {"logprobs", "top_logprobs"} & set(server.bodies[0])


def test_learning_asks_for_none(make_bench, server):
    principles = {"principles": [{"text": "Be kind.", "sources": ["R1"], "relation": "add"}]}
    server.otherwise = lambda path, body: completion(json.dumps(principles))
    model = ChatOpenAI(model="gpt-test", api_key="none", base_url=server.url, max_retries=0)
    judge = make_bench(model=model, probabilities="logprobs").judge
    judge.align([{**CASE, "value": False, "rationale": "Be kind."}])

    assert server.bodies
    assert not any("logprobs" in body for body in server.bodies)


def test_a_model_without_structured_output_is_asked_for_them_too(make_bench):
    asked = []

    class Plain(ScriptedModel):
        def _generate(self, messages, stop=None, run_manager=None, **options):
            asked.append(options)
            return super()._generate(messages)

        def bind_tools(self, tools, **options):
            raise NotImplementedError

    model = Plain(respond=lambda request: json.dumps(verdict(True)))
    outcome = make_bench(model=model, probabilities="logprobs").judge.invoke(CASE)

    assert outcome.value is True
    assert asked == [{"logprobs": True, "top_logprobs": 20}]


def test_a_model_of_the_responses_api_is_refused(make_bench):
    model = ChatOpenAI(model="gpt-test", api_key="none", use_responses_api=True)
    with pytest.raises(InvalidInputError, match="use_responses_api=False"):
        make_bench(model=model, probabilities="logprobs")


def test_the_offline_model_tells_none(make_bench):
    outcome = make_bench(model="precedent", probabilities="logprobs").judge.invoke(CASE)

    assert getattr(outcome, "probabilities", None) is None
