"""The embedded store: the contract, and what guards a process and its disk."""

import errno
import fcntl
import gc
import os
import subprocess
import sys
import tempfile
from collections import Counter

import pytest

from langchain_memalign._stores.edge import shard
from langchain_memalign._stores.edge.store import EdgeStore
from langchain_memalign.errors import (
    ConfigurationError,
    InvalidInputError,
    MemoryLockedError,
    MemoryStoreError,
    MemoryUnavailableError,
)

from .contract import StoreContract
from .points import EVERYTHING, TOY, case, id_of, names, point

FULL = 10**18
"""A free-space floor that no disk satisfies."""

OPEN = """
import os, sys
from langchain_memalign._stores.edge.store import EdgeStore
from langchain_memalign._stores.base import Point, Selection
store = EdgeStore.open(sys.argv[1])
"""


@pytest.fixture
def location(tmp_path):
    return tmp_path / "memory"


@pytest.fixture
def store(location):
    store = EdgeStore.open(location)
    yield store
    store.close()


class TestEdgeStore(StoreContract):
    @pytest.fixture
    def open_store(self, location):
        return lambda: EdgeStore.open(location)


class TestIndexedEdgeStore(TestEdgeStore):
    """The same, where even a few points are looked up by indexes."""

    @pytest.fixture(autouse=True)
    def no_memory_is_small(self, monkeypatch):
        monkeypatch.setattr(shard, "SMALL", 0)


