"""Experts who contradict each other, correct themselves, or take their word back."""

from datetime import UTC, datetime, timedelta

import pytest
from fakes import ScriptedModel, feedback, one_rule_a_record
from memory.remembering import JUDGE, Compass, case, episode, inputs_of, remember
from prompts.examples import parsed

from langchain_memalign import Memory, create_alignment_graph

CASE = {key: feedback(1)[key] for key in ("inputs", "outputs")}
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def said(reviewer, value, *, hour=0, **fields):
    """A reviewer's word on one and the same case."""
    return feedback(
        1,
        value=value,
        reviewer=reviewer,
        rationale=f"{reviewer} says {value}.",
        created_at=NOON + timedelta(hours=hour),
        **fields,
    )


@pytest.fixture
def vote(make_bench):
    """A bench that judges by precedent alone, so that its verdict is what counts."""
    return make_bench(model="precedent")


def recalled(bench):
    (found,) = bench.judge.recall(CASE).episodes
    return found


ROUNDS = {
    "most of them": ([("Ann", False), ("Bea", True), ("Cem", True)], True),
    "most, though the newest differs": ([("Ann", True), ("Bea", True), ("Cem", False)], True),
    "the newest of as many": ([("Ann", False), ("Bea", True)], True),
    "the newest of as many, told first": ([("Bea", True), ("Ann", False)], False),
    "a remark has no vote": ([("Ann", False), ("Bea", None)], False),
}


@pytest.mark.parametrize(("words", "counts"), ROUNDS.values(), ids=ROUNDS)
def test_the_majority_counts_and_on_a_tie_the_newest(vote, words, counts):
    report = vote.judge.align([said(*word, hour=hour) for hour, word in enumerate(words)])
    verdict = vote.judge.invoke(CASE)
    assert verdict.value is counts
    found = recalled(vote)
    assert found.value is found.episode.value is counts
    # All words are kept, shown and told.
    assert {e.reviewer for e in (found.episode, *found.also)} == {name for name, _ in words}
    assert set(verdict.episode_ids) == set(report.stored)


@pytest.mark.parametrize("kind", ["integer", "number"])
def test_on_a_scale_the_majority_counts_too_and_is_no_mean(make_bench, kind):
    scale = {"type": kind, "minimum": 1, "maximum": 5}
    bench = make_bench(model="precedent", value_type=scale)
    bench.judge.align([said("Ann", 2), said("Bea", 2, hour=1), said("Cem", 5, hour=2)])
    assert bench.judge.invoke(CASE).value == 2


def test_the_prompt_shows_all_words_and_which_value_counts(bench):
    bench.judge.align([said("Ann", True, hour=0), said("Bea", False, hour=1)])
    bench.judge.invoke(CASE)
    request = bench.model.titled("verdict")[-1]
    (shown,) = parsed(request.messages).iter("episode")
    experts = [(e.get("reviewer"), e.get("value"), e.text) for e in shown.iter("expert")]
    assert experts == [("Bea", "false", "Bea says False."), ("Ann", "true", "Ann says True.")]
    assert shown.get("value") == "false"
    assert "where experts differ" in request.system


def test_experts_who_agree_need_no_vote_in_the_prompt(bench):
    bench.judge.align([said("Ann", True), said("Bea", True)])
    bench.judge.invoke(CASE)
    (shown,) = parsed(bench.model.titled("verdict")[-1].messages).iter("episode")
    assert "value" not in shown.attrib


def test_a_contested_case_is_contrast_by_the_value_that_counts():
    """The three nearest are true; the next two have a false word each, one of them most."""
    with Memory.open(":memory:", embeddings=Compass()) as memory:
        remember(
            memory,
            episode("1°", value=True),
            episode("2°", value=True),
            episode("3°", value=True),
            episode("20°", value=True, reviewer="A", day=1),
            episode("20°", value=True, reviewer="B", day=2),
            episode("20°", value=False, reviewer="C", day=3),
            episode("30°", value=False, reviewer="A", day=1),
            episode("30°", value=False, reviewer="B", day=2),
            episode("30°", value=True, reviewer="C", day=3),
        )
        assert inputs_of(memory.recall(JUDGE, case(), k=3)) == ["1°", "2°", "30°"]


