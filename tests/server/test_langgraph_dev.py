"""The project's graphs on a real LangGraph server, as LangGraph Studio and inboxes meet them."""

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import pytest

from langchain_memalign import AlignmentReport, Memory, Verdict

CASE = {"inputs": "My parcel is lost.", "outputs": "That is not our problem."}
REMARK = "Say sorry before anything else."
EDITED = {"value": "false", "rationale": REMARK}

# Answer by client; all of them mean the same.
DIALECTS = {
    "Agent Inbox": [{"type": "edit", "args": {"action": "any title", "args": EDITED}}],
    "Agent Chat UI": {
        "decisions": [{"type": "edit", "edited_action": {"name": "any title", "args": EDITED}}]
    },
    "Studio": {"decision": "edit", "value": False, "rationale": REMARK},
}

# What Studio draws a field of the context as; all others are plain.
KINDS = {"instructions": "prompt", "agent_prompt": "prompt"} | dict.fromkeys(
    ("model", "agent_model", "distiller"), "llm"
)


class Talk:
    """One thread of a judge on the server."""

    def __init__(self, server, graph, judge, thread=None):
        self.server = server
        self.graph = graph
        self.context = {"name": judge}
        self.id = thread or server.client.threads.create()["thread_id"]

    @property
    def status(self):
        return self.server.client.threads.get(self.id)["status"]

    def begin(self, case=CASE):
        return self._run(input=case, context=self.context)

    def answer(self, answer):
        """Resume, as clients do: without the context."""
        return self._run(command={"resume": answer})

    def _run(self, **how):
        return self.server.client.runs.wait(self.id, self.graph, **how)


def known(server, judge, case=CASE):
    """What a judge has before it for a case."""
    return Talk(server, "judge", judge).begin(case)["working_memory"]


def description(state):
    (interrupt,) = state["__interrupt__"]
    return interrupt["value"]["action_requests"][0]["description"]


def review_in(dialect, server):
    """A whole review: asked, badly answered, asked again, answered; the thread's end."""
    review = Talk(server, "review", dialect)
    asked = review.begin()
    assert CASE["outputs"] in description(asked)
    (interrupt,) = asked["__interrupt__"]
    assert interrupt["response_schema"]["properties"]["value"]["type"] == "boolean"
    again = review.answer({"decision": "perhaps"})
    assert "found the decision 'perhaps'" in description(again)
    assert review.status == "interrupted"
    return review.answer(DIALECTS[dialect])


def test_reviews_are_answered_in_every_dialect_and_learned(server):
    with ThreadPoolExecutor(len(DIALECTS)) as clients:
        ends = list(clients.map(review_in, DIALECTS, repeat(server)))

    for dialect, end in zip(DIALECTS, ends, strict=True):
        report = AlignmentReport.of(end["alignment"])
        assert len(report.distilled) == 1
        assert report.stored == report.distilled
        memory = known(server, dialect)
        assert [principle["text"] for principle in memory["principles"]] == [REMARK]
        (recalled,) = memory["episodes"]
        assert recalled["episode"]["id"] == report.stored[0]
        assert recalled["episode"]["value"] is False


def test_a_batch_is_learned_and_its_progress_streamed(server):
    remarks = [f"Remark number {number}." for number in range(60)]
    given = [{**CASE, "inputs": text, "rationale": text, "value": True} for text in remarks]
    thread = server.client.threads.create()["thread_id"]

    chunks = list(
        server.client.runs.stream(
            thread,
            "align",
            input={"feedback": given},
            context={"name": "batch"},
            stream_mode=["updates", "custom"],
        )
    )

    nodes = [name for chunk in chunks if chunk.event == "updates" for name in chunk.data]
    assert nodes == ["store_feedback", "learn_batch", "learn_batch", "report"]
    told = [chunk.data["memalign_progress"] for chunk in chunks if chunk.event == "custom"]
    assert [event["done"] for event in told] == sorted(event["done"] for event in told)
    assert told[-1] == {"judge": "batch", "done": 60, "total": 60}
    alignment = server.client.threads.get_state(thread)["values"]["alignment"]
    assert len(alignment["distilled"]) == len(alignment["principles_added"]) == 60
    assert known(server, "batch")["principles_total"] == 60


def test_two_assistants_do_not_mix(server):
    def assistant(graph, judge):
        made = server.client.assistants.create(
            graph, context={"name": judge}, name=f"{graph} of {judge}"
        )
        return made["assistant_id"]

    def run(assistant_id, given):
        thread = server.client.threads.create()["thread_id"]
        return server.client.runs.wait(thread, assistant_id, input=given)

    run(assistant("align", "ours"), {"feedback": [{**CASE, "value": False, "rationale": REMARK}]})

    ours, theirs = (run(assistant("judge", name), CASE) for name in ("ours", "theirs"))
    assert [p["text"] for p in ours["working_memory"]["principles"]] == [REMARK]
    assert Verdict.of(ours["verdict"]).value is False
    assert theirs["working_memory"]["principles"] == theirs["working_memory"]["episodes"] == []
    assert "value" not in theirs["verdict"]


