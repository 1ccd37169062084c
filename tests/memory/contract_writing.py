"""What writing to any store does: all or nothing, erasing, what opening again finds."""

import math
import random
from dataclasses import replace

import pytest

from langchain_memalign._stores.base import Selection
from langchain_memalign.errors import (
    EmbeddingMismatchError,
    InvalidInputError,
    MemoryUnavailableError,
)

from .points import ABSENT, EVERYTHING, TOY, case, id_of, names, point

UNUSABLE = [
    (replace(point("x"), id="7"), InvalidInputError),
    (replace(point("x"), id=id_of("x").upper()), InvalidInputError),
    (replace(point("x"), id=id_of("x").replace("-", "")), InvalidInputError),
    (replace(point("x"), id=7), InvalidInputError),
    (point("good"), InvalidInputError),
    (point("a"), InvalidInputError),
    (point("x", kind="meta"), InvalidInputError),
    (point("x", judge=None), InvalidInputError),
    (point("x", judge="\ud800"), InvalidInputError),
    (point("x", record="half \udc00"), InvalidInputError),
    (point("x", record=b"bytes"), InvalidInputError),
    (point("x", fields={"reviewer": "Ann"}), InvalidInputError),
    (point("x", fields={"judge": "Ann"}), InvalidInputError),
    (point("x", fields={"value": 1}), InvalidInputError),
    (point("x", fields={"episode_ids": ("\ud800",)}), InvalidInputError),
    (point("x", vectors={"other": (1.0, 0.0)}), InvalidInputError),
    (point("x", vectors=case(0, 0, 0, 0)), InvalidInputError),
    (point("x", vectors=case(1, 0, 0, math.nan)), InvalidInputError),
    (point("x", vectors=case(1, 0, 0, math.inf)), InvalidInputError),
    (point("x", vectors={"case": (1.0, 0.0, 0.0, "1")}), InvalidInputError),
    (point("x", vectors=case(1, 0)), EmbeddingMismatchError),
    (point("x", vectors={"rule": (1.0, 0.0, 0.0)}), EmbeddingMismatchError),
]


