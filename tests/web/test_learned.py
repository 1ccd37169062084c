"""What was learned is shown, and can be taken back."""

import pytest
from fakes import one_rule_a_record, verdict

from langchain_memalign.errors import MemoryStoreError
from langchain_memalign.web.views.learned import alike, word_diff
from langchain_memalign.web.worker import Worker

from .desk import Visitor, until


def exported(bench, name):
    path = bench.folder / name
    bench.memory.export_jsonl(path)
    return path.read_bytes()


def undone(bench, n):
    return until(lambda: bench.desk.answers.get(n).state == "undone", "it was not taken back")


def test_an_added_rule_is_shown_with_its_origin(ann):
    ann.answer("c1", "false", "Say sorry first.")
    ann.learned(1)
    ann.get("/answers/1")
    assert "You said Not appropriate : Say sorry first." in ann.shown()
    assert "Added Rule: Say sorry first. From this case" in ann.shown()
    assert "Is this what you meant?" in ann.shown()


def test_nothing_learned_says_what_became_of_the_answer(bench, ann):
    ann.answer("c1", "true")
    ann.learned(1)
    ann.get("/answers/1")
    assert "No rule came from this." in ann.shown()


def replacing(request):
    """Every rule takes the place of the first one known."""
    if request.title == "verdict":
        return verdict(True)
    if request.title == "decisions":
        return {"decisions": []}
    reply = one_rule_a_record(request)
    if 'id="P1"' in request.prompt:
        for rule in reply["principles"]:
            rule |= {"relation": "replaces", "target": "P1"}
    return reply


def test_a_rule_in_much_the_same_words_is_reworded_and_shown_word_by_word(make_bench):
    bench = make_bench(respond=replacing)
    ann = Visitor(bench.page)
    ann.answer("c1", "false", "Be polite and give a delivery date.")
    ann.learned(1)
    ann.answer("c2", "false", "Be polite and give a delivery date, with the hours.")
    assert "One reworded." in ann.learned(2)
    page = ann.get("/answers/2").text
    assert "<ins>, with the hours</ins>" in page
    assert "Reworded" in ann.shown()
    assert "Now from 2 cases, this one among them." in ann.shown()

    former = next(r for r in bench.memory.principles("support_tone", retired=True) if r.retired_at)
    (now,) = bench.judge.principles()
    ann.post(f"/rules/{former.id}/restore", instead=now.id, back="/answers/2")
    assert [r.text for r in bench.judge.principles()] == [former.text]
    assert "It is no longer in force." in ann.shown()


def test_a_rule_in_other_words_is_added_and_the_old_one_retired(make_bench):
    bench = make_bench(respond=replacing)
    ann = Visitor(bench.page)
    ann.answer("c1", "false", "Short replies are fine.")
    ann.learned(1)
    ann.answer("c2", "false", "Apologise before anything else when somebody had to wait.")
    ann.learned(2)
    ann.get("/answers/2")
    assert "Added Rule: Apologise" in ann.shown()
    assert "Retired Rule: Short replies are fine." in ann.shown()
    assert "Replaced by the rule added above." in ann.shown()
    assert "Bring it back" in ann.shown()


def test_past_cases_that_a_new_rule_contradicts_are_listed_and_return_with_undo(make_bench):
    def turning(request):
        if request.title == "superseded":
            return {"superseded": [{"case": "C1", "reason": "Long replies are wanted now."}]}
        return replacing(request)

    bench = make_bench(respond=turning)
    ann = Visitor(bench.page)
    ann.answer("c1", "false", "Short replies are fine.")
    ann.learned(1)
    before = exported(bench, "before")
    ann.answer("c2", "true", "Explain all of it at length.")
    ann.learned(2)
    ann.get("/answers/2")
    assert "Past cases set aside" in ann.shown()
    assert "Long replies are wanted now." in ann.shown()
    ann.get("/cases?show=aside")
    assert "1 to 1 of 1" in ann.shown()
    (overtaken,) = bench.judge.episodes(status="superseded")
    ann.get(f"/cases/{overtaken.id}")
    assert "Long replies are wanted now." in ann.shown()

    (rule,) = bench.judge.principles()
    ann.post(f"/rules/{rule.id}/retire")
    ann.get("/cases?show=aside")
    assert "1 to 1 of 1" not in ann.shown()
    ann.post("/answers/3/undo")
    undone(bench, 3)
    ann.get("/cases?show=aside")
    assert "1 to 1 of 1" in ann.shown()

    ann.post("/answers/2/undo")
    undone(bench, 2)
    assert exported(bench, "after") == before
    ann.get("/cases?show=aside")
    assert "1 to 1 of 1" not in ann.shown()


def test_a_rule_said_already_is_confirmed_with_its_number_of_cases(bench, ann):
    ann.answer("c1", "false", "Say sorry first.")
    ann.learned(1)
    ann.answer("c2", "false", "Say sorry first.")
    assert "One confirmed." in ann.learned(2)
    ann.get("/answers/2")
    assert "Known already. Now from 2 cases instead of 1." in ann.shown()


def follows_rules(request):
    """A model that turns once there is a rule."""
    if request.title == "verdict":
        return verdict("Rule:" not in request.prompt)
    return one_rule_a_record(request)


