"""Several reviews in one node: each answer reaches what it was given to, in whatever order."""

import asyncio
import random
import time
from typing import Any

import pytest
from graph.cases import question
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, interrupt
from typing_extensions import TypedDict

from langchain_memalign import ConfigurationError
from langchain_memalign.guardrails import MemAlignGuardrail

WITHHELD = "Withheld."
NAMES = "abcde"


class State(TypedDict, total=False):
    question: str
    sent: dict[str, str]
    messages: list[Any]


class Replies:
    """Chains with a reply each, of which no two calls say the same, that come in no order."""

    def __init__(self, seed=0):
        self._dice = random.Random(seed)
        self.said = []

    def chain(self, name):
        def reply(asked):
            time.sleep(self._dice.random() / 500)
            return self._reply(name, asked)

        async def areply(asked):
            for _ in range(self._dice.randrange(5)):
                await asyncio.sleep(0)
            return self._reply(name, asked)

        return RunnableLambda(reply, areply)

    def _reply(self, name, asked):
        text = f"{name} says {len(self.said)} to {asked}"
        self.said.append(text)
        return text


def guards(judge, names, seed=0):
    replies = Replies(seed)
    guarded = {
        name: MemAlignGuardrail(
            replies.chain(name), judge, name=name, on_fail="review", message=WITHHELD
        )
        for name in names
    }
    return guarded, replies


def one_node(node, anode):
    graph = StateGraph(State)
    graph.add_node("answer", RunnableLambda(node, anode))
    graph.add_edge(START, "answer")
    return graph.compile(checkpointer=InMemorySaver())


def in_parallel(judge, names, seed):
    guarded, replies = guards(judge, names, seed)
    both = RunnableParallel(guarded)

    async def anode(state):
        return {"sent": await both.ainvoke(state["question"])}

    return one_node(lambda state: {"sent": both.invoke(state["question"])}, anode), replies


def in_a_batch(judge, names, seed):
    replies = Replies(seed)
    chain = RunnableLambda(
        lambda name: replies.chain(name).invoke("Where?"),
        lambda name: replies.chain(name).ainvoke("Where?"),
    )
    guarded = MemAlignGuardrail(chain, judge, on_fail="review", message=WITHHELD)

    def node(state):
        return {"sent": dict(zip(names, guarded.batch(list(names)), strict=True))}

    async def anode(state):
        return {"sent": dict(zip(names, await guarded.abatch(list(names)), strict=True))}

    return one_node(node, anode), replies


def gathered(judge, names, seed):
    guarded, replies = guards(judge, names, seed)

    async def anode(state):
        asked = (guard.ainvoke(state["question"]) for guard in guarded.values())
        return {"sent": dict(zip(names, await asyncio.gather(*asked), strict=True))}

    return one_node(lambda state: asyncio.run(anode(state)), anode), replies


def tools_of(judge, names, seed):
    guarded, replies = guards(judge, names, seed)

    def made(name):
        @tool(name)
        def answer(asked: str) -> str:
            """Answer."""
            return guarded[name].invoke(asked)

        async def aanswer(asked: str) -> str:
            return await guarded[name].ainvoke(asked)

        answer.coroutine = aanswer
        return answer

    node = ToolNode([made(name) for name in names], messages_key="messages")
    graph = StateGraph(State)
    graph.add_node("answer", node)
    graph.add_node("read", lambda s: {"sent": {m.name: m.content for m in s["messages"]}})
    graph.add_edge(START, "answer")
    graph.add_edge("answer", "read")
    return graph.compile(checkpointer=InMemorySaver()), replies


WAYS = {
    "parallel": in_parallel,
    "batch": in_a_batch,
    "gather": gathered,
    "ToolNode": tools_of,
}


def given(names):
    calls = [{"name": name, "args": {"asked": "Where?"}, "id": f"call_{name}"} for name in names]
    return {"question": "Where?", "messages": [AIMessage("", tool_calls=calls)]}


async def reviewed(drive, graph, names, thread, seed):
    """Run a graph to its end, approving some; what was decided of each reply, and what came out."""
    dice, decided = random.Random(seed), {}
    state = await drive.invoke(graph, given(names), thread)
    while "__interrupt__" in state:
        text = question(state)["action_requests"][0]["args"]["reply"]
        assert text not in decided, "asked twice"
        assert len(decided) < 2 * len(names), "asked for ever"
        decided[text] = dice.choice(["approve", "reject"])
        state = await drive.invoke(graph, Command(resume={"decision": decided[text]}), thread)
    return decided, state["sent"]


def check_not_crossed(names, decided, sent):
    for name in names:
        mine = {text: word for text, word in decided.items() if text.startswith(f"{name} says")}
        if sent[name] == WITHHELD:
            assert "reject" in mine.values()
        else:
            assert mine[sent[name]] == "approve"


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("way", [*WAYS])
async def test_each_answer_reaches_the_reply_that_was_shown(drive, kind, new_thread, way, count):
    if way == "gather" and not drive.is_async:
        pytest.skip("tasks need an event loop")
    names = NAMES[:count]
    for seed in range(3):
        graph, _ = WAYS[way](kind.judge, names, seed)
        outcome = await reviewed(drive, graph, names, new_thread(), seed)
        check_not_crossed(names, *outcome)


