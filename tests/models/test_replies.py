"""In what forms a reply is understood, and that half a reply is not taken for a whole one."""

import json

import pytest
from colours import run
from fakes import dump
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from pydantic import BaseModel

from .asking import GOOD, question, replies


def called(name="verdict", **args):
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": "1"}])


def broken_call(args):
    call = {"name": "verdict", "args": args, "id": "1", "error": None, "type": "invalid_tool_call"}
    return AIMessage("", invalid_tool_calls=[call])


def understood(*script):
    return run(question(replies(*script)))


@pytest.mark.parametrize(
    "reply",
    [
        GOOD,
        dump(GOOD),
        f"  \n{dump(GOOD)}\n",
        f"```json\n{dump(GOOD)}\n```",
        f"```\n{dump(GOOD)}```",
        f"Here it is:\n```json\n{dump(GOOD)}\n```\nAs {{you}} asked.",
        f"My verdict is {dump(GOOD)}, as you asked.",
        f"<think>Perhaps {{'value': false}}? No.</think>\n{dump(GOOD)}",
        f"<think>one {{</think><think>two }}</think>{dump(GOOD)}",
        AIMessage([{"type": "text", "text": '{"value":'}, {"type": "text", "text": " true}"}]),
        AIMessage([{"type": "reasoning", "reasoning": "{}"}, {"type": "text", "text": dump(GOOD)}]),
        called(**GOOD),
        called(name="some_other_name", **GOOD),
        AIMessage("I call {it}.", tool_calls=called(**GOOD).tool_calls),
        AIMessage(
            "",
            tool_calls=[
                {"name": "search", "args": {"value": "no"}, "id": "1"},
                {"name": "verdict", "args": GOOD, "id": "2"},
            ],
        ),
    ],
    ids=lambda reply: (reply if isinstance(reply, str) else type(reply).__name__)[:25],
)
def test_a_whole_object_is_understood_in_every_form_that_models_use(reply):
    answer = understood(reply)
    assert (answer.value, answer.problem, answer.calls) == (True, None, 1)


@pytest.mark.parametrize(
    "quoted",
    ["Use ```python``` here.", "```json\n{}\n```", "a { b", "} {", 'it said "{}"', "<think>"],
)
@pytest.mark.parametrize("wrapped", ["{}", "```json\n{}\n```"])
def test_texts_inside_the_object_may_hold_fences_and_braces(quoted, wrapped):
    body = wrapped.replace("{}", dump({"why": quoted, **GOOD}), 1)
    assert understood(body).value is True


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ("", "holds no JSON object"),
        ("Polite.", "holds no JSON object"),
        ("[true]", "holds no JSON object"),
        ("true", "holds no JSON object"),
        ('```json\n[{"value": true}, {"value": false}]\n```', "is a JSON list; expected an object"),
        ("<think>{'value': true}</think>", "holds no JSON object"),
        ('{"value": tru', "not valid JSON"),
        ('{"value": true, "why": "it', "not valid JSON"),
        ('{"value": true, "items": [{"a": 1}, {"b": 2', "not valid JSON"),
        ('```json\n{"value": true, "items": [{"a": 1}\n```', "not valid JSON"),
        ('{"value": true, "score": NaN}', "NaN is not JSON"),
        ('{"value": true, "score": -Infinity}', "-Infinity is not JSON"),
        ("{'value': True}", "not valid JSON"),
        ("{" * 100_000, "not valid JSON"),
        ('{"value": true, "a": ' + "[" * 50_000 + "]" * 50_000 + "}", "not valid JSON"),
        (AIMessage(""), "holds no JSON object"),
        (broken_call('{"value": tru'), "the arguments of the tool call are not valid JSON"),
        (dump({"verdict": True}), "it has no 'value'; expected true or false."),
        (dump({"value": "true"}), "it has no 'value'"),
        ({"value": 1}, "it has no 'value'"),
        ({}, "it has no 'value'"),
    ],
    ids=lambda part: (part if isinstance(part, str) else type(part).__name__)[:25],
)
def test_anything_less_is_not_understood_and_says_why(reply, problem):
    answer = understood(reply, reply)
    assert answer.value is None
    assert problem in answer.problem


def test_what_came_back_can_be_read_by_people():
    assert understood("Polite.", "Very.").raw == "Very."
    assert json.loads(understood(GOOD).raw) == GOOD
    assert understood(*[broken_call('{"value": tru')] * 2).raw == '{"value": tru'


class Parsing(type(replies())):
    """A model whose own parser gives the answer, while its message is empty."""

    parsed: object = None

    def with_structured_output(self, schema, *, include_raw=False, **options):
        return RunnableLambda(lambda messages: {"raw": AIMessage(""), "parsed": self.parsed})


class Opinion(BaseModel):
    value: bool


@pytest.mark.parametrize("parsed", [GOOD, Opinion(value=True)])
def test_what_only_the_models_own_parser_shows_is_understood(parsed):
    model = Parsing(respond=lambda request: "", parsed=parsed)
    assert run(question(model)).value is True
