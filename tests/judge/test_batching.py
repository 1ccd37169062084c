"""Many cases: embedded many in one call, and no case pays for another."""

import asyncio
import gc
import threading
import tracemalloc
from collections import UserDict
from collections.abc import Mapping

import pytest
from fakes import CountingEmbeddings, HttpError, feedback

from langchain_memalign import InvalidInputError, ModelError, Verdict
from langchain_memalign.schema import GateDecision

CASES = [
    {"inputs": f"Question number {n} about topic{n}?", "outputs": f"Answer {n}."} for n in range(60)
]
AT_ONCE = {"max_concurrency": 8}


def said(outcomes):
    return [(type(o), o.value, o.episode_ids, o.principle_ids) for o in outcomes]


@pytest.fixture
def make_taught(make_bench):
    def make(**options):
        bench = make_bench(**options)
        bench.judge.align(map(feedback, range(3)))
        bench.embeddings.calls, bench.embeddings.texts = 0, []
        return bench

    return make


async def test_cases_of_a_batch_are_embedded_fifty_at_a_time_each_once(make_taught):
    taught = make_taught()
    expected = said([taught.judge.invoke(case) for case in CASES])
    for batch in (taught.judge.batch, taught.judge.abatch):
        taught.embeddings.calls, taught.embeddings.texts = 0, []
        found = batch(CASES, AT_ONCE)
        assert said(found if isinstance(found, list) else await found) == expected
        assert taught.embeddings.calls == 2
        assert len(taught.embeddings.texts) == len(set(taught.embeddings.texts)) == 120


def test_long_cases_are_embedded_fewer_at_a_time(make_taught):
    taught = make_taught()
    long = [{"inputs": f"late{n} " * 9_000, "outputs": f"Answer {n}."} for n in range(40)]
    taught.judge.batch(long, AT_ONCE)
    assert 2 <= taught.embeddings.calls <= 4
    assert len(taught.embeddings.texts) == 80


def test_a_batch_before_anything_was_learned_embeds_nothing(bench):
    assert len(bench.judge.batch(CASES[:3])) == 3
    assert bench.embeddings.calls == 0


def test_cases_that_share_a_text_embed_it_once(make_taught):
    taught = make_taught()
    answers = [{"inputs": "Where is it?", "outputs": f"Answer {n}."} for n in range(5)]
    taught.judge.batch([*answers, answers[0]])
    assert sorted(taught.embeddings.texts) == [*(f"Answer {n}." for n in range(5)), "Where is it?"]


def test_a_text_that_cannot_be_embedded_fails_only_its_own_case(make_taught):
    def fail(text):
        return HttpError(400) if text == "Answer 7." else None

    taught = make_taught(embeddings=CountingEmbeddings(fail=fail))
    outcomes = taught.judge.batch(CASES, AT_ONCE, return_exceptions=True)
    assert [type(o) for o in outcomes[:7] + outcomes[8:]] == [Verdict] * 59
    assert isinstance(outcomes[7], ModelError)
    assert all(outcome.episode_ids for outcome in outcomes[:7] + outcomes[8:])


def test_refused_access_ends_a_batch(make_taught):
    keys = ["good"]
    taught = make_taught(
        embeddings=CountingEmbeddings(fail=lambda _: None if keys == ["good"] else HttpError(401))
    )
    keys[:] = ["bad"]
    with pytest.raises(ModelError, match="401"):
        taught.judge.batch(CASES, AT_ONCE)


def test_a_case_that_is_not_usable_costs_the_others_nothing(make_taught):
    taught = make_taught()
    outcomes = taught.judge.batch([CASES[0], {"outputs": ""}, CASES[1]], return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Verdict, InvalidInputError, Verdict]
    assert taught.embeddings.calls == 1


class Unreadable(Mapping):
    """A case that is read from where it lies only when it is needed, and then is not there."""

    def __getitem__(self, key):
        raise OSError("the disk is gone")

    def __iter__(self):
        return iter(("inputs", "outputs"))

    def __len__(self):
        return 2


async def test_a_case_that_cannot_be_read_fails_only_itself(make_taught):
    judge = make_taught().judge
    cases = [CASES[0], Unreadable(), CASES[1]]
    for outcomes in (
        judge.batch(cases, return_exceptions=True),
        await judge.abatch(cases, return_exceptions=True),
    ):
        assert [type(outcome) for outcome in outcomes] == [Verdict, OSError, Verdict]


class Long(UserDict):
    """A case that is not read before the event loop says so."""

    def __init__(self, case):
        self.begun, self.done, self.was_done = threading.Event(), threading.Event(), []
        super().__init__(case)

    def __getitem__(self, key):
        self.begun.set()
        self.was_done.append(self.done.wait(5))
        return super().__getitem__(key)


async def test_the_event_loop_runs_on_while_a_batch_is_looked_through(make_taught):
    long = Long(CASES[0])
    judging = asyncio.create_task(make_taught().judge.abatch([long, CASES[1]]))
    while not (long.begun.is_set() or judging.done()):
        await asyncio.sleep(0)
    long.done.set()
    assert [type(outcome) for outcome in await judging] == [Verdict, Verdict]
    assert all(long.was_done)


def test_a_judge_that_knows_its_cases_beforehand_is_the_same_judge(make_taught):
    taught = make_taught()
    ahead = taught.judge.embedding_ahead(CASES)
    expected = said([taught.judge.invoke(CASES[0])])
    taught.embeddings.calls = 0
    assert said([ahead.invoke(CASES[0])]) == expected
    assert said([ahead.invoke(CASES[0])]) == expected  # asked for more often than was said
    assert taught.embeddings.calls == 2
    # What one of them learns, the other knows.
    taught.judge.align([feedback(50)])
    assert len(ahead.invoke(CASES[1]).principle_ids) == 4
    ahead.align([feedback(51)])
    assert len(taught.judge.invoke(CASES[1]).principle_ids) == 5
    accepted = GateDecision(accepted=True, reason="Of course.")
    assert ahead.align([feedback(52)], gate=lambda *_: accepted).gate == accepted


@pytest.fixture
def measured():
    """Bytes that were allocated since, as told by calling it."""
    tracemalloc.start()

    def since():
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    yield since
    tracemalloc.stop()


@pytest.mark.parametrize("outputs", ["Answer {n}.", "Question {n}?"], ids=["apart", "echoed"])
def test_vectors_are_given_up_once_their_cases_are_judged(make_taught, measured, outputs):
    taught = make_taught(embeddings=CountingEmbeddings(size=10_000))
    cases = [{"inputs": f"Question {n}?", "outputs": outputs.format(n=n)} for n in range(25)]
    ahead = taught.judge.embedding_ahead(cases)
    ahead.invoke(cases[0])
    before = measured()
    for case in cases[1:]:
        ahead.invoke(case)
    # What is held are 24 or 48 vectors of 320 kB; what the doubles note down is some kB.
    assert measured() - before < -24 * 300_000
