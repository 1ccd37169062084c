"""Batches learned at the same time do not see each other's principles; one call compares them."""

import re

import pytest
from fakes import HttpError, feedback, one_rule_a_record, principle

MANY = 120  # three batches


def reconciling(decide, distil=one_rule_a_record):
    """A model that answers the reconciling call by `decide`, given the ids of texts."""

    def respond(request):
        if request.title != "decisions":
            return distil(request)
        shown = re.findall(r'<principle id="(P\d+)"[^>]*>(.*?)</principle>', request.prompt)
        return decide({text: id_ for id_, text in shown})

    return respond


def goes(ids, going, staying, relation="same"):
    return {"principle": ids[going], "relation": relation, "target": ids[staying]}


@pytest.fixture
def words():
    return [feedback(i) for i in range(MANY)]


def test_concurrent_batches_are_reconciled_by_one_call(make_bench, words):
    def decide(ids):
        assert len(ids) == MANY
        same = goes(ids, "Rule: Remark 7.", "Rule: Remark 90.")
        return {"decisions": [same, goes(ids, "Rule: Remark 8.", "Rule: Remark 91.", "replaced")]}

    bench = make_bench(reconciling(decide))
    report = bench.judge.align(words)
    assert len(bench.model.titled("decisions")) == 1
    # The fifth asks about the cases behind the one that is replaced.
    assert report.model_calls == 5
    assert len(bench.texts()) == MANY - 2
    every = {p.text: p for p in bench.memory.principles("tone", retired=True)}
    for going, staying in ((7, 90), (8, 91)):
        gone, stays = every[f"Rule: Remark {going}."], every[f"Rule: Remark {staying}."]
        assert gone.replaced_by == stays.id
        sources = {bench.id_of(f"Remark {going}."), bench.id_of(f"Remark {staying}.")}
        assert set(stays.episode_ids) == sources
    assert {p.text for p in report.principles_retired} == {"Rule: Remark 7.", "Rule: Remark 8."}
    assert len(report.principles_added) == MANY - 2


def test_one_batch_needs_no_reconciling(bench):
    bench.judge.align([feedback(i) for i in range(5)])
    assert bench.model.titled("decisions") == []


def test_batches_that_brought_nothing_new_need_no_reconciling(make_bench, words):
    bench = make_bench(lambda request: {"principles": []})
    values = [{**word, "rationale": None} for word in words]
    assert bench.judge.align(values).model_calls == 3


def test_equal_rules_of_concurrent_batches_are_one_rule(make_bench, words):
    bench = make_bench(
        reconciling(
            lambda ids: {"decisions": []},
            lambda request: {"principles": [principle("All the same.", *request.record_ids)]},
        )
    )
    report = bench.judge.align(words)
    (rule,) = bench.judge.principles()
    assert set(rule.episode_ids) == {e.id for e in bench.judge.episodes()}
    assert (report.principles_added, report.principles_merged) == ((rule,), ())


def test_what_replaced_a_principle_in_a_concurrent_batch_is_kept(make_bench, words):
    bench = make_bench(lambda request: {"principles": [principle("Old rule.")]})
    bench.judge.align([feedback(500)])

    def distil(request):
        rule = f"New rule of {request.record_ids[-1]} and {len(request.prompt)}."
        return {"principles": [principle(rule, relation="replaces", target="P1")]}

    bench.model.respond = reconciling(lambda ids: {"decisions": []}, distil)
    bench.judge.align(words)
    assert "Old rule." not in bench.texts()
    assert len(bench.texts()) == len({p.id for p in bench.judge.principles()}) >= 2
    (old,) = [p for p in bench.memory.principles("tone", retired=True) if p.text == "Old rule."]
    assert old.replaced_by in {p.id for p in bench.judge.principles()}


