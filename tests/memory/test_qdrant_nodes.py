"""A memory with copies on three nodes: it outlives one of them, and forgets nothing it was told."""

import random
import uuid

import pytest
from fakes import feedback
from qdrant_rest.process import RestServer

from langchain_memalign import MemoryStoreError, MemoryUnavailableError

from .deployment import AT_ONCE, Deployment
from .points import EVERYTHING, TOY, case, id_of, names, point
from .qdrant_processes import open_judge

pytestmark = pytest.mark.enable_socket

QUESTION = {"inputs": "Question number 1 about topic1?", "outputs": "An answer."}


@pytest.fixture(scope="module")
def nodes():
    server = RestServer(peers=3)
    yield server
    server.close()


@pytest.fixture
def cluster(nodes):
    """A collection of its own on three nodes."""
    deployment = Deployment(nodes.url, None, f"test-{uuid.uuid4().hex}", rest=nodes)
    yield deployment
    nodes.heal()
    nodes.crash_after(None)
    nodes.kill()
    deployment.discard()


@pytest.fixture
def judge(cluster):
    options = {**cluster.options, "replication_factor": 3, "lease_wait": 5, "timeout": 5}
    judge, _ = open_judge(cluster.url, options)
    with judge.memory:
        judge.align([feedback(1)])
        yield judge


def test_more_than_half_of_the_copies_must_take_a_write(judge, nodes, cluster):
    info = nodes.ask("GET", f"/collections/{cluster.collection}")
    assert info["config"]["params"]["write_consistency_factor"] == 2


@pytest.mark.parametrize("dead", [1, 2, 3])
def test_judging_opening_and_learning_go_on_without_a_node(judge, nodes, cluster, dead):
    nodes.kill(dead)
    verdict = judge.invoke(QUESTION)
    assert (len(verdict.episode_ids), verdict.recall_problem) == (1, None)
    assert len(judge.align([feedback(2)]).distilled) == 1
    other, _ = open_judge(cluster.url, cluster.options)
    with other.memory:
        assert len(other.episodes()) == 2
        other.forget(episode_ids=[other.episodes()[0].id])
    nodes.kill()
    assert len(judge.episodes()) == 1
    assert len(judge.align([feedback(3)]).distilled) == 1


@pytest.mark.parametrize("dead", [(1, 2), (2, 3)])
def test_with_one_copy_left_the_verdict_says_so_and_learning_is_refused(judge, nodes, dead):
    nodes.kill(*dead)
    verdict = judge.invoke(QUESTION)
    assert len(verdict.episode_ids) == 1
    assert "only one copy" in verdict.recall_problem
    with pytest.raises(MemoryUnavailableError, match=r"2 of the 3 copies .* missing"):
        judge.align([feedback(2)])
    nodes.kill()
    assert judge.align([feedback(2)]).distilled
    assert judge.invoke(QUESTION).recall_problem is None


def test_learning_goes_on_when_changes_were_lost_with_the_node_that_led(judge, nodes):
    """Until the others have elected another, their answer is waited for in vain."""
    lost = "Service internal error: Waiting for consensus operation commit failed."
    nodes.fault(match="POST /collections/aliases", times=3, delay=None, status=500, message=lost)
    assert judge.align([feedback(2)]).distilled


def test_what_nodes_do_not_answer_in_time_is_asked_of_fewer(judge, nodes, cluster):
    """A node that is frozen holds up who waits for all copies."""
    nodes.fault(match="POST .*/points", query="majority", delay=None, times=None, status=500)
    verdict = judge.invoke(QUESTION)
    assert (len(verdict.episode_ids), verdict.recall_problem) == (1, None)
    assert judge.align([feedback(2)]).distilled


def test_of_two_copies_one_serves_judges_and_an_error_counts_the_missing(nodes, cluster):
    judge, _ = open_judge(cluster.url, {**cluster.options, "replication_factor": 2})
    with judge.memory:
        judge.align([feedback(1)])
        nodes.kill(2)
        assert "only one copy" in judge.invoke(QUESTION).recall_problem
        with pytest.raises(
            MemoryUnavailableError,
            match=r"1 of the 2 copies .* missing.*three copies on three nodes .* outlives one",
        ):
            judge.align([feedback(2)])


def test_what_a_node_lacks_that_came_back_behind_is_found_and_scrubbing_gives_it_back(
    judge, nodes, cluster
):
    nodes.kill(3)
    judge.align([feedback(n) for n in range(2, 6)])
    nodes.come_back_behind()
    other, _ = open_judge(cluster.url, cluster.options)
    with other.memory:
        assert len(other.episodes()) == 5
        assert len(other.invoke(QUESTION).episode_ids) == 5
        judge.memory.scrub()
        # Every copy has it all by itself now, whichever nodes are left.
        for dead in ((1, 2), (1, 3), (2, 3)):
            nodes.kill(*dead)
            assert len(other.invoke(QUESTION).episode_ids) == 5
    nodes.kill()


def test_a_node_that_is_down_keeps_a_memory_from_being_scrubbed_and_the_report_says_so(
    judge, nodes
):
    judge.align([feedback(2)])
    nodes.kill(2)
    report = judge.forget(episode_ids=[judge.episodes()[0].id])
    assert "It was not scrubbed" in report.guarantee
    nodes.kill()
    assert "no byte of them is left" in judge.forget(where=lambda _: False).guarantee
    assert len(judge.episodes()) == 1


@pytest.mark.parametrize("write", ["upsert", "set_payload", "delete", "batch"])
def test_an_index_that_is_stale_after_every_write_stops_nothing(judge, nodes, write):
    nodes.crash_after(write)
    for number in range(2, 5):
        assert judge.align([feedback(number)]).distilled
        judge.invoke(QUESTION)
    judge.forget(episode_ids=[judge.episodes()[0].id])
    assert len(judge.episodes()) == 3


SCHEDULES = 8


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_any_schedule_of_dying_nodes_loses_doubles_and_brings_back_nothing(nodes, cluster, seed):
    rng = random.Random(seed)
    options = {"replication_factor": 3, "lease_seconds": 0.5, "lease_wait": 3, "timeout": 5}
    stores = [cluster.open(retry=AT_ONCE, **options) for _ in range(2)]
    stores[0].write([point("first", vectors=case(1, 0, 0, 0))], fingerprint=TOY)
    there, uncertain = {"first"}, set()
    for step in range(12):
        dead = rng.choice([(), (), (1,), (2,), (3,)])
        if rng.random() < 0.3:
            nodes.crash()
        nodes.kill(*dead)
        store = rng.choice(stores)
        gone = {rng.choice(sorted(there))} if there and rng.random() < 0.4 else set()
        name = f"s{step}"
        try:
            new = point(name, vectors=case(1, step, 0, 0))
            store.write([new], erased=[id_of(x) for x in gone], fingerprint=TOY)
            if rng.random() < 0.2 and not dead:
                store.scrub()
        except MemoryStoreError:
            uncertain |= {name, *gone}
        else:
            there = (there | {name}) - gone
        there -= uncertain
        found = names(rng.choice(stores).scan(EVERYTHING))
        assert there <= found <= there | uncertain
    nodes.kill()
    for store in stores:
        assert there <= names(store.scan(EVERYTHING)) <= there | uncertain
