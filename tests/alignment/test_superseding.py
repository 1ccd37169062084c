"""A change of mind reaches the cases: what a new principle contradicts is recalled no more."""

import re

import pytest
from fakes import CountingEmbeddings, HttpError, feedback, principle, verdict

from langchain_memalign import GateDecision, InvalidInputError, MemAlignJudge, Memory

OLD = "A refund needs no number."
NEW = "A refund needs its RF number."
BEFORE = [feedback(n, inputs=f"Refund {n}?", outputs="Done.", value=True) for n in range(6)]
TURN = [feedback(n, inputs=f"Refund {n}?", outputs="Done.", value=False) for n in range(10, 14)]
OVERTAKEN = ("Remark 0.", "Remark 1.", "Remark 2.", "Remark 3.")


class Expert:
    """A model that learns one rule, replaces it as told, and finds the cases that it overtakes."""

    def __init__(self):
        self.rules = [principle(OLD)]
        self.overtaken = OVERTAKEN
        self.failure = None

    def __call__(self, request):
        if request.title == "verdict":
            return verdict(True)
        if request.title == "superseded":
            if self.failure is not None:
                return self.failure
            found = re.findall(
                r'<past id="(C\d+)">.*?<expert[^>]*>(.*?)</expert>', request.prompt, re.DOTALL
            )
            reason = "It gave a refund without a number."
            named = [
                {"case": id_, "reason": reason} for id_, said in found if said in self.overtaken
            ]
            return {"superseded": [*named, {"case": "C99", "reason": "Invented."}]}
        # Each rule explains all that the model was shown.
        return {"principles": [{**rule, "sources": request.record_ids} for rule in self.rules]}


@pytest.fixture
def expert():
    return Expert()


@pytest.fixture
def turned(make_bench, expert):
    """A bench whose policy was turned round by four remarks; `report` is of these."""
    bench = make_bench(expert)
    bench.judge.align(BEFORE)
    expert.rules = [principle(NEW, relation="replaces", target="P1")]
    bench.report = bench.judge.align(TURN)
    return bench


def recalled(bench):
    memory = bench.judge.recall({"inputs": "Refund 2?", "outputs": "Done."})
    return {r.episode.rationale for r in memory.episodes}


def superseded(bench):
    return tuple(bench.remarks("superseded"))


def test_superseded_cases_are_not_recalled(turned):
    assert superseded(turned) == OVERTAKEN
    assert recalled(turned).isdisjoint(OVERTAKEN)
    assert len(recalled(turned)) == 5


def test_the_report_and_the_episode_say_by_what_and_why(turned):
    (new,) = turned.judge.principles()
    ids = {turned.id_of(remark) for remark in OVERTAKEN}
    assert {s.episode_id for s in turned.report.superseded} == ids
    assert {s.principle_id for s in turned.report.superseded} == {new.id}
    for episode in turned.judge.episodes(status="superseded"):
        assert episode.superseded_by == new.id
        assert episode.superseded_reason == "It gave a refund without a number."
        assert (episode.value, episode.status) == (True, "distilled")
    assert "superseded" in str(turned.report)


def test_the_model_sees_both_rules_and_the_cases_of_the_old_one(turned):
    (request,) = turned.model.titled("superseded")
    assert f"<replaced>{OLD}</replaced>" in request.prompt
    assert f"<replacement>{NEW}</replacement>" in request.prompt
    assert request.prompt.count("<past id=") == len(BEFORE)
    assert "Remark 10." not in request.prompt
    assert turned.report.model_calls == 2


def test_nothing_is_asked_where_nothing_is_replaced(turned, expert):
    expert.rules = [principle("A rule of its own.")]
    assert turned.judge.align([feedback(20)]).model_calls == 1


def test_they_come_back_when_the_change_is_forgotten(turned, expert):
    expert.rules = [principle(OLD)]
    change = {turned.id_of(word["rationale"]) for word in TURN}
    report = turned.judge.forget(episode_ids=change)
    assert set(report.episodes_restored) == {turned.id_of(remark) for remark in OVERTAKEN}
    assert superseded(turned) == ()
    assert len(recalled(turned)) == 5
    assert turned.texts() == [OLD]
    assert all(e.superseded_reason is None for e in turned.judge.episodes())


