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


def calls(*args):
    """Several calls in one reply; text stands for arguments that are no JSON."""
    whole = [a for a in args if not isinstance(a, str)]
    return AIMessage(
        "",
        tool_calls=[{"name": "verdict", "args": a, "id": str(i)} for i, a in enumerate(whole)],
        invalid_tool_calls=[
            call for a in args if isinstance(a, str) for call in broken_call(a).invalid_tool_calls
        ],
    )


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
        AIMessage(
            "",
            tool_calls=[
                {"name": "search", "args": {"value": False}, "id": "1"},
                {"name": "functions.Verdict", "args": GOOD, "id": "2"},
            ],
        ),
        calls(GOOD, GOOD),
        calls(GOOD, {}),
        calls({"value": True}, {"value": "true"}),
        calls({"verdict": GOOD}),
        broken_call('{"value": true,}'),
        broken_call('{"value": true, "why": "one\ntwo"}'),
        broken_call('{"value": true}</tool_call>'),
        "Prices {in EUR} are fine, and {} too. " + dump(GOOD),
        f"<think>one {{ brace</think>{dump(GOOD)}",
        f"Perhaps {{'value': false}}, or {{}}. No.</think>{dump(GOOD)}",
        f"[THINK]{dump({'value': False})}[/THINK]{dump(GOOD)}",
        f"{dump(GOOD)} {dump(GOOD)}",
        f"[{dump(GOOD)}]",
        "<tool_call>" + dump({"name": "verdict", "arguments": GOOD}) + "</tool_call>",
        dump({"verdict": GOOD}),
        dump({"value": "True"}),
        '{"value": true, "why": "one\n\ttwo",}',
        AIMessage("", additional_kwargs={"reasoning_content": dump(GOOD)}),
        AIMessage("\n", additional_kwargs={"reasoning": f"Kind.\n```json\n{dump(GOOD)}\n```"}),
        AIMessage([{"type": "thinking", "thinking": f"It is kind. {dump(GOOD)}"}]),
        AIMessage([{"type": "reasoning", "reasoning": dump(GOOD)}]),
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
        ("```json\n[{}, {}]\n```", "is a JSON list; expected an object"),
        ('```json\n[{"value": true}, {"value": false}]\n```', "'value' is true and false"),
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
        (dump({"value": "yes"}), "it has no 'value'"),
        ({"value": 1}, "it has no 'value'"),
        (calls({"value": True}, {"value": False}), "'value' is true and false"),
        (calls({"value": True}, {"value": 1}), "'value' is true and 1"),
        (calls({"value": True}, '{"value": fal'), "one of the tool calls are not valid JSON"),
        (calls({"verdicts": [GOOD, {"value": False}]}), "'value' is true and false"),
        (dump(GOOD) + dump({"value": False}), "'value' is true and false"),
        (f"I was told {dump({'value': False})}. I say {dump(GOOD)}", "'value' is false and true"),
        ('{"value": true, "value": false}', "it gives 'value' twice"),
        ('{"why": "It says "no" to {"value": true}", "value": false}', "not valid JSON"),
        ('{"why": "It says "}" and {"value": true}", "value": false}', "not valid JSON"),
        (f'{{"verdict": {dump(GOOD)}, "more', "not valid JSON"),
        (f'{{"verdict": {dump(GOOD)}, "more": {{"a": tr', "not valid JSON"),
        (f"[{dump(GOOD)}, ", "not valid JSON"),
        (f"<think>{dump(GOOD)}</think>", "holds no JSON object"),
        (f"<think>{dump(GOOD)}", "holds no JSON object"),
        (
            AIMessage("", additional_kwargs={"reasoning_content": f"{dump(GOOD)} or not?"}),
            "its reasoning does not end with JSON",
        ),
        (
            AIMessage(
                "",
                additional_kwargs={"reasoning_content": f"Perhaps {dump(GOOD)}"},
                response_metadata={"finish_reason": "length"},
            ),
            "its reasoning does not end with JSON",
        ),
        (
            AIMessage("Kind.", additional_kwargs={"reasoning_content": dump(GOOD)}),
            "holds no JSON object",
        ),
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
