"""The embedded store's directory: what is taken for a memory, and what never is."""

import json
import os
import shutil

import pytest
from memory.disk import content
from memory.points import EVERYTHING, TOY, case, id_of, names, point

from langchain_memalign._stores.edge.store import EdgeStore
from langchain_memalign.errors import MemoryCorruptError, MemoryUnavailableError


@pytest.fixture
def location(tmp_path):
    return tmp_path / "memory"


@pytest.fixture
def closed(location):
    """The location of a memory that is not open."""
    store = EdgeStore.open(location)
    store.write([point("a", vectors=case(1, 0, 0, 0))], fingerprint=TOY)
    store.close()
    return location


@pytest.fixture
def opened(closed):
    store = EdgeStore.open(closed)
    yield store
    store.close()


# New memories


def test_a_memory_begins_where_nothing_is(tmp_path):
    (tmp_path / "empty").mkdir()
    for location in (tmp_path / "empty", tmp_path / "not" / "yet"):
        store = EdgeStore.open(str(location))
        assert store.location == str(location)
        store.close()
        assert sorted(os.listdir(location)) == ["g1", "lock", "manifest.json"]
        assert json.loads((location / "manifest.json").read_text()) == {
            "format": 2,
            "generation": "g1",
        }


@pytest.mark.parametrize(
    "found",
    [
        {"notes.txt": "mine"},
        {".hidden": ""},
        {"g1/notes.txt": "mine", "lock": ""},
        {"g1/segments/x": "a shard, but no lock"},
        {"g2/segments/x": "", "lock": ""},
        {"lock": "somebody else's"},
        {"lock": "", "other": ""},
        {"lock/file": ""},
        {"manifest.json.new": ""},
    ],
    ids=lambda found: " ".join(found),
)
def test_a_directory_with_something_else_is_refused_and_left_alone(location, found):
    for name, text in found.items():
        (location / name).parent.mkdir(parents=True, exist_ok=True)
        (location / name).write_text(text)
    before = content(location)
    with pytest.raises(MemoryCorruptError, match=r"(?s)found .*expected a memory.*nothing was"):
        EdgeStore.open(location)
    assert content(location) == before


def test_a_crash_before_the_first_manifest_leaves_nothing_in_the_way(location):
    for found in (
        ["lock"],
        ["lock", "g1/.atomicwriteX1y/x", "g1/segments/y"],
        ["lock", "g1/wal/z", "g1/edge_config.json", "manifest.json.new"],
    ):
        for name in found:
            (location / name).parent.mkdir(parents=True, exist_ok=True)
            (location / name).touch()
        store = EdgeStore.open(location)
        store.write([point("a")])
        store.close()
        assert sorted(os.listdir(location)) == ["g1", "lock", "manifest.json"]
        shutil.rmtree(location)


# Damage


def test_a_memory_without_its_manifest_is_not_taken_for_a_new_one(closed):
    (closed / "manifest.json").unlink()
    before = content(closed)
    with pytest.raises(MemoryCorruptError, match=r"no manifest\.json .*restore it"):
        EdgeStore.open(closed)
    assert content(closed) == before
    shutil.rmtree(closed / "g2")
    with pytest.raises(MemoryCorruptError, match=r"found lock but no manifest\.json"):
        EdgeStore.open(closed)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[1]",
        b"{}",
        b'{"format": "1", "generation": "g2"}',
        b'{"format": true, "generation": "g2"}',
        b'{"format": 1}',
        b'{"format": 1, "generation": 2}',
        b'{"format": 1, "generation": "../elsewhere"}',
        b'{"format": 1, "generation": "g02"}',
        b'{"format": 1, "generation": "g2\\n"}',
        b"[" * 100_000,
    ],
    ids=lambda text: text.decode("latin-1")[:40],
)
def test_a_broken_manifest_is_named_and_nothing_is_changed(closed, text):
    (closed / "manifest.json").write_bytes(text)
    before = content(closed)
    with pytest.raises(MemoryCorruptError, match=r"(?s)manifest\.json .*expected .*restore it"):
        EdgeStore.open(closed)
    assert content(closed) == before


def test_a_memory_of_a_newer_version_says_to_upgrade(closed):
    (closed / "manifest.json").write_text('{"format": 3, "generation": "g2", "new": {}}')
    with pytest.raises(MemoryCorruptError, match=r"found format 3 .*upgrade langchain-memalign"):
        EdgeStore.open(closed)


def test_a_version_that_knows_only_indexed_memories_is_told_to_upgrade(closed):
    """It reads format 1, and would take another memory for a damaged one."""

    def format_after(count):
        store = EdgeStore.open(closed)
        store.write([point(n) for n in range(count)], erased=[id_of("a")])
        store.write([point("a")])
        store.close()
        return json.loads((closed / "manifest.json").read_text())["format"]

    assert [format_after(count) for count in (10, 150)] == [2, 1]
    store = EdgeStore.open(closed)
    store.write([], erased=[id_of(n) for n in range(150)])
    store.close()
    assert json.loads((closed / "manifest.json").read_text())["format"] == 2
    store = EdgeStore.open(closed)
    assert names(store.scan(EVERYTHING)) == {"a"}
    store.close()