def run(code, *arguments):
    """What a process prints that runs `code` after opening the memory named first."""
    command = [sys.executable, "-c", OPEN + code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


# Where a memory is


def test_a_path_stays_what_it_was_when_the_working_directory_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = EdgeStore.open("some/where")
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")
    store.write([point("a")])
    store.write([point("b")], erased=[id_of("a")])
    assert store.location == "some/where"
    store.close()
    store = EdgeStore.open(tmp_path / "some" / "where")
    assert names(store.scan(EVERYTHING)) == {"b"}
    store.close()


def test_a_tilde_is_the_home_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    EdgeStore.open("~/memory").close()
    assert (tmp_path / "memory" / "manifest.json").exists()


@pytest.mark.parametrize("location", ["", "nul\0"])
def test_what_cannot_be_a_path_is_refused(location):
    with pytest.raises(InvalidInputError, match=r"found location .*expected the path"):
        EdgeStore.open(location)


class TestTemporaryMemory:
    @pytest.fixture(autouse=True)
    def _own_temporary_directory(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        monkeypatch.setenv("TMPDIR", str(tmp_path))

    def test_it_is_gone_when_closed(self, tmp_path):
        store = EdgeStore.open(":memory:")
        assert store.location == ":memory:"
        store.write([point("a", vectors=case(1, 0, 0, 0))], fingerprint=TOY)
        store.write([], erased=[id_of("a")])
        assert len(os.listdir(tmp_path)) == 1
        store.close()
        assert os.listdir(tmp_path) == []

    def test_every_one_is_its_own(self):
        one, other = EdgeStore.open(":memory:"), EdgeStore.open(":memory:")
        one.write([point("a")])
        assert other.scan(EVERYTHING) == []
        one.close()
        other.close()

    def test_one_that_another_process_is_just_making_stays(self, tmp_path):
        begun = tmp_path / "memalign-temporary-begun"
        begun.mkdir()
        (begun / "lock").touch()
        EdgeStore.open(":memory:").close()
        assert os.listdir(begun) == ["lock"]

    def test_it_is_gone_when_forgotten(self, tmp_path):
        store = EdgeStore.open(":memory:")
        store.write([point("a", vectors=case(1, 0, 0, 0))], fingerprint=TOY)
        del store
        gc.collect()
        assert os.listdir(tmp_path) == []

    def test_it_is_gone_when_the_process_ends(self, tmp_path):
        run("print(len(os.listdir(sys.argv[2])))", ":memory:", tmp_path)
        assert os.listdir(tmp_path) == []

    def test_a_forked_child_does_not_take_it_away(self, tmp_path):
        run(
            """
if os.fork() == 0:
    store.close()
    sys.exit()
os.wait()
store.write([])
print(len(os.listdir(sys.argv[2])))
""",
            ":memory:",
            tmp_path,
        )
        assert os.listdir(tmp_path) == []

    def test_without_any_directory_for_it_the_error_says_so(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
        with pytest.raises(MemoryUnavailableError, match="TMPDIR"):
            EdgeStore.open(":memory:")


# Beside the engine


def test_a_file_that_the_engine_renames_while_it_is_looked_at_stops_nothing(location, monkeypatch):
    """It prepares the next part of its log in a thread of its own, under another name first."""
    walk, looks = os.walk, Counter()

    def walked(top):
        for folder, folders, files in walk(top):
            if os.path.basename(folder) == "wal":
                looks[folder] += 1
                files = [*files, "tmp-open-2"] if looks[folder] % 2 else files
            yield folder, folders, files

    monkeypatch.setattr(os, "walk", walked)
    store = EdgeStore.open(location)
    store.write([point("a", vectors=case(1, 0, 0, 0)), point("b")], fingerprint=TOY)
    store.write([], erased=[id_of("a")])
    store.close()
    assert len(looks) == 3
    store = EdgeStore.open(location)
    assert names(store.scan(EVERYTHING)) == {"b"}
    store.close()


# One process at a time


def test_a_second_store_of_this_process_is_told_to_share(store, location):
    store.write([point("a")])
    with pytest.raises(MemoryLockedError, match=r"this very process.*share one `Memory`"):
        EdgeStore.open(location)
    store.write([point("b")], erased=[id_of("a")])
    assert names(store.scan(EVERYTHING)) == {"b"}


def test_a_memory_that_another_process_holds_is_locked_until_that_ends(location):
    holder = subprocess.Popen(
        [sys.executable, "-c", OPEN + "print('open', flush=True); sys.stdin.read()", location],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout.readline() == b"open\n"
        before = _without_log(location)
        with pytest.raises(MemoryLockedError, match=rf"process {holder.pid}.*a Qdrant server"):
            EdgeStore.open(location)
        assert _without_log(location) == before
        holder.kill()
    EdgeStore.open(location).close()


def _without_log(location):
    """The files of a memory but for the engine's log, whose next file its holder makes any time."""
    return sorted(path for path in location.rglob("*") if path.parent.name != "wal")


def test_a_store_that_was_forgotten_is_not_locked(location):
    store = EdgeStore.open(location)
    store.write([point("a")])
    del store
    gc.collect()
    store = EdgeStore.open(location)
    assert names(store.scan(EVERYTHING)) == {"a"}
    store.close()


def test_a_forked_child_is_told_to_open_its_own(location):
    output = run(
        """
if os.fork() == 0:
    for use in (
        store.fingerprint,
        lambda: store.scan(Selection()),
        lambda: store.nearest(Selection(), using="case", vector=(1.0,), limit=1),
        lambda: store.tally(Selection(), "judge"),
        lambda: store.write([]),
    ):
        try:
            use()
        except Exception as error:
            print(type(error).__name__, error)
    store.close()
    sys.exit()
os.wait()
print("parent", store.scan(Selection()))
store.close()
""",
        location,
    )
    refused = [line for line in output if line.startswith(f"{MemoryStoreError.__name__} ")]
    assert len(refused) == 5
    assert "before a fork: open the memory in the child" in refused[0]
    assert "parent []" in output


def test_a_forked_child_that_lives_on_is_named_as_what_keeps_a_memory_locked(location):
    output = run(
        """
read, write = os.pipe()
if os.fork() == 0:
    os.close(write)
    os.read(read, 1)
    os._exit(0)
store.close()
try:
    EdgeStore.open(sys.argv[1])
except Exception as error:
    print(type(error).__name__, error)
os.close(write)
os.wait()
EdgeStore.open(sys.argv[1]).close()
print("opened")
""",
        location,
    )
    assert output[0].startswith(MemoryLockedError.__name__)
    assert "end the forked children" in output[0]
    assert output[1] == "opened"


def test_where_files_cannot_be_locked_the_error_says_so(location, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(MemoryUnavailableError, match="No locks available"):
        EdgeStore.open(location)


def test_on_windows_a_server_is_recommended(location, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(ConfigurationError, match=r"found Windows.*a Qdrant server"):
        EdgeStore.open(location)
    assert not location.exists()


# The disk


def test_a_nearly_full_disk_is_read_but_not_written(location):
    store = EdgeStore.open(location)
    store.write([point("a", vectors=case(1, 0, 0, 0))], fingerprint=TOY)
    store.close()
    store = EdgeStore.open(location, free_space_floor=FULL)
    for write in (
        lambda: store.write([point("b")]),
        lambda: store.write([], erased=[id_of("a")]),
    ):
        with pytest.raises(
            MemoryUnavailableError, match=r"bytes free .*expected .*free_space_floor"
        ):
            write()
    assert names(store.scan(EVERYTHING)) == {"a"}
    assert len(store.nearest(EVERYTHING, using="case", vector=(1.0, 0.0, 0.0, 0.0), limit=1)) == 1
    store.close()


def test_no_memory_is_begun_on_a_nearly_full_disk(location):
    with pytest.raises(MemoryUnavailableError, match="free some space"):
        EdgeStore.open(location, free_space_floor=FULL)
    store = EdgeStore.open(location)
    assert store.scan(EVERYTHING) == []
    store.close()


def test_a_negative_floor_is_refused(location):
    with pytest.raises(InvalidInputError, match="expected 0 or more"):
        EdgeStore.open(location, free_space_floor=-1)
    assert not location.exists()
