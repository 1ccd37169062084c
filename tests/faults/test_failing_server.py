"""A server that is gone, slow, refusing, failing or emptied: told in time, and then overcome."""

import logging
import time
import traceback

import pytest
from memory.conftest import KEY
from memory.points import EVERYTHING, TOY, case, names, point
from qdrant_rest.process import RestServer
from qdrant_rest.states import HAS_COPIES

from langchain_memalign import ConfigurationError, MemoryStoreError, MemoryUnavailableError

pytestmark = pytest.mark.enable_socket

READS = {
    "scan": lambda store: store.scan(EVERYTHING),
    "nearest": lambda store: store.nearest(
        EVERYTHING, using="case", vector=(1.0, 0.0, 0.0, 0.0), limit=1
    ),
    "tally": lambda store: store.tally(EVERYTHING, "judge"),
    "version": lambda store: store.version(),
}
CALLS = {**READS, "write": lambda store: store.write([point("b")])}
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@pytest.fixture
def filled(on_rest):
    """A store with one record; its server answers within 1.5 seconds or not at all."""
    store = on_rest.open(timeout=1.5, lease_seconds=1)
    store.write([point("a", vectors=case(1, 0, 0, 0))], fingerprint=TOY)
    on_rest.rest.requests()
    return store


# Gone, slow, failing


@each_call
def test_a_server_that_is_gone_is_told_and_a_server_that_is_back_is_used(filled, rest, call):
    rest.stop()
    try:
        began = time.monotonic()
        with pytest.raises(MemoryUnavailableError, match=r"found no Qdrant server at .*start it"):
            call(filled)
        assert time.monotonic() - began < 5
    finally:
        rest.start()
    call(filled)
    assert "a" in names(filled.scan(EVERYTHING))


@pytest.mark.parametrize("call", [CALLS["scan"], CALLS["write"]], ids=["scan", "write"])
def test_a_server_that_does_not_answer_is_told_after_the_timeout(filled, rest, call):
    rest.fault(match="collections", hold=True, times=None)
    began = time.monotonic()
    with pytest.raises(MemoryUnavailableError, match=r"no answer .* within 1.5 s.*timeout="):
        call(filled)
    assert 0.9 < time.monotonic() - began < 5
    # Who has waited once need not wait again. Whether nodes agreed on a lease is asked meanwhile.
    assert 1 <= rest.hits() <= (2 if HAS_COPIES and call is CALLS["write"] else 1)
    rest.heal()
    call(filled)


@pytest.mark.parametrize(
    "unanswered",
    [r"POST /collections/aliases", r"points/batch"],
    ids=["taking the lease", "carrying it out"],
)
def test_a_server_that_falls_silent_during_a_write_is_waited_for_once(
    filled, on_rest, rest, unanswered
):
    store = on_rest.open(timeout=1, lease_seconds=60)
    rest.fault(match=unanswered, hold=True, times=None)
    with pytest.raises(MemoryUnavailableError, match="no answer"):
        store.write([point("b")])
    assert rest.hits() == 1  # nor is the lease given back at the price of another timeout
    rest.heal()
    store.write([point("c")])
    expected = {"a", "b", "c"} if "batch" in unanswered else {"a", "c"}
    assert names(filled.scan(EVERYTHING)) == expected


@each_call
@pytest.mark.parametrize("status", [500, 429])
def test_a_failing_server_is_asked_again(filled, rest, call, status):
    rest.fault(match="collections", status=status, times=2)
    call(filled)
    assert rest.hits() == 2


@each_call
def test_a_connection_that_breaks_is_made_again(filled, rest, call):
    rest.fault(
        {"match": "collections", "drop": True},
        {"match": "collections", "drop": True, "after": True, "skip": 1},
    )
    call(filled)
    told, wanted = rest.hits(), 2 if call is CALLS["write"] else 1
    assert told == wanted or (HAS_COPIES and told > wanted)


@each_call
def test_a_server_that_goes_on_failing_is_told(filled, rest, call):
    rest.fault(match="collections", status=500, times=None, message="WAL is full")
    with pytest.raises(MemoryUnavailableError, match=r"failed \(500: WAL is full\).*see its log"):
        call(filled)
    assert rest.hits() >= 3
    rest.heal()
    call(filled)


def test_a_server_that_asks_to_wait_longer_than_the_timeout_is_not_waited_for(filled, rest):
    rest.fault(match="collections", status=429, retry_after="30", message="too many")
    with pytest.raises(MemoryUnavailableError, match="429: too many"):
        filled.scan(EVERYTHING)
    assert rest.hits() == 1


def test_a_server_that_refuses_a_request_is_not_asked_again(filled, rest):
    rest.fault(match="collections", status=400, message="Wrong input: no", times=None)
    with pytest.raises(MemoryStoreError, match=r"refused a request \(400: Wrong input: no\)"):
        filled.scan(EVERYTHING)
    assert rest.hits() == 1


