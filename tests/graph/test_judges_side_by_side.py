"""Judges beside each other in a larger graph: each answers under a key of its own."""

import operator
from typing import Annotated, Any

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
from typing_extensions import TypedDict

from langchain_memalign import (
    ConfigurationError,
    create_alignment_graph,
    create_judge_graph,
    create_review_graph,
)

from .cases import CASE, EDIT, question, taught

CRITERIA = ("tone", "facts", "brevity")
MINE = {"feedback": ["mine"], "verdict": "mine", "working_memory": "mine", "judge": "mine"}


class Report(TypedDict, total=False):
    inputs: str
    outputs: str
    tone: dict[str, Any]
    facts: dict[str, Any]
    brevity: dict[str, Any]
    verdict: str
    working_memory: str
    judge: str
    feedback: Annotated[list[Any], operator.add]
    passed: bool


def fan_out(bench, saver):
    """Three judges, and a node that weighs what they say."""
    graph = StateGraph(Report)
    for name in CRITERIA:
        graph.add_node(
            f"judge_{name}", create_judge_graph(bench.judge_named(name), output_key=name)
        )
        graph.add_edge(START, f"judge_{name}")
    graph.add_node("weigh", lambda state: {"passed": all(state[n]["value"] for n in CRITERIA)})
    graph.add_edge([f"judge_{name}" for name in CRITERIA], "weigh")
    graph.add_edge("weigh", END)
    return graph.compile(checkpointer=saver)


async def test_three_judges_fan_out_and_in(drive, bench, saver, thread):
    state = await drive.invoke(fan_out(bench, saver), {**CASE, **MINE}, thread)

    assert state["passed"] is True
    assert {name: state[name]["value"] for name in CRITERIA} == dict.fromkeys(CRITERIA, True)
    assert {key: state[key] for key in MINE} == MINE
    assert {name: state[name] for name in CASE} == CASE


async def test_the_answer_is_all_that_comes_out(drive, bench):
    assert set(await drive.invoke(create_judge_graph(bench.judge, output_key="tone"), CASE)) == {
        "tone"
    }
    align = create_alignment_graph(bench.judge, output_key="taught")
    state = await drive.invoke(align, {"feedback": [taught("My parcel broke.", False)]})
    assert set(state) == {"taught"}
    assert len(state["taught"]["distilled"]) == 1


async def test_a_review_tells_verdict_word_and_what_was_learned(drive, bench, saver, thread):
    graph = StateGraph(Report)
    graph.add_node("review", create_review_graph(bench.judge, output_key="tone"))
    graph.add_edge(START, "review")
    graph = graph.compile(checkpointer=saver)

    assert question(await drive.invoke(graph, {**CASE, **MINE}, thread))
    state = await drive.invoke(graph, Command(resume=EDIT), thread)

    assert state["tone"]["verdict"]["value"] is True
    assert state["tone"]["feedback"]["value"] is False
    assert len(state["tone"]["alignment"]["distilled"]) == 1
    assert {key: state[key] for key in MINE} == MINE


async def test_a_review_that_is_not_selected_tells_its_verdict(drive, bench):
    graph = create_review_graph(bench.judge, review="never", output_key="tone")
    state = await drive.invoke(graph, CASE)
    assert state["tone"]["verdict"]["value"] is True
    assert state["tone"]["feedback"] is state["tone"]["alignment"] is None


async def test_a_thread_used_again_tells_nothing_of_the_first_case(drive, bench, saver, thread):
    graph = create_review_graph(bench.judge, output_key="tone", checkpointer=saver)
    await drive.invoke(graph, CASE, thread)
    await drive.invoke(graph, Command(resume=EDIT), thread)
    await drive.invoke(graph, {**CASE, "outputs": "Sorry!"}, thread)
    state = await drive.invoke(graph, Command(resume={"decision": "ignore"}), thread)
    assert state["tone"]["feedback"] is state["tone"]["alignment"] is None


@pytest.mark.parametrize("key", ["", "inputs", "working_memory", 5])
def test_a_key_that_would_be_two_things_is_refused(bench, key):
    with pytest.raises(ConfigurationError, match="output_key: found"):
        create_judge_graph(bench.judge, output_key=key)


def test_the_answer_may_keep_its_own_name(bench):
    assert set(create_judge_graph(bench.judge, output_key="verdict").invoke(CASE)) == {"verdict"}
