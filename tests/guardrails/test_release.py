"""A person is asked whether a reply is sent: what each answer does, and what is learned."""

import operator
from typing import Annotated, Any

import pytest
from fakes import one_rule_a_record, verdict
from graph.cases import question
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command
from pydantic import BaseModel
from typing_extensions import TypedDict

from langchain_memalign.guardrails import MemAlignGuardrail, MemAlignMiddleware

from .agents import ASKED, COLD, agent_of, texts

BETTER = "SORRY, it comes tomorrow."
FIVE = {"type": "integer", "minimum": 1, "maximum": 5}


class Talk(TypedDict, total=False):
    question: Any
    answers: Annotated[list[Any], operator.add]


def chained(judge, answer=COLD, *, streamed=False, **options):
    """A graph with a guarded chain in its only node."""
    guarded = MemAlignGuardrail(
        RunnableLambda(lambda asked: answer if options.get("on") != "input" else f"Re: {asked}"),
        judge,
        on_fail="review",
        message="Withheld.",
        **options,
    )

    def node(state):
        if streamed:
            return {"answers": list(guarded.stream(state["question"]))}
        return {"answers": [guarded.invoke(state["question"])]}

    async def anode(state):
        if streamed:
            return {"answers": [chunk async for chunk in guarded.astream(state["question"])]}
        return {"answers": [await guarded.ainvoke(state["question"])]}

    graph = StateGraph(Talk)
    graph.add_node("answer", RunnableLambda(node, anode))
    graph.add_edge(START, "answer")
    return graph.compile(checkpointer=InMemorySaver())


def agent(judge):
    guard = MemAlignMiddleware(judge, on_fail="review", message="Withheld.")
    return agent_of([AIMessage(COLD, id="a1")], guard, checkpointer=InMemorySaver())[0]


PLACES = {
    "invoke": (chained, {"question": "Where?"}, lambda state: state["answers"][-1]),
    "stream": (
        lambda judge: chained(judge, streamed=True),
        {"question": "Where?"},
        lambda state: "".join(state["answers"]),
    ),
    "agent": (agent, ASKED, lambda state: texts(state)[-1]),
}


def learned(bench):
    """What the judge learned: of each reply, the value and the remark."""
    return {e.case.outputs: (e.value, e.rationale) for e in bench.judge.episodes()}


def inbox(kind, **args):
    return [{"type": kind, "args": {"action": "send_reply", "args": args} if args else None}]


def chat(kind, **fields):
    return {"decisions": [{"type": kind, **fields}]}


EDITED = {"name": "send_reply", "args": {"reply": BETTER}}
SENT, HELD = (COLD, {COLD: (True, None)}), ("Withheld.", {COLD: (False, None)})
INSTEAD = (BETTER, {COLD: (False, None), BETTER: (True, None)})
WHY = "Say sorry first."
ANSWERS = [
    ("yes", *SENT),
    ("Send it!", *SENT),
    ("ok send it", *SENT),
    ("👍", *SENT),
    (inbox("accept", reply=COLD), *SENT),
    (chat("approve"), *SENT),
    ({"decision": "approve", "reply": COLD}, *SENT),
    ({"decision": "edit", "value": True}, *SENT),
    (chat("approve", message="Short is fine here."), COLD, {COLD: (True, "Short is fine here.")}),
    ("no", *HELD),
    ("withhold", *HELD),
    ([{"type": "response", "args": "don't send it"}], *HELD),
    (chat("reject"), *HELD),
    (chat("reject", message=WHY), "Withheld.", {COLD: (False, WHY)}),
    ({"decision": "reject", "rationale": WHY}, "Withheld.", {COLD: (False, WHY)}),
    (inbox("ignore"), "Withheld.", {}),
    (inbox("edit", reply=BETTER), *INSTEAD),
    (chat("edit", edited_action=EDITED), *INSTEAD),
    (
        {"decision": "edit", "reply": BETTER, "rationale": WHY},
        BETTER,
        {COLD: (False, WHY), BETTER: (True, None)},
    ),
]


@pytest.mark.parametrize(("answer", "sent", "known"), ANSWERS)
async def test_an_answer_does_what_it_says(drive, kind, new_thread, answer, sent, known):
    make, given, last = PLACES["invoke"]
    graph, thread = make(kind.judge), new_thread()
    await drive.invoke(graph, given, thread)
    assert last(await drive.invoke(graph, Command(resume=answer), thread)) == sent
    assert learned(kind) == known


@pytest.mark.parametrize("place", ["stream", "agent"])
@pytest.mark.parametrize(
    ("answer", "sent", "known"),
    [("yes", *SENT), ("no", *HELD), (chat("edit", edited_action=EDITED), *INSTEAD)],
)
async def test_it_does_so_everywhere(drive, kind, thread, place, answer, sent, known):
    make, given, last = PLACES[place]
    graph = make(kind.judge)
    await drive.invoke(graph, given, thread)
    state = await drive.invoke(graph, Command(resume=answer), thread)
    assert last(state) == sent
    assert learned(kind) == known
    if place == "agent":
        assert state["messages"][-1].id == "a1"


