"""A track record on a store that several processes share: what one changes, the others tell."""

import pytest
from fakes import CountingEmbeddings
from memory.conftest import deployed, rest

from langchain_memalign import MemAlignJudge, Memory

from .conftest import Named, case, says, word

__all__ = ["deployed", "rest"]

pytestmark = pytest.mark.enable_socket


def judge_over(memory):
    model = Named(respond=says(lambda number: number % 10 != 0), model_name="one")
    return MemAlignJudge(
        name="tone", instructions="Is it good?", value_type=bool, model=model, memory=memory
    )


@pytest.fixture
def opened(deployed):
    """Opens the judge anew, as another process would."""
    return lambda: judge_over(deployed.open_memory(CountingEmbeddings()))


def test_what_one_process_forgets_no_other_counts(opened):
    here, there = opened(), opened()
    here.align([word(number) for number in range(20)], probe=True)
    before = there.threshold(agreement=0.5)
    assert (there.agreement().agreement.cases, before.cases) == (20, 20)
    here.forget([episode.id for episode in here.episodes()[:10]], redistill=False)
    assert there.threshold(agreement=0.5).cases == 10
    assert there.agreement().agreement.cases == 10
    assert there.calibrate(ask=False).cases == 10
    assert opened().agreement().agreement.cases == 10


def test_what_one_process_learns_counts_for_the_next_verdict_of_another(opened):
    here, there = opened(), opened()
    assert there.invoke(case(101)).confidence is None
    here.align([word(number) for number in range(8)], probe=True)
    assert there.invoke(case(101)).confidence is not None


def test_what_was_forgotten_is_not_there_after_opening_a_directory_again(tmp_path):
    with Memory.open(tmp_path / "memory", embeddings=CountingEmbeddings()) as memory:
        first = judge_over(memory)
        first.align([word(number) for number in range(12)], probe=True)
        gone = first.episodes()[0].id
        first.forget([gone])
    with Memory.open(tmp_path / "memory", embeddings=CountingEmbeddings()) as memory:
        again = judge_over(memory)
        assert again.agreement().agreement.cases == 11
        near = {n.episode_id for e in again.episodes() for r in e.judge_records for n in r.near}
        assert gone not in near
