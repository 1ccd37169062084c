"""Erasing from the embedded store: no byte of it stays in any file."""

import os
import random
import shutil
import struct
from dataclasses import replace

import pytest

from langchain_memalign._stores.base import Fingerprint, Selection
from langchain_memalign._stores.edge.store import EdgeStore
from langchain_memalign.errors import MemoryUnavailableError

from .disk import files_with
from .points import EVERYTHING, id_of, ids, point

WIDE = Fingerprint(embeddings="wide", size=32)


@pytest.fixture
def location(tmp_path):
    return tmp_path / "memory"


@pytest.fixture
def store(location):
    store = EdgeStore.open(location)
    yield store
    store.close()


@pytest.fixture
def rng():
    return random.Random(20261)


class Secret:
    """A point whose record, fields and vector can all be recognised on the disk."""

    def __init__(self, rng, name, **parts):
        self.words = [rng.randbytes(12).hex() for _ in range(6)]
        a, b, c, *record = self.words
        numbers = tuple(rng.gauss(0, 1) for _ in range(2 * WIDE.size))
        self.point = point(
            name,
            record=" and ".join(record),
            fields={"case_key": a, "value": b, "episode_ids": (c, "shared")},
            vectors={"case": numbers},
            **parts,
        )

    def traces(self, store):
        """All byte strings that must go; the vector's as the engine rounds it."""
        (found,) = store.scan(Selection(ids=(self.point.id,)), vectors=True)
        numbers = found.vectors["case"]
        floats = [struct.pack("<4f", *numbers[i : i + 4]) for i in range(0, len(numbers), 8)]
        return {*(word.encode() for word in self.words), *floats}


def pad(rng, count):
    """Other points, so that a secret is not alone in its file and page."""
    return [
        point(i, record=f"{rng.random()} " * 20, vectors={"case": (1.0, *[rng.random()] * 63)})
        for i in range(count)
    ]


@pytest.mark.parametrize("padding", [0, 200])
def test_no_byte_of_what_was_erased_stays(store, location, rng, padding):
    secrets = [Secret(rng, f"secret {i}") for i in range(4)]
    kept = Secret(rng, "kept")
    others = pad(rng, padding)
    store.write(
        [*others[::2], kept.point, *(s.point for s in secrets), *others[1::2]], fingerprint=WIDE
    )
    store.write([replace(s.point, judge="again", vectors=None) for s in secrets])
    traces = set().union(*(secret.traces(store) for secret in secrets))
    assert files_with(location, *traces) == traces, "the search itself finds them"

    store.write([], erased=[secret.point.id for secret in secrets[:3]])
    still = secrets[3].traces(store) | kept.traces(store)
    assert files_with(location, *traces, *still) == still

    store.write([point("new", judge=":")], erased=[secrets[3].point.id])
    assert files_with(location, *traces) == set()
    assert len(store.scan(EVERYTHING)) == padding + 2

    store.close()
    EdgeStore.open(location).close()
    assert files_with(location, *traces) == set()
    assert files_with(location, *kept.words) == {word.encode() for word in kept.words}


def test_what_is_replaced_while_erasing_goes_too(store, location, rng):
    old, new, erased = (Secret(rng, name) for name in ("same", "same", "erased"))
    store.write([old.point, erased.point], fingerprint=WIDE)
    traces = old.traces(store) | erased.traces(store)
    store.write([new.point], erased=[erased.point.id])
    assert files_with(location, *traces) == set()
    assert files_with(location, *new.words) == {word.encode() for word in new.words}


def test_a_vector_that_is_kept_stays_while_its_record_goes(store, location, rng):
    old, erased = Secret(rng, "same"), Secret(rng, "erased")
    store.write([old.point, erased.point], fingerprint=WIDE)
    before = store.scan(Selection(ids=(old.point.id,)), vectors=True)[0].vectors
    for i in range(5):
        store.write([point("filler", record=str(i))])
        store.write([point("same", record="new words")], erased=[erased.point.id, id_of("filler")])
    (after,) = store.scan(EVERYTHING, vectors=True)
    assert (after.record, after.vectors) == ("new words", before)
    assert files_with(location, *old.words, *erased.words) == set()