async def test_one_action_is_asked_about_in_plain_words(drive, kind, thread):
    asked = question(await drive.invoke(chained(kind.judge), {"question": "Where?"}, thread))
    (action,) = asked["action_requests"]
    assert action["name"] == "Send this reply? The judge tone says: false."
    assert action["args"] == action["arguments"] == {"reply": COLD}
    shown = action["description"]
    assert shown.startswith("Send this reply?")
    for told in (
        "Too cold.",
        "Where?",
        COLD,
        "Approve: it is sent as it is",
        "No.” and why: it is withheld",
    ):
        assert told in shown
    (config,) = asked["review_configs"]
    assert config["allowed_decisions"] == ["approve", "edit", "reject"]


@pytest.mark.parametrize(
    "answer",
    [
        "perhaps",
        "It is a bit short, I think.",
        chat("edit", edited_action={"name": "send_reply", "args": {"reply": COLD}}),
        chat("edit", edited_action={"name": "send_reply", "args": {"reply": " "}}),
        {"decision": "approve", "reply": BETTER},
        {"decision": "reject", "reply": BETTER},
        {"decision": "approve", "value": False},
        {"decision": "reject", "value": True},
    ],
)
async def test_what_could_mean_two_things_is_asked_again(drive, kind, thread, answer):
    graph = chained(kind.judge)
    await drive.invoke(graph, {"question": "Where?"}, thread)
    again = await drive.invoke(graph, Command(resume=answer), thread)
    (action,) = question(again)["action_requests"]
    assert action["name"].startswith("Please answer again (")
    assert action["description"].startswith("That answer could not be used:")
    edited = isinstance(answer, dict) and answer.get("reply")
    assert action["args"] == {"reply": edited or COLD}
    # Inboxes approve with that word alone, which would send the reply as it was before.
    (config,) = question(again)["review_configs"]
    assert ("approve" in config["allowed_decisions"]) is (not edited)
    assert kind.judge.episodes() == []


async def test_to_ignore_it_withholds_it_and_teaches_nothing(drive, kind, thread):
    graph = chained(kind.judge)
    await drive.invoke(graph, {"question": "Where?"}, thread)
    state = await drive.invoke(graph, Command(resume=chat("reject", message="ignore")), thread)
    assert state["answers"][-1] == "Withheld."
    assert kind.judge.episodes() == []


SCORES = [
    ("send it", COLD, {}),
    ("no", "Withheld.", {}),
    ({"decision": "approve", "value": "4"}, COLD, {COLD: (4, None)}),
    ({"decision": "reject", "value": 1, "rationale": WHY}, "Withheld.", {COLD: (1, WHY)}),
    ("5 stars", COLD, {COLD: (5, None)}),
    (chat("reject", message=WHY), "Withheld.", {COLD: (None, WHY)}),
    (inbox("edit", reply=BETTER, value=""), BETTER, {}),
    (inbox("edit", reply=BETTER, value="5"), BETTER, {BETTER: (5, None)}),
    (inbox("edit", reply=BETTER, value="1"), BETTER, {COLD: (1, None)}),
]


@pytest.mark.parametrize(("answer", "sent", "known"), SCORES)
async def test_of_a_score_only_what_is_given_is_learned(
    drive, make_bench, thread, answer, sent, known
):
    def score(request):
        return verdict(2) if request.title == "verdict" else one_rule_a_record(request)

    bench = make_bench(score, value_type=FIVE)
    graph = chained(bench.judge, threshold=4)
    asked = await drive.invoke(graph, {"question": "Where?"}, thread)
    assert question(asked)["action_requests"][0]["args"] == {"reply": COLD, "value": ""}
    state = await drive.invoke(graph, Command(resume=answer), thread)
    assert state["answers"][-1] == sent
    assert learned(bench) == known


class Reply(BaseModel):
    text: str


@pytest.mark.parametrize(
    ("answer", "text", "sent"),
    [
        (AIMessage(COLD, id="a1"), BETTER, AIMessage(BETTER, id="a1")),
        (Reply(text=COLD), Reply(text=BETTER).model_dump_json(), Reply(text=BETTER)),
    ],
)
async def test_an_edited_reply_is_of_the_same_kind(drive, kind, thread, answer, text, sent):
    graph = chained(kind.judge, answer)
    await drive.invoke(graph, {"question": "Where?"}, thread)
    edit = {"decision": "edit", "reply": text}
    state = await drive.invoke(graph, Command(resume=edit), thread)
    assert state["answers"] == [sent]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("answer", "answered"),
    [
        ("yes", "Re: Where?"),
        ("no", "Withheld."),
        ({"decision": "edit", "user_message": "Where, please?"}, "Re: Where, please?"),
    ],
)
async def test_a_message_is_let_in_or_not(drive, kind, thread, streamed, answer, answered):
    graph = chained(kind.judge, on="input", streamed=streamed)
    asked = await drive.invoke(graph, {"question": "Where?"}, thread)
    (action,) = question(asked)["action_requests"]
    assert action["name"] == "Let this message in? The judge tone says: false."
    assert action["args"] == {"user_message": "Where?"}
    state = await drive.invoke(graph, Command(resume=answer), thread)
    assert "".join(state["answers"]) == answered
