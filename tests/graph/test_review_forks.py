"""Going back in a review: another answer, or another verdict, from an earlier checkpoint."""

from langgraph.types import Command

from langchain_memalign import Verdict, create_review_graph

from .cases import CASE, EDIT, OTHER_CASE, question

BY_HAND = Verdict(value=False, rationale="By hand.").model_dump(mode="json")


def before_the_judge(graph, thread):
    """The thread's newest checkpoint at which the judge is next."""
    return next(s for s in graph.get_state_history(thread) if s.next == ("judge",)).config


async def test_a_question_can_be_answered_otherwise_from_its_checkpoint(
    drive, bench, saver, thread
):
    graph = create_review_graph(bench.judge, checkpointer=saver)
    await drive.invoke(graph, CASE, thread)
    waiting = graph.get_state(thread).config
    await drive.invoke(graph, Command(resume={"decision": "approve"}), thread)

    # Without this LangGraph would hand the former answer to the node once more.
    assert question(await drive.invoke(graph, None, waiting))["action_requests"]
    await drive.invoke(graph, Command(resume=EDIT), thread)

    (episode,) = bench.judge.episodes()  # the same case: the later word counts
    assert episode.value is False


async def test_a_verdict_can_be_changed_in_a_fork(drive, bench, saver, thread):
    graph = create_review_graph(bench.judge, checkpointer=saver)
    await drive.invoke(graph, CASE, thread)

    at = before_the_judge(graph, thread)
    fork = graph.update_state(at, {"verdict": BY_HAND}, as_node="judge")
    state = await drive.invoke(graph, None, fork)
    assert question(state)["action_requests"][0]["args"]["value"] == "false"

    await drive.invoke(graph, Command(resume={"decision": "approve"}), thread)
    (episode,) = bench.judge.episodes()
    assert (episode.value, episode.judge_rationale) == (False, "By hand.")


async def test_a_verdict_by_hand_is_shown_whatever_was_selected_before(drive, bench, saver, thread):
    graph = create_review_graph(bench.judge, review="never", checkpointer=saver)
    for case in (OTHER_CASE, CASE):
        await drive.invoke(graph, case, thread)

    at = before_the_judge(graph, thread)
    fork = graph.update_state(at, {"verdict": BY_HAND}, as_node="judge")

    assert question(await drive.invoke(graph, None, fork))["action_requests"]
