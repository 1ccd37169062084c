"""A guardrail that asks a human, and learns from the answer."""

import operator
from typing import Annotated

import pytest
from fakes import one_rule_a_record, verdict
from graph.cases import question
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command
from typing_extensions import TypedDict

from langchain_memalign import ConfigurationError, MemoryUnavailableError
from langchain_memalign.guardrails import MemAlignGuardrail, MemAlignMiddleware

from .agents import ASKED, COLD, WARM, agent_of, texts

ALLOW = {"decision": "edit", "value": True, "rationale": "Short is fine here."}
WITHHOLD = {"decision": "reject"}


class Talk(TypedDict, total=False):
    question: str
    answers: Annotated[list[str], operator.add]


class Chain:
    """What makes a graph with a guarded chain in its only node, and counts what is asked of it."""

    def __init__(self, judge, **options):
        self.calls = 0
        self.guarded = MemAlignGuardrail(RunnableLambda(self._answer), judge, **options)

    def _answer(self, asked):
        self.calls += 1
        return f"{asked} {COLD} ({self.calls})"

    def graph(self):
        def node(state):
            return {"answers": [self.guarded.invoke(state["question"])]}

        async def anode(state):
            return {"answers": [await self.guarded.ainvoke(state["question"])]}

        graph = StateGraph(Talk)
        graph.add_node("answer", RunnableLambda(node, anode))
        graph.add_edge(START, "answer")
        return graph.compile(checkpointer=InMemorySaver())


async def test_a_human_releases_what_the_chain_said_and_the_judge_learns(drive, kind, thread):
    chain = Chain(kind.judge, on_fail="review")
    graph = chain.graph()

    asked = await drive.invoke(graph, {"question": "Where?"}, thread)
    assert "Too cold." in question(asked)["action_requests"][0]["description"]
    bad = await drive.invoke(graph, Command(resume={"decision": "perhaps"}), thread)
    assert "found the decision 'perhaps'" in question(bad)["action_requests"][0]["description"]
    before = len(kind.model.titled("verdict"))
    state = await drive.invoke(graph, Command(resume=ALLOW), thread)

    assert state["answers"] == [f"Where? {COLD} (1)"]
    assert chain.calls == before == len(kind.model.titled("verdict")) == 1
    (episode,) = kind.judge.episodes()
    assert (episode.status, episode.value, episode.judge_value) == ("distilled", True, False)
    assert kind.texts() == ["Rule: Short is fine here."]


@pytest.mark.parametrize(
    ("answer", "stored"),
    [
        (WITHHOLD, 1),
        ({"decision": "ignore"}, 0),
        ({"decision": "reject", "message": "Say sorry."}, 1),
    ],
)
async def test_what_no_human_releases_is_withheld(drive, kind, thread, answer, stored):
    graph = Chain(kind.judge, on_fail="review", message="No.").graph()
    await drive.invoke(graph, {"question": "Where?"}, thread)
    state = await drive.invoke(graph, Command(resume=answer), thread)
    assert state["answers"] == ["No."]
    assert len(kind.judge.episodes()) == stored


async def test_a_human_is_asked_after_the_retries(drive, kind, thread):
    chain = Chain(kind.judge, on_fail="retry", retries=1, otherwise="review")
    graph = chain.graph()
    await drive.invoke(graph, {"question": "Where?"}, thread)
    state = await drive.invoke(graph, Command(resume=ALLOW), thread)
    assert state["answers"][0].endswith("(2)")
    assert chain.calls == len(kind.model.titled("verdict")) == 2


async def test_a_stream_waits_for_the_human(drive, kind, thread):
    guarded = MemAlignGuardrail(RunnableLambda(lambda _: COLD), kind.judge, on_fail="review")

    def node(state):
        return {"answers": list(guarded.stream(state["question"]))}

    async def anode(state):
        return {"answers": [chunk async for chunk in guarded.astream(state["question"])]}

    graph = StateGraph(Talk)
    graph.add_node("answer", RunnableLambda(node, anode))
    graph.add_edge(START, "answer")
    graph = graph.compile(checkpointer=InMemorySaver())
    assert "__interrupt__" in await drive.invoke(graph, {"question": "Where?"}, thread)
    state = await drive.invoke(graph, Command(resume=ALLOW), thread)
    assert state["answers"] == [COLD]


