"""Judges learn, forget and scrub, at once, and die, while nodes do so, too, all by chance.

Nodes die, come back, come back behind, and crash, so that their indexes are stale. Judges take
turns, learn at the same time, and are gone in the middle of any request.

MEMALIGN_SCHEDULES=100 pytest tests/memory/test_qdrant_schedules.py
"""

import os
import random
import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from fakes import feedback
from qdrant_rest.process import RestServer

from langchain_memalign import MemoryStoreError

from .deployment import Deployment
from .qdrant_processes import open_judge

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]

SCHEDULES = int(os.environ.get("MEMALIGN_SCHEDULES", "4"))
STEPS = 12
WRITES = (None, "upsert", "set_payload", "delete", "batch")
OPTIONS = {"replication_factor": 3, "lease_seconds": 1, "lease_wait": 20, "timeout": 5}
CHANGES = r"POST \S+/(aliases|points/batch)$|PUT \S+/points$|(PUT|DELETE) /collections/[^/]+$"
QUESTION = {"inputs": "Question number 1 about topic1?", "outputs": "An answer."}


@pytest.fixture(scope="module")
def nodes():
    server = RestServer(peers=3)
    yield server
    server.close()


@pytest.fixture
def judges(nodes):
    """Two judges of one memory with three copies, as in two processes."""
    judges = Judges(nodes)
    yield judges
    nodes.heal()
    nodes.crash_after(None)
    nodes.kill()
    judges.close()


class Judges:
    """Two judges, each on a memory of its own process."""

    def __init__(self, nodes):
        self._nodes = nodes
        self._deployment = Deployment(nodes.url, None, f"test-{uuid.uuid4().hex}", rest=nodes)
        self.both = [self._open(), self._open()]

    def _open(self):
        return open_judge(self._nodes.url, {**self._deployment.options, **OPTIONS})[0]

    def die(self, number, rng, deed):
        """Let a judge be gone in the middle of a deed; another one takes its place."""
        judge = self.both[number]

        def begin():
            with suppress(MemoryStoreError):
                deed(judge)

        self._nodes.fault(match=CHANGES, skip=rng.randrange(12), times=None, hold=True)
        thread = threading.Thread(target=begin)
        thread.start()
        while thread.is_alive() and not self._nodes.is_held():
            thread.join(0.05)
        judge.memory.close()
        self._nodes.heal()
        thread.join()
        self.both[number] = self._open()

    def close(self):
        for judge in self.both:
            judge.memory.close()
        self._deployment.discard()


class Nodes:
    """Nodes that die and come back by chance; at most one at a time is down or behind.

    A node that came back behind lacks something until the memory is scrubbed. Were another one to
    die until then, nobody could know.
    """

    def __init__(self, server, rng):
        self._server, self._rng = server, rng
        self._dead = self._behind = None

    def go_on(self):
        if self._dead and self._rng.random() < 0.3:
            self._server.come_back_behind()
            self._dead, self._behind = None, self._dead
        else:
            may_die = (self._behind,) if self._behind else (1, 2, 3)
            self._dead = self._rng.choice((None, None, *may_die))
            self._server.kill(*[self._dead] if self._dead else [])
        if self._rng.random() < 0.3:
            self._server.crash()
        self._server.crash_after(self._rng.choice(WRITES))

    def are_the_same(self):
        self._behind = None

    def are_well(self):
        self._server.crash_after(None)
        self._server.kill()


class Words:
    """What experts said, by the marker in each remark: there, gone, or not known to be either."""

    def __init__(self, rng):
        self._rng = rng
        self.there, self.gone, self.open, self.said = set(), set(), set(), []

    def begin_learning(self):
        marker = f"{self._rng.getrandbits(128):032x}"
        self.said.append(marker)
        self.open.add(marker)
        return marker

    def learned(self, marker):
        self.open.remove(marker)
        self.there.add(marker)

    def begin_forgetting(self):
        marker = self._rng.choice(sorted(self.there))
        self.there.remove(marker)
        self.open.add(marker)
        return marker

    def forgotten(self, marker):
        self.open.remove(marker)
        self.gone.add(marker)

    def settle(self):
        """What was open has been forgotten."""
        self.gone |= self.open
        self.open.clear()

    def of(self, judge):
        """How often each is there."""
        remarks = [episode.rationale for episode in judge.episodes()]
        return Counter(marker for marker in self.said for r in remarks if marker in r)

    def assert_in(self, judge):
        found = self.of(judge)
        assert self.there <= found.keys() <= self.there | self.open
        assert set(found.values()) <= {1}


class Schedule:
    """What happens, step by step."""

    def __init__(self, nodes, judges, seed):
        self._rng = random.Random(seed)
        self._judges = judges
        self.states, self.words = Nodes(nodes, self._rng), Words(self._rng)

    def go_on(self):
        self.states.go_on()
        number, chance = self._rng.randrange(2), self._rng.random()
        judge, other = self._judges.both[number], self._judges.both[1 - number]
        if chance < 0.1:
            marker = self.words.begin_learning()
            self._judges.die(number, self._rng, lambda judge: learn(judge, marker))
        elif chance < 0.2 and self.words.there:
            marker = self.words.begin_forgetting()
            self._judges.die(number, self._rng, lambda judge: forget(judge, marker))
        elif chance < 0.3:
            with suppress(MemoryStoreError):  # such as of a node that is down
                judge.memory.scrub()
                self.states.are_the_same()
        elif chance < 0.4:
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(self.learn, (judge, other)))
        elif chance < 0.7 and self.words.there:
            self.forget(judge)
        else:
            self.learn(judge)

    def learn(self, judge):
        marker = self.words.begin_learning()
        with suppress(MemoryStoreError):  # it may have happened or not
            learn(judge, marker)
            self.words.learned(marker)

    def forget(self, judge):
        marker = self.words.begin_forgetting()
        with suppress(MemoryStoreError):
            report = forget(judge, marker)
            self.words.forgotten(marker)
            if "no byte" in report.guarantee:
                self.states.are_the_same()


def learn(judge, marker):
    judge.align([feedback(int(marker, 16), rationale=f"Mind {marker}.")])


def forget(judge, marker):
    return judge.forget(where=lambda episode: marker in episode.rationale)


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_no_schedule_loses_doubles_brings_back_or_leaks_a_word(nodes, judges, seed):
    schedule = Schedule(nodes, judges, seed)
    for _ in range(STEPS):
        schedule.go_on()
        for judge in judges.both:
            schedule.words.assert_in(judge)
            judge.invoke(QUESTION)
    schedule.states.are_well()
    assert_all_is_learned_and_nothing_left(nodes, judges.both, schedule.words)


def assert_all_is_learned_and_nothing_left(nodes, judges, words):
    one, other = judges
    report = one.forget(where=lambda e: any(marker in e.rationale for marker in words.open))
    words.settle()
    if "no byte" not in report.guarantee:  # says why, such as of a lease that was lost
        one.memory.scrub()
    one.align([])
    words.assert_in(other)
    assert other.episodes(status="pending") == []
    rules = [principle.text for principle in other.principles()]
    assert sorted(rules) == sorted(f"Rule: Mind {marker}." for marker in words.there)
    assert [marker for marker in words.gone if nodes.find(marker)] == []
