"""How many requests an operation takes: each is a round trip."""

from collections import Counter

import pytest
from fakes import feedback
from qdrant_rest.states import REPEATED, needs_all_nodes

from .qdrant_processes import open_judge

pytestmark = pytest.mark.enable_socket

QUESTION = {"inputs": "Question number 1 about topic1?", "outputs": "An answer."}


@pytest.fixture
def judge(on_rest):
    judge, _ = open_judge(on_rest.url, on_rest.options)
    with judge.memory:
        judge.align([feedback(n) for n in range(3)])
        judge.invoke(QUESTION)
        on_rest.rest.requests()
        yield judge


def requests(on_rest):
    """The requests since the last call, by method and what is asked."""
    made = on_rest.rest.requests()
    return Counter(request.replace(on_rest.collection, "*") for request in made)


def test_judging_takes_two(judge, on_rest):
    judge.invoke(QUESTION)
    assert requests(on_rest).total() <= 2 * REPEATED


def test_judging_over_the_budget_of_principles_takes_two(judge, on_rest):
    other, _ = open_judge(on_rest.url, on_rest.options)
    frugal = type(judge)(
        name="tone",
        instructions="Is the reply kind?",
        value_type=bool,
        model=other.model,
        memory=judge.memory,
        principle_tokens=5,
    )
    frugal.invoke(QUESTION)
    requests(on_rest)
    frugal.invoke(QUESTION)
    made = requests(on_rest)
    assert made.total() <= 2 * REPEATED
    assert 1 <= made["POST /collections/*/points/query/batch"] <= REPEATED


def test_learning_one_more_takes_twenty_at_most(judge, on_rest):
    judge.align([feedback(7)])
    made = requests(on_rest)
    assert made.total() <= 20 * REPEATED, made


def test_forgetting_one_takes_twelve_at_most_besides_the_scrub(judge, on_rest):
    (first, *_) = judge.episodes()
    requests(on_rest)
    judge.forget(episode_ids=[first.id])
    made = on_rest.rest.requests()
    begins = [i for i, request in enumerate(made) if request.endswith("/snapshots")]
    # A scrub begins with its lease, and looks for snapshots then.
    assert len(made[: begins[0] - 1]) <= 12 * REPEATED, made


def test_opening_takes_four_at_most(judge, on_rest):
    on_rest.open()
    made = requests(on_rest)
    assert made.total() <= 4 * REPEATED, made


@needs_all_nodes
def test_opening_where_an_alias_leads_takes_four_at_most(judge, on_rest):
    judge.memory.scrub()
    requests(on_rest)
    on_rest.open()
    made = requests(on_rest)
    assert made.total() <= 4 * REPEATED, made