@pytest.mark.parametrize(
    "part",
    [
        "",
        "segments",
        "segments/*",
        "segments/*/version.info",
        "segments/*/segment.json",
        "segments/*/payload_index/config.json",
        "edge_config.json",
        "wal",
    ],
)
def test_a_shard_with_a_part_missing_is_refused_and_left_alone(closed, part):
    (path,) = closed.glob(f"g2/{part}")
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    (closed / "g9").mkdir()  # perhaps a backup of it
    before = content(closed)
    with pytest.raises(MemoryCorruptError, match=r"found no .*expected the whole shard"):
        EdgeStore.open(closed)
    assert content(closed) == before


@pytest.mark.parametrize(
    ("part", "damage"),
    [
        ("edge_config.json", b""),
        ("segments/*/segment.json", b"{"),
        ("segments/*/payload_storage/page_0.dat", b""),
        ("segments/*/payload_index/config.json", None),
        ("segments/*/vector_storage-case/vectors/status.dat", b""),  # the engine panics
        ("wal/open-1", b"garbage"),
    ],
)
def test_a_damaged_shard_is_named_and_opens_once_repaired(closed, part, damage, capfd):
    (path,) = closed.glob(f"g2/{part}")
    intact = path.read_bytes()
    path.unlink() if damage is None else path.write_bytes(damage)
    with pytest.raises(MemoryCorruptError, match=r"(?s)(found|could not).*restore"):
        EdgeStore.open(closed)
    path.write_bytes(intact)
    store = EdgeStore.open(closed)
    assert names(store.scan(EVERYTHING)) == {"a"}
    store.close()


def test_leftovers_of_a_crash_are_deleted_and_nothing_else(closed):
    mine = [closed / "g", closed / "g07", closed / "backup" / "g3", closed / "notes.txt"]
    for path in [closed / "g1" / "segments", closed / "g3", *mine]:
        path.mkdir(parents=True)
    (closed / "manifest.json.new").write_text("{")
    store = EdgeStore.open(closed)
    assert names(store.scan(EVERYTHING)) == {"a"}
    store.close()
    expected = {"lock", "manifest.json", "g2", "g", "g07", "backup", "notes.txt"}
    assert set(os.listdir(closed)) == expected
    assert all(path.exists() for path in mine)


# Places that cannot be used


def test_a_file_in_place_of_a_directory_is_named(location):
    location.write_text("mine")
    for path in (location, location / "below"):
        with pytest.raises(MemoryUnavailableError, match=r"found .*memory.*expected .*a directory"):
            EdgeStore.open(path)
    assert location.read_text() == "mine"


@pytest.fixture
def unprivileged(tmp_path):
    """Root may write everywhere, so it becomes nobody for a while."""
    if os.geteuid():
        yield
        return
    for parent in (tmp_path, *tmp_path.parents):
        if os.access(parent, os.X_OK) and parent.stat().st_uid == 0:
            parent.chmod(parent.stat().st_mode | 0o011)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("mode", [0o500, 0o000], ids=["read-only", "closed"])
def test_without_permission_the_error_names_the_path(location, mode, request):
    location.mkdir()
    location.chmod(mode)
    request.getfixturevalue("unprivileged")
    for path in (location, location / "below"):
        with pytest.raises(MemoryUnavailableError, match=r"Permission denied.*permissions"):
            EdgeStore.open(path)


def test_a_memory_that_may_not_be_written_cannot_be_opened(closed, request):
    (closed / "lock").chmod(0o444)
    request.getfixturevalue("unprivileged")
    with pytest.raises(MemoryUnavailableError, match="Permission denied"):
        EdgeStore.open(closed)


# Pulled away while open


def refuses_to_write(store):
    for write in (
        lambda: store.write([point("b")]),
        lambda: store.write([], erased=[id_of("a")]),
        lambda: store.write([point("b")], erased=[id_of("a")]),
    ):
        with pytest.raises(MemoryUnavailableError, match=r"deleted or exchanged.*put .*back"):
            write()
    return True


def test_a_deleted_directory_is_noticed_and_not_made_again(opened, closed):
    shutil.rmtree(closed)
    assert refuses_to_write(opened)
    assert not closed.exists()
    opened.close()
    assert not closed.exists()


@pytest.mark.parametrize("part", ["manifest.json", "lock", "g2", "g2/segments"])
def test_a_half_deleted_directory_is_noticed(opened, closed, part):
    path = closed / part
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert refuses_to_write(opened)
    assert not path.exists()


def test_another_memory_in_its_place_is_noticed_and_not_touched(opened, closed):
    closed.rename(closed.with_name("moved"))
    other = EdgeStore.open(closed)
    other.write([point("other", vectors=case(1, 0, 0, 0))], fingerprint=TOY)
    before = content(closed)
    assert refuses_to_write(opened)
    assert content(closed) == before
    other.close()


def test_a_write_that_the_engine_refuses_names_the_remedy(opened, closed):
    (segment,) = closed.glob("g2/segments/*")
    shutil.rmtree(segment)
    with pytest.raises(MemoryUnavailableError, match=r"could not write .*check the disk"):
        opened.write([point("b")])
