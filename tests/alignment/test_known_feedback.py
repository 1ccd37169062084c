"""Feedback that is known is told apart by a look-up; whatever changed is still noticed."""

from dataclasses import replace

import pytest
from fakes import feedback, principle
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judge.bench import Bench
from langchain_core.messages import AIMessage

from langchain_memalign import Feedback, InvalidInputError
from langchain_memalign._stores.base import Selection
from langchain_memalign._stores.edge.store import EdgeStore


@pytest.fixture
def read(monkeypatch):
    """What feedback was read, rather than looked up."""
    seen, of = [], Feedback.of
    monkeypatch.setattr(Feedback, "of", lambda item: seen.append(item) or of(item))
    return seen


def test_what_is_known_is_not_read_again(bench, read):
    words = [feedback(i) for i in range(5)]
    bench.judge.align(words)
    read.clear()
    report = bench.judge.align([*words, feedback(5)])
    assert read == [feedback(5)]
    assert (len(report.unchanged), len(report.stored)) == (5, 1)
    assert set(report.unchanged) < {e.id for e in bench.judge.episodes()}


def test_nor_are_records(bench, read):
    bench.judge.align([Feedback(**feedback(1))])
    read.clear()
    report = bench.judge.align([Feedback(**feedback(1))])  # said at another moment
    assert (read, len(report.unchanged)) == ([], 1)


async def test_nor_is_it_in_async_code(bench, read):
    words = [feedback(i) for i in range(3)]
    await bench.judge.aalign(words)
    read.clear()
    report = await bench.judge.aalign(words)
    assert (read, len(report.unchanged)) == ([], 3)


def test_what_was_forgotten_is_learned_when_it_is_told_again(bench):
    bench.judge.align([feedback(1), feedback(2)])
    bench.judge.forget([bench.id_of("Remark 1.")])
    report = bench.judge.align([feedback(1), feedback(2)])
    assert (len(report.stored), len(report.unchanged)) == (1, 1)
    assert bench.remarks() == ["Remark 1.", "Remark 2."]


def test_a_former_word_that_is_told_again_is_the_newest(bench):
    old, new = feedback(1, id="a"), feedback(1, id="a", rationale="On second thought.")
    bench.judge.align([old])
    for batch, said in (([new], new), ([old], old), ([old, new, old], old), ([old, new], new)):
        bench.judge.align(batch)
        assert bench.remarks() == [said["rationale"]]


def test_a_source_that_is_told_for_the_first_time_is_kept(bench):
    bench.judge.align([feedback(1)])
    bench.judge.align([feedback(1)])
    for source in ("run-1", "run-2", "run-1"):
        report = bench.judge.align([feedback(1, source_id=source)])
        assert len(report.unchanged) == 1
        assert [e.source_id for e in bench.judge.episodes()] == [source]


def test_the_same_conversation_under_other_ids_is_the_same(bench):
    def said(id_):
        return feedback(1, outputs=[{"type": "ai", "content": "Hello.", "id": id_}])

    for id_ in ("run-1", "run-2", "run-2"):
        bench.judge.align([said(id_)])
    bench.judge.align([feedback(1, outputs=[AIMessage("Hello.", id="run-3")])])
    assert len(bench.judge.episodes()) == 1


def test_a_pair_and_a_list_of_two_are_told_apart(bench):
    """The former is a message, the latter is not."""
    reports = [
        bench.judge.align([feedback(1, outputs=[said])])
        for said in (("user", "Hi."), ["user", "Hi."], ("user", "Hi."))
    ]
    assert [len(report.stored) for report in reports] == [1, 1, 0]


def test_the_numbers_one_and_true_are_told_apart(bench):
    reports = [
        bench.judge.align([feedback(1, outputs={"a": value})]) for value in (1, True, 1.0, 1)
    ]
    assert [len(report.stored) for report in reports] == [1, 1, 1, 0]


def test_judges_of_one_memory_know_different_things(bench):
    other = bench.judge_named("length")
    bench.judge.align([feedback(1)])
    assert len(other.align([feedback(1)]).stored) == 1


def test_a_value_that_the_judge_may_not_give_any_more_is_refused(bench):
    bench.judge.align([feedback(1)])
    judge = bench.judge_named("tone", value_type={"enum": ["good", "bad"]}, redefine=True)
    with pytest.raises(InvalidInputError, match="value"):
        judge.align([feedback(1)])


def test_a_memory_of_an_earlier_version_knows_its_feedback_too(tmp_path):
    bench = Bench(location=tmp_path / "memory")
    bench.judge.align([feedback(i, id=f"id {i}") for i in range(3)])
    bench.memory.close()
    store = EdgeStore.open(tmp_path / "memory")
    points = store.scan(Selection(kind="episode"), vectors=True)
    for name in ("revision", "source_id"):
        points = [
            replace(p, fields={k: v for k, v in p.fields.items() if k != name}) for p in points
        ]
    store.write(points, fingerprint=store.fingerprint())
    store.close()
    bench = Bench(location=tmp_path / "memory")
    words = [feedback(i, id=f"id {i}") for i in range(2)]
    report = bench.judge.align([*words, feedback(2, id="id 2", rationale="Changed.")])
    assert (len(report.unchanged), len(report.overwritten)) == (2, 1)
    bench.memory.close()


def test_a_first_source_and_a_changed_word_of_one_principle_come_together(make_bench):
    def one_rule(request):
        rules = [principle("Rule.", *request.record_ids)] if request.record_ids else []
        return {"principles": rules}

    bench = make_bench(one_rule)
    bench.judge.align([feedback(1), feedback(2)])
    bench.judge.align([feedback(1, source_id="run-1"), feedback(2, rationale="Changed.")])
    told = {e.rationale: (e.source_id, e.status) for e in bench.judge.episodes()}
    assert told == {"Remark 1.": ("run-1", "distilled"), "Changed.": (None, "distilled")}


class Opaque(dict):
    """Feedback that is always read, being of a class of its own."""


ITEMS = st.builds(
    lambda number, rationale, source, id_: feedback(
        number, rationale=rationale, source_id=source, id=id_
    ),
    st.integers(0, 1),
    st.sampled_from(["One.", "Two."]),
    st.sampled_from([None, "s1", "s2"]),
    st.sampled_from([None, "a"]),
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(ITEMS, min_size=1, max_size=4), min_size=2, max_size=5))
def test_looking_up_finds_what_reading_would(batches):
    def told(kind):
        bench = Bench()
        with bench.memory:
            reports = [bench.judge.align([kind(item) for item in batch]) for batch in batches]
            episodes = [(e.id, e.revision, e.source_id) for e in bench.judge.episodes()]
        said = ("stored", "unchanged", "overwritten", "rejected")
        return [[set(getattr(r, name)) for name in said] for r in reports], sorted(episodes)

    assert told(dict) == told(Opaque)