def test_what_was_replaced_earlier_goes_with_the_next_erasing(store, location, rng):
    old = Secret(rng, "same")
    store.write([old.point], fingerprint=WIDE)
    traces = old.traces(store)
    store.write([Secret(rng, "same").point, point("other")])
    store.write([], erased=[id_of("other")])
    assert files_with(location, *traces) == set()


def test_pending_records_go_as_completely_as_those_with_vectors(store, location, rng):
    secret = Secret(rng, "pending")
    store.write([replace(secret.point, vectors=None), point("other")])
    assert store.fingerprint() is None
    store.write([], erased=[secret.point.id])
    assert files_with(location, *secret.words) == set()


def test_erasing_what_is_not_there_rewrites_nothing(store, location):
    store.write([point("a")])
    before = sorted(os.listdir(location)), (location / "manifest.json").stat().st_ino
    store.write([], erased=[id_of("absent")])
    store.write([], erased=[])
    store.write([])
    assert (sorted(os.listdir(location)), (location / "manifest.json").stat().st_ino) == before


def test_readers_of_the_old_generation_do_not_bring_it_back(store, location, rng):
    secret = Secret(rng, "secret")
    store.write([secret.point, *pad(rng, 300)], fingerprint=WIDE)
    held = store.scan(EVERYTHING, vectors=True)
    store.write([], erased=[secret.point.id])
    assert secret.point.id in ids(held)
    del held
    assert files_with(location, *secret.words) == set()


# Interrupted


class Interrupted(OSError):
    """What a test makes go wrong."""


def failing(*_args, **_kwargs):
    raise Interrupted(5, "Input/output error")


def test_a_rewrite_that_fails_changes_nothing_and_can_be_repeated(
    store, location, rng, monkeypatch
):
    secret = Secret(rng, "secret")
    store.write([secret.point, *pad(rng, 100)], fingerprint=WIDE)
    before, files = store.scan(EVERYTHING, vectors=True), sorted(os.listdir(location))
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", failing)
        with pytest.raises(MemoryUnavailableError, match="Input/output error"):
            store.write([point("new")], erased=[secret.point.id])
    assert store.scan(EVERYTHING, vectors=True) == before
    assert sorted(set(os.listdir(location)) - {"manifest.json.new"}) == files
    store.write([point("new")], erased=[secret.point.id])
    assert files_with(location, *secret.words) == set()
    assert "manifest.json.new" not in os.listdir(location)


def test_an_old_generation_that_could_not_be_deleted_goes_next_time(
    store, location, rng, monkeypatch
):
    secret = Secret(rng, "secret")
    store.write([secret.point], fingerprint=WIDE)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", failing)
        with pytest.raises(MemoryUnavailableError, match="Input/output error"):
            store.write([point("new")], erased=[secret.point.id])
    assert files_with(location, *secret.words) != set()
    assert ids(store.scan(EVERYTHING)) == [id_of("new")]
    store.write([], erased=[secret.point.id])
    assert files_with(location, *secret.words) == set()


def test_an_interrupt_while_rewriting_leaves_a_whole_memory(store, location, rng, monkeypatch):
    secret = Secret(rng, "secret")
    store.write([secret.point], fingerprint=WIDE)
    replace_file = os.replace

    def replace_then_interrupt(*args):
        replace_file(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replace_then_interrupt)
        with pytest.raises(KeyboardInterrupt):
            store.write([point("new")], erased=[secret.point.id])
    assert ids(store.scan(EVERYTHING)) == [id_of("new")]
    store.write([point("more")])
    store.close()
    again = EdgeStore.open(location)
    assert len(again.scan(EVERYTHING)) == 2
    again.close()
    assert files_with(location, *secret.words) == set()