def test_a_chain_of_decisions_ends_at_the_last_one_with_all_sources(make_bench, words):
    a, b, c = "Rule: Remark 1.", "Rule: Remark 50.", "Rule: Remark 100."
    bench = make_bench(reconciling(lambda ids: {"decisions": [goes(ids, a, b), goes(ids, b, c)]}))
    bench.judge.align(words)
    (last,) = [p for p in bench.judge.principles() if p.text == c]
    assert len(last.episode_ids) == 3
    assert not {a, b} & set(bench.texts())


def test_two_principles_cannot_make_each_other_go(make_bench, words):
    a, b = "Rule: Remark 1.", "Rule: Remark 100."
    bench = make_bench(
        reconciling(lambda ids: {"decisions": [goes(ids, a, b), goes(ids, b, a), goes(ids, b, b)]})
    )
    bench.judge.align(words)
    assert len({a, b} & set(bench.texts())) == 1


def test_invented_ids_in_decisions_are_dropped(make_bench, words):
    made_up = [
        {"principle": "P1", "relation": "same", "target": "P999"},
        {"principle": "P999", "relation": "same", "target": "P1"},
        {"principle": None, "relation": "same", "target": 3},
    ]
    bench = make_bench(reconciling(lambda ids: {"decisions": made_up}))
    report = bench.judge.align(words)
    assert len(bench.texts()) == MANY
    assert report.warnings == ()


def test_a_human_written_principle_does_not_go(make_bench, words):
    human, other = "A human's rule.", "Rule: Remark 1."
    bench = make_bench(reconciling(lambda ids: {"decisions": [goes(ids, human, other)]}))
    bench.judge.add_principle(human)
    bench.judge.align(words)
    assert {human, other} <= set(bench.texts())


@pytest.mark.parametrize("failure", [HttpError(400), HttpError(401), "no JSON", {"wrong": []}])
def test_a_failing_reconciliation_is_a_warning_and_loses_nothing(make_bench, words, failure):
    bench = make_bench(reconciling(lambda ids: failure))
    report = bench.judge.align(words)
    assert (len(report.distilled), report.pending, len(bench.texts())) == (MANY, (), MANY)
    (warning,) = report.warnings
    assert "not compared" in warning
    assert report.model_calls == len(bench.model.requests)


def test_what_was_understood_of_a_malformed_decision_is_carried_out(make_bench, words):
    def decide(ids):
        return {"decisions": [goes(ids, "Rule: Remark 1.", "Rule: Remark 100."), "and the rest"]}

    bench = make_bench(reconciling(decide))
    report = bench.judge.align(words)
    assert len(bench.texts()) == MANY - 1
    assert "not compared in full" in report.warnings[0]
    assert len(bench.model.titled("decisions")) == 2


def test_only_as_many_older_principles_are_compared_as_there_is_room_for(make_bench, words):
    bench = make_bench(reconciling(lambda ids: {"decisions": []}))
    for number in range(5):
        bench.judge.add_principle(f"Old rule {number}: " + "very " * 2000)
    bench.judge.align(words)
    prompt = bench.model.titled("decisions")[0].prompt
    assert all(f"Rule: Remark {i}." in prompt for i in range(MANY))
    shown = [number for number in range(5) if f"Old rule {number}:" in prompt]
    # The newest of them.
    assert 0 < len(shown) < 5
    assert shown == list(range(5 - len(shown), 5))


def test_relearning_in_several_batches_after_forgetting_is_reconciled_too(make_bench, words):
    bench = make_bench(
        reconciling(
            lambda ids: {"decisions": [goes(ids, "Rule: Remark 7.", "Rule: Remark 90.")]},
            lambda request: {"principles": [principle("From all.", *request.record_ids)]},
        )
    )
    bench.judge.align(words)
    bench.model.respond = reconciling(
        lambda ids: {"decisions": [goes(ids, "Rule: Remark 7.", "Rule: Remark 90.")]}
    )
    report = bench.judge.forget([bench.id_of("Remark 0.")])
    assert "Rule: Remark 7." not in bench.texts()
    assert {p.id: p for p in report.principles_redistilled} == {
        p.id: p for p in bench.judge.principles()
    }
    assert len(bench.texts()) == MANY - 2
