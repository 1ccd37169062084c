"""What the embedded store finds by codes, beside what comparing every digit finds."""

import random

import pytest

from langchain_memalign._stores.base import Fingerprint, Selection
from langchain_memalign._stores.edge.store import EdgeStore

from .points import EVERYTHING, TOY, id_of, ids, point


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


def test_who_searches_as_another_judge_finds_nothing_of_the_only_one(tmp_path):
    near = {"case": (1.0, 0.0, 0.0, 0.0)}
    theirs, ours = (Selection(judge=name) for name in ("theirs", "ours"))

    def found(store, selection):
        hits = store.nearest(selection, using="case", vector=near["case"], limit=5)
        return ids([p for p, _ in hits])

    store = EdgeStore.open(tmp_path)
    store.write([point(1, judge="theirs", vectors=near)], fingerprint=TOY)
    for _ in range(2):
        assert (found(store, theirs), found(store, ours)) == ([id_of(1)], [])
        store.close()
        store = EdgeStore.open(tmp_path)
    store.write([point(2, judge="ours", vectors=near)])
    for _ in range(2):
        assert (found(store, theirs), found(store, ours)) == ([id_of(1)], [id_of(2)])
        store.close()
        store = EdgeStore.open(tmp_path)
    store.close()
