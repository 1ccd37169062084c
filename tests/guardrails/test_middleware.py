"""A guardrail in an agent of `create_agent`."""

import subprocess
import sys

import pytest
from fakes import verdict
from langchain.agents.middleware import HumanInTheLoopMiddleware, PIIMiddleware
from langchain_core.messages import AIMessage, ChatMessage, HumanMessage, SystemMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from langchain_memalign import ConfigurationError, GuardrailError, Unscored
from langchain_memalign.guardrails import MemAlignMiddleware

from .agents import ASKED, COLD, WARM, agent_of, look_up, texts, tool_call

NOTHING_NEW = ["Where is my parcel?"]


@pytest.mark.parametrize("on", ["after_agent", "after_model"])
async def test_what_passes_goes_through_unchanged(drive, kind, on):
    agent, _ = agent_of([WARM], MemAlignMiddleware(kind.judge, on=on))
    state = await drive.invoke(agent, ASKED)
    assert texts(state) == [*NOTHING_NEW, WARM]
    assert set(state) == {"messages"}
    assert len(kind.model.requests) == 1


@pytest.mark.parametrize("on", ["after_agent", "after_model"])
async def test_a_replaced_reply_keeps_its_id(drive, kind, on):
    guard = MemAlignMiddleware(kind.judge, on=on, on_fail="replace", message="Sorry?")
    agent, _ = agent_of([AIMessage(COLD, id="a1")], guard)
    state = await drive.invoke(agent, ASKED)
    assert texts(state) == [*NOTHING_NEW, "Sorry?"]
    assert state["messages"][-1].id == "a1"


@pytest.mark.parametrize("on", ["after_agent", "after_model"])
async def test_raise_tells_the_verdict(drive, kind, on):
    agent, _ = agent_of([COLD], MemAlignMiddleware(kind.judge, on=on))
    with pytest.raises(GuardrailError, match="Too cold") as caught:
        await drive.invoke(agent, ASKED)
    assert caught.value.verdict.value is False


@pytest.mark.parametrize("on", ["after_agent", "after_model"])
async def test_retry_feeds_the_rationale_back_and_leaves_no_trace(drive, kind, on, thread):
    guard = MemAlignMiddleware(kind.judge, on=on, on_fail="retry")
    agent, model = agent_of([COLD, WARM, COLD, COLD, WARM], guard, checkpointer=InMemorySaver())

    state = await drive.invoke(agent, ASKED, thread)
    assert texts(state) == [*NOTHING_NEW, WARM]
    retried = [message.text for message in model.requests[1].messages]
    assert retried[:2] == [*NOTHING_NEW, COLD]
    assert "Too cold." in retried[2]
    assert COLD not in kind.model.requests[1].prompt

    # The counter is of one message of the user, not of the thread.
    state = await drive.invoke(agent, {"messages": [HumanMessage("And the other?")]}, thread)
    assert texts(state) == [*NOTHING_NEW, WARM, "And the other?", WARM]


@pytest.mark.parametrize("on", ["after_agent", "after_model"])
async def test_retries_end(drive, kind, on):
    guard = MemAlignMiddleware(
        kind.judge, on=on, on_fail="retry", retries=2, otherwise="replace", message="No."
    )
    agent, model = agent_of([COLD] * 9, guard)
    state = await drive.invoke(agent, ASKED)
    assert texts(state) == [*NOTHING_NEW, "No."]
    assert len(model.requests) == 3


async def test_the_users_input_is_judged_before_the_model_is_called(drive, kind):
    guard = MemAlignMiddleware(kind.judge, on="before_agent", on_fail="replace", message="No.")
    agent, model = agent_of(["Hello."], guard)
    assert texts(await drive.invoke(agent, ASKED)) == [*NOTHING_NEW, "No."]
    assert model.requests == []
    assert texts(await drive.invoke(agent, {"messages": "SORRY?"})) == ["SORRY?", "Hello."]


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ([], ["SORRY, but", "Where?"]),
        ([HumanMessage("Earlier."), AIMessage("Yes.")], ["SORRY, but", "Where?"]),
        ([HumanMessage("Earlier."), AIMessage("Yes.")], ["Where?"]),
    ],
)
async def test_all_that_the_user_said_since_the_last_reply_is_judged(drive, kind, before, said):
    guard = MemAlignMiddleware(kind.judge, on="before_agent", on_fail="replace", message="No.")
    agent, _ = agent_of(["Hello."], guard)
    state = await drive.invoke(agent, {"messages": [*before, *map(HumanMessage, said)]})
    (request,) = kind.model.requests
    assert all(text in request.prompt for text in said)
    assert "Earlier." not in request.prompt
    # The SORRY that the judge wants to read stands in the first of two.
    assert texts(state)[-1] == ("Hello." if len(said) > 1 else "No.")


