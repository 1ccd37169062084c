"""The review graph: it judges, asks, and learns the answer."""

import pytest
from fakes import HttpError, one_rule_a_record, verdict
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command
from typing_extensions import TypedDict

from langchain_memalign import (
    AlignmentReport,
    Feedback,
    ModelError,
    create_review_graph,
)

from .cases import CASE, EDIT, OTHER_CASE, question


@pytest.fixture
def graph(bench, saver):
    return create_review_graph(bench.judge, checkpointer=saver)


async def test_an_answer_is_learned_by_both_memories(drive, bench, graph, thread):
    asked = await drive.invoke(graph, CASE, thread)
    state = await drive.invoke(graph, Command(resume=EDIT), thread)

    assert question(asked)["action_requests"][0]["args"]["value"] == "true"
    word, report = Feedback.of(state["feedback"]), AlignmentReport.of(state["alignment"])
    assert (word.value, word.rationale) == (False, "Say sorry first.")
    assert (word.judge_value, word.judge_rationale) == (True, "Because.")
    (episode,) = bench.judge.episodes()
    assert (episode.status, episode.judge_value) == ("distilled", True)
    assert report.stored == report.distilled == (episode.id,)
    assert bench.texts() == ["Rule: Say sorry first."]


async def test_what_was_learned_counts_for_the_next_case(drive, bench, graph, thread, new_thread):
    await drive.invoke(graph, CASE, thread)
    await drive.invoke(graph, Command(resume=EDIT), thread)

    asked = await drive.invoke(graph, CASE, new_thread())

    shown = asked["working_memory"]
    assert [p["text"] for p in shown["principles"]] == ["Rule: Say sorry first."]
    assert shown["episodes"][0]["similarity"] == pytest.approx(1)
    assert "Say sorry first." in bench.model.requests[-1].prompt


async def test_every_step_is_streamed(drive, graph, thread):
    first = await drive.stream(graph, CASE, thread, stream_mode="updates")
    second = await drive.stream(graph, Command(resume=EDIT), thread, stream_mode="updates")

    names = [name for chunk in first for name in chunk]
    assert sorted(names[:2]) == ["load_principles", "retrieve_episodes"]
    assert names[2:] == ["judge", "__interrupt__"]
    assert [name for chunk in second for name in chunk] == ["human_review", "align"]
    assert first[2]["judge"]["verdict"]["value"] is True
    assert second[1]["align"]["alignment"]["stored"]


async def test_the_evidence_is_in_every_value_after_it_was_found(drive, graph, thread):
    values = await drive.stream(graph, CASE, thread, stream_mode="values")

    found = [value.get("working_memory", {}).keys() for value in values if "inputs" in value]
    assert not found[0]
    assert all({"principles", "episodes"} <= keys for keys in found[1:])
    assert [bool(value.get("verdict")) for value in values if "inputs" in value][-1]


async def test_the_same_answer_again_costs_nothing(drive, bench, graph, thread, new_thread):
    for config in (thread, new_thread()):
        await drive.invoke(graph, CASE, config)
        before = bench.calls()
        state = await drive.invoke(graph, Command(resume=EDIT), config)

    report = AlignmentReport.of(state["alignment"])
    assert len(report.unchanged) == 1
    assert bench.calls() == before


async def test_waiting_and_asking_again_cost_nothing(drive, bench, graph, thread):
    await drive.invoke(graph, CASE, thread)
    before = bench.calls()

    for answer in (
        {"decision": "maybe"},
        "",
        7,
        [],
        "not good",
        {"decision": "maybe", "value": "perhaps", "rationale": "Too cold."},
    ):
        state = await drive.invoke(graph, Command(resume=answer), thread)
        request = question(state)["action_requests"][0]
        assert request["name"].startswith("Please answer again (")
        assert request["description"].startswith("That answer could not be used: ")
    assert request["args"] == {"value": "perhaps", "rationale": "Too cold."}  # as it was typed
    assert bench.calls() == before
    assert bench.judge.episodes() == []

    state = await drive.invoke(graph, Command(resume=EDIT), thread)
    assert len(state["alignment"]["stored"]) == 1


async def test_the_human_is_asked_even_if_the_memory_cannot_be_had(drive, bench, graph, thread):
    await drive.invoke(graph, CASE, thread)
    bench.memory.close()

    state = await drive.invoke(graph, Command(resume={"decision": "maybe"}), thread)

    assert "found the decision 'maybe'" in question(state)["action_requests"][0]["description"]


async def test_approving_teaches_that_the_judge_was_right(drive, bench, graph, thread):
    await drive.invoke(graph, CASE, thread)
    await drive.invoke(graph, Command(resume={"decision": "approve"}), thread)

    (episode,) = bench.judge.episodes()
    assert (episode.value, episode.rationale, episode.judge_value) == (True, None, True)


@pytest.mark.parametrize("typed", ["nope", "false", "No!", "👎"])
async def test_a_word_is_no_remark_and_distils_into_nothing(drive, bench, graph, thread, typed):
    await drive.invoke(graph, CASE, thread)
    await drive.invoke(graph, Command(resume=typed), thread)

    assert [(e.value, e.rationale) for e in bench.judge.episodes()] == [(False, None)]


async def test_ignoring_ends_without_learning(drive, bench, graph, thread):
    await drive.invoke(graph, CASE, thread)
    state = await drive.invoke(graph, Command(resume={"decision": "ignore"}), thread)

    assert graph.get_state(thread).next == ()
    assert state["feedback"] is state["alignment"] is None
    assert bench.judge.episodes() == []