def test_what_is_no_qdrant_server_is_told(on_rest):
    on_rest.rest.fault(match="GET /$", status=200, message="Welcome to nginx")
    with pytest.raises(MemoryUnavailableError, match="does not answer as Qdrant"):
        on_rest.open()


# A write that fails halfway


@pytest.mark.parametrize("by_another", [False, True], ids=["same", "another"])
def test_a_write_that_broke_off_is_carried_out_before_anything_else(
    filled, on_rest, rest, by_another
):
    """The server took the record of the write, tore the write itself, and failed."""
    rest.fault(match="batch", tear=1, status=500, times=None)
    many = [point(i, vectors=case(1, i, 0, 0)) for i in range(5)]
    with pytest.raises(MemoryUnavailableError):
        filled.write(many, erased=[point("a").id], fingerprint=TOY)
    rest.heal()
    assert len(filled.scan(EVERYTHING)) == 2  # what a reader sees until somebody writes
    assert filled.version() is None
    if by_another:
        found = on_rest.open()
    else:
        filled.write([point("b")])
        found = filled
    expected = {str(i) for i in range(5)} | (set() if by_another else {"b"})
    assert names(found.scan(EVERYTHING)) == expected
    assert found.version() is not None


def test_a_write_that_was_not_recorded_never_happened(filled, on_rest, rest):
    # The second change of the lease: the first one takes it.
    rest.fault(match="POST /collections/aliases", skip=1, status=500, times=None)
    with pytest.raises(MemoryUnavailableError):
        filled.write([point("b")])
    rest.heal()
    assert names(filled.scan(EVERYTHING)) == {"a"}
    filled.write([point("c")])
    assert names(filled.scan(EVERYTHING)) == {"a", "c"}


# Emptied


@each_call
@pytest.mark.parametrize("how", ["emptied", "dropped", "replaced"])
def test_a_memory_that_vanished_is_no_empty_memory(filled, on_rest, rest, call, how):
    if how == "emptied":
        rest.restart(empty=True)
    else:
        rest.drop(on_rest.collection)
    if how == "replaced":
        on_rest.open()
    with pytest.raises(MemoryUnavailableError, match=r"no memory any more at .*snapshot"):
        call(filled)
    again = on_rest.open()
    assert again.scan(EVERYTHING) == []
    again.write([point("new")])
    assert names(again.scan(EVERYTHING)) == {"new"}


def test_a_memory_that_another_one_replaced_is_not_written_to(filled, on_rest, rest):
    rest.drop(on_rest.collection)
    other = on_rest.open()
    other.write([point("theirs")])
    with pytest.raises(MemoryUnavailableError, match="no memory any more"):
        filled.write([point("ours")])
    assert names(other.scan(EVERYTHING)) == {"theirs"}


def test_a_collection_of_something_else_is_left_alone(on_rest, rest):
    store = on_rest.open()
    store.write([point("a")])
    from langchain_memalign._stores.write_batch import OWN_POINT

    delete = {"points": [OWN_POINT]}
    rest.ask("POST", f"/collections/{on_rest.collection}/points/delete", delete)
    before = rest.ask("POST", f"/collections/{on_rest.collection}/points/scroll", {})
    with pytest.raises(MemoryStoreError, match=r"found 2 points but no memory .*collection="):
        on_rest.open()
    assert rest.ask("POST", f"/collections/{on_rest.collection}/points/scroll", {}) == before


def test_an_old_server_is_told():
    server = RestServer(version="1.17.3")
    try:
        from langchain_memalign._stores.qdrant.store import QdrantStore

        with pytest.raises(ConfigurationError, match=r"found Qdrant 1\.17\.3 .*1\.18"):
            QdrantStore.open(server.url)
        assert server.requests() == ["GET /"]
    finally:
        server.close()


# Keys


@pytest.mark.parametrize("key", [None, "another-key-7f3d", "another key", "schlüssel-7f3d"])
def test_a_key_that_is_refused_is_named_and_never_repeated(on_rest, key, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    with pytest.raises((MemoryUnavailableError, ConfigurationError), match="api_key") as told:
        on_rest.open(api_key=key)
    shown = "".join(traceback.format_exception(told.value))
    shown += caplog.text + "".join(capfd.readouterr())
    assert key is None or key not in shown


def test_a_key_is_shown_nowhere(on_rest, rest, caplog, capfd):
    """Not by objects, nor by logs; nor by errors, even when the server repeats it."""
    caplog.set_level(logging.DEBUG)
    store = on_rest.open()
    store.write([point("a")])
    rest.fault(match="scroll", status=400, message=f"no such key: {KEY}")
    with pytest.raises(MemoryStoreError) as told:
        store.scan(EVERYTHING)
    shown = "".join(traceback.format_exception(told.value))
    foreign, ours = shown.split("direct cause of the following exception")
    assert "no such key" in foreign
    assert "no such key" in ours
    assert KEY not in shown + repr(store) + str(vars(store)) + repr(told.value)
    assert KEY not in caplog.text + "".join(capfd.readouterr())
