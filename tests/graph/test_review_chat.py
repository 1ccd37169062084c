"""The review graph in Agent Chat UI: a thread is its messages, and what it waits for."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command

from langchain_memalign import InvalidInputError, create_review_graph

from .cases import CASE, EDIT, OTHER_CASE, question

TYPED = {
    "type": "human",
    "id": "typed",
    "content": [{"type": "text", "text": "My parcel is lost."}],
}
TALK = [HumanMessage("My parcel is lost.", id="1"), AIMessage("Not our problem.", id="2")]
CALL = AIMessage("", tool_calls=[{"name": "track", "args": {"number": 7}, "id": "a"}])


@pytest.fixture
def graph(bench, saver):
    return create_review_graph(bench.judge, checkpointer=saver)


def shown(values):
    return [(message.type, message.text) for message in values["messages"]]


async def test_a_waiting_thread_shows_the_case_and_the_question_last(drive, graph, thread):
    asked = await drive.invoke(graph, CASE, thread)

    *case, (kind, said) = shown(asked)
    assert case == [("human", CASE["inputs"]), ("ai", CASE["outputs"])]
    # Agent Chat UI shows what a thread waits for below its last message, if that is the judge's.
    assert kind == "ai"
    assert "The judge says: true" in said
    assert "Approve it" in said
    ids = [message.id for message in graph.get_state(thread).values["messages"]]
    assert all(ids)
    assert len(set(ids)) == len(ids)


async def test_a_chat_ends_with_the_answer_that_counted_and_what_was_learned(drive, graph, thread):
    asked = await drive.invoke(graph, CASE, thread)
    waiting = graph.get_state(thread).config

    state = await drive.invoke(graph, Command(resume=EDIT), thread)

    *before, (kind, end) = shown(state)
    assert before == shown(asked)
    assert (kind, end) == (
        "ai",
        "**The answer: false**\n\n> Say sorry first.  \n\n**The judge learned**\n\n"
        "> Rule: Say sorry first.  ",
    )

    # Somebody else still saw the question, and answers now: the first answer stays, and is shown.
    late = await drive.invoke(graph, Command(resume={"decision": "approve"}), waiting)
    assert shown(late)[-1] == (
        "ai",
        "**The answer: false**\n\n> Say sorry first.  \n\nThe judge has it already.",
    )


NAMED = [
    lambda title, args: [{"type": "edit", "args": {"action": title, "args": args}}],
    lambda title, args: [{"type": "accept", "args": {"action": title, "args": args}}],
    lambda title, args: {
        "decisions": [{"type": "edit", "edited_action": {"name": title, "args": args}}]
    },
]


@pytest.mark.parametrize("named", NAMED)
async def test_an_answer_to_what_a_thread_asked_before_is_not_learned(
    drive, bench, graph, thread, named
):
    before = question(await drive.invoke(graph, OTHER_CASE, thread))["action_requests"][0]
    now = question(await drive.invoke(graph, CASE, thread))["action_requests"][0]

    again = await drive.invoke(graph, Command(resume=named(before["name"], now["args"])), thread)

    (action,) = question(again)["action_requests"]
    assert action["name"] == (
        "Please answer again (that answers another question, 'tone: Where is the exit?'): "
        "tone: My parcel is lost."
    )
    assert action["args"] == now["args"]
    assert bench.judge.episodes() == []


@pytest.mark.parametrize("named", NAMED)
@pytest.mark.parametrize(
    "title",
    ["tone: My parcel is lost.", "Please answer again (x): tone: My parcel is lost.", "any"],
)
async def test_an_answer_may_name_its_question_as_it_likes(
    drive, bench, graph, thread, named, title
):
    asked = question(await drive.invoke(graph, CASE, thread))["action_requests"][0]
    state = await drive.invoke(graph, Command(resume=named(title, asked["args"])), thread)
    assert state["feedback"]["value"] is True
    assert len(bench.judge.episodes()) == 1


async def test_a_chat_says_that_nothing_was_learned(drive, bench, graph, thread):
    await drive.invoke(graph, CASE, thread)
    state = await drive.invoke(graph, Command(resume={"decision": "ignore"}), thread)

    assert shown(state)[-1] == ("ai", "Nothing was learned from this case.")
    assert bench.judge.episodes() == []


async def test_it_is_resumed_as_agent_chat_ui_does(drive, bench, graph, thread):
    await drive.invoke(graph, {"messages": [TYPED]}, thread)
    edited = {"name": "any", "args": {"value": "false", "rationale": "Say sorry first."}}
    answer = {"decisions": [{"type": "edit", "edited_action": edited}]}

    state = await drive.invoke(graph, Command(resume=answer), thread)

    assert state["feedback"]["value"] is False
    (episode,) = bench.judge.episodes()
    assert (episode.case.inputs, episode.case.outputs) == (None, "My parcel is lost.")


async def test_a_message_is_a_case_and_keeps_its_id(drive, graph, thread):
    asked = await drive.invoke(graph, {"messages": [TYPED]}, thread)

    assert (asked["inputs"], asked["outputs"]) == (None, "My parcel is lost.")
    assert [message.type for message in asked["messages"]] == ["human", "ai"]
    assert asked["messages"][0].id == "typed"
    assert "My parcel is lost." in question(asked)["action_requests"][0]["description"]


@pytest.mark.parametrize(
    ("messages", "inputs", "outputs"),
    [
        (TALK, "My parcel is lost.", "Not our problem."),
        ([("user", "Hi"), ("assistant", "Hello")], "Hi", "Hello"),
        ("Hi", None, "Hi"),
        ([AIMessage("Hello")], None, "Hello"),
        (
            [HumanMessage("Where?"), CALL, ToolMessage("Here.", tool_call_id="a"), TALK[1]],
            ["user", "assistant", "tool"],
            "Not our problem.",
        ),
        ([*TALK, HumanMessage("What?")], None, ["user", "assistant", "user"]),
        # Agent Chat UI makes up a result for a call that has none.
        ([ToolMessage("Done.", tool_call_id="x", id="do-not-render-1"), TYPED], None, TALK[0].text),
    ],
)
async def test_a_conversation_is_a_case(drive, graph, thread, messages, inputs, outputs):
    asked = await drive.invoke(graph, {"messages": messages}, thread)

    def plain(content):
        return [turn["role"] for turn in content] if isinstance(content, list) else content

    assert (plain(asked["inputs"]), plain(asked["outputs"])) == (inputs, outputs)
    assert asked["messages"][-1].type == "ai"
    assert "The judge says" in asked["messages"][-1].text


async def test_a_conversation_is_the_same_case_as_its_texts(
    drive, bench, graph, thread, new_thread
):
    for given, config in ((CASE, thread), ({"messages": TALK}, new_thread())):
        await drive.invoke(graph, given, config)
        state = await drive.invoke(graph, Command(resume=EDIT), config)

    assert len(state["alignment"]["unchanged"]) == 1
    assert len(bench.judge.episodes()) == 1


async def test_a_thread_that_is_used_again_is_one_chat(drive, graph, thread):
    await drive.invoke(graph, {"messages": [TYPED]}, thread)
    await drive.invoke(graph, Command(resume=EDIT), thread)

    asked = await drive.invoke(graph, {"messages": [HumanMessage("It broke.")]}, thread)

    kinds = [message.type for message in asked["messages"]]
    assert kinds == ["human", "ai", "ai", "human", "ai"]
    assert asked["outputs"] == "It broke."
    assert asked["feedback"] is None


async def test_who_is_not_asked_reads_the_verdict(drive, bench):
    graph = create_review_graph(bench.judge, review="never")
    said = (await drive.invoke(graph, {"messages": [TYPED]}))["messages"][-1].text
    assert "The judge says: true" in said
    assert "Your answer" not in said


@pytest.mark.parametrize("messages", [[], 7, [{"type": "human", "id": "a", "content": " "}]])
async def test_messages_without_a_case_are_refused(drive, graph, thread, messages):
    with pytest.raises(InvalidInputError):
        await drive.invoke(graph, {"messages": messages}, thread)


class Parent(MessagesState, total=False):
    inputs: str
    outputs: str
    reviewed: dict[str, object]


@pytest.mark.parametrize("case", [{}, {"inputs": "Where is the exit?", "outputs": "Left."}])
async def test_the_messages_of_a_larger_graph_are_untouched(drive, bench, saver, thread, case):
    outer = StateGraph(Parent)
    outer.add_node("review", create_review_graph(bench.judge, output_key="reviewed"))
    outer.add_edge(START, "review")
    graph = outer.compile(checkpointer=saver)

    asked = await drive.invoke(graph, {"messages": TALK, **case}, thread)
    state = await drive.invoke(graph, Command(resume=EDIT), thread)

    assert asked["messages"] == state["messages"] == TALK
    assert state["reviewed"]["feedback"]["value"] is False
    (episode,) = bench.judge.episodes()
    assert episode.case.outputs == case.get("outputs", "Not our problem.")
