"""What several users of one collection see of each other, without dying."""

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from colours import Call, arun, run
from fakes import feedback

from langchain_memalign import EmbeddingMismatchError, MemoryLockedError
from langchain_memalign._concurrency import to_the_end
from langchain_memalign.schema import Put

from .points import EVERYTHING, TOY, case, names, point
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
        requests = {request.rpartition("/")[2] for request in on_rest.rest.requests()}
        # The version, and the search; and a cluster is let notice that a node is gone.
        assert requests - {"payload"} == {"aliases", "batch"}


def adding_source(memory, source):
    """A transaction that reads a principle and writes it with one more source."""

    def plan():
        (old,) = memory.records.principles(JUDGE)
        sources = (*old.episode_ids, source)
        return [Put(judge=JUDGE, record=old.model_copy(update={"episode_ids": sources}))], None

    return Call("transactions.transact", memory.records, plan)


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


@pytest.fixture(params=["on this thread", "off a loop"])
def taking(request):
    """Take or give a lease back, on whatever thread."""
    if request.param == "on this thread":
        return lambda store, what, lease: getattr(store, what)(lease)
    return lambda store, what, lease: asyncio.run(to_the_end(getattr(store, what), lease))


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
    first.acquire("aligner of tone")
    waiting = asyncio.create_task(to_the_end(second.acquire, "aligner of tone"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(waiting, 0.2)
    first.release("aligner of tone")
    second.acquire("aligner of tone")
    second.release("aligner of tone")
    for store in (first, second):
        store.close()


def test_who_dies_with_a_lease_is_waited_for_no_longer_than_it_said(deployed):
    dead = deployed.open(lease_seconds=0.3)
    dead.acquire("aligner of tone")
    dead.close()  # and gives no sign of life from here on
    heir = deployed.open()
    heir.acquire("aligner of tone")
    heir.release("aligner of tone")


def test_vectors_that_another_wrote_stay_when_a_record_is_written_without(deployed):
    early, late = deployed.open(), deployed.open()
    early.write([point("a")])
    late.write([point("a", vectors=case(1, 0, 0, 0))], fingerprint=TOY)
    early.write([point("a", record="changed")])
    (found,) = late.scan(EVERYTHING, vectors=True)
    assert (found.record, found.vectors) == ("changed", case(1, 0, 0, 0))


async def test_a_cancelled_write_keeps_no_lease(on_rest):
    memory = on_rest.open_memory(Compass())
    on_rest.rest.fault(match="batch", hold=True)
    writing = asyncio.create_task(
        memory.aapply([Put(judge=JUDGE, record=principle("Point to 0°"))])
    )
    await asyncio.to_thread(on_rest.rest.wait_until_held)
    writing.cancel()
    await asyncio.to_thread(on_rest.rest.heal)
    with pytest.raises(asyncio.CancelledError):
        await writing
    other = on_rest.open_memory(Compass(), lease_wait=5)
    remember(other, principle("Point to 90°", day=1))
    assert [p.text for p in other.principles(JUDGE)] == ["Point to 0°", "Point to 90°"]
    await memory.aclose()


FORK = """
import json, os, sys
from langchain_memalign import MemoryStoreError
from langchain_memalign._stores.qdrant.store import QdrantStore
from langchain_memalign._stores.base import Selection
url, options = json.loads(sys.argv[1])
store = QdrantStore.open(url, **options)
child = os.fork()
try:
    found = store.scan(Selection())
except MemoryStoreError as error:
    found = str(error)
if child:
    os.waitpid(child, 0)
print("parent" if child else "child", found, flush=True)
"""


def test_a_forked_child_does_not_write_in_its_parents_name(deployed):
    arguments = json.dumps([deployed.url, deployed.options])
    command = [sys.executable, "-c", FORK, arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    child, parent = done.stdout.splitlines()
    assert "opened it before a fork: open it in the child" in child
    assert parent == "parent []"
