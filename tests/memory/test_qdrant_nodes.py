"""A memory with copies on three nodes: it outlives one of them, and forgets nothing it was told."""

import time
import uuid

import pytest
from fakes import feedback
from qdrant_rest.process import RestServer

from langchain_memalign import MemoryUnavailableError

from .deployment import Deployment
from .points import EVERYTHING, TOY, case, ids, point
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


def test_cases_that_are_equally_near_are_all_found_however_copies_order_them(nodes, cluster):
    store = cluster.open(replication_factor=3)
    tied = [point(i, vectors=case(1, 2, 3, 4)) for i in range(20)]
    store.write(tied, fingerprint=TOY)
    nodes.kill(1)
    for limit in (1, 5, 19, 25):
        found = store.nearest(EVERYTHING, using="case", vector=(1.0, 0.0, 0.0, 0.0), limit=limit)
        assert ids(p for p, _ in found) == sorted(ids(tied))[:limit]


def test_what_a_node_lacks_that_is_back_at_once_is_missed_by_nobody(judge, nodes):
    nodes.kill(3)
    judge.align([feedback(2)])
    assert len(judge.episodes()) == 2
    nodes.come_back_behind()
    assert len(judge.episodes()) == 2
    assert len(judge.invoke(QUESTION).episode_ids) == 2


def test_what_fails_for_a_moment_while_a_node_is_down_is_asked_again(judge, nodes):
    nodes.kill(3)
    nodes.fault(match="POST .*/points", query="quorum", times=2, status=500)
    assert judge.align([feedback(2)]).distilled
    nodes.fault(match="POST .*/points", query="consistency", times=5, status=500)
    assert len(judge.invoke(QUESTION).episode_ids) == 2


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


def test_judging_alone_lets_the_server_notice_that_a_node_is_gone(judge, nodes, cluster):
    """Until it does, which a write makes it do, every other read waits for that node."""
    nodes.kill(3)
    assert states(nodes, cluster) == {"Active"}
    judge.invoke(QUESTION)
    deadline = time.monotonic() + 30
    while "Dead" not in states(nodes, cluster) and time.monotonic() < deadline:
        pass
    assert "Dead" in states(nodes, cluster)
    nodes.kill()
    assert len(judge.episodes()) == 1


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


def test_who_learns_without_a_pause_lets_a_node_that_is_back_catch_up(judge, nodes, cluster):
    """It does so when the nodes have nothing to agree on, and leases change by agreement."""
    nodes.kill(3)
    judge.align([feedback(2)])
    nodes.come_back_when_idle(0.7)
    for number in range(3, 300):
        judge.align([feedback(number)])
        if "Dead" not in states(nodes, cluster):
            break
    assert states(nodes, cluster) == {"Active"}


def states(nodes, cluster):
    """What the cluster holds the copies of the memory for."""
    info = nodes.ask("GET", f"/collections/{cluster.collection}/cluster")
    return {shard["state"] for shard in [*info["local_shards"], *info["remote_shards"]]}


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
