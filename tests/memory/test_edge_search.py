"""What the embedded store finds by codes and by every digit; what opening it reads."""

import random
import subprocess
import sys

import pytest

from langchain_memalign.memory.edge import EdgeStore
from langchain_memalign.memory.store import Fingerprint

from .points import EVERYTHING, id_of, point


def test_among_thousands_the_nearest_are_those_that_comparing_every_digit_finds(tmp_path):
    rng = random.Random(0)

    def drawn():
        numbers = [rng.gauss(0, 1) for _ in range(64)]
        length = sum(x * x for x in numbers) ** 0.5
        return tuple(x / length for x in numbers)

    def cosine(one, other):
        return sum(x * y for x, y in zip(one, other, strict=True))

    vectors = {id_of(n): drawn() for n in range(3_000)}
    store = EdgeStore.open(tmp_path)
    store.write(
        [point(n, vectors={"case": vectors[id_of(n)]}) for n in range(3_000)],
        fingerprint=Fingerprint(embeddings="toy", size=32),
    )
    for _ in range(20):
        query = drawn()
        found = store.nearest(EVERYTHING, using="case", vector=query, limit=20)
        cosines = {id_: cosine(query, vector) for id_, vector in vectors.items()}
        assert [p.id for p, _ in found] == sorted(cosines, key=cosines.get, reverse=True)[:20]
        assert [s for _, s in found] == pytest.approx([cosines[p.id] for p, _ in found], abs=1e-6)
    store.close()


OPEN = """
import resource, sys
from langchain_memalign.memory.edge import EdgeStore
from langchain_memalign.memory import generation  # not counted

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

before = resident()
store = EdgeStore.open(sys.argv[1])
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of a process from /proc")
def test_opening_a_small_memory_does_not_read_through_its_empty_files(tmp_path):
    store = EdgeStore.open(tmp_path / "memory")
    vectors = {"case": (1.0,) + (0.0,) * 511, "rule": (1.0,) + (0.0,) * 255}
    store.write([point(1, vectors=vectors)], fingerprint=Fingerprint(embeddings="toy", size=256))
    store.close()
    opened = subprocess.run(
        [sys.executable, "-c", OPEN, str(tmp_path / "memory")], capture_output=True, check=True
    )
    # Three files of vectors, of 32 MB each, would be read through.
    assert int(opened.stdout) < 80_000_000
