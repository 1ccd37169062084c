"""The real OpenAI client against a server on this machine: what was sent, what came out."""

import json
import os
import subprocess
import sys

import pytest
from colours import Call, run
from langchain_openai import ChatOpenAI
from pages import ROOT

from langchain_memalign import ModelError
from langchain_memalign._models import (
    NO_RETRY,
    Embedder,
    Retry,
    resolve_chat_model,
    resolve_embeddings,
)

from .asking import AT_ONCE, SCHEMA, question
from .openai_server import completion, embedding_list, failure, openai_server, tool_call

# No connection but to this machine.
pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

KEY = "sk-proj-0123456789abcdef"
TRUE = '{"value": true}'
CUT_OFF = '{"why": "The reply was cut bec'
VALUE_FIRST = '{"value": true, "why": "bec'

METHODS = ["json_schema", "function_calling", "json_mode"]
each_method = pytest.mark.parametrize("method", METHODS)


def saying(method, text):
    """The server's reply that carries `text` in the way of a method."""
    return tool_call(text) if method == "function_calling" else completion(text)


def cut_off(method, text=CUT_OFF):
    """`saying`, ended by a limit of tokens."""
    status, headers, body = saying(method, text)
    body["choices"][0]["finish_reason"] = "length"
    return status, headers, body


@pytest.fixture
def model(server):
    return ChatOpenAI(model="gpt-test", api_key=KEY, base_url=server.url, max_retries=0)


@each_method
def test_a_verdict_comes_back_by_every_method(server, model, drive, method):
    server.will_say(saying(method, TRUE))
    answer = drive(question(model, options={"method": method}))
    assert (answer.value, answer.problem, answer.calls) == (True, None, 1)
    assert answer.usage["total_tokens"] == 15


@each_method
def test_each_method_asks_in_its_own_way(server, model, method):
    server.will_say(saying(method, TRUE))
    run(question(model, options={"method": method}))
    ((path, headers, body),) = server.requests
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert body["messages"] == [
        {"role": "system", "content": "You are a judge."},
        {"role": "user", "content": "Is it polite?"},
    ]
    parameters = {key: SCHEMA[key] for key in ("type", "properties", "required")}
    match method:
        case "json_schema":
            assert body["response_format"]["type"] == "json_schema"
            sent = body["response_format"]["json_schema"]
            assert sent["name"] == "verdict"
            assert parameters.items() <= sent["schema"].items()
        case "function_calling":
            (tool,) = body["tools"]
            assert tool["function"]["name"] == "verdict"
            assert parameters.items() <= tool["function"]["parameters"].items()
            assert body["tool_choice"]["function"]["name"] == "verdict"
        case "json_mode":
            assert body["response_format"] == {"type": "json_object"}


def test_without_options_the_json_schema_is_sent(server, model):
    server.will_say(completion(TRUE))
    run(question(model))
    assert server.bodies[0]["response_format"]["type"] == "json_schema"


def test_options_are_sent(server, model):
    server.will_say(completion(TRUE))
    run(question(model, options={"method": "json_schema", "strict": True}))
    assert server.bodies[0]["response_format"]["json_schema"]["strict"] is True


@each_method
def test_a_malformed_reply_is_repaired_over_the_wire(server, model, drive, method):
    server.will_say(saying(method, '{"value": "yes"}'), saying(method, TRUE))
    answer = drive(question(model, options={"method": method}))
    assert (answer.value, answer.calls) == (True, 2)
    assert answer.usage["total_tokens"] == 30
    first, repair = (body["messages"] for body in server.bodies)
    assert repair[:2] == first
    assert [message["role"] for message in repair[2:]] == ["assistant", "user"]
    assert "expected true or false" in repair[3]["content"]


@each_method
def test_cut_off_replies_never_become_a_value(server, model, drive, method):
    server.will_say(saying(method, CUT_OFF), saying(method, CUT_OFF))
    answer = drive(question(model, options={"method": method}))
    assert (answer.value, answer.raw, answer.calls) == (None, CUT_OFF, 2)
    assert "not valid JSON" in answer.problem


@each_method
def test_a_reply_that_met_the_token_limit_is_asked_for_again_shorter(server, model, drive, method):
    # OpenAI's client raises where a JSON format was asked for; the reply must not get lost.
    server.will_say(cut_off(method), saying(method, TRUE))
    answer = drive(question(model, options={"method": method}))
    assert (answer.value, answer.problem, answer.calls) == (True, None, 2)
    assert answer.usage["total_tokens"] == 30
    (asked,) = server.bodies[1]["messages"][2:]
    assert asked["role"] == "user"
    assert "in few words" in asked["content"]


@each_method
def test_asking_again_after_the_token_limit_says_nothing_that_could_be_judged(
    server, model, method
):
    server.will_say(cut_off(method), saying(method, TRUE))
    run(question(model, options={"method": method}))
    said = json.dumps(server.bodies[1]["messages"])
    assert "cut" not in said
    assert "The reply was" not in said


@each_method
def test_a_value_that_stands_whole_before_the_token_limit_counts(server, model, drive, method):
    server.will_say(cut_off(method, VALUE_FIRST))
    answer = drive(question(model, options={"method": method}))
    assert (answer.value, answer.problem, answer.calls) == (True, None, 1)


