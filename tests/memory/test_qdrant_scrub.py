"""Scrubbing a memory on a server: no byte of what was forgotten is left, nobody is disturbed."""

import threading
from contextlib import suppress

import pytest
from fakes import feedback
from qdrant_rest.process import RestServer
from qdrant_rest.states import needs_all_nodes

from langchain_memalign import ConfigurationError, MemoryLockedError, MemoryStoreError

from .deployment import Deployment
from .points import EVERYTHING, TOY, case, id_of, names, point
from .qdrant_processes import open_judge

pytestmark = pytest.mark.enable_socket

SECRET = "zq81f0c27ab34"


@pytest.fixture
def bare():
    """A server of its own, so that all its files are this test's."""
    server = RestServer()
    yield Deployment(server.url, None, "memalign", rest=server)
    server.close()


def collections(rest):
    return sorted(c["name"] for c in rest.ask("GET", "/collections")["collections"])


@needs_all_nodes
def test_after_forgetting_no_byte_of_it_is_in_the_files_of_the_server(bare):
    judge, _ = open_judge(bare.url, bare.options)
    other, _ = open_judge(bare.url, bare.options)
    with judge.memory, other.memory:
        judge.align([feedback(n) for n in range(4)])
        judge.align([feedback(9, outputs=f"Answer {SECRET}.", rationale=f"Rule {SECRET}.")])
        (gone,) = [e for e in judge.episodes() if SECRET in str(e.case.outputs)]
        assert bare.rest.find(SECRET) != []
        report = judge.forget(episode_ids=[gone.id])
        assert "no byte of them is left" in report.guarantee
        assert bare.rest.find(SECRET) == []
        # Others that have it open go on, and what they learn is there for all.
        assert len(other.episodes()) == 4
        other.align([feedback(20)])
        assert len(judge.episodes()) == 5
        # The next one finds the memory under an alias.
        judge.forget(episode_ids=[judge.episodes()[0].id])
        assert len(other.episodes()) == 4
        assert len(collections(bare.rest)) == 1
    again, _ = open_judge(bare.url, bare.options)
    with again.memory:
        assert len(again.episodes()) == 4
        again.align([feedback(21)])
        assert again.memory.recall("tone", {"inputs": "Question?", "outputs": "x"}).episodes


@needs_all_nodes
def test_no_byte_of_an_erased_principle_is_in_the_files_of_the_server(bare):
    judge, _ = open_judge(bare.url, bare.options)
    with judge.memory:
        kept, gone = judge.add_principle("Be kind."), judge.add_principle(f"Rule {SECRET}.")
        assert bare.rest.find(SECRET) != []
        judge.remove_principle(gone.id, erase=True)
        assert bare.rest.find(SECRET) == []
        assert [p.id for p in judge.principles()] == [kept.id]


@needs_all_nodes
def test_snapshots_are_named_in_the_guarantee(bare):
    store = bare.open()
    store.write([point("a")])
    (made,) = [bare.rest.ask("POST", "/collections/memalign/snapshots")["name"]]
    assert made in store.scrub()


@needs_all_nodes
def test_a_forgetting_that_finds_nothing_scrubs_what_an_earlier_one_left(bare):
    judge, _ = open_judge(bare.url, bare.options)
    with judge.memory:
        judge.align([feedback(1), feedback(2)])
        (first, _) = judge.episodes()
        bare.rest.fault(match=r"PUT /collections/memalign\.\w+$", status=500, times=None)
        report = judge.forget(episode_ids=[first.id])
        assert "It was not scrubbed" in report.guarantee
        bare.rest.heal()
        assert "no byte of them is left" in judge.forget(episode_ids=[first.id]).guarantee
        assert len(judge.episodes()) == 1


@needs_all_nodes
@pytest.mark.parametrize("step", range(16))
def test_a_scrub_broken_off_at_any_request_leaves_one_whole_memory(bare, step):
    """Its process dies there; whoever opens the memory next finishes it or undoes it."""
    store = bare.open(lease_seconds=0.3)
    store.write([point(i, vectors=case(1, i, 0, 0)) for i in range(5)], fingerprint=TOY)
    store.write([], erased=[id_of(0)])
    reader = bare.open()
    # The aliases are changed, a collection is made or deleted, or points are written.
    writes = r"(POST|PUT|DELETE) /collections/(aliases$|memalign\.\w+|memalign$)"
    bare.rest.fault(match=writes, skip=step, hold=True, times=None)
    store_dies(store, bare.rest)
    bare.rest.heal()
    heir = bare.open(lease_wait=10)
    heir.acquire("writer")
    heir.release("writer")
    for opened in (heir, reader):
        assert names(opened.scan(EVERYTHING)) == set("1234")
    assert len(collections(bare.rest)) == 1
    heir.write([point("new", vectors=case(1, 0, 0, 0))])
    assert names(reader.scan(EVERYTHING)) == {*"1234", "new"}


@needs_all_nodes
@pytest.mark.parametrize("is_alias", [False, True])
@pytest.mark.parametrize("done", range(1, 7))
def test_a_server_that_dies_while_leases_are_moved_keeps_one_whole_memory(bare, done, is_alias):
    """It carries out a list of changes one by one, and its crash comes between two of them."""
    store = bare.open(lease_seconds=0.3)
    store.write([point(i, vectors=case(1, i, 0, 0)) for i in range(5)], fingerprint=TOY)
    if is_alias:
        store.scrub()
    reader = bare.open(lease_seconds=0.3)
    reader.acquire("aligner")
    store.write([], erased=[id_of(0)])
    bare.rest.fault(match="POST /collections/aliases", body="create_alias", tear=done, hold=True)
    store_dies(store, bare.rest)
    bare.rest.heal()
    assert names(reader.scan(EVERYTHING)) == set("1234")
    heir = bare.open(lease_wait=10)
    heir.write([point("new", vectors=case(1, 0, 0, 0))])
    with pytest.raises(MemoryLockedError, match="aligner"):
        bare.open(lease_wait=0.1).acquire("aligner")
    reader.release("aligner")
    for opened in (heir, reader, bare.open()):
        assert names(opened.scan(EVERYTHING)) == {*"1234", "new"}
        assert "no byte of them is left" in opened.scrub()
    assert len(collections(bare.rest)) == 1


def store_dies(store, rest):
    """Scrub until a request is held, then let the process be gone: nothing is asked any more."""

    def scrub():
        with suppress(MemoryStoreError):
            store.scrub()

    thread = threading.Thread(target=scrub)
    thread.start()
    while thread.is_alive() and not rest.is_held():
        thread.join(0.05)
    store.close()
    rest.release()
    thread.join()


def test_a_key_that_may_not_manage_keeps_the_weaker_guarantee():
    server = RestServer(api_key="all", token=("memalign", "one"))
    try:
        server.ask("PUT", "/collections/memalign", {"vectors": {}})
        limited = Deployment(server.url, "one", "memalign", rest=server)
        judge, _ = open_judge(limited.url, limited.options)
        with judge.memory:
            judge.align([feedback(1), feedback(2)])
            report = judge.forget(episode_ids=[judge.episodes()[0].id])
            assert "write-ahead log" in report.guarantee
            assert "may not manage collections" in report.guarantee
            with pytest.raises(ConfigurationError, match="may not manage collections"):
                judge.memory.scrub()
            assert len(judge.episodes()) == 1
    finally:
        server.close()
