"""The judge graph: the judge's own verdicts, step by step."""

from typing import Any

import pytest
from fakes import CountingEmbeddings, HttpError, ScriptedModel, verdict
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.graph import START, StateGraph
from pydantic import BaseModel
from typing_extensions import TypedDict

from langchain_memalign import (
    Case,
    ConfigurationError,
    InvalidInputError,
    ModelError,
    Unscored,
    Verdict,
    WorkingMemory,
    create_judge_graph,
)
from langchain_memalign.graph import FixedJudge

from .cases import CASE, OTHER_CASE, SAID_BEFORE, taught

DOWN = ValueError("no network")
CONVERSATION = [HumanMessage("Where is my parcel?"), AIMessage("Lost.", id="run-1")]


def without_times(outcome):
    return {key: value for key, value in outcome.items() if key != "latency"}


async def test_it_judges_as_the_judge_does(drive, bench):
    bench.judge.align([taught(SAID_BEFORE, False)])
    graph = create_judge_graph(bench.judge)

    state = await drive.invoke(graph, CASE)

    outcome = bench.judge.invoke(CASE)
    assert isinstance(outcome, Verdict)
    assert without_times(state["verdict"]) == without_times(outcome.model_dump(mode="json"))
    assert WorkingMemory.of(state["working_memory"]) == bench.judge.recall(CASE)
    assert bench.model.requests[-1].messages == bench.model.requests[-2].messages
    assert {name: state[name] for name in CASE} == CASE


async def test_a_judgement_is_one_embedding_call_and_one_model_call(drive, bench):
    bench.judge.align([taught(SAID_BEFORE, False)])
    model_calls, embedding_calls = bench.calls()

    await drive.invoke(create_judge_graph(bench.judge), CASE)

    assert bench.calls() == (model_calls + 1, embedding_calls + 1)


async def test_loading_principles_embeds_nothing(drive, bench):
    bench.judge.align([taught(SAID_BEFORE, False)])
    bench.embeddings.calls = 0
    updates = await drive.stream(create_judge_graph(bench.judge), CASE, stream_mode="tasks")
    principles = [u for u in updates if u["name"] == "load_principles" and "result" in u]

    assert len(principles) == 1
    assert bench.embeddings.calls == 1  # that of retrieve_episodes


async def test_over_budget_the_nearest_principles_are_shown(drive, make_bench):
    bench = make_bench(principle_tokens=20)
    for number in range(6):
        bench.judge.add_principle(f"Rule {number} on topic{number} and nothing else whatsoever.")
    bench.judge.align([taught(SAID_BEFORE, False)])

    state = await drive.invoke(create_judge_graph(bench.judge), CASE)

    shown = WorkingMemory.of(state["working_memory"])
    assert len(shown.principles) < shown.principles_total == 7
    assert shown == bench.judge.recall(CASE)
    assert state["verdict"]["principles_total"] == 7


async def test_what_cannot_be_judged_ends_unscored(drive, make_bench):
    bench = make_bench(lambda request: "I would rather not say.")

    state = await drive.invoke(create_judge_graph(bench.judge), CASE)

    outcome = Unscored.of(state["verdict"])
    assert outcome.raw == "I would rather not say."


@pytest.mark.parametrize(
    "conversation",
    [
        CONVERSATION,
        [m.model_dump() for m in CONVERSATION],
        [("user", "Where is my parcel?"), ("assistant", "Lost.")],
    ],
    ids=["objects", "dumps", "pairs"],
)
async def test_messages_become_json_in_the_state(drive, bench, saver, thread, conversation):
    graph = create_judge_graph(bench.judge, checkpointer=saver)

    state = await drive.invoke(graph, {"inputs": "Hi", "outputs": conversation}, thread)

    assert state["outputs"] == [
        {"role": "user", "content": "Where is my parcel?"},
        {"role": "assistant", "content": "Lost."},
    ]


async def test_pydantic_objects_become_json_in_the_state(drive, bench):
    class Answer(BaseModel):
        text: str

    graph = create_judge_graph(bench.judge)

    assert (await drive.invoke(graph, {"outputs": Answer(text="No.")}))["outputs"] == {
        "text": "No."
    }
    assert (await drive.invoke(graph, Case(outputs="No.")))["outputs"] == "No."


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "the case is empty"),
        ({"inputs": " "}, "the case is empty"),
        ({"output": "misspelt"}, "the case is empty"),
        ({"outputs": 5}, "outputs is a bare int"),
        ({"outputs": {"a": float("nan")}}, "outputs.a is nan"),
        ({"outputs": {"a": object()}}, "outputs.a is a object"),
    ],
)
async def test_an_unusable_case_is_told(drive, bench, given, told):
    with pytest.raises(InvalidInputError, match=told):
        await drive.invoke(create_judge_graph(bench.judge), given)
    assert bench.calls() == (0, 0)


