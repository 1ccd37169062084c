"""Past cases that cannot be looked up: an error, or judging by principles alone that says so."""

import pytest
from fakes import CountingEmbeddings, HttpError, ScriptedModel, feedback, one_rule_a_record
from graph.conftest import Drive
from langgraph.checkpoint.memory import InMemorySaver
from models.openai_server import DROPPED, HANGING, embedding_list, failure

from langchain_memalign import (
    InvalidInputError,
    MemAlignJudge,
    MemoryUnavailableError,
    ModelError,
    Unscored,
    Verdict,
    create_judge_graph,
    create_review_graph,
)
from langchain_memalign._models import Retry

http = pytest.mark.allow_hosts(["127.0.0.1"])
CASE = {key: feedback(1)[key] for key in ("inputs", "outputs")}
TOLD = "Earlier cases could not be looked up this time"

# What the embedding endpoint does, and what the error says of it.
FAULTS = {
    "down": (failure(503, "No capacity."), "No capacity."),
    "limited": (failure(429, "Slow down."), "Slow down."),
    "gone": (DROPPED, "Connection error"),
    "slow": (HANGING, "timed out"),
    "rejecting the text": (failure(400, "This text is not allowed."), "not allowed"),
    "answering nonsense": (embedding_list([]), "vectors of sizes"),
}
each_fault = pytest.mark.parametrize(("fault", "words"), FAULTS.values(), ids=FAULTS)


@pytest.fixture
def quick(provider):
    """A memory that waits for embeddings a tenth of a second, twice, and knows one case."""
    with provider.memory(timeout=0.1, retry=Retry(attempts=2, first_wait=0)) as memory:
        provider.judge(memory).align([feedback(1)])
        yield memory


# Over HTTP


@http
@each_fault
def test_by_default_it_is_an_error_that_tells_what_failed(provider, quick, ask, fault, words):
    provider.fails(fault, of="embeddings")
    asked = len(provider.asked())
    with pytest.raises(ModelError, match=words):
        ask(provider.judge(quick), CASE)
    assert len(provider.asked()) == asked


@http
@each_fault
def test_it_judges_by_principles_if_told_to_and_says_so(provider, quick, ask, fault, words):
    judge = provider.judge(quick, on_recall_failure="principles")
    (rule,) = judge.principles()
    whole = ask(judge, CASE)
    assert (len(whole.episode_ids), whole.recall_problem) == (1, None)
    provider.fails(fault, of="embeddings")
    verdict = ask(judge, CASE)
    assert isinstance(verdict, Verdict)
    assert words in verdict.recall_problem
    assert (verdict.principle_ids, verdict.episode_ids) == ((rule.id,), ())
    prompt = provider.asked()[-1]["messages"][1]["content"]
    assert TOLD in prompt
    assert rule.text in prompt
    assert words not in prompt
    provider.heals()
    assert ask(judge, CASE).episode_ids == whole.episode_ids


@http
@pytest.mark.parametrize("policy", ["raise", "principles"])
@pytest.mark.parametrize("status", [401, 403, 404])
def test_refused_access_is_an_error_in_any_case(provider, quick, ask, policy, status):
    provider.fails(failure(status, "No."), of="embeddings")
    asked = len(provider.asked("embeddings"))
    with pytest.raises(ModelError, match=f"{status}"):
        ask(provider.judge(quick, on_recall_failure=policy), CASE)
    assert len(provider.asked("embeddings")) == asked + 1


@http
@each_fault
def test_aligning_keeps_the_feedback_and_the_next_one_finishes_it(provider, quick, fault, words):
    provider.fails(fault, of="embeddings")
    judge = provider.judge(quick)
    report = judge.align([feedback(2), feedback(3)])
    assert {p.episode_id for p in report.pending} == set(report.stored)
    assert all(words in pending.reason for pending in report.pending)
    provider.heals()
    assert set(judge.align([]).distilled) == set(report.stored)


# Everywhere that a judge judges


class Outage:
    """Embeddings that fail while `error` is set."""

    def __init__(self):
        self.error = None

    def embeddings(self):
        return CountingEmbeddings(fail=lambda text: self.error)


@pytest.fixture
def outage():
    return Outage()


@pytest.fixture
def tolerant(make_bench, outage):
    """A bench of two known cases, whose judge goes by principles if it has to."""
    bench = make_bench(embeddings=outage.embeddings(), on_recall_failure="principles")
    bench.judge.align([feedback(1), feedback(2)])
    return bench


