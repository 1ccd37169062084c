"""What was written in sight of a forgotten word is forgotten with it, however it got there."""

import re
import secrets

import pytest
from fakes import feedback, principle
from langchain_core.runnables import RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command
from memory.disk import files_with

from langchain_memalign import create_alignment_graph, create_review_graph
from langchain_memalign.guardrails import MemAlignGuardrail

WORD = re.compile(r"[0-9a-f]{32}")
EDIT = {
    "decision": "edit",
    "value": False,
    "rationale": "Say sorry first, and then say what happens next.",
}


def quoting(request):
    """A model that repeats every secret that it is shown."""
    if request.title == "decisions":
        return {"decisions": []}
    seen = sorted(set(WORD.findall(request.prompt)))
    said = " ".join(["So", *seen])
    if request.title == "verdict":
        return {"rationale": said, "relied_on": [], "value": True}
    # It cites the last record alone, whatever else it has read.
    said += f" ({re.findall(r'topic[0-9]+', request.prompt)[-1]})"
    return {"principles": [principle(said, request.record_ids[-1])]}


def case(number):
    return {key: feedback(number)[key] for key in ("inputs", "outputs")}


def reviewed(bench, number):
    graph = create_review_graph(bench.judge, checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}
    graph.invoke(case(number), thread)
    graph.invoke(Command(resume=EDIT), thread)


def probed(bench, number):
    bench.judge.align([feedback(number)], probe=True)


def guarded(bench, number):
    chain = MemAlignGuardrail(
        RunnableLambda(lambda text: case(number)["outputs"]),
        bench.judge,
        passes=[False],
        on_fail="review",
    )

    def node(state):
        chain.invoke(case(number)["inputs"])
        return {}

    graph = StateGraph(MessagesState)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    graph.add_edge("node", END)
    compiled = graph.compile(checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}
    compiled.invoke({"messages": []}, thread)
    compiled.invoke(Command(resume=EDIT), thread)


def handed_in(bench, number):
    verdict = bench.judge.invoke(case(number))
    word = feedback(number, judge_value=verdict.value, judge_rationale=verdict.rationale)
    bench.judge.align([{**word, "judge_sight": verdict.sight}])


def handed_in_without_saying_what_was_seen(bench, number):
    verdict = bench.judge.invoke(case(number))
    word = feedback(number, judge_value=verdict.value, judge_rationale=verdict.rationale)
    bench.judge.align([word])


def learned_beside(bench, number):
    bench.judge.align([feedback(number)])


def learned_in_the_graph(bench, number):
    create_alignment_graph(bench.judge).invoke({"feedback": [feedback(number)]})


def learned_after_both(bench, number):
    """Over two steps: in sight of a rule that was written in sight of the word."""
    bench.judge.align([feedback(number)])
    bench.judge.align([feedback(number + 1)])


def judged_in_sight_of_a_rationale(bench, number):
    """Over two steps: a rationale on a third case, beside the second with its own."""
    probed(bench, number)
    bench.judge.align([feedback(number + 1)], probe=True)


def rewritten_by_hand(bench, number):
    bench.judge.align([feedback(number)])
    known = bench.judge.principles()[-1]
    bench.judge.edit_principle(known.id, known.text + " always")


