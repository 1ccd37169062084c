"""What reading from any store does: records, selections, vectors."""

import math
from dataclasses import replace

import pytest

from langchain_memalign._stores.base import Selection
from langchain_memalign.errors import EmbeddingMismatchError, InvalidInputError

from .points import ABSENT, EVERYTHING, TOY, case, id_of, ids, names, point

SELECTIONS = [
    (EVERYTHING, "abcde"),
    (Selection(kind="principle"), "de"),
    (Selection(judge="tone"), "abde"),
    (Selection(judge="TONE"), ""),
    (Selection(judge="tone", kind="episode"), "ab"),
    (Selection(fields={"status": ("pending",)}), "ac"),
    (Selection(fields={"status": ("pending", "active", "unheard of")}), "acd"),
    (Selection(fields={"status": ("pending",), "value": ("true",)}), "a"),
    (Selection(fields={"episode_ids": (id_of("a"),)}), "d"),
    (Selection(fields={"episode_ids": (id_of("b"), id_of("c"))}), "de"),
    (Selection(fields={"status": ()}), ""),
    (Selection(ids=(id_of("b"), id_of("a"), id_of("b"))), "ab"),
    (Selection(ids=(id_of("a"), id_of("c")), judge="tone"), "a"),
    (Selection(ids=(ABSENT, "no UUID")), ""),
    (Selection(ids=()), ""),
    (Selection(without={"status": ("pending",)}), "bde"),
    (Selection(without={"status": ("pending", "active")}), "be"),
    (Selection(without={"episode_ids": (id_of("a"),)}), "abce"),
    (Selection(judge="tone", without={"status": ("distilled",)}), "ade"),
    (Selection(without={"status": ()}), "abcde"),
]


