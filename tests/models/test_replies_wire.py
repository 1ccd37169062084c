"""Replies in every shape, through the real OpenAI client and a server on this machine."""

import json
from typing import Annotated, Literal

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_openai import ChatOpenAI
from pydantic import Field

from langchain_memalign import MemAlignJudge, Memory, Unscored
from langchain_memalign._models import Retry

from .openai_server import completion

# No connection but to this machine.
pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

CASE = {"inputs": "Where is my parcel?", "outputs": "Sorry for that! It is on its way."}
METHODS = ["json_schema", "function_calling", "json_mode"]
each_method = pytest.mark.parametrize("method", METHODS)
STARS = Annotated[int, Field(ge=1, le=5)]
LABELS = Literal["good", "bad"]


@pytest.fixture
def judge(server):
    """Makes a judge whose model is asked by a method."""
    memory = Memory.open(":memory:", embeddings="local")

    def make(method, value_type=bool, **options):
        model = ChatOpenAI(model="m", api_key="none", base_url=server.url, max_retries=0, **options)
        return MemAlignJudge(
            name="tone",
            instructions="Is the reply kind?",
            value_type=value_type,
            model=model,
            memory=memory,
            structured_output={"method": method},
            retry=Retry(first_wait=0),
        )

    with memory:
        yield make


def verdict(value, **changes):
    return {"rationale": "It says sorry.", "relied_on": [], "value": value} | changes


def saying(method, *answers):
    """A reply that says JSON values, or texts, in the way of a method."""
    texts = [one if isinstance(one, str) else json.dumps(one) for one in answers]
    if method != "function_calling":
        return completion("\n".join(texts))
    return calling(*texts)