@pytest.mark.parametrize(
    "said",
    [
        [HumanMessage("Hi."), SystemMessage("A plan.")],
        [HumanMessage("Hi."), ChatMessage("A plan.", role="user")],
        [ChatMessage("A plan.", role="user")],
        [SystemMessage("A plan.")],
        [AIMessage("A plan.")],
        [
            HumanMessage(
                [{"type": "text", "text": "Hi."}, {"type": "image", "url": "https://A plan."}]
            )
        ],
    ],
    ids=["system", "chat", "lone chat", "lone system", "lone reply", "image"],
)
async def test_nothing_that_is_said_goes_unseen(drive, kind, said):
    guard = MemAlignMiddleware(kind.judge, on="before_agent", on_fail="replace", message="No.")
    agent, _ = agent_of(["Hello."], guard)
    state = await drive.invoke(agent, {"messages": said})
    assert texts(state)[-1] == "No."
    (request,) = kind.model.requests
    assert "A plan." in request.prompt


async def test_what_was_said_before_the_last_reply_is_not_judged_again(drive, kind, thread):
    guard = MemAlignMiddleware(kind.judge, on="before_agent")
    agent, _ = agent_of(["One.", "Two."], guard, checkpointer=InMemorySaver())
    await drive.invoke(agent, {"messages": "SORRY one?"}, thread)
    await drive.invoke(agent, {"messages": "SORRY two?"}, thread)
    assert "SORRY one?" not in kind.model.requests[1].prompt


@pytest.mark.parametrize(("on", "judged"), [("after_agent", 1), ("after_model", 1)])
async def test_only_replies_without_tool_calls_are_judged(drive, kind, on, judged):
    agent, _ = agent_of([tool_call(parcel="P-1"), WARM], MemAlignMiddleware(kind.judge, on=on))
    state = await drive.invoke(agent, ASKED)
    assert texts(state) == [*NOTHING_NEW, "", "P-1 comes tomorrow.", WARM]
    assert len(kind.model.requests) == judged
    assert "look_up" in kind.model.requests[0].prompt  # the judge sees how the answer came about


ANSWER = {
    "title": "Answer",
    "description": "An answer.",
    "type": "object",
    "properties": {"text": {"type": "string"}},
}


def structured(text):
    return AIMessage("", tool_calls=[{"name": "Answer", "args": {"text": text}, "id": "1"}])


@pytest.mark.parametrize(
    ("second", "last"), [(AIMessage(WARM), None), (structured(WARM), {"text": WARM})]
)
async def test_a_retried_structured_answer_is_not_taken_for_the_next(drive, kind, second, last):
    guard = MemAlignMiddleware(kind.judge, on_fail="retry", retries=1)
    agent, model = agent_of([structured(COLD), second], guard, response_format=ANSWER)
    state = await drive.invoke(agent, ASKED)
    assert state.get("structured_response") == last
    assert len(model.requests) == len(kind.model.requests) == 2


async def test_a_structured_answer_is_judged_and_replaced(drive, kind):
    guard = MemAlignMiddleware(kind.judge, on_fail="replace", message="No.")
    agent, _ = agent_of([structured(COLD)], guard, response_format=ANSWER)
    state = await drive.invoke(agent, ASKED)
    assert state.get("structured_response") is None
    assert COLD in kind.model.requests[0].prompt
    assert COLD not in texts(state)[-1]