@each_method
def test_a_token_limit_met_twice_is_named_with_its_remedy(server, model, drive, method):
    server.will_say(cut_off(method), cut_off(method))
    answer = drive(question(model, options={"method": method}))
    assert (answer.value, answer.raw, answer.calls) == (None, CUT_OFF, 2)
    assert answer.usage["total_tokens"] == 30
    assert "max_tokens" in answer.problem


@each_method
def test_a_whole_reply_counts_though_the_token_limit_was_met_after_it(server, model, drive, method):
    server.will_say(cut_off(method, TRUE))
    answer = drive(question(model, options={"method": method}))
    assert (answer.value, answer.problem, answer.calls) == (True, None, 1)


@each_method
def test_a_refusal_over_the_wire_is_one(server, model, method):
    server.will_say(completion(None, refusal="I cannot judge that."))
    answer = run(question(model, options={"method": method}))
    assert answer.problem == "the model declined: I cannot judge that."
    assert len(server.requests) == 1


def test_a_rate_limit_is_waited_out_as_long_as_asked(server, model, waits):
    server.will_say(failure(429, **{"Retry-After": "20"}), completion(TRUE))
    answer = run(question(model, retry=Retry(first_wait=1)))
    assert (answer.value, answer.calls) == (True, 2)
    assert 20 <= sum(waits) <= 21


def test_a_rate_limit_beyond_patience_is_reported(server, model, waits):
    server.will_say(failure(429, "Slow down.", **{"Retry-After": "7200"}))
    with pytest.raises(ModelError, match=r"Slow down\.") as caught:
        run(question(model))
    assert (caught.value.status, caught.value.retry_after) == (429, 7200)
    assert (len(server.requests), waits) == (1, [])


def test_a_wrong_key_is_reported_without_the_key(server, model, drive):
    server.will_say(failure(401, f"Incorrect API key provided: {KEY}. See your account."))
    with pytest.raises(ModelError) as caught:
        drive(question(model))
    assert (caught.value.status, caught.value.is_refused_access) == (401, True)
    message = str(caught.value)
    assert "Incorrect API key provided" in message
    assert "See your account." in message
    assert KEY not in message
    assert message.endswith("Check the API key.")
    assert len(server.requests) == 1


def test_a_failing_server_is_asked_as_often_as_was_said_and_no_more(server, monkeypatch, drive):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    server.will_say(*[failure(500)] * 9)
    with pytest.raises(ModelError) as caught:
        drive(question(resolve_chat_model("openai:gpt-test"), retry=AT_ONCE))
    assert (caught.value.status, caught.value.attempts) == (500, AT_ONCE.attempts)
    assert len(server.requests) == AT_ONCE.attempts


def test_a_server_that_is_not_there_may_come_back(monkeypatch, drive):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with openai_server() as gone:
        pass
    model = ChatOpenAI(model="gpt-test", api_key=KEY, base_url=gone.url, max_retries=0)
    with pytest.raises(ModelError, match=r"Connection error\.") as caught:
        drive(question(model, retry=NO_RETRY))
    assert (caught.value.status, caught.value.transient) == (None, True)


@pytest.fixture
def embedder(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    model = Embedder(*resolve_embeddings("openai:embed-test"), retry=AT_ONCE)
    return lambda texts: Call("model_calls.embed", model, texts)


def test_texts_are_embedded_in_one_request_as_text(server, embedder, drive):
    server.will_say(embedding_list([3.0, 4.0], [0.0, 2.0]))
    assert drive(embedder(["one", "two", "one"])) == [(0.6, 0.8), (0.0, 1.0), (0.6, 0.8)]
    ((path, _, body),) = server.requests
    assert path == "/v1/embeddings"
    # Not as token ids: no tokeniser is fetched to count them.
    assert (body["model"], body["input"]) == ("embed-test", ["one", "two"])


def test_failing_embeddings_are_asked_for_again_and_no_more_than_said(server, embedder, drive):
    server.will_say(failure(500), failure(429), embedding_list([1.0]))
    assert drive(embedder(["one"])) == [(1.0,)]
    server.will_say(*[failure(500, f"Bad key {KEY}")] * 9)
    with pytest.raises(ModelError, match="embedding 1 texts with openai:embed-test") as caught:
        drive(embedder(["one"]))
    assert caught.value.attempts == AT_ONCE.attempts
    assert KEY not in str(caught.value)
    assert len(server.requests) == 3 + AT_ONCE.attempts


TWO_LOOPS = """
import asyncio, sys
from langchain_openai import ChatOpenAI
from colours import arun
from models.asking import question

model = ChatOpenAI(model="gpt-test", api_key="none", base_url=sys.argv[1], max_retries=0)

async def many():
    return await asyncio.gather(*(arun(question(model)) for _ in range(12)))

for _ in range(2):
    print([answer.value for answer in asyncio.run(many())] == [True] * 12)
"""


def test_another_event_loop_meets_none_of_the_connections_of_the_first():
    with openai_server(keep_alive=True) as server:
        server.otherwise = lambda path, body: completion(TRUE)
        # In a process of its own: the client leaves its first connections to the end of it.
        ran = subprocess.run(
            [sys.executable, "-c", TWO_LOOPS, server.url],
            env=os.environ | {"PYTHONPATH": str(ROOT / "tests")},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.stdout.split() == ["True", "True"], ran.stderr
