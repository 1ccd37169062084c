"""The very first call fails, then all is well again: the next one has the full memory."""

import pytest
from fakes import CountingEmbeddings, HttpError, feedback, one_rule_a_record
from judge.bench import Bench

from langchain_memalign import (
    Memory,
    MemoryLockedError,
    MemoryUnavailableError,
    ModelError,
    Unscored,
)

CASE = {key: feedback(1)[key] for key in ("inputs", "outputs")}
KNOWN = 4


def assert_full(verdict):
    assert (len(verdict.episode_ids), len(verdict.principle_ids)) == (KNOWN, KNOWN)
    assert verdict.principles_total == KNOWN


@pytest.fixture
def place(tmp_path):
    """The directory of a memory that knows four cases."""
    bench = Bench(location=tmp_path / "memory")
    bench.judge.align([feedback(i) for i in range(KNOWN)])
    bench.memory.close()
    return tmp_path / "memory"


@pytest.mark.parametrize("failure", [HttpError(400), HttpError(503), OSError("no route")])
def test_after_a_model_that_failed_at_first_the_next_verdict_is_full(place, ask, failure):
    outage = [failure]
    bench = Bench(lambda r: outage[0] if outage else one_rule_a_record(r), location=place)
    with bench.memory:
        assert isinstance(ask(bench.judge, CASE), Unscored)
        outage.clear()
        assert_full(ask(bench.judge, CASE))
        assert len(bench.judge.align([feedback(9)]).distilled) == 1


@pytest.mark.parametrize("part", ["model", "embeddings"])
@pytest.mark.parametrize("failure", [HttpError(401), HttpError(404)])
def test_after_access_that_was_refused_at_first_the_next_verdict_is_full(place, ask, part, failure):
    check_error(place, ask, part, failure)


@pytest.mark.parametrize("failure", [HttpError(400), HttpError(503), OSError("no route")])
def test_after_embeddings_that_failed_at_first_the_next_verdict_is_full(place, ask, failure):
    check_error(place, ask, "embeddings", failure)


def check_error(place, ask, part, failure):
    outage = {part: failure}
    bench = Bench(
        lambda request: outage.get("model") or one_rule_a_record(request),
        location=place,
        embeddings=CountingEmbeddings(fail=lambda text: outage.get("embeddings")),
    )
    with bench.memory:
        with pytest.raises(ModelError, match="failed"):
            ask(bench.judge, CASE)
        outage.clear()
        assert_full(ask(bench.judge, CASE))


def test_a_memory_that_was_in_use_opens_in_full_once_it_is_free(place, ask):
    first = Memory.open(place, embeddings=CountingEmbeddings())
    with pytest.raises(MemoryLockedError):
        Memory.open(place, embeddings=CountingEmbeddings(), embeddings_id="another")
    first.close()
    bench = Bench(location=place)
    with bench.memory:
        assert_full(ask(bench.judge, CASE))


@pytest.mark.enable_socket
@pytest.mark.parametrize("fails", ["scroll", "query", "collections"])
def test_a_server_that_failed_at_the_first_read_is_read_in_full_next(on_rest, rest, fails):
    bench = Bench()
    with bench.memory, on_rest.open_memory(CountingEmbeddings(), timeout=1) as memory:
        bench.memory = memory
        bench.judge_named("tone").align([feedback(i) for i in range(KNOWN)])
    with on_rest.open_memory(CountingEmbeddings(), timeout=1) as memory:
        bench.memory = memory
        judge = bench.judge_named("tone")
        rest.fault(match=fails, status=500, times=None, message="WAL is full")
        with pytest.raises(MemoryUnavailableError, match="WAL is full"):
            judge.invoke(CASE)
        rest.heal()
        assert_full(judge.invoke(CASE))
