"""Forgetting: what goes, what is learned anew, and what stays as it is."""

from datetime import UTC, datetime, timedelta

import pytest
from fakes import feedback, one_rule_a_record, principle

from langchain_memalign import InvalidInputError

NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001


def together(request):
    """A model that makes one rule of all the records it gets."""
    if request.title != "principles":
        return one_rule_a_record(request)
    words = [i for i in range(10) if f"Remark {i}." in request.prompt.split("<records>")[1]]
    return {"principles": [principle(f"Rule of {words}.", *request.record_ids)]}


@pytest.fixture
def shared(make_bench):
    """A bench with one principle from `Remark 1.` and `Remark 2.`."""
    bench = make_bench(together)
    bench.judge.align([feedback(1), feedback(2)])
    assert bench.texts() == ["Rule of [1, 2]."]
    return bench


def test_a_principle_from_the_other_source_alone_stands_in_place_of_the_shared_one(shared):
    (old,) = shared.judge.principles()
    gone = shared.id_of("Remark 1.")
    report = shared.judge.forget([gone])
    assert shared.texts(retired=True) == ["Rule of [2]."]
    assert shared.remarks(status="distilled") == ["Remark 2."]
    assert (report.episodes_removed, report.principles_removed) == ((gone,), (old.id,))
    assert list(report.principles_redistilled) == shared.judge.principles()
    assert (report.pending, report.model_calls, report.embedded) == ((), 1, 1)
    assert report.seconds > 0
    assert "directory" in report.guarantee


def test_what_is_distilled_anew_is_distilled_without_the_old_text(shared):
    shared.judge.forget([shared.id_of("Remark 1.")])
    prompt = shared.model.requests[-1].prompt
    assert "Remark 2." in prompt
    assert "Remark 1." not in prompt
    assert "Rule of [1, 2]." not in prompt


def test_forgetting_both_sources_one_after_the_other_leaves_none(shared):
    shared.judge.forget([shared.id_of("Remark 1.")])
    report = shared.judge.forget([shared.id_of("Remark 2.")])
    assert shared.texts(retired=True) == []
    assert shared.judge.episodes() == []
    assert len(report.principles_removed) == 1
    assert report.model_calls == 0


def test_forgetting_both_sources_at_once_leaves_none_and_needs_no_model(shared):
    shared.model.requests.clear()
    shared.judge.forget([e.id for e in shared.judge.episodes()])
    assert shared.texts(retired=True) == []
    assert shared.model.requests == []


def test_without_redistilling_the_other_source_waits_for_the_next_alignment(shared):
    shared.model.requests.clear()
    report = shared.judge.forget([shared.id_of("Remark 1.")], redistill=False)
    assert shared.texts() == []
    assert [p.episode_id for p in report.pending] == [shared.id_of("Remark 2.")]
    assert shared.remarks(status="pending") == ["Remark 2."]
    assert (shared.model.requests, report.model_calls, report.embedded) == ([], 0, 0)
    shared.judge.align([])
    assert shared.texts() == ["Rule of [2]."]


def test_forgetting_embeds_no_episode(shared):
    shared.embeddings.texts.clear()
    shared.judge.forget([shared.id_of("Remark 1.")])
    assert shared.embeddings.texts == ["Rule of [2]."]


def test_what_has_nothing_to_do_with_it_stays_as_it_is(shared):
    shared.judge.align([feedback(3)])
    (kept,) = [p for p in shared.judge.principles() if p.text == "Rule of [1, 2]."]
    calls = len(shared.model.requests)
    # What was learned first was written in sight of nothing that came later.
    shared.judge.forget([shared.id_of("Remark 3.")])
    assert shared.judge.principles() == [kept]
    assert len(shared.model.requests) == calls


def test_an_uncited_principle_goes_with_any_record_of_its_batch(make_bench):
    bench = make_bench(lambda request: {"principles": [principle("From somewhere.")]})
    bench.judge.align([feedback(i) for i in range(4)])
    bench.judge.forget([bench.id_of("Remark 3.")], redistill=False)
    assert bench.texts(retired=True) == []
    assert len(bench.judge.episodes(status="pending")) == 3


def test_a_replaced_principle_goes_too_and_what_replaced_it(make_bench):
    bench = make_bench(lambda request: {"principles": [principle("Old.", "R1")]})
    bench.judge.align([feedback(1)])
    bench.model.respond = lambda request: {
        "principles": [principle("New.", "R1", relation="replaces", target="P1")]
    }
    bench.judge.align([feedback(2)])
    bench.model.respond = one_rule_a_record
    report = bench.judge.forget([bench.id_of("Remark 1.")])
    assert len(report.principles_removed) == 2
    assert bench.texts(retired=True) == ["Rule: Remark 2."]


def test_a_pointer_to_an_erased_principle_is_cleaned(make_bench):
    bench = make_bench()
    human = bench.judge.add_principle("A human's old rule.")
    bench.judge.align([feedback(1)])
    (_, learned) = bench.judge.principles()
    # A human found that the learned rule says it better.
    rewritten = bench.judge.edit_principle(learned.id, "A human's better rule.")
    bench.memory.apply([_put(human.model_copy(update=_replaced_by(rewritten)))])
    bench.judge.forget([bench.id_of("Remark 1.")])
    (left,) = bench.memory.principles("tone", retired=True)
    assert (left.text, left.replaced_by) == ("A human's old rule.", None)
    assert left.retired_at is not None


