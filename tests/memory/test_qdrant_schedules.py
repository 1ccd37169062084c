"""Judges learn and forget while nodes die, come back, come back behind, and crash, by chance.

MEMALIGN_SCHEDULES=100 pytest tests/memory/test_qdrant_schedules.py
"""

import os
import random
import uuid
from collections import Counter

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
OPTIONS = {"replication_factor": 3, "lease_seconds": 0.5, "lease_wait": 3, "timeout": 5}
QUESTION = {"inputs": "Question number 1 about topic1?", "outputs": "An answer."}


@pytest.fixture(scope="module")
def nodes():
    server = RestServer(peers=3)
    yield server
    server.close()


@pytest.fixture
def judges(nodes):
    """Two judges of one memory with three copies, as in two processes."""
    deployment = Deployment(nodes.url, None, f"test-{uuid.uuid4().hex}", rest=nodes)
    opened = [open_judge(nodes.url, {**deployment.options, **OPTIONS})[0] for _ in range(2)]
    yield opened
    nodes.crash_after(None)
    nodes.kill()
    for judge in opened:
        judge.memory.close()
    deployment.discard()


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

    def new(self):
        marker = f"{self._rng.getrandbits(128):032x}"
        self.said.append(marker)
        return marker

    def of(self, judge):
        """How often each is there."""
        remarks = [episode.rationale for episode in judge.episodes()]
        return Counter(marker for marker in self.said for r in remarks if marker in r)

    def assert_in(self, judge):
        found = self.of(judge)
        assert self.there <= found.keys() <= self.there | self.open
        assert set(found.values()) <= {1}


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_no_schedule_of_nodes_loses_doubles_brings_back_or_leaks_a_word(nodes, judges, seed):
    rng = random.Random(seed)
    states, words = Nodes(nodes, rng), Words(rng)
    for step in range(STEPS):
        states.go_on()
        judge = rng.choice(judges)
        try:
            if words.there and rng.random() < 0.4:
                marker = rng.choice(sorted(words.there))
                words.there.remove(marker)
                words.open.add(marker)
                report = judge.forget(where=lambda episode, m=marker: m in episode.rationale)
                words.open.remove(marker)
                words.gone.add(marker)
                if "no byte" in report.guarantee:
                    states.are_the_same()
            else:
                marker = words.new()
                words.open.add(marker)
                judge.align([feedback(step, rationale=f"Mind {marker}.")])
                words.open.remove(marker)
                words.there.add(marker)
        except MemoryStoreError:
            continue  # what was under way may have happened or not
        other = rng.choice(judges)
        words.assert_in(other)
        other.invoke(QUESTION)
    states.are_well()
    assert_all_is_learned_and_nothing_left(nodes, judges, words)


def assert_all_is_learned_and_nothing_left(nodes, judges, words):
    one, other = judges
    one.forget(where=lambda episode: any(marker in episode.rationale for marker in words.open))
    words.gone |= words.open
    words.open.clear()
    one.align([])
    words.assert_in(other)
    assert other.episodes(status="pending") == []
    rules = [principle.text for principle in other.principles()]
    assert sorted(rules) == sorted(f"Rule: Mind {marker}." for marker in words.there)
    assert [marker for marker in words.gone if nodes.find(marker)] == []