def test_without_a_model_either_it_ends_unscored_and_names_both(tolerant, outage):
    outage.error = ConnectionError("embeddings are down")
    tolerant.model.respond = lambda request: ConnectionError("model is down")
    outcome = tolerant.judge.invoke(CASE)
    assert isinstance(outcome, Unscored)
    assert "model is down" in outcome.reason
    assert "embeddings are down" in outcome.recall_problem


def test_what_was_said_without_past_cases_is_not_taken_for_unseen(tolerant, outage):
    """A principle may come from the expert's word on this very case."""
    outage.error = ConnectionError("embeddings are down")
    verdict = tolerant.judge.invoke(CASE)
    assert verdict.principle_ids
    assert verdict.records == ()


def test_over_budget_the_pinned_and_then_the_oldest_principles_are_shown(make_bench, outage):
    bench = make_bench(
        embeddings=outage.embeddings(), on_recall_failure="principles", principle_tokens=12
    )
    bench.judge.align([feedback(i, rationale=f"Topic {i}, no. {i}") for i in (1, 2, 3)])
    pinned = bench.judge.add_principle("Written by hand.")
    oldest = bench.judge.principles()[0]
    outage.error = HttpError(503)
    for number in (1, 2, 3):
        verdict = bench.judge.invoke({key: feedback(number)[key] for key in CASE})
        assert verdict.principle_ids == (oldest.id, pinned.id)
        assert verdict.principles_total == 4


def test_what_a_judge_has_before_it_tells_the_problem_too(tolerant, outage):
    outage.error = HttpError(503)
    found = tolerant.judge.recall(CASE)
    assert (len(found.principles), found.episodes) == (2, ())
    assert "503" in found.recall_problem
    with pytest.raises(ModelError, match="503"):
        tolerant.memory.recall("tone", CASE)


@pytest.mark.parametrize("create", [create_judge_graph, create_review_graph])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_the_graphs_judge_by_principles_and_say_so(tolerant, outage, create, is_async):
    drive = Drive(is_async=is_async)
    graph = create(tolerant.judge, checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}
    outage.error = HttpError(503)
    state = await drive.invoke(graph, CASE, thread)
    assert "503" in state["verdict"]["recall_problem"]
    assert state["working_memory"]["recall_problem"] == state["verdict"]["recall_problem"]
    assert state["verdict"]["episode_ids"] == []
    assert len(state["verdict"]["principle_ids"]) == 2
    assert TOLD in tolerant.model.titled("verdict")[-1].prompt
    if create is create_review_graph:
        asked = state["__interrupt__"][0].value["action_requests"][0]["description"]
        assert "503" in asked
    # What failed for one case is not told of the next.
    outage.error = None
    state = await drive.invoke(graph, CASE, thread)
    assert state["verdict"]["recall_problem"] is None
    assert len(state["verdict"]["episode_ids"]) == 2


async def test_the_graph_raises_by_default(make_bench, outage):
    bench = make_bench(embeddings=outage.embeddings())
    bench.judge.align([feedback(1)])
    outage.error = HttpError(503)
    with pytest.raises(ModelError, match="503"):
        await create_judge_graph(bench.judge).ainvoke(CASE)


@pytest.mark.enable_socket
def test_a_search_that_fails_is_such_a_failure_too(on_rest, rest, ask):
    with on_rest.open_memory(CountingEmbeddings(), timeout=1) as memory:
        strict, tolerant = (
            MemAlignJudge(
                name="tone",
                instructions="Is the reply kind?",
                value_type=bool,
                model=ScriptedModel(respond=one_rule_a_record),
                memory=memory,
                on_recall_failure=choice,
            )
            for choice in ("raise", "principles")
        )
        strict.align([feedback(1)])
        rest.fault(match="points/query", status=500, times=None, message="WAL is full")
        with pytest.raises(MemoryUnavailableError, match="WAL is full"):
            ask(strict, CASE)
        verdict = ask(tolerant, CASE)
        assert "WAL is full" in verdict.recall_problem
        assert (len(verdict.principle_ids), verdict.episode_ids) == (1, ())
        rest.heal()
        assert len(ask(tolerant, CASE).episode_ids) == 1


def test_another_choice_is_refused(make_bench):
    for choice in ("ignore", None, True):
        with pytest.raises(InvalidInputError, match=r"on_recall_failure: found .*'principles'"):
            make_bench(on_recall_failure=choice)
