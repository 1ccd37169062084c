"""A disk that others have filled: what can be done is done, the rest is told, no process is killed.

The engine maps files that are larger than what they hold, so that a write, and on a RAM disk even
reading, would end in SIGBUS. That can be seen on a real disk only: a small one, made for the test.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import feedback
from judge.bench import Bench

TESTS = Path(__file__).parent.parent
SIZE = 160 * 2**20
CHILD = """
import json, sys
from fakes import feedback
from judge.bench import Bench
from langchain_memalign import MemoryUnavailableError

def attempt(name, work):
    try:
        said[name] = work()
    except MemoryUnavailableError as error:
        said[name] = str(error)

said = {}
try:
    bench = Bench(location=sys.argv[1])
except MemoryUnavailableError as error:
    said["open"] = str(error)
else:
    judge = bench.judge
    case = {"inputs": "Question number 1 about topic1?", "outputs": "x"}
    attempt("judge", lambda: len(judge.invoke(case).episode_ids))
    attempt("align", lambda: len(judge.align([feedback(9)]).stored))
    attempt("forget", lambda: len(judge.forget(where=lambda e: True).episodes_removed))
    said["left"] = len(judge.episodes())
print(json.dumps(said))
"""


@pytest.fixture
def disk(tmp_path):
    """A RAM disk of 160 MB."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small disk can be made by root only: run the tests in a container")
    made = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(tmp_path)]
    if subprocess.run(made, capture_output=True).returncode:
        pytest.skip("this system lets not even root make a small disk")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.fixture
def remembered(disk):
    """A memory of three episodes there, closed."""
    return taught(disk, 3)


@pytest.fixture
def indexed(disk):
    """A memory there that is large enough to be searched by indexes, closed."""
    return taught(disk, 150)


def taught(disk, count):
    with (bench := Bench(location=disk / "memory")).memory:
        bench.judge.align([feedback(i) for i in range(count)])
    return disk / "memory"


def fill(disk, *, but):
    with (disk / "of others").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - but)


def attempted(memory):
    """What came of opening, judging, aligning and forgetting, in a process of its own."""
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(memory)],
        cwd=TESTS,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])},
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stderr
    return json.loads(child.stdout)


@pytest.mark.parametrize("free", [0, 2**20])
def test_a_memory_that_would_not_fit_when_it_is_read_is_not_opened(disk, indexed, free):
    fill(disk, but=free)
    said = attempted(indexed)
    assert said.keys() == {"open"}
    for told in ("found", "bytes free on the RAM disk", "expected", "free some space"):
        assert told in said["open"]
    (disk / "of others").unlink()
    assert attempted(indexed)["judge"] == 5


@pytest.mark.parametrize("free", [0, 2**20, 48 * 2**20])
def test_a_memory_that_fits_is_read_but_not_written(disk, remembered, free):
    fill(disk, but=free)
    said = attempted(remembered)
    assert (said["judge"], said["left"]) == (3, 3)
    for write in ("align", "forget"):
        assert "nothing was written: free some space" in said[write]


def test_a_small_memory_needs_little_space(disk, remembered):
    """Its files are mostly holes, which are not filled when it is opened."""
    attempted(remembered)
    used = sum(f.stat().st_blocks * 512 for f in remembered.rglob("*") if f.is_file())
    assert used < 64 * 2**20
