"""What several users of one collection see of each other, without dying."""

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from fakes import feedback

from langchain_memalign import EmbeddingMismatchError, MemoryLockedError
from langchain_memalign.flow import arun, run
from langchain_memalign.schema import Put

from .points import EVERYTHING, TOY, case, id_of, names, point
from .qdrant_processes import open_judge
from .remembering import JUDGE, Compass, principle, remember, texts_of

pytestmark = pytest.mark.enable_socket


# Beginning a memory


def test_many_who_open_at_once_begin_one_memory(deployed):
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda _: deployed.open(), range(6)))
        list(pool.map(lambda pair: pair[1].write([point(pair[0])]), enumerate(stores)))
    for store in stores:
        assert names(store.scan(EVERYTHING)) == set("012345")


def test_of_two_embeddings_that_come_first_at_once_one_counts(deployed):
    prints = [replace(TOY, embeddings=name) for name in ("ours", "theirs")]
    stores = [deployed.open() for _ in prints]
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(_write_first, stores, prints))
    (won,) = [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
    (lost,) = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert f"a memory made with embeddings {won.embeddings!r}" in str(lost)
    again = deployed.open()
    assert again.fingerprint() == won
    assert names(again.scan(EVERYTHING)) == {won.embeddings}


def _write_first(store, fingerprint):
    try:
        store.write(
            [point(fingerprint.embeddings, vectors=case(1, 0, 0, 0))], fingerprint=fingerprint
        )
    except EmbeddingMismatchError as error:
        return error
    return fingerprint


def test_the_first_vectors_of_another_are_found_and_their_size_is_known(deployed):
    early, late = deployed.open(), deployed.open()
    late.write([point("a", vectors=case(1, 0, 0, 0))], fingerprint=TOY)
    query = {"using": "case", "vector": (1.0, 0.0, 0.0, 0.0), "limit": 1}
    assert names(p for p, _ in early.nearest(EVERYTHING, **query)) == {"a"}
    assert early.fingerprint() == TOY
    earlier = deployed.open()
    assert earlier.fingerprint() == TOY


def test_a_memory_that_others_filled_with_other_embeddings_is_not_searched(deployed):
    ours = deployed.open_memory(Compass(), embeddings_id="ours")
    theirs = deployed.open_memory(Compass(), embeddings_id="theirs")
    remember(theirs, principle("Point to 0°"))
    with pytest.raises(EmbeddingMismatchError, match="'theirs'"):
        ours.recall(JUDGE, {"inputs": "0°"}, principle_tokens=0)
    with pytest.raises(EmbeddingMismatchError, match="'theirs'"):
        remember(ours, principle("Point to 90°"))
    assert [p.text for p in theirs.principles(JUDGE)] == ["Point to 0°"]


# Seeing each other


def test_what_another_wrote_is_known_at_once(deployed):
    ours, theirs = (deployed.open_memory(Compass()) for _ in range(2))
    assert texts_of(ours.recall(JUDGE, {"inputs": "0°"})) == []
    for day, texts in enumerate([["Point to 0°"], ["Point to 0°", "Point to 90°"]]):
        remember(theirs, principle(texts[-1], day=day))
        assert texts_of(ours.recall(JUDGE, {"inputs": "0°"})) == texts
        assert ours.judges() == [JUDGE]


async def test_what_another_wrote_is_known_at_once_on_the_event_loop(deployed):
    ours, theirs = (deployed.open_memory(Compass()) for _ in range(2))
    assert texts_of(await ours.arecall(JUDGE, {"inputs": "0°"})) == []
    remember(theirs, principle("Point to 0°"))
    assert texts_of(await ours.arecall(JUDGE, {"inputs": "0°"})) == ["Point to 0°"]
    await ours.aclose()


def test_judging_again_asks_the_server_only_whether_anything_changed(on_rest):
    judge, _ = open_judge(on_rest.url, on_rest.options)
    with judge.memory:
        judge.align([feedback(1)])
        question = {"inputs": "Question?", "outputs": "Answer."}
        judge.invoke(question)
        on_rest.rest.requests()
        judge.invoke(question)
        requests = [request.rpartition("/")[2] for request in on_rest.rest.requests()]
        # Twice the version: with the episodes and with the principles, which may be two nodes.
        assert sorted(requests) == ["points", "points", "query"]


def adding_source(memory, source):
    """A transaction that reads a principle and writes it with one more source."""

    def plan():
        (old,) = yield from memory.flows.principles(JUDGE)
        sources = (*old.episode_ids, source)
        return [Put(judge=JUDGE, record=old.model_copy(update={"episode_ids": sources}))]

    return memory.flows.transact(plan)


def test_no_update_of_several_memories_is_lost(deployed):
    memories = [deployed.open_memory(Compass()) for _ in range(3)]
    remember(memories[0], principle("About 0°"))
    sources = [f"source {number:02}" for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(
            pool.map(
                lambda pair: run(adding_source(memories[pair[0] % 3], pair[1])), enumerate(sources)
            )
        )
    (found,) = memories[0].principles(JUDGE)
    assert sorted(found.episode_ids) == sources


async def test_no_update_of_tasks_on_several_memories_is_lost(deployed):
    memories = [deployed.open_memory(Compass()) for _ in range(2)]
    remember(memories[0], principle("About 0°"))
    sources = [f"source {number:02}" for number in range(8)]
    await asyncio.gather(
        *(arun(adding_source(memories[i % 2], source)) for i, source in enumerate(sources))
    )
    (found,) = await memories[0].aprinciples(JUDGE)
    assert sorted(found.episode_ids) == sources
    for memory in memories:
        await memory.aclose()


# Leases


@pytest.fixture(params=["blocking", "awaitable"])
def taking(request):
    """Take or give a lease back, by either half of a store."""
    if request.param == "blocking":
        return lambda store, what, lease: getattr(store, what)(lease)
    return lambda store, what, lease: asyncio.run(getattr(store, f"a{what}")(lease))


def test_a_lease_is_held_by_one_and_then_by_the_next(deployed, taking):
    first, second = deployed.open(), deployed.open(lease_wait=0.1)
    taking(first, "acquire", "aligner of tone")
    taking(second, "acquire", "aligner of another")
    with pytest.raises(MemoryLockedError, match=r"'aligner of tone' .* held by .*lease_wait="):
        taking(second, "acquire", "aligner of tone")
    taking(first, "release", "aligner of tone")
    taking(second, "acquire", "aligner of tone")
    taking(second, "release", "aligner of tone")


def test_a_second_aligner_is_told_and_its_feedback_is_kept(deployed):
    held = deployed.open()
    held.acquire("aligner of tone")
    judge, _ = open_judge(deployed.url, {**deployed.options, "lease_wait": 0.1})
    with judge.memory:
        with pytest.raises(MemoryLockedError, match="aligner of tone"):
            judge.align([feedback(1)])
        assert [e.status for e in judge.episodes()] == ["pending"]
        judge.add_principle("By hand.")  # a matter of one write, for which nobody waits long
        held.release("aligner of tone")
        assert len(judge.align([]).distilled) == 1
        assert len(judge.principles()) == 2


async def test_a_task_that_gives_up_waiting_leaves_no_lease_behind(deployed):
    first, second = deployed.open(), deployed.open()
    await first.aacquire("aligner of tone")
    waiting = asyncio.create_task(second.aacquire("aligner of tone"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(waiting, 0.2)
    await first.arelease("aligner of tone")
    await second.aacquire("aligner of tone")
    await second.arelease("aligner of tone")
    for store in (first, second):
        await store.aclose()


def test_who_dies_with_a_lease_is_waited_for_no_longer_than_it_said(deployed):
    dead = deployed.open(lease_seconds=0.3)
    dead.acquire("aligner of tone")
    dead.close()  # and gives no sign of life from here on
    heir = deployed.open()
    heir.acquire("aligner of tone")
    heir.release("aligner of tone")


# Size


def test_a_large_write_is_cut_into_requests_and_is_still_all_or_nothing(on_rest):
    """Ten megabytes that do not compress; the process dies when half of it is in place."""
    rng = random.Random(1)
    large = [point(i, record=rng.randbytes(500_000).hex()) for i in range(10)]
    store = on_rest.open(lease_seconds=0.3, timeout=30)
    store.write([point("old")])
    on_rest.rest.fault(match="batch", skip=1, status=500, times=None)
    with pytest.raises(Exception, match="500"):
        store.write(large, erased=[id_of("old")])
    on_rest.rest.heal()
    store.close()
    heir = on_rest.open(timeout=30)
    assert {p.id: p.record for p in heir.scan(EVERYTHING)} == {p.id: p.record for p in large}
    heir.write([point("new")])
    # What the write was recorded in is gone: the memory's own point and the lease are left.
    count = on_rest.rest.ask("POST", f"/collections/{on_rest.collection}/points/count", {})
    assert count == {"count": len(large) + 1 + 2}


def test_parts_of_a_write_that_was_never_recorded_are_swept_away(on_rest):
    large = [point(0, record=random.Random(1).randbytes(4_000_000).hex())]
    store = on_rest.open(lease_seconds=0.3, timeout=30)
    on_rest.rest.fault(match=r"PUT \S+/points$", skip=1, status=500, times=None)
    with pytest.raises(Exception, match="500"):
        store.write(large)
    on_rest.rest.heal()
    store.write([point("next")])
    assert names(store.scan(EVERYTHING)) == {"next"}
    count = on_rest.rest.ask("POST", f"/collections/{on_rest.collection}/points/count", {})
    assert count == {"count": 1 + 2}


def test_a_record_too_large_for_a_server_is_refused_before_anything_is_written(deployed):
    store = deployed.open()
    with pytest.raises(Exception, match=r"bytes; expected at most .*shorten its texts") as told:
        store.write([point("small"), point("large", record="x" * 25 * 2**20)])
    assert type(told.value).__name__ == "InvalidInputError"
    assert store.scan(EVERYTHING) == []