async def test_refused_access_is_an_error_not_a_verdict(drive, make_bench, saver, thread):
    keys = ["expired"]

    def respond(request):
        return HttpError(401) if keys else verdict(True)

    graph = create_judge_graph(make_bench(respond).judge, checkpointer=saver)
    with pytest.raises(ModelError):
        await drive.invoke(graph, CASE, thread)
    keys.clear()

    state = await drive.invoke(graph, None, thread)  # resumed, with a new key

    assert state["verdict"]["value"] is True


async def test_a_thread_used_again_keeps_nothing_of_the_first_case(
    drive, bench, saver, thread, new_thread
):
    bench.judge.align([taught(SAID_BEFORE, False)])
    graph = create_judge_graph(bench.judge, checkpointer=saver)
    second = {"outputs": "Not our problem."}
    await drive.invoke(graph, OTHER_CASE, thread)

    again = await drive.invoke(graph, second, thread)

    fresh = await drive.invoke(graph, second, new_thread())
    assert again["inputs"] is again["reference_outputs"] is None
    assert again["working_memory"] == fresh["working_memory"]
    assert bench.model.requests[-1].messages == bench.model.requests[-2].messages


async def test_an_old_verdict_does_not_stand_beside_a_new_case(drive, make_bench, saver, thread):
    replies = [verdict(True)]

    def respond(request):
        return replies.pop() if replies else HttpError(401)

    graph = create_judge_graph(make_bench(respond).judge, checkpointer=saver)
    await drive.invoke(graph, CASE, thread)
    with pytest.raises(ModelError):
        await drive.invoke(graph, OTHER_CASE, thread)

    assert graph.get_state(thread).values["verdict"] is None


@pytest.mark.parametrize("ended", ["retrieve_episodes", "load_principles"])
async def test_an_earlier_checkpoint_can_be_forked(drive, bench, saver, thread, ended):
    graph = create_judge_graph(bench.judge, checkpointer=saver)
    await drive.invoke(graph, CASE, thread)
    before = next(s for s in graph.get_state_history(thread) if s.next == ("judge",))

    # Two nodes ended there; either may stand for the change.
    fork = graph.update_state(before.config, {"outputs": "We are sorry!"}, as_node=ended)
    state = await drive.invoke(graph, None, fork)

    assert state["inputs"] == CASE["inputs"]
    assert state["verdict"]["value"] is True
    assert "We are sorry!" in bench.model.requests[-1].prompt
    assert CASE["outputs"] not in bench.model.requests[-1].prompt


async def test_it_can_be_part_of_a_larger_graph(drive, bench, saver, thread):
    class Outer(TypedDict, total=False):
        inputs: str
        outputs: str
        verdict: dict[str, Any]

    outer = StateGraph(Outer)
    outer.add_node("judged", create_judge_graph(bench.judge))
    outer.add_edge(START, "judged")

    state = await drive.invoke(outer.compile(checkpointer=saver), CASE, thread)

    assert state["verdict"]["value"] is True


class Changing(FixedJudge):
    """A source whose runs forget their context, as LangGraph's do on resume."""

    def __init__(self, *judges):
        self.judges = {judge.name: judge for judge in judges}
        self.name = judges[0].name

    def identity(self):
        return {"name": self.name}

    def judge(self, identity):
        return self.judges[identity["name"]]


async def test_a_resumed_run_never_mixes_two_judges(drive, make_bench, saver, thread):
    network = []
    bench = make_bench(embeddings=CountingEmbeddings(fail=lambda _: None if network else DOWN))
    source = Changing(bench.judge, bench.judge_named("other"))
    graph = create_judge_graph(source, checkpointer=saver)
    network.append("up")
    for judge in source.judges.values():
        judge.align([taught(SAID_BEFORE, False)])
    network.clear()
    with pytest.raises(ModelError):
        await drive.invoke(graph, CASE, thread)  # the principles were loaded all the same
    network.append("up")
    source.name = "other"

    # LangGraph may lose what a finished branch wrote when its sibling fails: then both run anew.
    try:
        came_of_it = (await drive.invoke(graph, None, thread))["judge"]["name"]
    except ConfigurationError as error:
        came_of_it = str(error)
    assert came_of_it == "other" or "repeat the context" in came_of_it


async def test_a_thread_stays_with_its_judge(drive, bench, saver, thread):
    keyless = bench.judge_named("tone", model=ScriptedModel(respond=lambda _: HttpError(401)))
    with pytest.raises(ModelError):
        await drive.invoke(create_judge_graph(keyless, checkpointer=saver), CASE, thread)

    other = create_judge_graph(bench.judge_named("other"), checkpointer=saver)
    with pytest.raises(ConfigurationError, match="begun with the judge 'tone'; found 'other'"):
        await drive.invoke(other, None, thread)