async def test_outside_a_graph_it_says_so_before_anything_is_paid(drive, kind):
    chain = Chain(kind.judge, on_fail="review")
    with pytest.raises(ConfigurationError, match="found no graph to wait on"):
        await drive.invoke(chain.guarded, "Where?")
    assert chain.calls == len(kind.model.requests) == 0


async def test_without_a_thread_it_says_so(drive, kind):
    agent, _ = agent_of([COLD], MemAlignMiddleware(kind.judge, on_fail="review"))
    with pytest.raises(ConfigurationError, match="found no thread to wait on"):
        await drive.invoke(agent, ASKED)
    assert kind.model.requests == []


@pytest.mark.parametrize("on", ["after_agent", "after_model"])
@pytest.mark.parametrize(("answer", "end"), [(ALLOW, COLD), (WITHHOLD, "No.")])
async def test_a_human_decides_about_an_agents_reply(drive, kind, thread, on, answer, end):
    guard = MemAlignMiddleware(kind.judge, on=on, on_fail="review", message="No.")
    replies = [AIMessage(COLD, id="a1"), WARM]
    agent, model = agent_of(replies, guard, checkpointer=InMemorySaver())

    asked = await drive.invoke(agent, ASKED, thread)
    assert COLD in question(asked)["action_requests"][0]["description"]
    await drive.invoke(agent, Command(resume={"decision": "perhaps"}), thread)
    state = await drive.invoke(agent, Command(resume=answer), thread)

    assert texts(state)[1:] == [end]
    assert state["messages"][-1].id == "a1"
    assert len(model.requests) == len(kind.model.titled("verdict")) == 1
    (episode,) = kind.judge.episodes()
    assert episode.case.outputs == COLD
    assert episode.value is (answer is ALLOW)


async def test_a_human_lets_a_users_message_in(drive, kind, thread):
    guard = MemAlignMiddleware(kind.judge, on="before_agent", on_fail="review")
    agent, model = agent_of([WARM], guard, checkpointer=InMemorySaver())
    await drive.invoke(agent, ASKED, thread)
    assert model.requests == []
    state = await drive.invoke(agent, Command(resume=ALLOW), thread)
    assert texts(state)[-1] == WARM


async def test_a_human_judges_what_the_judge_could_not(drive, make_bench, thread):
    def respond(request):
        return "Hm." if request.title == "verdict" else one_rule_a_record(request)

    bench = make_bench(respond)
    guard = MemAlignMiddleware(bench.judge, on_fail="review")
    agent, _ = agent_of([COLD], guard, checkpointer=InMemorySaver())
    asked = await drive.invoke(agent, ASKED, thread)
    assert "no verdict" in question(asked)["action_requests"][0]["description"]
    state = await drive.invoke(agent, Command(resume=ALLOW), thread)
    assert texts(state)[-1] == COLD
    assert len(bench.judge.episodes()) == 1


async def test_a_word_that_cannot_be_learned_yet_is_not_lost(drive, make_bench, thread, tmp_path):
    bench = make_bench(lambda request: verdict(False), location=str(tmp_path / "memory"))
    guard = MemAlignMiddleware(bench.judge, on_fail="review")
    saver = InMemorySaver()
    agent, _ = agent_of([COLD], guard, checkpointer=saver)
    await drive.invoke(agent, ASKED, thread)
    bench.memory.close()
    with pytest.raises(MemoryUnavailableError):
        await drive.invoke(agent, Command(resume=ALLOW), thread)

    again = make_bench(one_rule_a_record, location=str(tmp_path / "memory"))
    guard = MemAlignMiddleware(again.judge, on_fail="review")
    agent, _ = agent_of([], guard, checkpointer=saver)
    state = await drive.invoke(agent, None, thread)
    assert texts(state)[-1] == COLD
    assert again.texts() == ["Rule: Short is fine here."]