def test_they_come_back_at_once_also_where_nothing_is_learned_anew(turned):
    change = {turned.id_of(word["rationale"]) for word in TURN}
    turned.judge.forget(episode_ids=change, redistill=False)
    assert superseded(turned) == ()
    assert len(recalled(turned)) == 5


@pytest.mark.parametrize("erase", [False, True])
def test_they_come_back_when_the_new_principle_is_removed(turned, erase):
    turned.judge.remove_principle(turned.judge.principles()[0].id, erase=erase)
    assert superseded(turned) == ()


def test_they_come_back_when_the_experts_change_the_words_it_came_from(turned, expert):
    expert.rules = []
    report = turned.judge.align([{**word, "rationale": "As before."} for word in TURN])
    assert superseded(turned) == ()
    assert len(report.principles_retired) == 1


def test_one_can_be_restored_by_hand(turned):
    id_ = turned.id_of("Remark 2.")
    restored = turned.judge.restore_episode(id_)
    assert (restored.id, restored.superseded_by) == (id_, None)
    assert superseded(turned) == ("Remark 0.", "Remark 1.", "Remark 3.")
    assert "Remark 2." in recalled(turned)
    with pytest.raises(InvalidInputError, match=r'episodes\(status="superseded"\)'):
        turned.judge.restore_episode(id_)


async def test_one_can_be_restored_by_hand_on_a_loop(turned):
    await turned.judge.arestore_episode(turned.id_of("Remark 2."))
    assert len(superseded(turned)) == 3


def test_a_case_about_which_experts_speak_again_counts_again(turned, expert):
    expert.rules = [principle("A refund needs a number.")]
    again = {**BEFORE[0], "value": False, "rationale": "Not without its number."}
    turned.judge.align([again])
    assert superseded(turned) == ("Remark 1.", "Remark 2.", "Remark 3.")
    assert "Not without its number." in recalled(turned)


def test_the_others_stay_superseded_when_one_of_them_is_forgotten(turned, expert):
    """The change stands; it is learned anew by itself, and decided of the others again."""
    expert.rules = [principle("A refund needs a number.")]
    calls = len(turned.model.requests)
    report = turned.judge.forget(episode_ids=[turned.id_of("Remark 0.")])
    assert superseded(turned) == OVERTAKEN[1:]
    assert report.episodes_restored == ()
    change, *_ = turned.model.requests[calls:]
    assert "Remark 10." in change.prompt
    assert "Remark 1." not in change.prompt


def test_the_others_stay_superseded_when_a_part_of_the_change_is_forgotten(turned, expert):
    expert.rules = [principle("A refund needs a number.")]
    turned.judge.forget(episode_ids=[turned.id_of("Remark 10.")])
    assert superseded(turned) == OVERTAKEN
    (new, *_) = turned.judge.principles()
    assert {e.superseded_by for e in turned.judge.episodes(status="superseded")} == {new.id}


def test_a_reason_goes_with_what_it_was_found_in_sight_of(turned, expert):
    """Decided again, the cases are not among the sources of what supersedes them."""
    expert.rules = [principle("A refund needs a number.")]
    turned.judge.forget(episode_ids=[turned.id_of("Remark 0.")])
    turned.judge.forget(episode_ids=[turned.id_of("Remark 1.")])
    left = turned.judge.episodes(status="superseded")
    assert [e.rationale for e in left] == ["Remark 2.", "Remark 3."]
    assert {e.superseded_reason for e in left} == {None}


def test_what_waits_to_be_decided_again_is_recalled_meanwhile(turned, expert):
    turned.judge.forget(episode_ids=[turned.id_of("Remark 10.")], redistill=False)
    assert superseded(turned) == ()
    assert len(recalled(turned)) == 5
    expert.rules = [principle("A refund needs a number.")]
    report = turned.judge.align([])
    assert superseded(turned) == OVERTAKEN
    assert len(report.superseded) == 4


