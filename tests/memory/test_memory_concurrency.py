"""Many threads and tasks on one memory: no update is lost, and nothing stale is shown."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from colours import Call, arun, run

from langchain_memalign import Memory
from langchain_memalign._models import NO_RETRY, Embedder
from langchain_memalign._stores.base import MemoryStore
from langchain_memalign._stores.edge.store import EdgeStore
from langchain_memalign.schema import Put

from .remembering import (
    JUDGE,
    Compass,
    case,
    embedded,
    episode,
    principle,
    remember,
    texts_of,
)

PATIENCE = 30


@pytest.fixture
def memory():
    with Memory.open(":memory:", embeddings=Compass()) as memory:
        yield memory


def adding_source(memory, source):
    """A transaction that reads a principle and writes it with one more source."""

    def plan():
        (old,) = memory.records.principles(JUDGE)
        sources = (*old.episode_ids, source)
        return [Put(judge=JUDGE, record=old.model_copy(update={"episode_ids": sources}))], None

    return Call("transactions.transact", memory.records, plan)


def sources_of_the_principle(memory):
    return sorted(memory.principles(JUDGE)[0].episode_ids)


SOURCES = [f"source {number:02}" for number in range(40)]


def test_no_update_of_many_threads_is_lost(memory):
    remember(memory, principle("About 0°"))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda source: run(adding_source(memory, source)), SOURCES))
    assert sources_of_the_principle(memory) == SOURCES


async def test_no_update_of_many_tasks_is_lost(memory):
    await memory.aapply([Put(judge=JUDGE, record=principle("About 0°"))])
    await asyncio.gather(*(arun(adding_source(memory, source)) for source in SOURCES))
    assert sources_of_the_principle(memory) == SOURCES


def test_no_update_of_threads_and_event_loops_together_is_lost(memory):
    remember(memory, principle("About 0°"))

    async def several(sources):
        await asyncio.gather(*(arun(adding_source(memory, source)) for source in sources))

    with ThreadPoolExecutor(4) as pool:
        loops = [pool.submit(asyncio.run, several(SOURCES[i:20:2])) for i in range(2)]
        threads = [pool.submit(run, adding_source(memory, source)) for source in SOURCES[20:]]
        for future in (*loops, *threads):
            future.result(PATIENCE)
    assert sources_of_the_principle(memory) == SOURCES


def test_a_transaction_that_fails_leaves_the_way_free(memory):
    def broken():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(Call("transactions.transact", memory.records, broken))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(arun(Call("transactions.transact", memory.records, broken)))
    remember(memory, episode("1°"))
    assert memory.judges() == [JUDGE]


# Reads that overlap writes


class Gated(MemoryStore):
    """A real store, one operation of which waits, once, before or after it is carried out."""

    def __init__(self, operation, *, after=False):
        self._store = EdgeStore.open(":memory:")
        self._operation, self._after = operation, after
        self.location, self.guarantee = self._store.location, self._store.guarantee
        self.armed = False
        self.reached, self.gate = threading.Event(), threading.Event()

    def fingerprint(self):
        return self._store.fingerprint()

    def scan(self, *args, **options):
        return self._pass("scan", *args, **options)

    def nearest(self, *args, **options):
        return self._pass("nearest", *args, **options)

    def tally(self, *args, **options):
        return self._pass("tally", *args, **options)

    def write(self, *args, **options):
        return self._pass("write", *args, **options)

    def close(self):
        self._store.close()

    def _pass(self, operation, *args, **options):
        waits = self.armed and operation == self._operation
        self.armed = self.armed and not waits
        if waits and not self._after:
            self._wait()
        result = getattr(self._store, operation)(*args, **options)
        if waits and self._after:
            self._wait()
        return result

    def _wait(self):
        self.reached.set()
        assert self.gate.wait(PATIENCE), "the test did not open the gate"


def memory_in(store):
    return Memory(store, Embedder(Compass(), "compass", retry=NO_RETRY))


@pytest.mark.parametrize("operation", ["scan", "tally"])
@pytest.mark.parametrize("after", [False, True])
def test_what_a_read_saw_before_a_write_is_not_shown_after_it(operation, after):
    store = Gated(operation, after=after)
    with memory_in(store) as memory, ThreadPoolExecutor(1) as pool:
        remember(memory, principle("About 10°", day=1), episode("10°", value=True))
        store.armed = True
        reading = pool.submit(memory.recall, JUDGE, case())
        assert store.reached.wait(PATIENCE)
        remember(memory, principle("About 20°", day=2), episode("20°", value=True))
        store.gate.set()
        reading.result(PATIENCE)
        found = memory.recall(JUDGE, case())
    assert texts_of(found) == ["About 10°", "About 20°"]
    assert found.value_counts == {"true": 2}


@pytest.mark.parametrize("after", [False, True])
def test_what_is_read_during_a_write_is_not_shown_after_it(after):
    store = Gated("write", after=after)
    with memory_in(store) as memory, ThreadPoolExecutor(1) as pool:
        changes = embedded(memory, principle("About 20°"), episode("20°", value=True))
        store.armed = True
        writing = pool.submit(memory.apply, changes)
        assert store.reached.wait(PATIENCE)
        memory.recall(JUDGE, case())
        store.gate.set()
        writing.result(PATIENCE)
        found = memory.recall(JUDGE, case())
    assert texts_of(found) == ["About 20°"]
    assert found.value_counts == {"true": 1}


async def test_a_write_that_is_cancelled_midway_ends_before_anyone_goes_on():
    store = Gated("write")
    with memory_in(store) as memory:
        changes = embedded(memory, principle("About 20°"))
        store.armed = True
        writing = asyncio.create_task(memory.aapply(changes))
        assert await asyncio.to_thread(store.reached.wait, PATIENCE)
        for _ in range(2):  # the second impatience changes nothing either
            writing.cancel()
            for _ in range(5):
                await asyncio.sleep(0)
            assert not writing.done()
        adding = asyncio.create_task(arun(adding_source(memory, "source")))
        assert texts_of(await memory.arecall(JUDGE, case())) == []
        store.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await writing
        await adding
        # What the engine had begun was written, the next one built upon it, and both are shown.
        (found,) = (await memory.arecall(JUDGE, case())).principles
    assert (found.text, found.episode_ids) == ("About 20°", ("source",))


async def test_one_who_stops_waiting_for_its_turn_does_not_block_the_others():
    store = Gated("write")
    with memory_in(store) as memory:
        changes = [[Put(judge=JUDGE, record=episode(f"{i}°"))] for i in range(3)]
        store.armed = True
        first = asyncio.create_task(memory.aapply(changes[0]))
        assert await asyncio.to_thread(store.reached.wait, PATIENCE)
        second, third = (asyncio.create_task(memory.aapply(change)) for change in changes[1:])
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        store.gate.set()
        await first
        await third
        assert {e.case.inputs for e in memory.episodes(JUDGE)} == {"0°", "2°"}