def test_a_thread_is_used_again_and_forked(server):
    talk = Talk(server, "review", "again")
    talk.begin({**CASE, "reference_outputs": "We are sorry."})
    second = talk.begin({"outputs": "Sorry."})
    assert second["inputs"] is second["reference_outputs"] is None
    assert "lost" not in description(second)

    threads = server.client.threads
    before = next(s for s in threads.get_history(talk.id) if s["next"] == ["judge"])
    verdict = Verdict(value=True, rationale="By hand.").model_dump(mode="json")
    fork = threads.update_state(
        talk.id,
        {"verdict": verdict},
        as_node="judge",
        checkpoint_id=before["checkpoint"]["checkpoint_id"],
    )
    run = server.client.runs.wait(talk.id, "review", checkpoint=fork["checkpoint"])
    assert "The judge says: true" in description(run)
    learned = talk.answer({"decision": "approve"})
    assert learned["feedback"]["judge_rationale"] == "By hand."


def test_an_agents_reply_waits_for_a_human_who_teaches_the_judge(server):
    asked = {"messages": [{"role": "user", "content": CASE["inputs"]}]}
    talk = Talk(server, "guardrail", "watchful")

    paused = talk.begin(asked)
    assert "no close precedent" in description(paused).casefold()  # the judge has learned nothing
    assert CASE["inputs"] in description(paused)  # the offline agent repeats it
    again = talk.answer({"decision": "perhaps"})
    assert "found the decision 'perhaps'" in description(again)
    withheld = talk.answer(DIALECTS["Studio"])

    assert talk.status == "idle"
    assert [message["type"] for message in withheld["messages"]] == ["human", "ai"]
    assert "withheld" in withheld["messages"][-1]["content"]
    reply = paused["messages"][-1]
    assert withheld["messages"][-1]["id"] == reply["id"]
    memory = known(server, "watchful", {"inputs": CASE["inputs"], "outputs": reply["content"]})
    assert [principle["text"] for principle in memory["principles"]] == [REMARK]

    # The next one like it is judged by what was learned; this time the human releases it.
    talk = Talk(server, "guardrail", "watchful")
    assert "The judge watchful says: false" in description(talk.begin(asked))
    released = talk.answer({"decision": "edit", "value": True, "rationale": "Fine for once."})
    assert released["messages"][-1]["content"] == reply["content"]


@pytest.mark.parametrize(
    ("graph", "nodes", "fields"),
    [
        ("judge", {"retrieve_episodes", "load_principles", "judge"}, {"inputs", "outputs"}),
        (
            "review",
            {"retrieve_episodes", "load_principles", "judge", "human_review", "align"},
            {"inputs", "outputs"},
        ),
        ("align", {"store_feedback", "learn_batch", "report"}, {"feedback"}),
        ("guardrail", {"model", "memalign.after_agent"}, {"messages"}),
    ],
)
def test_studio_can_draw_it(server, graph, nodes, fields):
    (assistant,) = server.client.assistants.search(
        graph_id=graph, metadata={"created_by": "system"}
    )
    drawing = server.client.assistants.get_graph(assistant["assistant_id"], xray=True)
    schemas = server.client.assistants.get_schemas(assistant["assistant_id"])

    assert {node["id"] for node in drawing["nodes"]} == nodes | {"__start__", "__end__"}
    assert fields <= set(schemas["input_schema"]["properties"])
    result = {"messages"} if graph == "guardrail" else {"judge"}
    assert result <= set(schemas["output_schema"]["properties"])
    assert {"name", "model", "memory"} <= set(schemas["context_schema"]["properties"])
    assert assistant["description"]
    # Studio draws a field at the nodes that it names: a prompt as a prompt, a model as a picker.
    context = schemas["context_schema"]["properties"]
    kinds = {name: field.get("langgraph_type") for name, field in context.items()}
    assert kinds == {name: KINDS.get(name) for name in context}
    assert all(field["langgraph_nodes"] for field in context.values())
    if graph == "guardrail":
        assert all(nodes & set(field["langgraph_nodes"]) for field in context.values())


def test_a_waiting_thread_and_all_that_was_learned_survive_a_restart(server):
    first = Talk(server, "review", "lasting")
    first.begin()
    first.answer(DIALECTS["Studio"])
    waiting = Talk(server, "review", "lasting")
    waiting.begin({**CASE, "inputs": "My parcel is lost again."})

    server.stop()
    with Memory.open(server.directory / "memory", embeddings="local") as memory:
        assert [episode.status for episode in memory.episodes("lasting")] == ["distilled"]
        assert [principle.text for principle in memory.principles("lasting")] == [REMARK]
    server.start()

    learned = Talk(server, "review", "lasting", waiting.id).answer("Offer a refund.")
    assert AlignmentReport.of(learned["alignment"]).distilled
    assert learned["feedback"]["judge_value"] is False  # it had learned from the first
    state = Talk(server, "judge", "lasting").begin()
    texts = [principle["text"] for principle in state["working_memory"]["principles"]]
    assert texts == [REMARK, "Offer a refund."]
    verdict = Verdict.of(state["verdict"])
    assert verdict.value is False
    assert verdict.relied_on
