"""Several processes on one memory: nothing is lost, doubled or merged over, whoever dies."""

import os
import signal

import pytest
from fakes import feedback

from langchain_memalign._stores.base import Selection

from .points import EVERYTHING, id_of, ids, names, point
from .qdrant_processes import (
    SHARED,
    align_and_judge,
    align_once,
    heard,
    open_judge,
    process,
    rounds,
    write_in_turn,
)

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]

ROUNDS = 4

# A request that writes, told by its method and path.
WRITES = r"PUT \S+/points$|POST \S+/points/(batch|payload|delete)$|POST \S+/aliases$"


def assert_all_learned(judge, batches):
    """Every record is there once, distilled, and stands behind the one principle it gave."""
    wanted = [record for batch in batches for record in batch]
    episodes = judge.episodes()
    assert sorted(e.case.inputs for e in episodes) == sorted(r["inputs"] for r in wanted)
    assert {e.status for e in episodes} == {"distilled"}
    principles = judge.principles()
    expected = {f"Rule: {e.rationale}": set() for e in episodes}
    for e in episodes:
        expected[f"Rule: {e.rationale}"].add(e.id)
    assert {p.text: set(p.episode_ids) for p in principles} == expected
    assert len(principles) == len(expected)
    assert all(len(p.episode_ids) == len(set(p.episode_ids)) for p in principles)


@pytest.mark.parametrize("by_graph", [False, True], ids=["align", "graph"])
def test_two_processes_judge_and_align_at_once(deployed, by_graph):
    """By `align` they take turns; the branches of the graph do not, and lose nothing either."""
    common = (deployed.url, deployed.options)
    with (
        process(align_and_judge, *common, 0, ROUNDS, by_graph) as (_, one),
        process(align_and_judge, *common, 100, ROUNDS, by_graph) as (_, two),
    ):
        for pipe in (one, two):
            assert heard(pipe) == "ready"
        for pipe in (one, two):
            pipe.send("go")
        told = [heard(one), heard(two)]
    judge, _ = open_judge(*common)
    with judge.memory:
        batches = [*rounds(0, ROUNDS), *rounds(100, ROUNDS)]
        assert_all_learned(judge, batches)
        (shared,) = [p for p in judge.principles() if SHARED in p.text]
        assert len(shared.episode_ids) == 2 * ROUNDS
        # What a verdict says it saw was there.
        existed = {p.id for p in judge.memory.principles("tone", retired=True)}
        existed |= {e.id for e in judge.episodes()}
        seen = {id_ for verdicts, _ in told for shown in verdicts for ids in shown for id_ in ids}
        assert seen
        assert seen <= existed
    if not by_graph:
        # Who aligns at the moment has all that is pending to itself: each is distilled once.
        assert sum(sum(distilled) for _, distilled in told) == sum(map(len, batches))


def distilled_in(store):
    return set(ids(store.scan(Selection(kind="episode", fields={"status": ("distilled",)}))))


def cited_in(store):
    principles = store.scan(Selection(kind="principle", fields={"status": ("active",)}))
    return {id_ for p in principles for id_ in p.fields.get("episode_ids", ())}


@pytest.mark.parametrize(
    "fault",
    [
        *({"match": WRITES, "skip": survived} for survived in range(12)),
        {"match": "batch", "tear": 1},
        {"match": "batch", "skip": 1, "tear": 1},
        {"match": "batch", "skip": 1, "tear": 3},
    ],
    ids=lambda fault: "-".join(f"{name}{n}" for name, n in fault.items() if name != "match"),
)
def test_a_process_killed_at_any_write_leaves_a_whole_memory(on_rest, fault):
    """It dies at the request after some others; or in the middle of one, torn by the server."""
    batch = [feedback(1), feedback(2, rationale=SHARED)]
    options = {**on_rest.options, "lease_seconds": 0.3}
    reader = on_rest.open()
    with process(align_once, on_rest.url, options, batch) as (victim, pipe):
        assert heard(pipe) == "ready"
        on_rest.rest.fault(**fault, hold=True)
        pipe.send("go")
        on_rest.rest.wait_until_held()
        victim.kill()
        victim.join()
        on_rest.rest.heal()
    # Even before anybody tidies up, no episode counts as learned without what was learned from it.
    assert distilled_in(reader) <= cited_in(reader)
    judge, model = open_judge(on_rest.url, options)
    with judge.memory:
        # Whatever was recorded is in place by now, and nothing else.
        distilled = distilled_in(reader)
        assert distilled == cited_in(reader)
        assert len(judge.episodes()) in (0, 2)
        judge.align(batch)
        assert_all_learned(judge, [batch])
        assert sum(len(r.record_ids) for r in model.titled("principles")) == 2 - len(distilled)


def test_a_process_that_slept_through_its_lease_writes_no_more(on_rest):
    """Stopped while it holds the lease, it wakes up after another has taken it over and written."""
    options = {**on_rest.options, "lease_seconds": 0.5}
    with process(write_in_turn, on_rest.url, options, "a", "b") as (sleeper, pipe):
        assert heard(pipe) == "holds"
        os.kill(sleeper.pid, signal.SIGSTOP)
        try:
            store = on_rest.open()
            store.write([point("a", record="of the other"), point("c")])
        finally:
            os.kill(sleeper.pid, signal.SIGCONT)
        pipe.send("write")
        said = heard(pipe)
    assert said.startswith("MemoryLockedError: lost the lease")
    assert "lease_seconds" in said
    assert {p.id: p.record for p in store.scan(EVERYTHING)} == {
        id_of("a"): "of the other",
        id_of("c"): "record c",
    }


def test_a_process_that_works_long_keeps_its_lease(on_rest):
    """Signs of life keep it from being taken for dead, and who waits for it is told."""
    options = {**on_rest.options, "lease_seconds": 0.4}
    with process(write_in_turn, on_rest.url, options, "a", "b") as (_, pipe):
        assert heard(pipe) == "holds"
        store = on_rest.open(lease_wait=1.5)
        with pytest.raises(Exception, match=r"held by process \d+ on .*lease_wait") as told:
            store.write([point("c")])
        assert type(told.value).__name__ == "MemoryLockedError"
        pipe.send("write")
        assert heard(pipe) == "wrote"
    assert names(store.scan(EVERYTHING)) == {"a", "b"}
    # It died with the lease in its hands, and did not live on.
    on_rest.open().write([point("c")])
    assert names(store.scan(EVERYTHING)) == {"a", "b", "c"}