class WritingContract:
    # What a memory was made with

    def test_the_fingerprint_comes_with_the_first_vectors(self, open_store):
        store = open_store()
        store.write([point("a")], fingerprint=TOY)
        assert store.fingerprint() is None
        store.write([point("a", vectors=case(1, 0, 0, 0))], fingerprint=TOY)
        assert store.fingerprint() == TOY
        store.write([], erased=[id_of("a")])
        store.close()
        again = open_store()
        assert again.fingerprint() == TOY
        again.close()

    @pytest.mark.parametrize(
        "other", [replace(TOY, embeddings="others"), replace(TOY, size=3)], ids=["model", "size"]
    )
    def test_vectors_of_two_embeddings_never_mix(self, filled, other):
        before = filled.scan(EVERYTHING, vectors=True)
        for points in ([point("new")], [point("new", vectors={"case": (1.0,) * 2 * other.size})]):
            with pytest.raises(EmbeddingMismatchError, match=r"a memory made with .*'toy'"):
                filled.write(points, fingerprint=other)
        assert filled.scan(EVERYTHING, vectors=True) == before
        assert filled.fingerprint() == TOY

    # All or nothing

    def test_a_write_with_anything_wrong_changes_nothing(self, filled, subtests):
        before = filled.scan(EVERYTHING, vectors=True)
        for bad, error in UNUSABLE:
            with subtests.test(bad=bad):
                with pytest.raises(error, match=r"(?s)found.*expected"):
                    filled.write([point("good"), bad], erased=[id_of("a"), id_of("c")])
                assert filled.scan(EVERYTHING, vectors=True) == before

    def test_what_cannot_be_an_id_cannot_be_erased(self, filled, subtests):
        for bad in ("no UUID", "", None):
            with subtests.test(bad=bad):
                with pytest.raises(InvalidInputError, match="expected a UUID"):
                    filled.write([point("good")], erased=[id_of("a"), bad])
                assert names(filled.scan(EVERYTHING)) == set("abcde")

    def test_a_fingerprint_must_name_embeddings_of_some_size(self, store):
        for wrong in (replace(TOY, size=0), replace(TOY, embeddings=None)):
            with pytest.raises(InvalidInputError, match="found fingerprint"):
                store.write([point("a")], fingerprint=wrong)
        assert store.scan(EVERYTHING) == []

    def test_vectors_need_a_fingerprint(self, store):
        with pytest.raises(InvalidInputError, match="no fingerprint"):
            store.write([point("a"), point("b", vectors=case(1, 0, 0, 0))])
        assert store.scan(EVERYTHING) == []

    # Erasing

    def test_what_is_erased_is_found_by_nothing(self, filled):
        filled.write([], erased=[id_of("a"), id_of("d")])
        assert names(filled.scan(EVERYTHING)) == set("bce")
        assert filled.scan(Selection(ids=(id_of("a"),))) == []
        near = filled.nearest(EVERYTHING, using="case", vector=(1.0, 0.0, 0.0, 0.0), limit=9)
        assert names(p for p, _ in near) == set("bc")
        assert filled.tally(EVERYTHING, "kind") == {"episode": 2, "principle": 1}

    def test_the_rest_of_a_memory_survives_erasing_unchanged(self, filled):
        before = filled.scan(EVERYTHING, vectors=True)
        filled.write([], erased=[id_of("b")])
        filled.write([], erased=[id_of("d")])
        gone = {id_of("b"), id_of("d")}
        assert filled.scan(EVERYTHING, vectors=True) == [p for p in before if p.id not in gone]
        assert filled.fingerprint() == TOY

    def test_one_write_erases_replaces_and_adds(self, filled):
        vectors = {p.id: p.vectors for p in filled.scan(EVERYTHING, vectors=True)}
        changes = [point("b", record="kept vectors"), point("f", vectors=case(0, 0, 0, 1))]
        filled.write(changes, erased=[id_of("a")])
        found = {p.id: p for p in filled.scan(EVERYTHING, vectors=True)}
        assert set(found) == {id_of(name) for name in "bcdef"}
        assert found[id_of("b")] == replace(changes[0], vectors=vectors[id_of("b")])
        assert found[id_of("f")] == changes[1]

    def test_erasing_twice_or_what_never_was_is_harmless(self, filled):
        for _ in range(2):
            filled.write([], erased=[id_of("a"), ABSENT])
            assert names(filled.scan(EVERYTHING)) == set("bcde")
        filled.write([point("f")], erased=[ABSENT])
        assert names(filled.scan(EVERYTHING)) == set("bcdef")

    def test_an_erased_id_can_be_used_again_and_starts_anew(self, filled):
        filled.write([], erased=[id_of("a")])
        filled.write([point("a", record="second life")])
        (found,) = filled.scan(Selection(ids=(id_of("a"),)), vectors=True)
        assert (found.record, found.fields, found.vectors) == ("second life", {}, {})

    def test_the_guarantee_says_what_erasing_does_not_reach(self, store):
        assert "Not reached" in store.guarantee

    # Lifetime

    def test_opening_again_finds_everything(self, open_store):
        store = open_store()
        store.write([point(i, vectors=case(i + 1, 1, 0, 0)) for i in range(100)], fingerprint=TOY)
        store.write([point(7, record="changed")], erased=[id_of(8)])
        before = store.scan(EVERYTHING, vectors=True)
        near = store.nearest(EVERYTHING, using="case", vector=(0.0, 1.0, 0.0, 0.0), limit=9)
        store.close()
        again = open_store()
        assert again.scan(EVERYTHING, vectors=True) == before
        assert again.nearest(EVERYTHING, using="case", vector=(0.0, 1.0, 0.0, 0.0), limit=9) == near
        assert again.fingerprint() == TOY
        again.close()

    def test_a_closed_store_says_so(self, store):
        store.close()
        store.close()
        for call in (
            store.fingerprint,
            lambda: store.scan(EVERYTHING),
            lambda: store.nearest(EVERYTHING, using="case", vector=(1.0,), limit=1),
            lambda: store.tally(EVERYTHING, "judge"),
            lambda: store.write([point("a")]),
        ):
            with pytest.raises(MemoryUnavailableError, match="closed"):
                call()

    @pytest.mark.parametrize("seed", range(3))
    def test_it_behaves_like_a_dictionary(self, open_store, seed):
        rng = random.Random(seed)
        store, expected = open_store(), {}
        for step in range(30):
            pool = rng.sample(range(12), rng.randint(0, 5))
            written = [self._random_point(rng, name, step) for name in pool]
            others = [id_of(name) for name in range(12) if name not in pool]
            erased = rng.sample(others, rng.choice([0, 0, 1, 3]))
            store.write(written, erased=erased, fingerprint=TOY)
            for p in written:
                kept = expected[p.id].vectors if p.id in expected else {}
                expected[p.id] = replace(p, vectors=kept) if p.vectors is None else p
            for id_ in erased:
                expected.pop(id_, None)
            if rng.random() < 0.2:
                store.close()
                store = open_store()
            assert store.scan(EVERYTHING, vectors=True) == [expected[i] for i in sorted(expected)]
        store.close()

    @staticmethod
    def _random_point(rng, name, step):
        # Unit vectors along an axis: they come back to the last bit.
        vectors = rng.choice([None, None, {}, case(*rng.sample([1, 0, 0, 0], 4))])
        status = rng.choice(["pending", "distilled"])
        return point(name, record=f"{name} at {step}", fields={"status": status}, vectors=vectors)