def test_where_the_rest_of_the_change_teaches_nothing_they_come_back(make_bench, expert):
    bench = make_bench(expert)
    bench.judge.align(BEFORE[:4])
    expert.rules = [principle(NEW, relation="replaces", target="P1")]
    bench.judge.align([TURN[0], *({**word, "rationale": None} for word in TURN[1:])])
    assert superseded(bench) == OVERTAKEN
    expert.rules = []
    report = bench.judge.forget(episode_ids=[bench.id_of("Remark 10.")])
    assert superseded(bench) == ()
    assert len(report.episodes_restored) == 4
    assert {e.superseded_by for e in bench.judge.episodes()} == {None}


def test_a_word_repeated_unchanged_stays_superseded(turned):
    assert len(turned.judge.align([BEFORE[0]]).unchanged) == 1
    assert superseded(turned) == OVERTAKEN


def test_a_change_back_is_decided_for_all_cases_anew(turned, expert):
    """What the next principle contradicts is superseded by it; what it agrees with comes back."""
    expert.rules = [principle("Only large refunds need it.", relation="replaces", target="P1")]
    expert.overtaken = ("Remark 0.", "Remark 10.")
    report = turned.judge.align([feedback(30)])
    (newest,) = turned.judge.principles()
    assert superseded(turned) == ("Remark 0.", "Remark 10.")
    assert {e.superseded_by for e in turned.judge.episodes(status="superseded")} == {newest.id}
    assert set(report.restored) == {turned.id_of(f"Remark {n}.") for n in (1, 2, 3)}


def test_a_human_who_words_the_new_principle_otherwise_changes_nothing_else(turned):
    edited = turned.judge.edit_principle(turned.judge.principles()[0].id, "Ask for the number.")
    assert superseded(turned) == OVERTAKEN
    assert {e.superseded_by for e in turned.judge.episodes(status="superseded")} == {edited.id}
    turned.judge.remove_principle(edited.id)
    assert superseded(turned) == ()


@pytest.mark.parametrize("failure", [HttpError(400), "No JSON.", {"cases": []}])
def test_where_it_cannot_be_asked_all_are_recalled_as_before_and_it_is_said(
    make_bench, expert, failure
):
    bench = make_bench(expert)
    bench.judge.align(BEFORE)
    expert.rules = [principle(NEW, relation="replaces", target="P1")]
    expert.failure = failure
    report = bench.judge.align(TURN)
    assert bench.texts() == [NEW]
    assert (report.superseded, report.pending) == ((), ())
    assert "recalled as before" in report.warnings[0]


def test_of_a_broken_reply_what_was_understood_counts(make_bench, expert):
    bench = make_bench(expert)
    bench.judge.align(BEFORE)
    expert.rules = [principle(NEW, relation="replaces", target="P1")]
    expert.failure = {"superseded": [{"case": "C1", "reason": ""}, "C2"]}
    report = bench.judge.align(TURN)
    assert len(report.superseded) == 1
    assert report.warnings[0].startswith("5 of the earlier cases")


def test_a_pinned_principle_is_not_replaced_and_nothing_is_asked(make_bench, expert):
    bench = make_bench(expert)
    bench.judge.add_principle(OLD)
    expert.rules = [principle(NEW, relation="replaces", target="P1")]
    assert bench.judge.align(TURN).model_calls == 1


def test_a_human_rule_that_outlives_the_change_keeps_no_reason(make_bench, expert):
    """The reason may repeat what is forgotten."""
    bench = make_bench(expert)
    bench.judge.align(BEFORE)
    human = bench.judge.add_principle(NEW)
    expert.rules = [principle(NEW, relation="replaces", target="P1")]
    bench.judge.align(TURN)
    assert {e.superseded_by for e in bench.judge.episodes(status="superseded")} == {human.id}
    bench.judge.forget(episode_ids=[bench.id_of("Remark 5.")])
    assert superseded(bench) == OVERTAKEN
    assert {e.superseded_reason for e in bench.judge.episodes()} == {None}