class ReadingContract:
    def test_a_new_memory_is_empty(self, store):
        assert store.fingerprint() is None
        assert store.scan(EVERYTHING, vectors=True) == []
        assert store.nearest(EVERYTHING, using="case", vector=(1.0, 0.0), limit=5) == []
        assert store.tally(EVERYTHING, "judge") == {}

    @pytest.mark.parametrize(
        "record",
        [
            "",
            '{"text": "Größe \\u0000 \x00 \u2028 👩🏽‍🚀 \U0010ffff"}',
            "[" * 5_000 + "]" * 5_000,
            "0123456789abcdef" * 200_000,
        ],
        ids=["empty", "unicode", "deep", "huge"],
    )
    def test_what_was_written_comes_back_as_it_was(self, open_store, record):
        written = point(
            "a",
            kind="principle",
            judge="Ton/ärger 😠",
            record=record,
            fields={"status": "", "value": "\x00 é 👍", "episode_ids": ("x", "y", "x")},
        )
        store = open_store()
        store.write([written])
        assert store.scan(EVERYTHING) == [written]
        store.close()
        again = open_store()
        assert again.scan(EVERYTHING) == [written]
        again.close()

    def test_writing_again_replaces_the_whole_point(self, store):
        old = point("a", fields={"status": "pending"}, vectors=case(1, 0, 0, 0))
        new = point("a", kind="principle", judge="other", record="new", vectors={})
        store.write([old], fingerprint=TOY)
        store.write([new])
        assert store.scan(EVERYTHING, vectors=True) == [new]
        assert store.tally(EVERYTHING, "status") == {}

    def test_all_points_come_back_ordered_by_id(self, store):
        many = [point(i) for i in range(150)]
        store.write(many)
        assert ids(store.scan(EVERYTHING)) == sorted(ids(many))
        some = Selection(ids=tuple(p.id for p in many[:100]))
        assert ids(store.scan(some)) == sorted(ids(many[:100]))

    # Selections

    def test_all_conditions_of_a_selection_hold(self, filled, subtests):
        for selection, expected in SELECTIONS:
            with subtests.test(selection=selection):
                assert names(filled.scan(selection)) == set(expected)
                query = {"using": "case", "vector": (1.0, 1.0, 1.0, 1.0), "limit": 10}
                near = filled.nearest(selection, **query)
                assert names(p for p, _ in near) == set(expected) & set("abc")
                assert sum(filled.tally(selection, "kind").values()) == len(expected)

    def test_values_are_counted(self, filled):
        assert filled.tally(EVERYTHING, "status") == {"pending": 2, "distilled": 1, "active": 1}
        assert filled.tally(EVERYTHING, "judge") == {"tone": 4, "safety": 1}
        assert filled.tally(EVERYTHING, "kind") == {"episode": 3, "principle": 2}
        assert filled.tally(Selection(judge="tone"), "status")["pending"] == 1
        cited = filled.tally(EVERYTHING, "episode_ids")
        assert cited == {id_of("a"): 1, id_of("b"): 2}

    def test_many_values_are_all_counted(self, store):
        store.write([point(i, fields={"case_key": f"key {i}"}) for i in range(100)])
        assert store.tally(EVERYTHING, "case_key") == {f"key {i}": 1 for i in range(100)}

    def test_two_judges_never_mix(self, filled):
        for judge in ("tone", "safety"):
            only = Selection(judge=judge)
            found = filled.scan(only)
            found += [
                p
                for p, _ in filled.nearest(
                    only, using="case", vector=(0.0, 1.0, 0.0, 0.0), limit=99
                )
            ]
            assert {p.judge for p in found} == {judge}

    def test_only_indexed_fields_can_be_asked_for(self, filled, subtests):
        for field in ("record", "id", "reviewer", ""):
            with subtests.test(field=field):
                with pytest.raises(InvalidInputError, match="expected one of judge, kind"):
                    filled.scan(Selection(fields={field: ("x",)}))
                with pytest.raises(InvalidInputError, match="expected one of judge, kind"):
                    filled.tally(EVERYTHING, field)

    # Vectors

    def test_vectors_come_only_when_asked_for(self, filled):
        assert {p.vectors for p in filled.scan(EVERYTHING)} == {None}
        found = {p.id: p.vectors for p in filled.scan(EVERYTHING, vectors=True)}
        half = math.sqrt(0.5)
        assert found[id_of("b")] == {"case": pytest.approx((half, half, 0, 0))}
        assert found[id_of("d")] == {"rule": (1.0, 0.0)}
        assert found[id_of("e")] == {}

    def test_vectors_stay_when_a_point_is_written_without(self, filled):
        before = {p.id: p.vectors for p in filled.scan(EVERYTHING, vectors=True)}
        filled.write([point(n, record="changed") for n in "bd"] + [point("new")])
        after = {p.id: p.vectors for p in filled.scan(EVERYTHING, vectors=True)}
        assert after == before | {id_of("new"): {}}
        ((nearest, _),) = filled.nearest(
            EVERYTHING, using="case", vector=(1.0, 1.0, 0.0, 0.0), limit=1
        )
        assert nearest.record == "changed"

    def test_the_nearest_come_first_with_their_cosine(self, filled):
        query = (2.0, 0.5, 0.0, 0.0)
        found = filled.nearest(EVERYTHING, using="case", vector=query, limit=5)
        length = math.hypot(*query)
        assert [(p.record, score) for p, score in found] == [
            ("record a", pytest.approx(2 / length, abs=1e-6)),
            ("record b", pytest.approx(2.5 / length / math.sqrt(2), abs=1e-6)),
            ("record c", pytest.approx(0.5 / length, abs=1e-6)),
        ]
        assert found[0][0] == replace(point("a"), fields={"status": "pending", "value": "true"})
        assert filled.nearest(EVERYTHING, using="case", vector=query, limit=2) == found[:2]
        assert filled.nearest(EVERYTHING, using="case", vector=query, limit=0) == []

    def test_opposite_vectors_have_cosine_minus_one(self, filled):
        found = filled.nearest(EVERYTHING, using="case", vector=(-3.0, 0.0, 0.0, 0.0), limit=9)
        assert (found[-1][0].record, found[-1][1]) == ("record a", pytest.approx(-1))

    def test_vectors_of_any_length_keep_their_direction(self, store):
        store.write(
            [
                point("long", vectors=case(3e300, 4e300, 0, 0)),
                point("short", vectors=case(0, 3e-300, 4e-300, 0)),
            ],
            fingerprint=TOY,
        )
        found = store.nearest(EVERYTHING, using="case", vector=(0.0, 7e-200, 0.0, 0.0), limit=2)
        assert [(p.record, score) for p, score in found] == [
            ("record long", pytest.approx(0.8)),
            ("record short", pytest.approx(0.6)),
        ]

    def test_equally_near_points_are_ordered_by_id(self, store, subtests):
        best = point("best", vectors=case(1, 0, 0, 0))
        tied = [point(i, vectors=case(1, 2, 3, 4)) for i in range(20)]
        store.write([best, *tied], fingerprint=TOY)
        query = {"using": "case", "vector": (1.0, 0.0, 0.0, 0.0)}
        for limit in (1, 5, 19, 20, 21, 30):
            with subtests.test(limit=limit):
                found = store.nearest(EVERYTHING, **query, limit=limit)
                assert [p.id for p, _ in found] == [best.id, *sorted(ids(tied))][:limit]

    def test_what_has_no_direction_is_near_to_nothing(self, filled):
        assert filled.nearest(EVERYTHING, using="case", vector=(0.0,) * 4, limit=5) == []

    def test_a_query_that_fits_no_vector_is_refused(self, filled, subtests):
        for using, vector, error in (
            ("case", (1.0, 0.0), EmbeddingMismatchError),
            ("rule", (1.0, 0.0, 0.0, 0.0), EmbeddingMismatchError),
            ("case", (), EmbeddingMismatchError),
            ("case", (1.0, 0.0, 0.0, math.nan), InvalidInputError),
            ("case", (1.0, 0.0, 0.0, -math.inf), InvalidInputError),
            ("none", (1.0, 0.0), InvalidInputError),
        ):
            with (
                subtests.test(using=using, vector=vector),
                pytest.raises(error, match=r"(?s)found.*expected"),
            ):
                filled.nearest(EVERYTHING, using=using, vector=vector, limit=5)
