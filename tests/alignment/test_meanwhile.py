"""What happens to a record while the batch that it is in is being distilled."""

import pytest
from fakes import feedback, one_rule_a_record, principle

from langchain_memalign.schema import Erase, Put


@pytest.fixture
def interfered(make_bench):
    """Learn from `Remark 1.` and `Remark 2.` while `interfere(bench)` happens at the model."""

    def learn(interfere, rules=None):
        done = []

        def respond(request):
            if not done:
                done.append(interfere(bench))
            return {"principles": rules} if rules else one_rule_a_record(request)

        bench = make_bench(respond)
        return bench, bench.judge.align([feedback(1), feedback(2)])

    return learn


def forget_first(bench):
    id_ = bench.id_of("Remark 1.")
    bench.memory.apply([Erase(judge="tone", kind="episode", id=id_)])


def change_first(bench):
    (episode,) = [e for e in bench.judge.episodes() if e.rationale == "Remark 1."]
    changed = episode.model_copy(update={"rationale": "Changed.", "value": True})
    bench.memory.apply([Put(judge="tone", record=changed)])


def test_an_episode_that_is_forgotten_while_its_batch_is_distilled_stays_forgotten(interfered):
    bench, report = interfered(forget_first)
    assert bench.remarks() == ["Remark 2."]
    assert bench.texts(retired=True) == ["Rule: Remark 2."]
    assert report.distilled == (bench.id_of("Remark 2."),)
    assert report.pending == ()


def test_an_episode_that_is_changed_while_its_batch_is_distilled_is_left_as_it_is(interfered):
    bench, report = interfered(change_first)
    assert bench.remarks(status="pending") == ["Changed."]
    assert bench.texts(retired=True) == ["Rule: Remark 2."]
    assert report.distilled == (bench.id_of("Remark 2."),)
    bench.judge.align([])
    assert bench.texts() == ["Rule: Remark 2.", "Rule: Changed."]


@pytest.mark.parametrize("interfere", [forget_first, change_first])
def test_a_principle_that_such_an_episode_had_a_part_in_is_not_learned(interfered, interfere):
    bench, report = interfered(interfere, [principle("Of both.", "R1", "R2")])
    assert bench.texts(retired=True) == []
    (pending,) = report.pending
    assert pending.episode_id == bench.id_of("Remark 2.")
    assert "has changed in the meantime" in pending.reason
    bench.model.respond = one_rule_a_record
    bench.judge.align([])
    assert bench.judge.episodes(status="pending") == []
    assert "Rule: Remark 2." in bench.texts()


def retire_known(bench):
    for known in bench.judge.principles():
        bench.judge.remove_principle(known.id)


@pytest.mark.parametrize("relation", ["same", "replaces"])
def test_a_target_that_goes_while_the_model_thinks_is_no_target(make_bench, relation):
    bench = make_bench()
    bench.judge.add_principle("Known rule.")

    def respond(request):
        retire_known(bench)
        return {"principles": [principle("My rule.", "R1", relation=relation, target="P1")]}

    bench.model.respond = respond
    report = bench.judge.align([feedback(1)])
    if relation == "same":
        # It cannot repeat what does not stand any more; the record is asked about again.
        assert "has changed in the meantime" in report.pending[0].reason
        bench.model.respond = lambda request: {"principles": [principle("My rule.", "R1")]}
        bench.judge.align([])
    assert bench.texts() == ["My rule."]
    # It is embedded, so that it is found when there are too many to show all.
    assert "My rule." in bench.embeddings.texts


def test_feedback_given_at_the_same_time_through_another_judge_object_is_learned(make_bench):
    bench = make_bench()
    twin = bench.judge_named("tone")
    bench.judge.align([feedback(1)])
    assert len(twin.align([feedback(1), feedback(2)]).unchanged) == 1
    assert bench.texts() == ["Rule: Remark 1.", "Rule: Remark 2."]