WAYS = [
    reviewed,
    probed,
    guarded,
    handed_in,
    handed_in_without_saying_what_was_seen,
    learned_beside,
    learned_in_the_graph,
    learned_after_both,
    judged_in_sight_of_a_rationale,
    rewritten_by_hand,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_forgetting_reaches_what_was_written_in_sight_of_it(make_bench, tmp_path, way):
    secret = secrets.token_hex(16)
    bench = make_bench(quoting, location=tmp_path / "memory")
    (gone,) = bench.judge.align([feedback(1, rationale=f"Mrs {secret} cried")]).stored
    way(bench, 2)
    everything = [*bench.judge.episodes(), *bench.judge.principles()]
    assert sum(secret in repr(record) for record in everything) > 2
    asked = len(bench.model.requests)

    report = bench.judge.forget([gone])

    assert report.rationales_erased or len(report.principles_removed) > 1
    known = bench.memory.principles("tone", retired=True)
    assert secret not in repr(bench.judge.episodes()) + repr(known)
    assert files_with(tmp_path, secret) == set()
    bench.judge.invoke(case(1))
    bench.judge.align([feedback(7)])
    assert not any(secret in request.prompt for request in bench.model.requests[asked:])
    # Nothing else is lost: what else there was is learned anew.
    assert bench.judge.episodes(status="pending") == []
    assert bench.judge.principles()


def test_a_word_on_a_verdict_of_before_brings_nothing_back(make_bench, tmp_path):
    secret = secrets.token_hex(16)
    bench = make_bench(quoting, location=tmp_path / "memory")
    (gone,) = bench.judge.align([feedback(1, rationale=f"Mrs {secret} cried")]).stored
    graph = create_review_graph(bench.judge, checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}
    graph.invoke(case(2), thread)  # the judge has judged; the human thinks
    bench.judge.forget([gone])
    graph.invoke(Command(resume=EDIT), thread)
    (episode,) = bench.judge.episodes()
    assert (episode.value, episode.judge_value, episode.judge_rationale) == (False, True, "")
    assert files_with(tmp_path, secret) == set()


def test_a_batch_that_is_distilled_meanwhile_is_asked_about_again(make_bench, tmp_path):
    secret = secrets.token_hex(16)
    forgotten = []

    def respond(request):
        if request.title == "principles" and len(request.record_ids) == 2 and not forgotten:
            forgotten.append(bench.id_of(f"Mrs {secret} cried"))
            bench.memory.apply([erase(forgotten[0])])
        return quoting(request)

    bench = make_bench(respond, location=tmp_path / "memory")
    bench.judge.align([feedback(1, rationale=f"Mrs {secret} cried"), feedback(2)])
    assert bench.texts() == ["So (topic2)"]
    assert bench.remarks(status="distilled") == ["Remark 2."]
    assert files_with(tmp_path, secret) == set()


def erase(id_):
    from langchain_memalign.schema import Erase

    return Erase(judge="tone", kind="episode", id=id_)


def test_an_erased_principle_takes_what_was_said_in_its_sight_along(make_bench):
    secret = secrets.token_hex(16)
    bench = make_bench(quoting)
    rule = bench.judge.add_principle(f"Mind {secret}")
    probed(bench, 2)
    assert secret in bench.judge.episodes()[0].judge_rationale
    bench.judge.remove_principle(rule.id, erase=True)
    assert bench.judge.episodes()[0].judge_rationale == ""


def test_what_was_learned_earlier_stays_as_it_is(make_bench):
    bench = make_bench(quoting)
    bench.judge.align([feedback(1)])
    kept = bench.judge.principles()
    (later,) = bench.judge.align([feedback(2)]).stored
    bench.judge.forget([later])
    assert bench.judge.principles() == kept


@pytest.mark.parametrize(
    ("remark", "quote"),
    [
        ("昨天王女士哭了很久", "因为王女士哭了所以不好"),
        ("김철수가 울었어요", "김철수는 화가 났다"),
        ("คุณสมศรีร้องไห้", "เพราะสมศรีเสียใจ"),
    ],
    ids=["Chinese", "Korean", "Thai"],
)
def test_words_that_no_space_sets_apart_are_found_too(make_bench, remark, quote):
    bench = make_bench(quoting)
    (gone,) = bench.judge.align([feedback(1, rationale=remark)]).stored
    bench.judge.align([feedback(2, judge_value=True, judge_rationale=quote)])
    bench.judge.align([feedback(3, judge_value=True, judge_rationale="因为很冷 เพราะ 춥다")])
    assert bench.judge.forget([gone]).rationales_erased
    said = [episode.judge_rationale for episode in bench.judge.episodes()]
    assert said[0] == ""
    assert said[1] == "因为很冷 เพราะ 춥다"


def test_the_guarantee_says_what_holds(make_bench):
    bench = make_bench(quoting)
    (gone,) = bench.judge.align([feedback(1)]).stored
    said = bench.judge.forget([gone]).guarantee
    assert "while it was shown the forgotten text" in said
    assert "What people wrote themselves stays." in said