def _put(record):
    from langchain_memalign.schema import Put

    return Put(judge="tone", record=record)


def _replaced_by(principle):
    return {"retired_at": datetime.now(UTC), "replaced_by": principle.id}


def test_a_rule_that_a_human_removed_does_not_come_back_by_forgetting_one_of_its_sources(shared):
    shared.judge.remove_principle(shared.judge.principles()[0].id)
    shared.model.requests.clear()
    report = shared.judge.forget([shared.id_of("Remark 1.")])
    assert len(report.principles_removed) == 1
    assert shared.texts(retired=True) == []
    assert (shared.model.requests, report.pending) == ([], ())


def test_a_rule_that_a_human_rewrote_is_forgotten_with_its_sources(shared):
    shared.judge.edit_principle(shared.judge.principles()[0].id, "As Remark 1 has it.")
    shared.judge.forget([shared.id_of("Remark 1.")])
    assert shared.texts(retired=True) == ["Rule of [2]."]


def test_forgetting_by_reviewer(bench):
    bench.judge.align([feedback(1, reviewer="Ann"), feedback(2, reviewer="Bob"), feedback(3)])
    assert len(bench.judge.forget(reviewer="Ann").episodes_removed) == 1
    assert bench.remarks() == ["Remark 2.", "Remark 3."]
    assert "Rule: Remark 1." not in bench.texts()


def test_forgetting_by_what_its_source_calls_it(bench):
    bench.judge.align(
        [
            {**feedback(1), "source_id": "ticket:1"},
            {**feedback(2), "id": "ticket:2"},
            feedback(3),
        ]
    )
    report = bench.judge.forget(source_ids=["ticket:1", "ticket:2", "ticket:9"])
    assert len(report.episodes_removed) == 2
    assert bench.remarks() == ["Remark 3."]
    with pytest.raises(InvalidInputError, match="source_ids: found one string"):
        bench.judge.forget(source_ids="ticket:1")


def test_a_word_that_is_told_again_may_say_where_it_comes_from(bench):
    bench.judge.align([feedback(1)])
    learned = bench.judge.episodes()
    told = {**feedback(1), "source_id": "ticket:1"}
    report = bench.judge.align([told])
    assert (len(report.unchanged), report.model_calls, report.embedded) == (1, 0, 0)
    assert bench.judge.episodes() == [learned[0].model_copy(update={"source_id": "ticket:1"})]
    # Nor is that forgotten when it is told once more without.
    bench.judge.align([{**feedback(1), "rationale": "Changed."}])
    assert [e.source_id for e in bench.judge.episodes()] == ["ticket:1"]


def test_forgetting_what_was_said_before_a_moment(bench):
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    hours = [feedback(i, created_at=noon + timedelta(hours=i)) for i in range(4)]
    bench.judge.align(hours)
    bench.judge.forget(before=noon + timedelta(hours=2))
    assert bench.remarks() == ["Remark 2.", "Remark 3."]


def test_forgetting_by_any_condition_and_by_several_at_once(bench):
    bench.judge.align([feedback(i, reviewer="Ann" if i < 3 else "Bob") for i in range(5)])
    bench.judge.forget(reviewer="Ann", where=lambda episode: episode.value is True)
    assert bench.remarks() == ["Remark 1.", "Remark 3.", "Remark 4."]


def test_forgetting_twice_is_harmless(shared):
    gone = [shared.id_of("Remark 1.")]
    shared.judge.forget(gone)
    before = shared.judge.episodes(), shared.judge.principles(), shared.calls()
    report = shared.judge.forget(gone)
    assert (report.episodes_removed, report.principles_removed, report.pending) == ((), (), ())
    assert (shared.judge.episodes(), shared.judge.principles(), shared.calls()) == before


@pytest.mark.parametrize("ids", [[], ["not-an-id"], ["6f1c5a0e-6d0b-4a53-9f0c-0c6d2e0f7a11", ""]])
def test_unknown_ids_are_harmless(shared, ids):
    report = shared.judge.forget(ids)
    assert (report.episodes_removed, report.model_calls) == ((), 0)
    assert len(shared.judge.episodes()) == 2


def test_another_judges_episodes_are_not_forgotten(shared):
    other = shared.judge_named("other")
    other.align([feedback(1)])
    (theirs,) = other.episodes()
    shared.judge.forget([theirs.id])
    shared.judge.forget(where=lambda episode: True)
    assert other.episodes() == [theirs]
    assert len(other.principles()) == 1


@pytest.mark.parametrize(
    "arguments",
    [{}, {"episode_ids": "one-id"}, {"before": NAIVE}, {"before": "2026-01-01"}],
)
def test_a_forgetting_that_does_not_say_what_is_an_error(shared, arguments):
    with pytest.raises(InvalidInputError, match=r"expected|nothing says"):
        shared.judge.forget(**arguments)
    assert len(shared.judge.episodes()) == 2


def test_feedback_that_was_forgotten_can_be_given_again(shared):
    shared.judge.forget([shared.id_of("Remark 1.")])
    report = shared.judge.align([feedback(1)])
    assert len(report.stored) == 1
    assert shared.texts() == ["Rule of [2].", "Rule of [1]."]