async def test_the_same_input_twice_is_asked_about_twice(drive, kind, thread):
    graph, replies = in_a_batch(kind.judge, "aa", 0)
    asked = await drive.invoke(graph, given("a"), thread)
    first = question(asked)["action_requests"][0]["args"]["reply"]
    asked = await drive.invoke(graph, Command(resume="yes"), thread)
    second = question(asked)["action_requests"][0]["args"]["reply"]
    assert {first, second} == set(replies.said)
    assert "__interrupt__" not in await drive.invoke(graph, Command(resume="yes"), thread)


async def test_guardrails_that_nobody_can_tell_apart_are_refused(drive, kind, thread):
    def guard(text):
        return MemAlignGuardrail(
            RunnableLambda(lambda _: text, name="reply"), kind.judge, on_fail="review"
        )

    pair = [guard("One."), guard("Two.")]

    async def anode(state):
        return {"sent": [await one.ainvoke(state["question"]) for one in pair]}

    graph = one_node(lambda s: {"sent": [one.invoke(s["question"]) for one in pair]}, anode)
    await drive.invoke(graph, {"question": "Where?"}, thread)
    with pytest.raises(ConfigurationError, match="expected a name of its own for each"):
        await drive.invoke(graph, Command(resume="yes"), thread)
    assert "sent" not in graph.get_state(thread).values


async def test_an_answer_to_another_question_releases_nothing(drive, kind, thread):
    """What was answered before a guardrail came to ask was not said of its reply."""
    guarded, _ = guards(kind.judge, "a")
    is_first = [True]

    def before(state):
        # The node's code has changed while it waited: the question that was asked is gone.
        return interrupt("Shall we?") if is_first else None

    def node(state):
        before(state)
        return {"sent": {"a": guarded["a"].invoke(state["question"])}}

    async def anode(state):
        before(state)
        return {"sent": {"a": await guarded["a"].ainvoke(state["question"])}}

    graph = one_node(node, anode)
    await drive.invoke(graph, {"question": "Where?"}, thread)
    is_first.clear()
    asked = await drive.invoke(graph, Command(resume="approve"), thread)
    assert "a says" in question(asked)["action_requests"][0]["args"]["reply"]
    state = await drive.invoke(graph, Command(resume="reject"), thread)
    assert state["sent"] == {"a": WITHHELD}


async def test_another_reply_than_was_shown_is_asked_about_anew(drive, kind, thread):
    """A run that is given another input makes another reply, to which no answer was given."""
    guarded, _ = guards(kind.judge, "a")
    moment = iter(["noon", "one", "one"])

    def node(state):
        return {"sent": {"a": guarded["a"].invoke(next(moment))}}

    async def anode(state):
        return {"sent": {"a": await guarded["a"].ainvoke(next(moment))}}

    graph = one_node(node, anode)
    await drive.invoke(graph, {"question": "Where?"}, thread)
    asked = await drive.invoke(graph, Command(resume="approve"), thread)
    assert question(asked)["action_requests"][0]["args"]["reply"] == "a says 1 to one"
    state = await drive.invoke(graph, Command(resume="reject"), thread)
    assert state["sent"] == {"a": WITHHELD}


async def test_reviews_one_after_the_other_in_one_node(drive, kind, thread):
    guarded, replies = guards(kind.judge, "ab")

    def node(state):
        first = guarded["a"].invoke(state["question"])
        return {"sent": {"a": first, "b": guarded["b"].invoke(first)}}

    async def anode(state):
        first = await guarded["a"].ainvoke(state["question"])
        return {"sent": {"a": first, "b": await guarded["b"].ainvoke(first)}}

    graph = one_node(node, anode)
    await drive.invoke(graph, {"question": "Where?"}, thread)
    await drive.invoke(graph, Command(resume="yes"), thread)
    state = await drive.invoke(graph, Command(resume="no"), thread)
    assert state["sent"] == {"a": replies.said[0], "b": WITHHELD}
    assert len(replies.said) == 2


async def test_a_fork_of_an_answered_question_is_asked_about_anew(drive, kind, thread):
    """A fork begins without the results of its node: the reply is another, and nobody saw it."""
    graph, replies = in_parallel(kind.judge, "a", 0)
    await drive.invoke(graph, given("a"), thread)
    waiting = graph.get_state(thread).config
    sent = (await drive.invoke(graph, Command(resume="yes"), thread))["sent"]
    assert sent == {"a": replies.said[0]}

    asked = await drive.invoke(graph, None, waiting)
    assert question(asked)["action_requests"][0]["args"]["reply"] == replies.said[1]
    assert (await drive.invoke(graph, Command(resume="no"), thread))["sent"] == {"a": WITHHELD}
    learned = {episode.case.outputs: episode.value for episode in kind.judge.episodes()}
    assert learned == {replies.said[0]: True, replies.said[1]: False}


async def test_an_answer_to_an_ended_run_releases_nothing_new(drive, kind, thread):
    graph, replies = in_parallel(kind.judge, "a", 0)
    await drive.invoke(graph, given("a"), thread)
    await drive.invoke(graph, Command(resume="no"), thread)
    state = await drive.invoke(graph, Command(resume="yes"), thread)
    assert (state["sent"], len(replies.said)) == ({"a": WITHHELD}, 1)
