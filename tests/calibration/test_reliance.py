"""Who is asked when the judge is not sure: people in reviews and guardrails, or a second judge."""

import pytest
from fakes import CountingEmbeddings, HttpError
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command
from typing_extensions import TypedDict

from langchain_memalign import (
    AtLeast,
    ConfigurationError,
    InvalidInputError,
    MemAlignJudge,
    Memory,
    ModelError,
    Unscored,
    Verdict,
    create_judge_graph,
    create_review_graph,
)
from langchain_memalign.evaluation import evaluate
from langchain_memalign.guardrails import GuardrailPolicy, MemAlignGuardrail

from .conftest import case, number_in, word

MOSTLY = AtLeast(agreement=0.9)
GOOD, BAD = case(102), case(101)


@pytest.fixture
def strict(make):
    """What it calls good is good; of what it calls bad one in six is good, too."""
    return known(make(lambda number: number % 10 != 0))


@pytest.fixture
def lenient(make):
    """What it calls bad is bad; of what it calls good one in six is bad, too."""
    return known(make(lambda number: number % 10 != 1, name="lenient"))


def known(judge):
    judge.align([word(number) for number in range(100)])
    judge.calibrate()
    return judge


def is_asked(graph, asked, thread):
    return "__interrupt__" in graph.invoke(asked, {"configurable": {"thread_id": thread}})


def test_people_are_asked_about_what_the_promise_does_not_cover(strict):
    found = strict.threshold(agreement=0.9)
    assert 0.3 < found.coverage < 0.5
    assert (found.covers(strict.invoke(GOOD)), found.covers(strict.invoke(BAD))) == (True, False)
    graph = create_review_graph(strict, review=MOSTLY, checkpointer=InMemorySaver())
    assert not is_asked(graph, GOOD, "good")
    assert is_asked(graph, BAD, "bad")


async def test_people_are_asked_about_all_while_nothing_can_be_promised(make):
    graph = create_review_graph(make(), review=MOSTLY, checkpointer=InMemorySaver())
    assert is_asked(graph, GOOD, "good")
    config = {"configurable": {"thread_id": "async"}}
    assert "__interrupt__" in await graph.ainvoke(GOOD, config)


class Talk(TypedDict, total=False):
    number: int
    answer: str


def guarded(judge, **options):
    """A graph that answers, behind the judge."""
    answers = RunnableLambda(lambda number: word(number)["outputs"])
    guard = MemAlignGuardrail(answers, judge, case=lambda asked, said: {"outputs": said}, **options)
    graph = StateGraph(Talk)
    graph.add_node("answer", lambda state: {"answer": guard.invoke(state["number"])})
    graph.add_edge(START, "answer")
    return graph.compile(checkpointer=InMemorySaver())


def test_a_guardrail_refuses_by_itself_only_what_it_is_sure_of(lenient, strict):
    config = {"configurable": {"thread_id": "1"}}
    refused = guarded(lenient, on_fail="replace", sure=MOSTLY).invoke({"number": 103}, config)
    assert "withheld" in refused["answer"]
    graph = guarded(strict, on_fail="replace", sure=MOSTLY)
    assert "__interrupt__" in graph.invoke({"number": 103}, config)
    released = graph.invoke(Command(resume={"decision": "approve"}), config)
    assert released["answer"] == word(103)["outputs"]


def test_a_guardrail_passes_what_passes(strict):
    graph = guarded(strict, on_fail="replace", sure=0.999)
    config = {"configurable": {"thread_id": "1"}}
    assert graph.invoke({"number": 102}, config)["answer"] == word(102)["outputs"]


@pytest.mark.parametrize("sure", [2, "very", True])
def test_what_sure_is_must_be_said_in_figures(make, sure):
    with pytest.raises(InvalidInputError):
        GuardrailPolicy(sure=sure)
    with pytest.raises(InvalidInputError):
        make().escalating_to(make(name="other"), sure=sure)


def test_figures_may_come_from_an_array(make):
    np = pytest.importorskip("numpy")
    judge, half = make(), np.float64(0.5)
    assert judge.escalating_to(make(name="other"), sure=half).invoke(GOOD).decided_by == "other"
    assert GuardrailPolicy(sure=half).sure == 0.5
    assert judge.agreement(confidence=np.float64(0.9)).confidence == 0.9


@pytest.fixture
def bigger(make):
    return make(lambda number: True, name="bigger")


@pytest.fixture
def pair(strict, bigger):
    """A judge that asks a bigger one where it is not sure."""
    return strict.escalating_to(bigger, sure=MOSTLY)


def test_the_second_judge_is_asked_where_the_first_is_not_sure(pair, strict, bigger):
    alone = strict.invoke(GOOD)
    sure = pair.invoke(GOOD)
    assert (sure.value, sure.decided_by) == (True, "tone")
    assert sure.usage == alone.usage
    assert bigger.model.requests == []
    unsure = pair.invoke(BAD)
    assert (unsure.value, unsure.decided_by) == (False, "bigger")
    assert unsure.usage["total_tokens"] == 2 * alone.usage["total_tokens"]


