"""What the embedded store finds by codes, beside what comparing every digit finds."""

import math
import random
from collections import Counter

import pytest

from langchain_memalign._stores.base import Fingerprint, Selection
from langchain_memalign._stores.edge.store import EdgeStore

from .points import EVERYTHING, TOY, id_of, ids, point


def cosine(one, other):
    dot = sum(x * y for x, y in zip(one, other, strict=True))
    return dot / math.hypot(*one) / math.hypot(*other)


def test_among_thousands_the_nearest_are_those_that_comparing_every_digit_finds(tmp_path):
    rng = random.Random(0)

    def drawn():
        numbers = [rng.gauss(0, 1) for _ in range(64)]
        length = sum(x * x for x in numbers) ** 0.5
        return tuple(x / length for x in numbers)

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


def test_a_memory_that_grows_large_and_small_again_answers_the_same(tmp_path):
    rng = random.Random(7)
    drawn = {n: tuple(rng.gauss(0, 1) for _ in range(4)) for n in range(200)}
    points = {
        n: point(
            n,
            judge=("ours", "theirs")[n % 2],
            fields={"value": str(n % 3), "episode_ids": (id_of(n), id_of(n + 1))},
            vectors={"case": vector},
        )
        for n, vector in drawn.items()
    }
    query = (1.0, 0.5, 0.0, -0.5)
    near = sorted(points, key=lambda n: -cosine(query, drawn[n]))
    store = EdgeStore.open(tmp_path)

    def check(held):
        for judge, parity in (("ours", 0), ("theirs", 1)):
            of_judge = Selection(judge=judge)
            expected = [id_of(n) for n in near if n in held and n % 2 == parity]
            found = store.nearest(of_judge, using="case", vector=query, limit=5)
            assert [p.id for p, _ in found] == expected[:5]
            assert ids(store.scan(of_judge)) == sorted(expected)
            values = Counter(str(n % 3) for n in held if n % 2 == parity)
            assert store.tally(of_judge, "value") == values
        citing = Selection(fields={"episode_ids": (id_of(100),)})
        assert ids(store.scan(citing)) == sorted(id_of(n) for n in (99, 100) if n in held)

    for last in range(40, 201, 20):
        store.write(
            [points[n] for n in range(last - 20 if last > 40 else 0, last)], fingerprint=TOY
        )
        check(range(last))
        store.close()
        store = EdgeStore.open(tmp_path)
        check(range(last))
    store.write([], erased=[id_of(n) for n in range(110)])
    check(range(110, 200))
    store.write([points[n] for n in range(110)])
    check(range(200))
    store.close()