async def test_without_a_verdict_it_is_closed(drive, troubled):
    judge, options, _ = troubled
    agent, _ = agent_of([WARM], MemAlignMiddleware(judge, **options))
    with pytest.raises(GuardrailError) as caught:
        await drive.invoke(agent, ASKED)
    assert isinstance(caught.value.verdict, Unscored)


async def test_without_a_verdict_it_is_open_if_told(drive, troubled):
    judge, options, trouble = troubled
    agent, _ = agent_of([WARM], MemAlignMiddleware(judge, fail_open={trouble}, **options))
    assert texts(await drive.invoke(agent, ASKED)) == [*NOTHING_NEW, WARM]


async def test_two_judges_watch_one_agent(drive, kind):
    strict = kind.judge_named(
        "strict", model=kind.model.model_copy(update={"respond": lambda r: verdict(False)})
    )
    agent, _ = agent_of(
        [WARM],
        MemAlignMiddleware(kind.judge, on_fail="replace", message="By tone."),
        MemAlignMiddleware(strict, on_fail="replace", message="By strict."),
    )
    assert texts(await drive.invoke(agent, ASKED)) == [*NOTHING_NEW, "By strict."]
    nodes = set(agent.get_graph().nodes)
    assert {"memalign_tone.after_agent", "memalign_strict.after_agent"} <= nodes
    # The first, which would run after it, does not judge what stands in for a reply.
    assert len(kind.model.requests) == 1


def test_an_agent_gets_the_chosen_hook_only(kind):
    for on in ("after_agent", "after_model", "before_agent"):
        agent, _ = agent_of([], MemAlignMiddleware(kind.judge, on=on))
        assert {n for n in agent.get_graph().nodes if "memalign" in n} == {f"memalign_tone.{on}"}


def test_the_names_of_a_judge_and_of_a_node_are_kept_apart(kind):
    assert MemAlignMiddleware(kind.judge_named("eu:tone|v2")).name == "memalign_eu_tone_v2"
    assert MemAlignMiddleware(kind.judge, name="mine").name == "mine"


@pytest.mark.parametrize("on", ["after_agent", "after_model"])
async def test_it_goes_together_with_other_middleware(drive, kind, on, thread):
    agent, _ = agent_of(
        [tool_call(parcel="P-1"), "SORRY, write to ann@example.org.", COLD],
        PIIMiddleware("email", strategy="redact", apply_to_output=True),
        HumanInTheLoopMiddleware({look_up.__name__: True}),
        MemAlignMiddleware(kind.judge, on=on, on_fail="replace", message="No."),
        checkpointer=InMemorySaver(),
    )
    asked = {"messages": [HumanMessage("Where is it? I am bob@example.org.")]}
    paused = await drive.invoke(agent, asked, thread)
    assert paused["__interrupt__"][0].value["action_requests"][0]["name"] == "look_up"
    assert kind.model.requests == []

    approved = Command(resume={"decisions": [{"type": "approve"}]})
    state = await drive.invoke(agent, approved, thread)
    assert texts(state)[-1] == "SORRY, write to [REDACTED_EMAIL]."
    assert "bob@example.org" not in kind.model.requests[0].prompt
    state = await drive.invoke(agent, asked, thread)
    assert texts(state)[-1] == "No."


@pytest.mark.parametrize(
    "options",
    [
        {"on": "before_model"},
        {"on": "before_agent", "on_fail": "retry"},
        {"on_fail": "replace", "message": {"answer": "No."}},
    ],
)
def test_options_that_do_not_fit_are_told(kind, options):
    with pytest.raises(ConfigurationError, match="expected"):
        MemAlignMiddleware(kind.judge, **options)


def test_without_langchain_the_extra_is_named():
    code = (
        "import sys; sys.modules['langchain'] = None\n"
        "import langchain_memalign.guardrails as guardrails\n"
        "try: guardrails.MemAlignMiddleware\n"
        "except guardrails.ConfigurationError as error: print(error)\n"
    )
    fresh = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "Install langchain-memalign[agents]." in fresh.stdout, fresh.stderr


def test_what_is_not_there_is_not_found():
    import langchain_memalign.guardrails as guardrails

    assert not hasattr(guardrails, "MemAlignMiddlware")
