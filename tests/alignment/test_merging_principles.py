"""Principles do not pile up or contradict: add, same, replaces, equal text."""

import pytest
from fakes import feedback, principle


@pytest.fixture
def taught(make_bench):
    """A bench that knows `Known rule.` from `Remark 1.`; then it learns as the test says."""

    def teach(*rules, known="Known rule."):
        bench = make_bench(lambda request: {"principles": [principle(known, "R1")]})
        bench.judge.align([feedback(1)])
        bench.model.respond = lambda request: {"principles": list(rules)}
        return bench

    return teach


def by_text(bench):
    return {p.text: p for p in bench.memory.principles("tone", retired=True)}


def test_the_distilling_call_sees_the_known_principles(taught):
    bench = taught()
    bench.judge.align([feedback(2)])
    assert '<principle id="P1">Known rule.</principle>' in bench.model.requests[-1].prompt


def test_add_leaves_the_known_principle_alone(taught):
    bench = taught(principle("New rule.", "R1"))
    report = bench.judge.align([feedback(2)])
    assert bench.texts() == ["Known rule.", "New rule."]
    assert [p.text for p in report.principles_added] == ["New rule."]


def test_same_writes_nothing_new_and_unites_the_sources(taught):
    bench = taught(principle("Put otherwise.", "R1", relation="same", target="P1"))
    bench.embeddings.texts.clear()
    report = bench.judge.align([feedback(2)])
    (known,) = bench.judge.principles()
    assert known.text == "Known rule."
    assert set(known.episode_ids) == {bench.id_of("Remark 1."), bench.id_of("Remark 2.")}
    assert (report.principles_added, report.principles_merged) == ((), (known,))
    assert "Put otherwise." not in bench.embeddings.texts


def test_replaces_retires_the_old_one_with_a_pointer_and_takes_its_sources(taught):
    bench = taught(principle("Better rule.", "R1", relation="replaces", target="P1"))
    report = bench.judge.align([feedback(2)])
    old, new = by_text(bench)["Known rule."], by_text(bench)["Better rule."]
    assert bench.texts() == ["Better rule."]
    assert old.replaced_by == new.id
    assert old.retired_at is not None
    assert set(new.episode_ids) == {bench.id_of("Remark 1."), bench.id_of("Remark 2.")}
    assert (report.principles_added, report.principles_retired) == ((new,), (old,))


def test_one_new_principle_can_replace_two(taught):
    bench = taught(principle("Second.", "R1"))
    bench.judge.align([feedback(2)])
    bench.model.respond = lambda request: {
        "principles": [
            principle("One for both.", "R1", relation="replaces", target="P1"),
            principle("One for both.", "R1", relation="replaces", target="P2"),
        ]
    }
    bench.judge.align([feedback(3)])
    (both,) = bench.judge.principles()
    assert (both.text, len(both.episode_ids)) == ("One for both.", 3)
    assert {p.replaced_by for p in by_text(bench).values()} == {None, both.id}


def test_a_known_text_that_replaces_another_principle_retires_that_one(taught):
    bench = taught(principle("Second.", "R1"))
    bench.judge.align([feedback(2)])
    again = principle("known RULE", "R1", relation="replaces", target="P2")
    bench.model.respond = lambda request: {"principles": [again]}
    bench.judge.align([feedback(3)])
    (known,) = bench.judge.principles()
    assert (known.text, len(known.episode_ids)) == ("Known rule.", 3)


def test_a_principle_that_replaces_itself_stays(taught):
    bench = taught(principle("Known rule.", "R1", relation="replaces", target="P1"))
    report = bench.judge.align([feedback(2)])
    assert bench.texts() == ["Known rule."]
    assert (len(report.principles_merged), report.principles_retired) == (1, ())


@pytest.mark.parametrize("text", ["Known rule.", "known   RULE", "Known rule!", " Known rule "])
def test_equal_normalised_text_merges_whatever_the_model_says(taught, text):
    bench = taught(principle(text, "R1"))
    bench.judge.align([feedback(2)])
    (known,) = bench.judge.principles()
    assert (known.text, len(known.episode_ids)) == ("Known rule.", 2)


def test_equal_text_within_one_reply_is_one_principle(taught):
    bench = taught(principle("New.", "R1"), principle("new", "R2"))
    report = bench.judge.align([feedback(2), feedback(3)])
    assert bench.texts() == ["Known rule.", "New."]
    assert len(report.principles_added[0].episode_ids) == 2


def test_similar_but_opposite_rules_are_not_merged_without_the_model(taught):
    bench = taught(principle("Never apologise first.", "R1"), known="Always apologise first.")
    bench.judge.align([feedback(2)])
    assert bench.texts() == ["Always apologise first.", "Never apologise first."]


def test_a_human_written_principle_is_never_retired_by_learning(make_bench):
    replacing = principle("A model's rule.", "R1", relation="replaces", target="P1")
    bench = make_bench(lambda request: {"principles": [replacing]})
    human = bench.judge.add_principle("A human's rule.")
    report = bench.judge.align([feedback(1)])
    assert bench.judge.principles()[0] == human
    assert bench.texts() == ["A human's rule.", "A model's rule."]
    assert report.principles_retired == ()


@pytest.mark.parametrize("relation", ["same", "add"])
def test_a_human_written_principle_takes_no_sources(make_bench, relation):
    target = "P1" if relation == "same" else ""
    again = principle("A human's rule.", "R1", relation=relation, target=target)
    bench = make_bench(lambda request: {"principles": [again]})
    human = bench.judge.add_principle("A human's rule.")
    bench.judge.align([feedback(1)])
    assert bench.judge.principles() == [human]
    # So forgetting what only confirmed it does not take the human's word away.
    bench.judge.forget(where=lambda episode: True)
    assert bench.judge.principles() == [human]


def test_a_retired_principle_can_be_learned_again(taught):
    bench = taught()
    bench.judge.remove_principle(bench.judge.principles()[0].id)
    bench.model.respond = lambda request: {"principles": [principle("Known rule.", "R1")]}
    bench.judge.align([feedback(2)])
    assert bench.texts() == ["Known rule."]
    assert bench.texts(retired=True) == ["Known rule.", "Known rule."]


def test_a_reviewer_who_changes_his_mind_back_and_forth_has_one_rule_at_a_time(bench):
    for word in ("Yes.", "No.", "Yes.", "No."):
        bench.judge.align([feedback(1, rationale=word)])
        assert bench.texts() == [f"Rule: {word}"]


def test_over_the_known_budget_the_nearest_principles_are_nominated(make_bench):
    bench = make_bench()
    topics = ("apples", "pears", "plums", "lemons", "cherries", "melons")
    bench.judge.align(
        feedback(1, inputs=topic, outputs=topic, rationale=" ".join([topic] * 1500))
        for topic in topics
    )
    bench.judge.align([feedback(2, inputs="Some cherries?", outputs="Cherries!")])
    prompt = bench.model.requests[-1].prompt
    shown = [topic for topic in topics if f"Rule: {topic}" in prompt]
    assert "cherries" in shown
    assert len(shown) == 5
