"""Killing the process that uses an embedded memory, at any moment, again and again."""

import multiprocessing
import random
import signal
from collections import Counter
from contextlib import suppress

import pytest

from langchain_memalign._stores.edge import shard
from langchain_memalign._stores.edge.store import EdgeStore

from .disk import files_with
from .points import EVERYTHING, TOY, case, id_of, point

KILLS = 5

# Children come from a process that has imported everything, not from pytest, which has threads.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["pytest", "langchain_memalign._stores.edge.store", "langchain_memalign._stores.edge.shard"]
)


def work(location, seed, pipe):
    """Write and erase until killed; tell of each step before it begins and when it is done."""
    shard.SMALL = 30  # so that it outgrows that, and shrinks again, several times
    rng = random.Random(seed)
    pipe.send("starts")
    store = EdgeStore.open(location)
    live = {p.id for p in store.scan(EVERYTHING)}
    while True:
        written = [surprise(rng, name, live) for name in rng.sample(range(60), rng.randint(1, 20))]
        others = sorted(live - {p.id for p in written})
        erased = rng.sample(others, min(len(others), rng.choice([0, 0, 1, 4])))
        pipe.send(({p.id: p.record for p in written}, erased))
        store.write(written, erased=erased, fingerprint=TOY)
        pipe.send("done")
        live = live.union(p.id for p in written).difference(erased)


def surprise(rng, name, live):
    """A point that cannot be confused with any other; new ones always have a vector."""
    vectors = case(*(rng.gauss(0, 1) for _ in range(4)))
    if id_of(name) in live and rng.random() < 0.5:
        vectors = None
    status = rng.choice(["pending", "distilled"])
    record = rng.randbytes(16).hex()
    return point(name, record=record, fields={"status": status}, vectors=vectors)


class Witness:
    """What a memory must hold, as told by its victims before they died."""

    def __init__(self):
        self.held = {}
        self.unfinished = None
        self.ever, self.forgotten = set(), set()

    def hear(self, message):
        if message == "done":
            self.commit()
        elif message != "starts":
            self.unfinished = message
            self.ever.update(message[0].values())

    def commit(self):
        self.held, (_, erased), self.unfinished = self.expected(), self.unfinished, None
        if erased:
            # Erasing rewrites: whatever was replaced until then is gone as well.
            self.forgotten |= self.ever - set(self.held.values())

    def expected(self):
        """What is held once the unfinished step is done."""
        written, erased = self.unfinished
        return {id_: r for id_, r in (self.held | written).items() if id_ not in erased}

    def examine(self, location):
        store = EdgeStore.open(location)
        found = store.scan(EVERYTHING, vectors=True)
        records = {p.id: p.record for p in found}
        if self.unfinished is not None and records == self.expected() != self.held:
            self.commit()  # done, but killed before it could say so
        assert records == self.held
        assert all(p.vectors for p in found)
        near = store.nearest(EVERYTHING, using="case", vector=(1.0, 0.0, 0.0, 0.0), limit=1000)
        assert {p.id for p, _ in near} == set(records)
        assert store.tally(EVERYTHING, "status") == Counter(p.fields["status"] for p in found)
        store.close()
        self.unfinished = None
        assert files_with(location, *self.forgotten) == set()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_killing_loses_nothing_acknowledged_and_brings_nothing_back(tmp_path, seed):
    rng, witness, location = random.Random(seed), Witness(), tmp_path / "memory"
    for kill in range(KILLS):
        ear, mouth = PROCESSES.Pipe(duplex=False)
        victim = PROCESSES.Process(target=work, args=(location, f"{seed} {kill}", mouth))
        victim.start()
        mouth.close()
        messages = rng.choice([1, 2, 3, 5, 8, 13])
        while messages > 0 or (kill == KILLS - 1 and not witness.forgotten):
            witness.hear(ear.recv())
            messages -= 1
        for _ in range(rng.randrange(3_000_000)):
            pass  # up to the length of a rewrite
        victim.kill()
        with suppress(EOFError):
            while True:
                witness.hear(ear.recv())
        victim.join()
        assert victim.exitcode == -signal.SIGKILL, "it was killed, it did not fail"
        victim.close()
        ear.close()
        witness.examine(location)
