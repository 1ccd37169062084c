"""A judge of a decision model wherever judges are used: reviews, evaluators, guardrails, tools."""

import json

import pytest
from evaluators.smith import example, offline
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from langsmith import aevaluate, evaluate
from openevals.llm import create_llm_as_judge
from web.desk import Visitor, opened

from langchain_memalign import (
    JudgeTool,
    MemAlignGuardrail,
    PairwiseEvaluator,
    create_alignment_graph,
    create_judge_graph,
    create_review_graph,
)

from .test_judging import COLD, EACH, LATE, REMARK, each_type

pytestmark = [
    pytest.mark.allow_hosts(["127.0.0.1"]),
    # LangSmith's way that uploads nothing.
    pytest.mark.filterwarnings("ignore:.*upload_results.*beta"),
]
THREAD = {"configurable": {"thread_id": "1"}}


@each_type
def test_a_review_shows_how_sure_it_is_and_teaches_it(make_judge, value_type, case, before, after):
    graph = create_review_graph(make_judge(value_type), checkpointer=InMemorySaver())
    paused = graph.invoke(case, THREAD)
    (request,) = paused["__interrupt__"][0].value["action_requests"]

    assert "Confidence that an expert agrees: 90 %." in request["description"]
    expert = json.dumps(after) if not isinstance(after, str) else "bad" if after == "bad" else "B"
    done = graph.invoke(
        Command(resume={"decision": "edit", "value": expert, "rationale": REMARK}), THREAD
    )

    assert len(done["alignment"]["principles_added"]) == 1
    assert json.loads(json.dumps(done["verdict"])) == done["verdict"]
    again = create_judge_graph(make_judge(value_type)).invoke(case)
    assert again["verdict"]["value"] == after
    told = again["verdict"]["probabilities"]
    assert {type(row["value"]) for row in told} == {type(after)}


async def test_the_graphs_await_it(make_judge):
    judge = make_judge()
    report = await create_alignment_graph(judge).ainvoke(
        {"feedback": [{**COLD, "value": False, "rationale": REMARK}]}
    )
    assert report["alignment"]["principles_added"]
    done = await create_judge_graph(judge).ainvoke(LATE)
    assert done["verdict"]["value"] is False


@each_type
@pytest.mark.parametrize("way", ["evaluate", "aevaluate"])
async def test_langsmith_evaluates_with_it(make_judge, way, value_type, case, before, after):
    judge = make_judge(value_type)

    def program(inputs):
        return case["outputs"] if isinstance(case["outputs"], dict) else {"answer": case["outputs"]}

    async def aprogram(inputs):
        return program(inputs)

    examples = [example({"question": case["inputs"]})]
    if way == "evaluate":
        rows = list(evaluate(program, **offline(program, examples, evaluators=[judge])))
    else:
        options = offline(aprogram, examples, evaluators=[judge.aevaluate])
        rows = [row async for row in await aevaluate(aprogram, **options)]
    (result,) = rows[0]["evaluation_results"]["results"]

    assert before in (result.score, result.value)


def test_the_evidence_of_an_evaluator_tells_how_sure_it_is(make_judge):
    metadata = make_judge().evaluate(**LATE)["metadata"]

    assert metadata["confidence"] == pytest.approx(0.9)
    assert [row["value"] for row in metadata["probabilities"]] == [True, False]
    assert json.loads(json.dumps(metadata)) == metadata


@each_type
def test_openevals_asks_it(make_judge, value_type, case, before, after):
    prompt = make_judge(value_type).as_openevals_prompt()
    judge = create_llm_as_judge(prompt=prompt, judge=prompt.model, **prompt.options)

    result = judge(**case)

    assert result["score"] == before


def test_pairs_are_asked_in_both_orders(make_judge):
    pairwise = PairwiseEvaluator(make_judge(EACH["pair"][0]))
    said = pairwise(inputs="Late!", outputs=["Tomorrow.", "Tomorrow, I think."])

    # It always finds the first better: the orders disagree, so that nobody wins.
    assert list(said["scores"].values()) == [0.5, 0.5]


async def test_a_guardrail_withholds_by_it(make_judge):
    judge = make_judge()
    judge.align([{**COLD, "value": False, "rationale": REMARK}])
    chain = RunnableLambda(lambda _: LATE["outputs"])
    guarded = MemAlignGuardrail(chain, judge, on_fail="replace", message="(withheld)")

    assert guarded.invoke(LATE["inputs"]) == "(withheld)"
    assert await guarded.ainvoke(LATE["inputs"]) == "(withheld)"


def test_it_is_a_tool(make_judge):
    said = json.loads(JudgeTool(judge=make_judge()).invoke(LATE))

    assert said["value"] is True


def test_runs_tell_how_sure_it_is(make_judge):
    collector = RunCollectorCallbackHandler()
    make_judge().invoke(LATE, {"callbacks": [collector]})

    (judging,) = collector.traced_runs
    assert judging.extra["metadata"]["memalign_confidence"] == pytest.approx(0.9)
    (asking,) = judging.child_runs
    assert asking.run_type == "llm"
    assert asking.extra["metadata"]["memalign_judge"] == "tone"


def test_the_page_shows_its_verdict_and_teaches_it(decider, tmp_path):
    with opened(tmp_path, decider=decider) as bench:
        visitor = Visitor(bench.page)
        visitor.answer("c1", "false", "Say sorry first.")
        assert "One rule added." in visitor.learned(1)

        assert bench.judge.invoke(LATE).value is False