def calling(*arguments, name="verdict"):
    calls = [
        {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": text}}
        for i, text in enumerate(arguments)
    ]
    return completion(finish="tool_calls", tool_calls=calls)


PLAIN = {
    "text for a boolean": (bool, verdict("false"), False),
    "text for a number": (STARS, verdict("4"), 4),
    "a whole number with a point": (STARS, verdict(4.0), 4),
    "a label in capitals": (LABELS, verdict("Good"), "good"),
    "a label that is a number": ({"enum": [1, 2, 3]}, verdict("2"), 2),
    "null for no sources": (bool, verdict(False, relied_on=None), False),
    "text for no sources": (bool, verdict(False, relied_on="[]"), False),
    "an id outside of a list": (bool, verdict(False, relied_on="P1"), False),
    "wrapped in one more": (bool, {"verdict": verdict(False)}, False),
    "line breaks and tabs": (bool, json.dumps(verdict(False)).replace("sorry", "a\nb\tc"), False),
    "a trailing comma": (bool, json.dumps(verdict(False))[:-1] + ",}", False),
    "a tag inside": (bool, verdict(False, rationale="It has <think>x</think>."), False),
}


@each_method
@pytest.mark.parametrize(("value_type", "answer", "value"), PLAIN.values(), ids=PLAIN)
def test_what_a_reply_plainly_says_is_read_without_a_repair(
    server, judge, method, value_type, answer, value
):
    server.will_say(saying(method, answer))
    outcome = judge(method, value_type).invoke(CASE)
    assert (outcome.value, type(outcome.value)) == (value, type(value))
    assert len(server.requests) == 1
    if isinstance(answer, dict) and "<think>" in str(answer):
        assert outcome.rationale == "It has <think>x</think>."


NOISE = {
    "thoughts with braces": "<think>Perhaps {{'value': true}}? {draft} No.</think>\n{answer}",
    "a lone closing tag": "Perhaps {draft}, {{or}} not.</think>{answer}",
    "another marking": "[THINK]{draft}[/THINK]{answer}",
    "kimi": "\u25c1think\u25b7{draft}\u25c1/think\u25b7{answer}",
    "gpt-oss": "<|channel|>analysis<|message|>{draft}<|end|><|start|>assistant<|channel|>final"
    "<|message|>{answer}<|return|>",
    "prose with braces": "As {{you}} asked, in {{EUR}}: {answer}",
    "a fence and prose": "So:\n```json\n{answer}\n```\nWith {{braces}}.",
    "a call as text": '<tool_call>{{"name": "verdict", "arguments": {answer}}}</tool_call>',
}


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_an_answer_is_found_in_what_is_written_around_it(server, judge, method, noise):
    answer, draft = json.dumps(verdict(False)), json.dumps(verdict(True))
    server.will_say(completion(noise.format(answer=answer, draft=draft)))
    outcome = judge(method).invoke(CASE)
    assert (outcome.value, len(server.requests)) == (False, 1)


AMBIGUOUS = {
    "yes": [verdict("yes")],
    "1 for true": [verdict(1)],
    "two that differ": [verdict(True), verdict(False)],
    "one and a broken one": [verdict(True), '{"value": fal'],
    "half of one": [json.dumps(verdict(True))[:-8]],
    "quotes that are not masked": [
        '{"rationale": "It says "'
        + json.dumps(verdict(True))
        + '" itself", "relied_on": [], "value": false}'
    ],
}


@each_method
@pytest.mark.parametrize("answers", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_is_ambiguous_is_never_a_verdict(server, judge, method, answers):
    server.will_say(*[saying(method, *answers)] * 2)
    outcome = judge(method).invoke(CASE)
    assert isinstance(outcome, Unscored)
    assert len(server.requests) == 2


@each_method
def test_calls_that_agree_are_one_verdict(server, judge, method):
    server.will_say(saying(method, verdict(False), verdict("false")))
    assert judge(method).invoke(CASE).value is False


def failed(code, written):
    error = {"message": "See 'failed_generation'.", "type": "invalid_request_error", "code": code}
    return 400, {}, {"error": {**error, "failed_generation": written}}


@each_method
@pytest.mark.parametrize("code", ["tool_use_failed", "json_validate_failed"])
async def test_what_the_provider_refused_to_pass_on_is_read(server, judge, method, code):
    written = f"<function=verdict>{json.dumps(verdict('false'))}</function>"
    server.will_say(*[failed(code, written)] * 2)
    assert judge(method).invoke(CASE).value is False
    assert (await judge(method).ainvoke(CASE)).value is False
    assert len(server.requests) == 2


@each_method
def test_what_cannot_be_read_of_it_is_asked_for_once_more(server, judge, method):
    server.will_say(failed("json_validate_failed", "No idea."), saying(method, verdict(True)))
    outcome = judge(method).invoke(CASE)
    assert (outcome.value, len(server.requests)) == (True, 2)
    assert server.bodies[1]["messages"][-2]["content"] == "No idea."


@each_method
@pytest.mark.parametrize("finish", ["content_filter", "refusal", "SAFETY", "PROHIBITED_CONTENT"])
async def test_a_refusal_told_by_the_stop_reason_is_not_argued_with(server, judge, method, finish):
    server.will_say(*[completion("", finish=finish)] * 2)
    for outcome in (judge(method).invoke(CASE), await judge(method).ainvoke(CASE)):
        assert isinstance(outcome, Unscored)
        assert "declined" in outcome.reason or "blocked" in outcome.reason
    assert len(server.requests) == 2


def test_azure_s_filter_of_a_prompt_is_a_refusal_too(server, judge):
    error = {"message": "The prompt was filtered.", "code": "content_filter", "status": 400}
    server.will_say((400, {}, {"error": error}))
    outcome = judge("json_schema").invoke(CASE)
    assert outcome.reason == (
        "the provider blocked the answer (content_filter): The prompt was filtered."
    )


@each_method
@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_an_answer_in_the_reasoning_field_is_read(server, judge, method, field):
    text = f"It says sorry.\n{json.dumps(verdict(True))}"
    server.will_say(*[completion(None, **{field: text})] * 2)
    assert judge(method).invoke(CASE).value is True
    assert (await judge(method).ainvoke(CASE)).value is True
    assert len(server.requests) == 2


@each_method
def test_a_draft_in_the_reasoning_field_is_no_answer(server, judge, method):
    draft = json.dumps(verdict(True))
    server.will_say(completion(None, reasoning_content=f"Perhaps {draft}, or not."))
    server.will_say(completion(None, reasoning_content=f"Perhaps {draft}", finish="length"))
    assert isinstance(judge(method).invoke(CASE), Unscored)
    assert len(server.requests) == 2


def test_reasoning_beside_an_answer_is_not_read(server, judge):
    draft = json.dumps(verdict(True))
    server.will_say(completion(json.dumps(verdict(False)), reasoning_content=draft))
    assert judge("json_schema").invoke(CASE).value is False


def test_an_answer_in_a_streamed_reasoning_field_is_read(server, judge):
    text = json.dumps(verdict(True))
    deltas = [{"role": "assistant", "content": ""}, *({"reasoning": part} for part in text)]
    chunks = [
        {
            "id": "1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
        }
        for delta in deltas
    ]
    chunks[-1]["choices"][0]["finish_reason"] = "stop"
    events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    server.will_say((200, {}, "".join([*events, "data: [DONE]\n\n"])))
    outcome = judge("function_calling", streaming=True).invoke(CASE)
    assert (outcome.value, len(server.requests)) == (True, 1)


def test_traces_know_the_model_by_its_own_name(server, judge):
    class Listener(BaseCallbackHandler):
        ids = ()

        def on_chat_model_start(self, serialized, messages, **rest):
            self.ids = (*self.ids, serialized["id"])

    listener = Listener()
    server.will_say(completion(json.dumps(verdict(True))))
    judge("json_schema").invoke(CASE, {"callbacks": [listener]})
    assert listener.ids == (ChatOpenAI.lc_id(),)


def test_calls_of_a_distilling_reply_are_joined(server, judge):
    rules = [
        {"text": f"Rule {i}.", "sources": f"R{i}", "relation": "Add", "target": ""} for i in (1, 2)
    ]
    texts = [json.dumps({"principles": [rule]}) for rule in rules]
    server.will_say(calling(*texts, name="principles"))
    made = judge("function_calling")
    report = made.align([CASE | {"outputs": f"{i}", "rationale": f"Remark {i}."} for i in (1, 2)])
    assert [p.text for p in made.principles()] == ["Rule 1.", "Rule 2."]
    assert [len(p.episode_ids) for p in made.principles()] == [1, 1]
    assert (len(report.distilled), report.pending) == (2, ())


def test_whole_numbers_as_labels_are_offered_as_text(server, judge):
    server.will_say(calling(json.dumps(verdict("2"))))
    assert judge("function_calling", {"enum": [1, 2, 3]}).invoke(CASE).value == 2
    (tool,) = server.bodies[0]["tools"]
    value = tool["function"]["parameters"]["properties"]["value"]
    assert (value["type"], value["enum"]) == ("string", ["1", "2", "3"])
