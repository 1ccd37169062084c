"""What killed processes and failed deletions leave, and who may read what is there."""

import errno
import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import feedback
from memory.disk import files_with

from langchain_memalign import MemoryStoreError
from langchain_memalign._files import replacing
from langchain_memalign.schema import GateDecision

TESTS = str(Path(__file__).parents[1])
GATED = """
import sys, time
from fakes import feedback
from judge.bench import Bench
def gate(before, after, words):
    print("deciding", flush=True)
    time.sleep(600)
Bench(location=sys.argv[1]).judge.align([feedback(2)], gate=gate)
"""
EXPORTING = """
import sys, time
from langchain_memalign._files import replacing
with replacing(sys.argv[1]) as file:
    file.write(sys.argv[2])
    file.flush()
    print("writing", flush=True)
    time.sleep(600)
"""


def killed(code, *arguments, how, **environment):
    """Run code until it says something, then end it."""
    path = os.pathsep.join([TESTS, os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )
    assert process.stdout.readline()
    process.send_signal(how)
    process.communicate(timeout=60)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_gate_leaves_no_copy_once_the_memory_is_opened(make_bench, tmp_path, how):
    secret, temporary = secrets.token_hex(16), tmp_path / "temporary"
    temporary.mkdir()
    bench = make_bench(location=tmp_path / "memory")
    bench.judge.align([feedback(1, rationale=f"Mrs {secret} cried", reviewer="ann")])
    bench.memory.close()
    killed(GATED, tmp_path / "memory", how=how, TMPDIR=str(temporary))
    assert files_with(temporary, secret) == set()

    again = make_bench(location=tmp_path / "memory")
    assert not list((tmp_path / "memory").glob("scratch-*"))
    again.judge.forget(reviewer="ann")
    assert files_with(tmp_path, secret) == set()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_memory_in_memory_leaves_nothing_once_another_is_opened(
    make_bench, tmp_path, monkeypatch, how
):
    code = GATED.replace("sys.argv[1]", "':memory:'").replace("[feedback(2)]", "[feedback(9)]")
    killed(code, how=how, TMPDIR=str(tmp_path))
    assert files_with(tmp_path, "topic9")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    foreign = tmp_path / "memalign-mine"
    foreign.mkdir()
    make_bench()
    assert files_with(tmp_path, "topic9") == set()
    assert foreign.exists()


def test_forgetting_says_which_copies_are_still_at_work(make_bench, tmp_path):
    bench = make_bench(location=tmp_path / "memory")
    bench.judge.align([feedback(1, reviewer="ann")])
    other = bench.judge_named("other")
    said = []

    def gate(before, after, words):
        said.append(bench.judge.forget(reviewer="ann").guarantee)
        return GateDecision(accepted=True, reason="Why not.")

    other.align([feedback(2)], gate=gate)
    assert "(2) hold what they held until it ends" in said[0]
    assert "until it ends" not in bench.judge.forget(reviewer="ann").guarantee
    assert sorted(os.listdir(tmp_path / "memory"))[1:] == ["lock", "manifest.json"]


def test_a_repeated_forgetting_deletes_what_could_not_be_deleted(make_bench, tmp_path, monkeypatch):
    secret = secrets.token_hex(16)
    bench = make_bench(location=tmp_path / "memory")
    bench.judge.align([feedback(1, rationale=f"Mrs {secret} cried", reviewer="ann"), feedback(2)])
    real, busy = shutil.rmtree, [True]

    def rmtree(path, *args, **options):
        if busy and Path(path).name.startswith("g"):
            raise OSError(errno.EBUSY, "Device or resource busy", str(path))
        return real(path, *args, **options)

    monkeypatch.setattr(shutil, "rmtree", rmtree)
    for _ in range(2):  # also one that finds nothing any more
        with pytest.raises(MemoryStoreError, match="busy"):
            bench.judge.forget(reviewer="ann")
    busy.clear()
    assert bench.judge.forget(reviewer="ann").episodes_removed == ()
    assert files_with(tmp_path, secret) == set()


def test_what_only_seems_to_be_deleted_is_said_to_be_there(make_bench, tmp_path, monkeypatch):
    bench = make_bench(location=tmp_path / "memory")
    bench.judge.align([feedback(1, reviewer="ann")])
    monkeypatch.setattr(shutil, "rmtree", lambda path, *args, **options: None)
    with pytest.raises(MemoryStoreError, match="still there"):
        bench.judge.forget(reviewer="ann")


def test_the_next_export_removes_the_draft_of_a_killed_one(tmp_path):
    secret, target = secrets.token_hex(16), tmp_path / "export.jsonl"
    killed(EXPORTING, target, secret, how=signal.SIGKILL)
    assert files_with(tmp_path, secret)
    with replacing(target) as file:
        file.write("new")
        with replacing(target) as other:  # a draft that is being written is nobody's leftover
            other.write("newer")
    assert files_with(tmp_path, secret) == set()
    assert target.read_text() == "new"


@pytest.mark.parametrize("umask", [0o022, 0o000])
def test_memory_and_exports_are_their_owners_alone(make_bench, tmp_path, umask):
    before = os.umask(umask)
    try:
        bench = make_bench(location=tmp_path / "memory")
        bench.judge.align([feedback(1)])
        bench.judge.align([feedback(2)])
        bench.judge.forget([bench.id_of("Remark 2.")])
        bench.memory.export_jsonl(tmp_path / "export.jsonl")
        shared = tmp_path / "shared.jsonl"
        shared.touch()
        shared.chmod(0o640)
        bench.memory.export_jsonl(shared)
        bench.memory.close()
    finally:
        os.umask(before)
    memory = tmp_path / "memory"
    for path in [memory, *memory.rglob("*"), tmp_path / "export.jsonl"]:
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    # What its owner has opened to others stays so.
    assert stat.S_IMODE(shared.stat().st_mode) == 0o640


def test_an_older_memory_is_closed_to_others_when_it_is_opened(make_bench, tmp_path):
    bench = make_bench(location=tmp_path / "memory")
    bench.judge.align([feedback(1)])
    bench.memory.close()
    for path in (tmp_path / "memory").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    make_bench(location=tmp_path / "memory")
    assert not any(p.stat().st_mode & 0o077 for p in (tmp_path / "memory").rglob("*"))