# Told by the report


def test_the_report_names_who_differs_and_what_counts(bench):
    first = bench.judge.align([said("Ann", True), feedback(2, reviewer="Ann")])
    assert first.conflicts == ()
    report = bench.judge.align([said("Bea", False, hour=1), feedback(3)])
    (conflict,) = report.conflicts
    assert conflict.episode_ids == (bench.id_of("Ann says True."), bench.id_of("Bea says False."))
    assert conflict.reviewers == ("Ann", "Bea")
    assert conflict.values == (True, False)
    assert conflict.value is False


def test_a_conflict_is_told_whenever_its_case_is_touched_and_only_then(bench):
    words = [said("Ann", True), said("Bea", False, hour=1)]
    told = bench.judge.align(words).conflicts
    assert len(told) == 1
    assert bench.judge.align(words[:1]).conflicts == told  # unchanged, but sent again
    assert bench.judge.align([feedback(7)]).conflicts == ()
    assert bench.judge.align([]).conflicts == ()


def test_a_conflict_among_records_that_wait_is_told_by_whoever_takes_them_up(make_bench):
    bench = make_bench(lambda request: ConnectionError("down"))
    words = [said("Ann", True), said("Bea", False, hour=1)]
    told = bench.judge.align(words).conflicts
    assert len(told) == 1
    assert bench.judge.align([]).conflicts == told  # in vain
    bench.model.respond = one_rule_a_record
    assert bench.judge.align([]).conflicts == told


def test_remarks_without_a_value_and_equal_values_are_no_conflict(bench):
    words = [said("Ann", True), said("Bea", None), said("Cem", True)]
    assert bench.judge.align(words).conflicts == ()


async def test_the_alignment_graph_tells_conflicts_too(bench):
    words = [said("Ann", True), said("Bea", False, hour=1)]
    batch = {"feedback": [{**w, "created_at": w["created_at"].isoformat()} for w in words]}
    state = await create_alignment_graph(bench.judge).ainvoke(batch)
    (conflict,) = state["alignment"]["conflicts"]
    assert (conflict["reviewers"], conflict["value"]) == (["Ann", "Bea"], False)


# Edited and retracted


def test_an_edited_word_votes_anew_and_ends_the_conflict(vote):
    vote.judge.align([said("Ann", True, hour=0), said("Bea", False, hour=1)])
    assert vote.judge.invoke(CASE).value is False
    report = vote.judge.align([said("Bea", True, hour=2)])
    assert (len(report.overwritten), report.conflicts) == (1, ())
    verdict = vote.judge.invoke(CASE)
    assert (verdict.value, len(verdict.episode_ids)) == (True, 2)
    assert "says False" not in str(recalled(vote))
    assert vote.texts() == ["Ann says True.", "Bea says True."]


def test_a_retracted_word_has_no_vote_and_no_trace(vote):
    words = [said("Ann", True), said("Bea", False, hour=1), said("Cem", False, hour=2)]
    vote.judge.align(words)
    assert vote.judge.invoke(CASE).value is False
    vote.judge.forget(reviewer="Cem")
    assert vote.judge.invoke(CASE).value is False  # as many, and Bea's is the newest
    vote.judge.forget(reviewer="Bea")
    verdict = vote.judge.invoke(CASE)
    assert (verdict.value, len(verdict.episode_ids)) == (True, 1)
    found = vote.judge.recall(CASE)
    assert found.value_counts == {"true": 1}
    assert not any(name in found.model_dump_json() for name in ("Bea", "Cem"))
    assert vote.texts(retired=True) == ["Ann says True."]
    scripted = ScriptedModel(respond=one_rule_a_record)
    vote.judge_named("tone", model=scripted).invoke(CASE)
    assert not any(name in scripted.requests[0].prompt for name in ("Bea", "Cem"))