def test_batches_learned_at_once_supersede_by_the_call_that_compares_them(make_bench):
    def respond(request):
        if request.title == "decisions":
            ids = dict(re.findall(r'<principle id="(P\d+)"[^>]*>(.*?)</principle>', request.prompt))
            by_text = {text: id_ for id_, text in ids.items()}
            gone = {"principle": by_text[OLD], "relation": "replaced", "target": by_text[NEW]}
            return {"decisions": [gone]}
        if request.title == "superseded":
            return {"superseded": [{"case": "C1", "reason": "Of old."}]}
        rule = OLD if "Remark 0." in request.prompt else NEW
        return {"principles": [principle(rule, *request.record_ids)]}

    bench = make_bench(respond)
    report = bench.judge.align([feedback(n) for n in range(60)])
    (new,) = bench.judge.principles()
    assert new.text == NEW
    assert [(s.principle_id, s.reason) for s in report.superseded] == [(new.id, "Of old.")]
    assert superseded(bench) == ("Remark 0.",)


def test_behind_a_gate_they_are_superseded_once_it_accepts(make_bench, expert):
    bench = make_bench(expert)
    bench.judge.align(BEFORE)
    expert.rules = [principle(NEW, relation="replaces", target="P1")]
    bench.judge.align(TURN, gate=lambda *_: GateDecision(accepted=False, reason="No."))
    assert superseded(bench) == ()
    report = bench.judge.align(TURN, gate=lambda *_: GateDecision(accepted=True, reason="Yes."))
    assert superseded(bench) == OVERTAKEN
    assert len(report.superseded) == 4


def test_another_judge_of_the_same_memory_keeps_its_cases(make_bench, expert):
    bench = make_bench(expert)
    other = bench.judge_named("other")
    for judge in (bench.judge, other):
        judge.align(BEFORE)
    expert.rules = [principle(NEW, relation="replaces", target="P1")]
    bench.judge.align(TURN)
    assert superseded(bench) == OVERTAKEN
    assert other.episodes(status="superseded") == []
    assert [p.text for p in other.principles()] == [OLD]


def test_where_the_memory_is_imported_they_are_superseded_and_come_back_as_well(turned, tmp_path):
    turned.memory.export_jsonl(tmp_path / "memory.jsonl")
    with Memory.open(":memory:", embeddings=CountingEmbeddings()) as memory:
        memory.import_jsonl(tmp_path / "memory.jsonl")
        judge = MemAlignJudge.load(memory, "tone", model=turned.model)
        assert len(judge.episodes(status="superseded")) == 4
        judge.remove_principle(judge.principles()[0].id)
        assert judge.episodes(status="superseded") == []
        # The same file once more is older than that.
        memory.import_jsonl(tmp_path / "memory.jsonl")
        assert judge.episodes(status="superseded") == []


def test_one_that_was_restored_by_hand_may_be_superseded_by_the_next_change(turned, expert):
    turned.judge.restore_episode(turned.id_of("Remark 2."))
    expert.rules = [principle("Only large refunds need it.", relation="replaces", target="P1")]
    expert.overtaken = ("Remark 2.",)
    report = turned.judge.align([feedback(30)])
    assert superseded(turned) == ("Remark 2.",)
    assert {s.episode_id for s in report.superseded} == {turned.id_of("Remark 2.")}


def test_the_track_record_leaves_them_out_until_they_come_back(turned, expert):
    turned.judge.calibrate()
    assert turned.judge.agreement().agreement.cases == len(BEFORE + TURN) - 4
    turned.judge.restore_episode(turned.id_of("Remark 2."))
    assert turned.judge.agreement().unasked == 1
    turned.judge.remove_principle(turned.judge.principles()[0].id)
    turned.judge.calibrate()
    assert turned.judge.agreement().agreement.cases == len(BEFORE + TURN)


async def test_they_are_found_and_come_back_on_a_loop_too(make_bench, expert):
    bench = make_bench(expert)
    await bench.judge.aalign(BEFORE)
    expert.rules = [principle(NEW, relation="replaces", target="P1")]
    await bench.judge.aalign(TURN)
    assert superseded(bench) == OVERTAKEN
    change = [bench.id_of(word["rationale"]) for word in TURN]
    report = await bench.judge.aforget(episode_ids=change)
    assert len(report.episodes_restored) == 4
    assert superseded(bench) == ()


def test_the_offline_model_replaces_nothing_and_so_supersedes_nothing(make_bench):
    bench = make_bench()
    offline = bench.judge_named("offline", model="precedent")
    offline.align(BEFORE)
    report = offline.align(TURN)
    assert (report.principles_retired, report.superseded) == ((), ())
