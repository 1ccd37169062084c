"""A judge called as evaluators are called: what it takes and what it returns."""

import datetime as dt
import json
import uuid
from typing import Annotated, Literal

import pytest
from fakes import feedback, verdict
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langsmith.evaluation import EvaluationResult
from pydantic import Field

from langchain_memalign import InvalidInputError

from .smith import example, run

CALL = {"name": "track", "args": {"parcel": 7}, "id": "c1"}
MESSAGES = [
    HumanMessage("Where is my parcel?"),
    AIMessage("", tool_calls=[CALL]),
    ToolMessage("in transit", tool_call_id="c1"),
    AIMessage("On its way."),
]
DICTS = [
    {"role": "user", "content": "Where is my parcel?"},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "c1", "function": {"name": "track", "arguments": '{"parcel": 7}'}}],
    },
    {"role": "tool", "content": "in transit", "tool_call_id": "c1"},
    {"role": "assistant", "content": "On its way."},
]


@pytest.fixture(params=["sync", "async"])
def evaluate(request):
    """Call a judge as an evaluator, in either way."""

    async def call(judge, **fields):
        return judge(**fields) if request.param == "sync" else await judge.aevaluate(**fields)

    return call


@pytest.mark.parametrize(
    ("value_type", "value", "expected"),
    [
        (bool, False, {"score": False}),
        (Annotated[int, Field(ge=1, le=5)], 4, {"score": 4}),
        (Annotated[float, Field(ge=0, le=1)], 0.5, {"score": 0.5}),
        (Literal["good", "bad"], "bad", {"score": None, "value": "bad"}),
    ],
)
async def test_numbers_are_scores_and_labels_are_values(
    make_bench, evaluate, value_type, value, expected
):
    judge = make_bench(lambda request: verdict(value), value_type=value_type).judge
    result = await evaluate(judge, inputs="Question?", outputs="Answer.")
    assert {key: result[key] for key in ("score", "value") if key in result} == expected
    assert (result["key"], result["comment"]) == ("tone", "Because.")
    EvaluationResult(**result)  # langsmith takes it: no other key, no text as a score


async def test_the_evidence_is_in_the_metadata(make_bench, evaluate):
    bench = make_bench()
    report = bench.judge.align([feedback(1)])
    bench.model.respond = lambda request: verdict(True, "P1", "E1")
    metadata = (await evaluate(bench.judge, **case_of(feedback(1))))["metadata"]

    principle = report.principles_added[0].id
    assert metadata["judge"] == "tone"
    assert metadata["value"] is True
    assert metadata["principle_ids"] == [principle]
    assert metadata["episode_ids"] == list(report.stored)
    assert metadata["relied_on"] == [principle, *report.stored]
    assert metadata["principles_total"] == 1
    assert metadata["usage"]["total_tokens"] == 15
    assert set(metadata["latency"]) == {"recall_ms", "model_ms"}
    assert json.loads(json.dumps(metadata)) == metadata


def case_of(given):
    return {name: given[name] for name in ("inputs", "outputs")}


async def test_the_fingerprint_changes_with_the_memory_alone(make_bench, evaluate):
    judge = make_bench().judge

    async def fingerprint():
        result = await evaluate(judge, **case_of(feedback(1)))
        return result["metadata"]["memory_fingerprint"]

    empty, again = await fingerprint(), await fingerprint()
    judge.align([feedback(1)])
    taught = await fingerprint()
    assert empty == again != taught == await fingerprint()


async def test_unscored_abstains_with_its_reason(make_bench, evaluate):
    judge = make_bench(lambda request: "I would rather not.").judge
    result = await evaluate(judge, inputs="Question?", outputs="Answer.")
    assert result["score"] is None
    assert "value" not in result
    assert result["comment"].startswith("Unscored: ")
    assert result["metadata"]["raw"] == "I would rather not."


@pytest.mark.parametrize(
    "fields",
    [
        {"inputs": {"question": "Where?"}, "outputs": {"answer": "Here."}},
        {"inputs": "Where?", "outputs": "Here."},
        {"inputs": "Where?", "outputs": ""},
        {"outputs": MESSAGES, "reference_outputs": MESSAGES[-1:]},
        {"inputs": {"messages": MESSAGES[:1]}, "outputs": {"messages": DICTS}},
        {"inputs": "Where?", "outputs": None},
        {"inputs": "Where?", "outputs": "Here.", "reference_outputs": {}},
        {"inputs": "Where?", "outputs": "Here.", "attachments": {}},
        {"run": run({"answer": "Here."}), "example": example({"question": "Where?"})},
    ],
    ids=lambda fields: ",".join(fields),
)
async def test_text_mappings_messages_and_langsmith_runs_are_judged(bench, evaluate, fields):
    assert (await evaluate(bench.judge, **fields))["score"] is True


async def test_messages_are_the_same_case_in_either_form(bench, evaluate):
    for messages in (MESSAGES, DICTS):
        await evaluate(bench.judge, inputs="Where?", outputs=messages)
    one, other = (request.prompt for request in bench.model.titled("verdict"))
    assert one == other
    assert '<tool_call name="track"' in one


@pytest.mark.parametrize("fields", [{"outputs": {}}, {"run": run(None)}])
async def test_a_program_that_failed_is_not_judged(bench, evaluate, fields):
    result = await evaluate(bench.judge, inputs={"question": "Where?"}, **fields)
    assert (result["score"], bench.model.requests) == (None, [])
    assert "no outputs" in result["comment"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "the case is empty"),
        ({"outputs": "Here.", "attachments": {"map": "a.png"}}, "found attachments"),
        ({"outputs": "Here.", "rubric": "A map."}, "found rubric"),
    ],
)
async def test_what_cannot_be_judged_is_a_clear_error(bench, evaluate, fields, said):
    with pytest.raises(InvalidInputError, match=said):
        await evaluate(bench.judge, **fields)


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (4, "expected text, a mapping or messages"),
        ({"answer": object()}, "outputs.answer is a object"),
        ({"score": float("nan")}, "outputs.score is nan"),
    ],
)
async def test_outputs_that_nothing_can_hold_are_abstained_on(bench, evaluate, outputs, said):
    result = await evaluate(bench.judge, inputs="Where?", outputs=outputs)

    assert (result["score"], bench.model.requests) == (None, [])
    assert said in result["comment"]


def test_outputs_with_objects_are_judged(bench):
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

    result = bench.judge.evaluate(inputs="When?", outputs={"at": at, "id": uuid.UUID(int=7)})
    assert result["score"] is not None


def test_langsmith_s_run_and_example_may_be_positional(bench):
    class Example:
        inputs = {"question": "Where?"}  # noqa: RUF012
        outputs = {"answer": "Here."}  # noqa: RUF012

    by_name = bench.judge(run=run({"answer": "There."}), example=Example())
    assert bench.judge(run({"answer": "There."}), Example())["score"] == by_name["score"]
    result = bench.judge.evaluate_run(run({"answer": "There."}), example=Example())
    assert (result.key, result.score) == (bench.judge.name, by_name["score"])