def test_waiting_cases_said_to_turn_do_turn(make_bench):
    bench = make_bench(respond=follows_rules)
    ann = Visitor(bench.page)
    until(lambda: len(bench.desk.readings.states()) >= 4, "the judge did not work ahead")
    ann.answer("c1", "false", "Say sorry first.")
    page = ann.learned(1)
    assert "waiting cases would now be judged differently." in page
    ann.get("/answers/1")
    assert "T-2 Parcel 2 is a week late. Where is it?" in ann.shown()
    assert "Appropriate → becomes Not appropriate" in ann.shown()

    for turned in bench.desk.answers.get(1).looked.turned:
        case = bench.desk.cases()[turned.case_id].case
        assert bench.judge.invoke(case).value == turned.now != turned.was


@pytest.mark.parametrize(
    ("value", "reason"),
    [("false", "Say sorry first."), ("true", ""), ("", "Never promise a date.")],
    ids=["another answer", "agreed", "reason only"],
)
def test_undo_restores_the_memory_exactly_and_lets_the_case_wait_again(bench, ann, value, reason):
    ann.answer("c5", "false", "Give a date.")
    ann.learned(1)
    before = exported(bench, "before")

    ann.answer("c1", value, reason)
    ann.learned(2)
    ann.post("/answers/2/undo", htmx=True)
    assert "Parcel 1 is" in ann.shown()
    assert reason in ann.shown()
    undone(bench, 2)

    assert exported(bench, "after") == before
    ann.get("/queue")
    assert "Parcel 1 is" in ann.shown()


def test_a_changed_answer_taken_back_returns_as_it_was(bench, ann):
    ann.answer("c1", "false", "Say sorry first.")
    ann.learned(1)
    before = exported(bench, "before")
    ann.answer("c1", "true", "Kind enough.", change="1")
    ann.learned(2)
    ann.post("/answers/2/undo")
    undone(bench, 2)
    assert exported(bench, "after") == before


def test_an_answer_on_which_others_built_is_not_undone_but_can_be_forgotten(bench, ann):
    ann.answer("c1", "false", "Say sorry first.")
    ann.learned(1)
    ben = Visitor(bench.page).call_me("Ben Hartmann")
    ben.answer("c2", "false", "Say sorry first.")
    ben.learned(2)
    before = exported(bench, "before")

    ann.post("/answers/1/undo")
    until(lambda: bench.desk.answers.get(1).problem, "it was not refused")
    assert exported(bench, "after") == before
    ann.get("/answers/1")
    assert "1 later answer built on this" in ann.shown()

    ann.post("/answers/1/forget")
    assert [e.reviewer for e in bench.judge.episodes()] == ["Ben Hartmann"]
    assert [r.text for r in bench.judge.principles()] == ["Rule: Say sorry first."]


def test_undo_before_learning_began_leaves_nothing(make_bench):
    import threading

    hold = threading.Event()

    def held(request):
        hold.wait(30)
        return one_rule_a_record(request)

    bench = make_bench(respond=held)
    ann = Visitor(bench.page)
    ann.answer("c1", "false", "Say sorry first.")
    ann.answer("c2", "false", "Give a date.")
    ann.post("/answers/2/undo")
    ann.post("/answers/1/undo")
    hold.set()
    undone(bench, 1)
    undone(bench, 2)
    assert bench.memory.episodes("support_tone") == []
    assert bench.memory.principles("support_tone", retired=True) == []


def test_nobody_takes_back_anothers_answer(bench, ann):
    ann.answer("c1", "false", "Say sorry first.")
    ann.learned(1)
    ben = Visitor(bench.page).call_me("Ben Hartmann")
    assert ben.post("/answers/1/undo").status_code == 404
    assert bench.desk.answers.get(1).state == "learned"


def test_an_answer_other_than_anothers_is_said_to_be_a_conflict(bench, ann):
    ben = Visitor(bench.page).call_me("Ben Hartmann")
    ben.answer("c1", "true")
    ben.learned(1)
    ann.answer("c1", "false", "Too cold.", anyway="1")
    ann.learned(2)
    ann.get("/answers/2")
    assert "Ben answered this case differently" in ann.shown()
    assert "Yours counts for now, being newer; both are kept." in ann.shown()


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("Be polite.", "Be polite and brief.", True),
        ("Short replies are fine.", "Apologise before anything else.", False),
        ("Sag zuerst Entschuldigung.", "Sag zuerst immer Entschuldigung.", True),
    ],
)
def test_likeness_is_counted_in_words(before, after, same):
    assert (alike(before, after) >= 0.4) is same


def test_a_diff_gives_both_texts_back():
    before, after = "Be polite and give a date.", "Be very polite, and give an hour."
    pieces = word_diff(before, after)
    assert "".join(p.text for p in pieces if p.kind != "ins").split() == before.split()
    assert "".join(p.text for p in pieces if p.kind != "del") == after


def test_what_was_learned_is_told_though_the_work_ended_before_it_was_noted(
    bench, ann, monkeypatch
):
    # As a kill between the write to the memory and the one to the review file leaves it.
    ended = Worker._ended
    kills = [True]

    def end(worker, answer, **changes):
        if kills:
            kills.clear()
            raise MemoryStoreError("killed")
        ended(worker, answer, **changes)

    monkeypatch.setattr(Worker, "_ended", end)
    monkeypatch.setattr("langchain_memalign.web.worker._LOCKED_SECONDS", 0.1)
    ann.answer("c1", "false", "Say sorry first.")
    ann.learned(1)
    ann.get("/answers/1")
    assert "Added Rule: Say sorry first." in ann.shown()
    ann.post("/answers/1/undo")
    until(lambda: bench.desk.answers.get(1).state == "undone")
    assert bench.judge.episodes() == []
    assert bench.judge.principles() == []