async def test_what_the_judge_could_not_score_can_be_taught(drive, make_bench, saver, thread):
    def respond(request):
        return "Hm." if request.title == "verdict" else one_rule_a_record(request)

    bench = make_bench(respond)
    graph = create_review_graph(bench.judge, checkpointer=saver)

    asked = await drive.invoke(graph, CASE, thread)
    again = await drive.invoke(graph, Command(resume={"decision": "approve"}), thread)
    await drive.invoke(graph, Command(resume=EDIT), thread)

    assert question(asked)["review_configs"][0]["allowed_decisions"] == ["edit", "reject"]
    assert "no verdict to approve" in question(again)["action_requests"][0]["description"]
    (episode,) = bench.judge.episodes()
    assert (episode.value, episode.judge_value) == (False, None)


async def test_a_failing_distillation_leaves_the_word_pending(drive, make_bench, saver, thread):
    def respond(request):
        return verdict(True) if request.title == "verdict" else HttpError(400)

    bench = make_bench(respond)
    graph = create_review_graph(bench.judge, checkpointer=saver)
    await drive.invoke(graph, CASE, thread)

    state = await drive.invoke(graph, Command(resume=EDIT), thread)

    report = AlignmentReport.of(state["alignment"])
    assert [p.episode_id for p in report.pending] == list(report.stored)
    assert [e.status for e in bench.judge.episodes()] == ["pending"]


async def test_a_word_is_stored_before_a_refused_call_and_learned_on_resume(
    drive, make_bench, saver, thread
):
    refused = []

    def respond(request):
        return HttpError(401) if refused else one_rule_a_record(request)

    bench = make_bench(respond)
    graph = create_review_graph(bench.judge, checkpointer=saver)
    await drive.invoke(graph, CASE, thread)
    refused.append(True)
    with pytest.raises(ModelError):
        await drive.invoke(graph, Command(resume=EDIT), thread)
    assert [e.status for e in bench.judge.episodes()] == ["pending"]
    refused.clear()

    state = await drive.invoke(graph, None, thread)  # not asked again

    assert len(state["alignment"]["distilled"]) == 1
    assert bench.texts() == ["Rule: Say sorry first."]


async def test_a_thread_used_again_keeps_nothing_of_the_first_case(drive, graph, thread):
    await drive.invoke(graph, OTHER_CASE, thread)
    await drive.invoke(graph, Command(resume=EDIT), thread)

    state = await drive.invoke(graph, CASE, thread)

    assert state["reference_outputs"] is state["feedback"] is state["alignment"] is None
    request = question(state)["action_requests"][0]
    assert "exit" not in request["name"]
    # As a past case the first one may be shown, but not as the one to be judged.
    assert "On the left." not in request["description"]


async def test_a_new_case_takes_the_place_of_one_that_waits(drive, bench, graph, thread):
    await drive.invoke(graph, OTHER_CASE, thread)
    await drive.invoke(graph, CASE, thread)

    await drive.invoke(graph, Command(resume=EDIT), thread)

    (episode,) = bench.judge.episodes()
    assert episode.case.inputs == CASE["inputs"]
    assert episode.case.reference_outputs is None


async def test_it_asks_from_inside_a_larger_graph(drive, bench, saver, thread):
    class Outer(TypedDict, total=False):
        inputs: str
        outputs: str
        feedback: dict[str, object]

    outer = StateGraph(Outer)
    outer.add_node("reviewed", create_review_graph(bench.judge))
    outer.add_edge(START, "reviewed")
    graph = outer.compile(checkpointer=saver)

    assert question(await drive.invoke(graph, CASE, thread))["action_requests"]
    state = await drive.invoke(graph, Command(resume=EDIT), thread)

    assert state["feedback"]["rationale"] == "Say sorry first."
    assert len(bench.judge.episodes()) == 1


async def test_the_form_and_the_question_are_those_of_the_value_type(
    drive, make_bench, saver, thread
):
    bench = make_bench(lambda request: verdict("bad", rationale="Cold."), value_type=SCALE)
    graph = create_review_graph(bench.judge, checkpointer=saver)

    state = await drive.invoke(graph, CASE, thread)

    (interrupt,) = state["__interrupt__"]
    assert interrupt.response_schema["properties"]["value"] == {
        "type": "string",
        "enum": ["good", "bad"],
        "default": "bad",
        "title": "The right value",
        "description": 'The value is one of "good", "bad".',
    }
    args = {"value": "bad", "rationale": ""}
    request = interrupt.value["action_requests"][0]
    assert (request["args"], request["arguments"]) == (args, args)
    assert "**The judge says: bad**\n\n> Cold." in request["description"]


SCALE = {"type": "string", "enum": ["good", "bad"]}


def test_a_waiting_thread_survives_the_process(make_bench, thread, tmp_path):
    location, file = tmp_path / "memory", str(tmp_path / "threads.sqlite")
    bench = make_bench(location=location)
    with SqliteSaver.from_conn_string(file) as saver:
        create_review_graph(bench.judge, checkpointer=saver).invoke(CASE, thread)
    bench.memory.close()

    later = make_bench(location=location)
    with SqliteSaver.from_conn_string(file) as saver:
        graph = create_review_graph(later.judge, checkpointer=saver)
        state = graph.invoke(Command(resume=EDIT), thread)

    assert len(state["alignment"]["distilled"]) == 1
    assert later.texts() == ["Rule: Say sorry first."]
    assert later.model.titled("verdict") == []  # the judgement was kept
