"""Principles written, changed and removed by hand; and what applied when."""

from datetime import UTC, datetime

import pytest
from fakes import CountingEmbeddings, HttpError, feedback

from langchain_memalign import InvalidInputError, ModelError

CASE = {key: feedback(1)[key] for key in ("inputs", "outputs")}


def test_a_written_principle_is_pinned_shown_and_embedded(bench):
    written = bench.judge.add_principle("  Never blame the customer. ")
    assert written.text == "Never blame the customer."
    assert (written.origin, written.pinned, written.episode_ids) == ("human", True, ())
    assert bench.judge.principles() == [written]
    assert bench.embeddings.texts == ["Never blame the customer."]
    assert bench.judge.invoke(CASE).principle_ids == (written.id,)
    assert "Never blame the customer." in bench.model.requests[0].prompt


def test_writing_the_same_principle_twice_changes_nothing(bench):
    written = bench.judge.add_principle("Be kind.")
    assert bench.judge.add_principle("be   KIND") == written
    assert bench.texts(retired=True) == ["Be kind."]


def test_a_human_who_writes_what_was_distilled_takes_it_over(bench):
    bench.judge.align([feedback(1)])
    written = bench.judge.add_principle("Rule: Remark 1.")
    assert bench.judge.principles() == [written]
    (distilled,) = [p for p in bench.memory.principles("tone", retired=True) if p != written]
    assert distilled.replaced_by == written.id
    bench.judge.forget(where=lambda episode: True)
    assert bench.judge.principles() == [written]


def test_editing_replaces_a_principle_and_keeps_its_history_and_sources(bench):
    bench.judge.align([feedback(1)])
    (old,) = bench.judge.principles()
    new = bench.judge.edit_principle(old.id, "Said better.")
    assert bench.judge.principles() == [new]
    assert (new.origin, new.pinned, new.episode_ids) == ("human", True, old.episode_ids)
    (history,) = [p for p in bench.memory.principles("tone", retired=True) if p.id == old.id]
    assert (history.text, history.replaced_by) == (old.text, new.id)


def test_editing_into_words_that_a_human_wrote_already_leaves_that_one_in_its_place(bench):
    one, other = bench.judge.add_principle("One."), bench.judge.add_principle("Other.")
    assert bench.judge.edit_principle(other.id, "one") == one
    assert bench.judge.principles() == [one]
    (old,) = [p for p in bench.memory.principles("tone", retired=True) if p.id == other.id]
    assert old.replaced_by == one.id


def test_editing_into_words_that_were_distilled_takes_those_over(bench):
    bench.judge.align([feedback(1)])
    other = bench.judge.add_principle("Other.")
    new = bench.judge.edit_principle(other.id, "Rule: Remark 1.")
    assert bench.judge.principles() == [new]
    assert len(bench.texts(retired=True)) == 3


def test_removing_lets_a_principle_apply_no_more_and_keeps_its_history(bench):
    written = bench.judge.add_principle("Be kind.")
    removed = bench.judge.remove_principle(written.id)
    assert removed.retired_at is not None
    assert bench.judge.principles() == []
    assert bench.memory.principles("tone", retired=True) == [removed]
    assert bench.judge.invoke(CASE).principle_ids == ()


def test_erasing_removes_a_principle_from_the_history_too(bench):
    written = bench.judge.add_principle("Be kind.")
    bench.judge.remove_principle(written.id, erase=True)
    assert bench.texts(retired=True) == []


@pytest.mark.parametrize("unknown", ["nobody", "6f1c5a0e-6d0b-4a53-9f0c-0c6d2e0f7a11"])
def test_an_unknown_principle_cannot_be_edited_or_removed(bench, unknown):
    with pytest.raises(InvalidInputError, match="no active principle"):
        bench.judge.edit_principle(unknown, "New words.")
    with pytest.raises(InvalidInputError, match="no active principle"):
        bench.judge.remove_principle(unknown)


def test_a_retired_principle_cannot_be_edited_or_removed_again(bench):
    written = bench.judge.add_principle("Be kind.")
    bench.judge.remove_principle(written.id)
    with pytest.raises(InvalidInputError):
        bench.judge.remove_principle(written.id)
    with pytest.raises(InvalidInputError):
        bench.judge.edit_principle(written.id, "Be nice.")


def test_another_judges_principle_cannot_be_removed(bench):
    theirs = bench.judge_named("other").add_principle("Theirs.")
    with pytest.raises(InvalidInputError):
        bench.judge.remove_principle(theirs.id)


@pytest.mark.parametrize("blank", ["", "  \n", None, 5, "half a \ud83d"])
def test_a_principle_without_usable_words_is_refused(bench, blank):
    kept = bench.judge.add_principle("Be kind.")
    with pytest.raises(InvalidInputError):
        bench.judge.add_principle(blank)
    with pytest.raises(InvalidInputError):
        bench.judge.edit_principle(kept.id, blank)
    assert bench.judge.principles() == [kept]


def test_a_principle_that_cannot_be_embedded_is_an_error_and_not_written(make_bench):
    bench = make_bench(embeddings=CountingEmbeddings(fail=lambda text: HttpError(400)))
    with pytest.raises(ModelError):
        bench.judge.add_principle("Be kind.")
    assert bench.texts() == []


def test_what_applied_at_a_moment_can_be_asked_for(bench):
    start = datetime.now(UTC)
    one = bench.judge.add_principle("One.")
    after_one = datetime.now(UTC)
    two = bench.judge.edit_principle(one.id, "Two.")
    after_two = datetime.now(UTC)
    bench.judge.remove_principle(two.id)

    def texts(moment):
        return [p.text for p in bench.judge.principles(as_of=moment)]

    assert texts(start) == []
    assert texts(after_one) == ["One."]
    assert texts(after_two) == ["Two."]
    assert texts(datetime.now(UTC)) == texts(None) == []


def test_a_moment_without_a_time_zone_is_an_error(bench):
    with pytest.raises(InvalidInputError, match="time zone"):
        bench.judge.principles(as_of=datetime(2026, 1, 1))  # noqa: DTZ001


def test_over_the_budget_written_principles_come_before_learned_ones(make_bench):
    bench = make_bench(principle_tokens=12)
    bench.judge.align([feedback(i) for i in range(5)])
    written = bench.judge.add_principle("A rule by a human.")
    assert written.id in bench.judge.invoke(CASE).principle_ids


def test_a_retired_rule_is_brought_back_with_its_sources(bench):
    bench.judge.align([{**CASE, "value": False, "rationale": "Unkind."}])
    (rule,) = bench.judge.principles()
    bench.judge.remove_principle(rule.id)

    assert bench.judge.restore_principle(rule.id) == rule

    assert bench.judge.principles() == [rule]


def test_only_a_retired_rule_can_be_brought_back(bench):
    rule = bench.judge.add_principle("Be kind.")
    with pytest.raises(InvalidInputError, match="no retired principle"):
        bench.judge.restore_principle(rule.id)


def test_a_rule_that_is_in_force_in_the_same_words_stands_for_the_retired_one(bench):
    first = bench.judge.add_principle("Be kind.")
    bench.judge.remove_principle(first.id)
    second = bench.judge.add_principle("Be kind")

    assert bench.judge.restore_principle(first.id) == second
    assert bench.judge.principles() == [second]