async def test_it_works_wherever_a_judge_does(pair):
    said = [await pair.ainvoke(BAD), *pair.batch([BAD, GOOD])]
    assert [one.decided_by for one in said] == ["bigger", "bigger", "tone"]
    result = pair(**BAD)
    assert result["metadata"]["decided_by"] == "bigger"
    state = create_judge_graph(pair).invoke(BAD)
    assert state["verdict"]["decided_by"] == "bigger"
    graph = create_review_graph(pair, review="always", checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    graph.invoke(BAD, config)
    before = pair.agreement().agreement.cases
    graph.invoke(Command(resume={"decision": "approve"}), config)
    assert pair.agreement().agreement.cases == before + 1
    guard = MemAlignGuardrail(
        RunnableLambda(lambda number: AIMessage(word(number)["outputs"])), pair, on_fail="replace"
    )
    assert "withheld" in guard.invoke(101).content


def test_the_second_judge_is_asked_where_the_first_reaches_no_verdict(pair, strict, bigger):
    strict.model.respond = lambda request: "I cannot say."
    found = pair.invoke(GOOD)
    assert (found.value, found.decided_by) == (True, "bigger")
    bigger.model.respond = lambda request: "Nor can I."
    neither = pair.invoke(GOOD)
    assert isinstance(neither, Unscored)
    assert "bigger" in neither.reason


def test_the_first_judges_verdict_counts_where_the_second_reaches_none(pair, bigger):
    bigger.model.respond = lambda request: ConnectionError("gone")
    found = pair.invoke(BAD)
    assert (found.value, found.decided_by) == (False, "tone")
    assert found.second_problem.startswith("bigger: ")
    assert "gone" in found.second_problem
    assert pair(**BAD)["metadata"]["second_problem"] == found.second_problem
    assert pair.invoke(GOOD).second_problem is None


def elsewhere(memory, model, **options):
    """A second judge with a memory of its own."""
    settings = {"name": "second", "instructions": "Is it good?", "value_type": bool, **options}
    return MemAlignJudge(model=model, memory=memory, **settings)


@pytest.fixture
def closed(make):
    """A second judge whose memory is closed."""
    with Memory.open(":memory:", embeddings=CountingEmbeddings()) as other:
        second = elsewhere(other, make(lambda number: True).model)
    return second


async def test_the_first_judges_verdict_counts_where_the_memory_of_the_second_is_closed(
    make, closed
):
    pair = make().escalating_to(closed)
    graph = create_judge_graph(pair)
    told = [
        pair.invoke(BAD),
        await pair.ainvoke(BAD),
        *pair.batch([BAD]),
        *await pair.abatch([BAD]),
    ]
    told += [Verdict.of(graph.invoke(BAD)["verdict"])]
    for found in told:
        assert (found.value, found.decided_by) == (False, "tone")
        assert "closed" in found.second_problem


def test_who_reviews_is_told_that_the_second_judge_could_not_be_asked(make, closed):
    graph = create_review_graph(
        make().escalating_to(closed), review="always", checkpointer=InMemorySaver()
    )
    state = graph.invoke(BAD, {"configurable": {"thread_id": "1"}})
    (question,) = state["__interrupt__"]
    assert "A second judge was asked and reached no verdict: second: " in str(question.value)


def test_whether_a_verdict_is_sure_is_told_also_where_a_second_memory_of_one_name_is_closed(make):
    first = known(make(lambda number: True))
    with Memory.open(":memory:", embeddings=CountingEmbeddings()) as other:
        second = elsewhere(other, first.model, name="tone")
    pair = first.escalating_to(second, sure=MOSTLY)
    assert (pair.invoke(GOOD).value, "closed" in pair.invoke(GOOD).second_problem) == (True, True)
    graph = create_review_graph(pair, review=MOSTLY, checkpointer=InMemorySaver())
    assert is_asked(graph, GOOD, "good")


async def test_where_neither_judge_can_say_it_is_unscored_with_both_reasons(make, closed):
    first = make()
    first.model.respond = lambda request: "I cannot say."
    pair = first.escalating_to(closed)
    for found in (pair.invoke(BAD), await pair.ainvoke(BAD)):
        assert isinstance(found, Unscored)
        assert "Asked next, second: " in found.reason
        assert "closed" in found.reason
        assert found.failure == "outage"


def test_a_second_judge_without_access_takes_nothing_from_the_first_ones_verdict(make, bigger):
    bigger.model.respond = lambda request: HttpError(401)
    first = make()
    pair = first.escalating_to(bigger)
    assert "401" in pair.invoke(BAD).second_problem
    first.model.respond = lambda request: "I cannot say."
    with pytest.raises(ModelError):
        pair.invoke(BAD)


def test_the_first_judges_verdict_counts_where_the_second_cannot_look_up_the_case(make):
    def fail(text):
        return ConnectionError("gone") if "101" in text else None

    with Memory.open(":memory:", embeddings=CountingEmbeddings(fail=fail)) as other:
        second = elsewhere(other, make().model)
        second.align([word(1)])
        found = make().escalating_to(second).invoke(BAD)
    assert (found.value, found.decided_by) == (False, "tone")


def test_judges_of_one_name_and_memory_are_told_apart_by_their_models(make):
    first, second = known(make()), make(lambda number: True, model="large")
    pair = first.escalating_to(second)
    assert pair.invoke(BAD).decided_by == "tone (large)"
    assert pair.invoke(GOOD).decided_by == "tone (one)"
    # What both said stays with the case.
    pair.align([{**word(101), "judge_records": pair.invoke(BAD).records}])
    assert second.agreement().agreement.cases == 1
    assert first.agreement().agreement.cases == 101


def test_of_two_judges_that_go_by_one_name_both_must_be_sure(make):
    """Their models have one name, so that nobody can tell from the verdict which one decided."""
    with Memory.open(":memory:", embeddings=CountingEmbeddings()) as other:
        first = known(make(lambda number: True))
        second = elsewhere(other, first.model, name="tone")
        second.align([word(number) for number in range(30)])
        second.calibrate()
        pair = first.escalating_to(second, sure=1.0)
        graph = create_review_graph(pair, review=MOSTLY, checkpointer=InMemorySaver())
        assert second.threshold().value is None
        assert first.threshold().covers(pair.invoke(GOOD))
        assert pair.invoke(GOOD).decided_by == "tone (one)"
        assert is_asked(graph, GOOD, "good")


def test_a_third_judge_may_follow(make, bigger):
    first = make(name="small").escalating_to(make(name="middle").escalating_to(bigger))
    assert first.invoke(BAD).decided_by == "bigger"


def test_other_values_cannot_follow(make):
    with pytest.raises(ConfigurationError, match="one of 1, 2"):
        make().escalating_to(make(name="stars", value_type={"enum": [1, 2]}, redefine=True))
    with pytest.raises(ConfigurationError, match="expected a MemAlignJudge"):
        make().escalating_to("bigger")


def test_the_second_judge_has_a_memory_of_its_own(make, bigger):
    with Memory.open(":memory:", embeddings=CountingEmbeddings()) as other:
        second = elsewhere(other, bigger.model)
        second.align([word(1, rationale="Known elsewhere.")])
        pair = make().escalating_to(second)
        pair.invoke(case(3))
    last = bigger.model.titled("verdict")[-1]
    assert "Known elsewhere." in last.prompt
    assert number_in(last.prompt) == 3


@pytest.fixture
def alike(make):
    """A judge, and a second one over the same memory that is asked about all; both know a word."""
    second = make(model="large")
    pair = make().escalating_to(second, sure=1.0)
    pair.align([word(1, rationale="Spoken of one."), word(2, rationale="Spoken of two.")])
    return pair, second


def shown_about(judge, number):
    """What a judge's model was shown when it was asked about a reply."""
    asked = [r for r in judge.model.titled("verdict") if number_in(r.prompt) == number]
    assert asked
    return "\n".join(f"{request.system}\n{request.prompt}" for request in asked)


def test_what_the_first_judge_must_not_see_the_second_does_not_see_either(alike):
    pair, second = alike
    pair.health(principles=True)
    assert "Spoken of one" not in shown_about(second, 1)
    assert "Spoken of two" in shown_about(second, 1)
    assert "(2 times)" not in shown_about(second, 1)
    pair.align([word(3, rationale="Spoken of three.")], probe=True)
    assert "(1 time)" in shown_about(second, 3)
    assert "(2 times)" not in shown_about(second, 3)


def test_a_second_judge_is_evaluated_without_the_words_on_the_case(alike):
    pair, second = alike
    evaluate(pair, [word(1), word(2)])
    assert "Spoken of one" not in shown_about(second, 1)
    assert "Spoken of one" in shown_about(second, 2)


def test_of_two_that_nothing_tells_apart_the_words_of_the_first_are_kept(make):
    pair = make().escalating_to(make(lambda number: True), sure=1.0)
    found = pair.invoke(case(100))
    assert found.value is True
    assert [record.value for record in found.records] == [False]


@pytest.mark.parametrize("way", ["batch", "abatch"])
async def test_what_both_said_is_kept_of_many_cases_too(alike, way):
    pair, _ = alike
    kept = pair.invoke(BAD).records
    assert len(kept) == 2
    (found,) = pair.batch([BAD]) if way == "batch" else await pair.abatch([BAD])
    assert found.records == kept
