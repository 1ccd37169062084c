"""Recorded writes: they come back as they were, or are told to be unreadable."""

import base64
import json
import random
import zlib

import pytest

from langchain_memalign import MemoryCorruptError
from langchain_memalign._stores.qdrant.writing import JournalEntry

from .points import EVERYTHING, TOY, case, id_of, names, point

UNREADABLE = {
    "no base64": "?",
    "no compressed text": base64.b64encode(b"text").decode(),
    "no JSON": base64.b64encode(zlib.compress(b"{")).decode(),
    "newer": base64.b64encode(zlib.compress(json.dumps({"format": 2}).encode())).decode(),
    "nothing": "",
}


def test_a_write_comes_back_as_it_was_recorded():
    points = (
        point("a", record='{"text": "Größe \\u0000 \x00 👩🏽‍🚀"}', fields={"status": "pending"}),
        point("b", kind="principle", fields={"episode_ids": ("x", "y"), "value": ""}),
        point("c", vectors=case(0.5, -1, 0, 2**-60)),
        point("d", vectors={}),
    )
    written = JournalEntry(points=points, erased=[id_of("e")])
    text = written.text()
    assert text.isascii()
    # A point without vectors has none once it is in place: those it keeps are recorded with it.
    again = JournalEntry.read(text, remedy="")
    assert [p.vectors for p in again.points] == [{}, {}, points[2].vectors, {}]
    assert [p.record for p in again.points] == [p.record for p in points]
    assert [p.fields for p in again.points] == [p.fields for p in points]
    assert [(p.id, p.kind, p.judge) for p in again.points] == [
        (p.id, p.kind, p.judge) for p in points
    ]
    assert again.erased == [id_of("e")]


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_recorded_write_is_told(text):
    with pytest.raises(MemoryCorruptError, match=r"found a recorded write.*upgrade.*restore it"):
        JournalEntry.read(text, remedy="restore it")


@pytest.fixture
def broken_off(on_rest):
    """A memory in which a write was recorded by one who died before carrying it out."""
    store = on_rest.open(lease_seconds=0.2)
    store.write([point("a", vectors=case(1, 0, 0, 0))], fingerprint=TOY)
    on_rest.rest.fault(match="batch", status=500, times=None)
    with pytest.raises(Exception, match="500"):
        store.write([point("b")])
    on_rest.rest.heal()
    store.close()
    return on_rest


def spoil_the_journal(rest, path):
    """Let the points in which the write was recorded say something else."""
    points = rest.ask("POST", f"{path}/points/scroll", {"limit": 100})["points"]
    parts = [point["id"] for point in points if "part_of" in point["payload"]]
    rest.ask("POST", f"{path}/points/payload", {"payload": {"record": "?"}, "points": parts})


def spoil_the_lease(rest, path):
    """Let a lease be of a fence that is no number."""
    for alias in rest.ask("GET", f"{path}/aliases")["aliases"]:
        old = alias["alias_name"]
        names = {"old_alias_name": old, "new_alias_name": old.replace("fence=", "fence=x")}
        rest.ask("POST", "/collections/aliases", {"actions": [{"rename_alias": names}]})


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_the_journal, "recorded write that cannot be read"),
        (spoil_the_lease, "found a lease that cannot be read"),
    ],
    ids=["journal", "lease"],
)
def test_a_memory_with_an_unreadable_journal_is_told_and_left_alone(broken_off, spoil, said):
    path = f"/collections/{broken_off.collection}"
    spoil(broken_off.rest, path)
    before = broken_off.rest.ask("POST", f"{path}/points/count", {})
    for _ in range(2):
        with pytest.raises(MemoryCorruptError, match=said):
            broken_off.open(lease_seconds=0.2)
    assert broken_off.rest.ask("POST", f"{path}/points/count", {}) == before


@pytest.mark.enable_socket
def test_a_readable_one_is_carried_out_by_whoever_opens_next(broken_off):
    assert len(broken_off.open().scan(EVERYTHING)) == 2


# Size


@pytest.mark.enable_socket
def test_a_large_write_is_cut_into_requests_and_is_still_all_or_nothing(on_rest):
    """Ten megabytes that do not compress; the process dies when half of it is in place."""
    rng = random.Random(1)
    large = [point(i, record=rng.randbytes(500_000).hex()) for i in range(10)]
    store = on_rest.open(lease_seconds=0.3, timeout=30)
    store.write([point("old")])
    on_rest.rest.fault(match="batch", skip=1, status=500, times=None)
    with pytest.raises(Exception, match="500"):
        store.write(large, erased=[id_of("old")])
    on_rest.rest.heal()
    store.close()
    heir = on_rest.open(timeout=30)
    assert {p.id: p.record for p in heir.scan(EVERYTHING)} == {p.id: p.record for p in large}
    heir.write([point("new")])
    # What that was recorded in is gone; left are the memory's own point and the last record.
    count = on_rest.rest.ask("POST", f"/collections/{on_rest.collection}/points/count", {})
    assert count == {"count": len(large) + 1 + 2}


@pytest.mark.enable_socket
def test_parts_of_a_write_that_was_never_recorded_are_swept_away(on_rest):
    large = [point(0, record=random.Random(1).randbytes(4_000_000).hex())]
    store = on_rest.open(lease_seconds=0.3, timeout=30)
    on_rest.rest.fault(match=r"PUT \S+/points$", skip=1, status=500, times=None)
    with pytest.raises(Exception, match="500"):
        store.write(large)
    on_rest.rest.heal()
    store.write([point("next")])
    assert names(store.scan(EVERYTHING)) == {"next"}
    count = on_rest.rest.ask("POST", f"/collections/{on_rest.collection}/points/count", {})
    assert count == {"count": 1 + 2}


@pytest.mark.enable_socket
def test_a_record_too_large_for_a_server_is_refused_before_anything_is_written(deployed):
    store = deployed.open()
    with pytest.raises(Exception, match=r"bytes; expected at most .*shorten its texts") as told:
        store.write([point("small"), point("large", record="x" * 25 * 2**20)])
    assert type(told.value).__name__ == "InvalidInputError"
    assert store.scan(EVERYTHING) == []
