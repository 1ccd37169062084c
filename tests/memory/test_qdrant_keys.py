"""Memories whose leases are points: made by keys that may not manage, or by older versions."""

import pytest
from fakes import feedback
from qdrant_rest.process import RestServer
from qdrant_rest.states import needs_sound_index

from langchain_memalign import MemoryStoreError, MemoryUnavailableError
from langchain_memalign._stores.write_batch import OWN_POINT

from .deployment import Deployment
from .points import EVERYTHING, names, point
from .qdrant_processes import open_judge

pytestmark = pytest.mark.enable_socket

STRICT = {"enabled": True, "unindexed_filtering_update": False}


@pytest.fixture
def server():
    server = RestServer(api_key="all", read_key="read", token=("memalign", "one"))
    yield server
    server.close()


@pytest.fixture
def limited(server):
    """The memory as a key for one collection sees it."""
    server.ask("PUT", "/collections/memalign", {"vectors": {}})
    return Deployment(server.url, "one", "memalign", rest=server)


@pytest.fixture
def managing(server):
    return Deployment(server.url, "all", "memalign", rest=server)


def as_an_older_version_left_it(server):
    """Take away what says how the leases are kept."""
    path = "/collections/memalign/points"
    (own,) = server.ask("POST", path, {"ids": [OWN_POINT]})
    payload = {name: said for name, said in own["payload"].items() if name != "leases"}
    server.ask("PUT", path, {"points": [{"id": OWN_POINT, "vector": {}, "payload": payload}]})


def test_keys_of_both_kinds_share_a_memory_that_the_lesser_began(limited, managing):
    stores = [limited.open(), managing.open()]
    for number, store in enumerate(stores * 2):
        store.write([point(number)])
    assert names(stores[0].scan(EVERYTHING)) == set("0123")
    first, second = stores
    first.acquire("aligner of tone")
    with pytest.raises(MemoryStoreError, match="held by"):
        managing.open(lease_wait=0.2).acquire("aligner of tone")
    first.release("aligner of tone")
    second.acquire("aligner of tone")
    second.release("aligner of tone")


def test_a_memory_of_an_older_version_goes_on_and_is_moved_over(server, limited, managing):
    judge, _ = open_judge(limited.url, limited.options)
    with judge.memory:
        judge.align([feedback(1)])
        as_an_older_version_left_it(server)
        moved, _ = open_judge(managing.url, managing.options)
        with moved.memory:
            moved.align([feedback(2)])
            moved.forget(episode_ids=[moved.episodes()[0].id])
            assert len(moved.episodes()) == 1
        # Who had it open may judge still, and is told what learning needs.
        assert len(judge.episodes()) == 1
        with pytest.raises(MemoryUnavailableError, match="manage collections"):
            judge.align([feedback(3)])
        assert len(judge.episodes()) == 1


def test_a_key_that_may_only_read_reads(server, managing):
    managing.open().write([point("a")])
    reading = Deployment(server.url, "read", "memalign", rest=server).open()
    assert names(reading.scan(EVERYTHING)) == {"a"}
    assert reading.version() is not None
    with pytest.raises(MemoryUnavailableError, match="manage"):
        reading.write([point("b")])


@pytest.fixture
def strict(server):
    """The memory as a key for one collection sees it, where updates need an index."""
    body = {"vectors": {}, "strict_mode_config": STRICT}
    server.ask("PUT", "/collections/memalign", body)
    return Deployment(server.url, "one", "memalign", rest=server)


def test_a_lease_that_a_stale_index_hides_is_an_error_that_names_the_remedy(server, strict):
    store = strict.open(lease_wait=0.5)
    server.crash()
    with pytest.raises(MemoryStoreError, match=r"does not let it be taken.*index of the payload"):
        store.write([point("a")])
    assert store.scan(EVERYTHING) == []


@needs_sound_index
def test_the_remedy_for_a_stale_index_helps(server, strict):
    store = strict.open(lease_wait=0.5)
    store.write([point("a")])
    server.crash()
    with pytest.raises(MemoryStoreError, match="does not let it be taken"):
        store.write([point("b")])
    assert names(store.scan(EVERYTHING)) == {"a"}
    server.ask("DELETE", "/collections/memalign/index/stamp")
    index = {"field_name": "stamp", "field_schema": "keyword"}
    server.ask("PUT", "/collections/memalign/index", index)
    store.write([point("b")])
    assert names(store.scan(EVERYTHING)) == {"a", "b"}
