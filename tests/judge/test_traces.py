"""What traces tell of a judgement, and what a judge, its retriever and its tool never tell."""

import copy
import pickle

import pytest
from fakes import feedback
from langchain_core.load import dumps
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from langchain_openai import ChatOpenAI

from langchain_memalign import ConfigurationError, Unscored, create_judge_graph
from langchain_memalign.retriever import EpisodeRetriever
from langchain_memalign.tool import JudgeTool

CASE = {name: feedback(1)[name] for name in ("inputs", "outputs")}


def runs_below(run):
    return [run, *(below for child in run.child_runs for below in runs_below(child))]


async def traced(way, judge):
    collector = RunCollectorCallbackHandler()
    config = {"callbacks": [collector], "metadata": {"mine": 1}}
    match way:
        case "invoke":
            judge.invoke(CASE, config)
        case "ainvoke":
            await judge.ainvoke(CASE, config)
        case "batch":
            judge.batch([CASE], config)
        case "graph":
            create_judge_graph(judge).invoke(CASE, config)
    return [run for root in collector.traced_runs for run in runs_below(root)]


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "batch", "graph"])
async def test_runs_say_what_the_verdict_rests_on(bench, way):
    report = bench.judge.align([feedback(1)])
    told = {
        "memalign_judge": "tone",
        "memalign_principle_ids": [report.principles_added[0].id],
        "memalign_episode_ids": list(report.stored),
        "memalign_memory_fingerprint": bench.judge.invoke(CASE).memory_fingerprint,
        "mine": 1,
    }
    runs = await traced(way, bench.judge)
    # In a graph the run of the node is LangGraph's; there the model's run tells it.
    kinds = {"chat_model", "llm"} if way == "graph" else {"chat_model", "llm", "tone"}
    judging = [run for run in runs if {run.run_type, run.name} & kinds]
    assert len(judging) == len(kinds) - 1
    for run in judging:
        assert told.items() <= run.extra["metadata"].items()


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "batch"])
async def test_the_models_run_stands_right_below_the_judges(bench, way):
    judges, *below = await traced(way, bench.judge)
    assert judges.name == "tone"
    assert [run.parent_run_id for run in below] == [judges.id]


def test_secrets_stay_out_of_what_is_serialised(make_bench):
    model = ChatOpenAI(model="gpt-4.1-mini", api_key="sk-secret")
    judge = make_bench(model=model).judge
    for thing in (
        judge,
        EpisodeRetriever(memory=judge.memory, judge="tone"),
        JudgeTool(judge=judge),
    ):
        text = dumps(thing)
        assert "sk-secret" not in text + repr(thing)
        assert '"type": "not_implemented"' in text


@pytest.mark.parametrize("carry", [pickle.dumps, copy.deepcopy])
def test_a_judge_cannot_be_pickled_and_says_so(bench, carry):
    with pytest.raises(ConfigurationError, match="cannot be pickled or copied"):
        carry(bench.judge)


async def test_episodes_come_as_documents(bench):
    bench.judge.align([feedback(1, reviewer="Ann"), feedback(1, reviewer="Bob"), feedback(2)])
    retriever = EpisodeRetriever(memory=bench.memory, judge="tone", k=1)
    (document,) = retriever.invoke(CASE["inputs"])
    assert [document] == await retriever.ainvoke(CASE["inputs"])
    assert document.page_content == "\n\n".join(CASE.values())
    assert (document.metadata["value"], document.metadata["judge"]) == (False, "tone")
    assert document.metadata["rationale"] == "Remark 1."
    assert len(document.metadata["also"]) == 1
    assert -1 <= document.metadata["similarity"] <= 1
    assert len(retriever.invoke(CASE, k=5)) == 2


async def test_an_agent_can_call_the_judge(make_bench):
    bench = make_bench(lambda request: "Hm.")
    tool = JudgeTool(judge=bench.judge)
    assert tool.name == "judge_tone"
    assert "Is the reply kind?" in tool.description
    call = {"name": tool.name, "args": CASE, "id": "1", "type": "tool_call"}
    for message in (tool.invoke(call), await tool.ainvoke(call)):
        assert isinstance(message.artifact, Unscored)
        assert '"unscored"' in message.content
    empty = tool.invoke({**call, "args": {"inputs": "", "outputs": ""}})
    assert empty.status == "error"
    assert "the case is empty" in empty.content
