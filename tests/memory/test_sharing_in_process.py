"""A directory that is open already is shared within one process."""

import gc

import pytest
from fakes import CountingEmbeddings, feedback

from langchain_memalign import Case, MemAlignJudge, Memory, MemoryLockedError


@pytest.fixture
def opened(tmp_path):
    held = []

    def opened(path="memory", **options):
        memory = Memory.open(tmp_path / path, embeddings=CountingEmbeddings(), **options)
        held.append(memory)
        return memory

    yield opened
    for memory in held:
        memory.close()


def judge_over(memory):
    return MemAlignJudge(
        name="tone", instructions="Polite?", value_type=bool, model="precedent", memory=memory
    )


def test_the_same_cell_run_twice_opens_the_same_memory(opened):
    first = opened()
    judge_over(first).align([feedback(1)])
    second = opened()

    assert len(second.episodes("tone")) == 1
    judge_over(second).align([feedback(2)])
    assert len(first.episodes("tone")) == 2


def test_it_is_released_when_the_last_one_is_closed(opened, tmp_path):
    first, second = opened(), opened()
    first.close()
    first.close()
    assert second.judges() == []

    second.close()
    with Memory.open(tmp_path / "memory", embeddings=CountingEmbeddings(), embeddings_id="x"):
        pass


def test_one_that_nobody_holds_any_more_does_not_keep_it_open(opened, tmp_path):
    Memory.open(tmp_path / "memory", embeddings=CountingEmbeddings())
    gc.collect()
    memory = opened()
    memory.close()

    assert opened(embeddings_id="x").judges() == []


def test_another_path_to_it_is_the_same_place(opened, tmp_path):
    first = opened()
    (tmp_path / "link").symlink_to(tmp_path / "memory")
    judge_over(first).align([feedback(1)])

    (seen,) = opened("link").recall("tone", Case(inputs="Question number 1?"), k=1).episodes
    assert seen.episode.rationale == "Remark 1."


def test_other_embeddings_share_nothing(opened):
    first = opened()

    with pytest.raises(MemoryLockedError):
        opened(embeddings_id="another")
    assert first.judges() == []


def test_what_is_gone_on_close_is_never_shared():
    with (
        Memory.open(":memory:", embeddings=CountingEmbeddings()) as first,
        Memory.open(":memory:", embeddings=CountingEmbeddings()) as second,
    ):
        judge_over(first).align([feedback(1)])
        assert second.judges() == []
