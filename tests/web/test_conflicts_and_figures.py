"""Conflicts with their ways out, and the figures of agreement."""

from datetime import UTC, datetime, timedelta

import pytest

from langchain_memalign import Feedback
from langchain_memalign.evaluation.metrics import exact_match
from langchain_memalign.schema import deciding
from langchain_memalign.web.views.agreement import Share

from .desk import Visitor, text_of, until, waiting_case

START = datetime(2026, 5, 1, 12, tzinfo=UTC)


def said(number, value, reviewer, hours=0, **fields):
    case = waiting_case(number).case
    return Feedback(
        **dict(case),
        value=value,
        reviewer=reviewer,
        created_at=START + timedelta(hours=hours),
        **fields,
    )


@pytest.fixture
def contested(bench):
    bench.judge.align(
        [
            said(1, False, "Ann Becker", 0, rationale="No word of regret."),
            said(1, True, "Ben Hartmann", 1, rationale="Says what she asked for."),
            said(2, True, "Ann Becker", 2),
            said(2, True, "Ben Hartmann", 3),
            said(3, True, "Ann Becker", 4),
            said(3, False, "Ben Hartmann", 5),
            said(3, True, "Carla Weiss", 6),
        ]
    )
    return bench


@pytest.fixture
def ann(contested):
    return Visitor(contested.page)


def key(number):
    return waiting_case(number).case.key


def words_on(bench, number):
    return [e for e in bench.judge.episodes() if e.case.key == key(number)]


def test_only_cases_on_which_experts_differ_are_listed_oldest_first(ann):
    ann.get("/conflicts")
    shown = ann.shown()
    assert "1 of 2" in shown
    assert shown.index("Parcel 1 is") < shown.index("Parcel 3 is")
    assert "Parcel 2 is" not in shown
    assert "You, Ben and Carla · 2 to 1" in shown


@pytest.mark.parametrize(("number", "why"), [(1, "counts now, being newer"), (3, "2 to 1")])
def test_the_answer_that_counts_is_the_deciding_one(contested, ann, number, why):
    page = ann.get(f"/conflicts/{key(number)}").text
    assert why in text_of(page)
    chosen = deciding(words_on(contested, number))
    counting = page.split('class="side-of counts"')[1].split("</h3>")[0]
    assert ("Appropriate" if chosen.value else "Not appropriate") in text_of(counting)


def test_saying_which_is_right_is_an_answer_of_ones_own(contested, ann):
    ann.post(
        f"/conflicts/{key(1)}/settle", value="false", side="x", reason="Regret comes first, always."
    )
    assert "Saved. 1 to 1 now; yours counts, being newer." in ann.shown()
    until(lambda: contested.desk.answers.get(1).state == "learned")
    mine = next(e for e in words_on(contested, 1) if e.reviewer == "Ann Becker")
    ben = next(e for e in words_on(contested, 1) if e.reviewer == "Ben Hartmann")
    assert (mine.value, mine.rationale) == (False, "Regret comes first, always.")
    assert (ben.value, ben.rationale) == (True, "Says what she asked for.")
    assert deciding(words_on(contested, 1)) == mine


def test_a_side_is_taken_with_a_reason_only(contested, ann):
    response = ann.post(f"/conflicts/{key(1)}/settle", value="false", side="x", reason=" ")
    assert response.status_code == 422
    assert contested.desk.answers.get(1) is None


def test_both_are_right_by_a_rule_that_tells_them_apart(contested, ann):
    ann.post(f"/conflicts/{key(1)}/rule", text="Regret first, where somebody waited.")
    (rule,) = [r for r in contested.judge.principles() if r.pinned]
    assert rule.text == "Regret first, where somebody waited."
    assert len(words_on(contested, 1)) == 2
    ann.get("/conflicts?show=settled")
    assert "Both are right, a rule tells them apart, by Ann Becker, today" in ann.shown()


def test_a_settled_conflict_is_open_again_once_somebody_says_more(contested, ann):
    ann.post(f"/conflicts/{key(1)}/rule", text="Regret first, where somebody waited.")
    contested.judge.align([said(1, True, "Carla Weiss", 9)])
    contested.desk.index.load()
    ann.get("/conflicts")
    assert "Parcel 1 is" in ann.shown()


def test_somebody_is_asked_to_look_again(contested, ann):
    ben = Visitor(contested.page).call_me("Ben Hartmann")
    ann.post(f"/conflicts/{key(1)}/ask", who="Ben Hartmann")
    ben.get("/queue")
    assert "Asked again" in ben.shown()
    assert "Parcel 1 is" in ben.shown()
    ben.answer("c1", "false", "She is right.", anyway="1")
    ben.learned(1)
    assert {e.value for e in words_on(contested, 1)} == {False}


def test_leaving_one_open_shows_the_next(ann):
    ann.get("/conflicts")
    assert "Leave open, next" in ann.shown()
    assert f"/conflicts/{key(3)}" in ann.last.text


def test_no_conflicts_say_so(bench):
    ann = Visitor(bench.page)
    ann.get("/conflicts")
    assert "No conflicts." in ann.shown()


def figures(bench, count):
    """Answers of two people, of which the judge had some."""
    words = [
        Feedback(
            inputs=f"Message {n}",
            outputs="Reply",
            value=n % 3 != 0,
            judge_value=n % 4 != 0,
            reviewer=("Ann Becker", "Ben Hartmann")[n % 2],
            created_at=START + timedelta(minutes=n),
            unseen=n % 5 == 0,
        )
        for n in range(count)
    ]
    bench.judge.align(words)
    return words


def test_agreement_is_that_of_the_evaluation_on_the_same_rows(bench):
    words = figures(bench, 50)
    ann = Visitor(bench.page)
    ann.get("/agreement")
    last = words[-40:]
    expected = exact_match([w.value for w in last], [w.judge_value for w in last])
    hits = round(expected.value * 40)
    assert f"Over the last 40 answers {hits} of 40 {round(100 * expected.value)}%" in ann.shown()
    unseen = [w for w in words if w.unseen]
    agreed = sum(w.value == w.judge_value for w in unseen)
    assert f"When you answered unseen {agreed} of {len(unseen)}" in ann.shown()


def test_curve_and_table_say_the_same(bench):
    figures(bench, 30)
    page = Visitor(bench.page).get("/agreement").text
    table = text_of(page.split("The same as a table")[1].split("</details>")[0])
    words = bench.judge.episodes()
    for after in (20, 25, 30):
        hits = sum(w.value == w.judge_value for w in words[:after])
        assert f"{after} {hits} of {after}" in table
    assert page.count("<polyline") == 1


def test_too_few_answers_give_no_figures(bench):
    figures(bench, 8)
    ann = Visitor(bench.page)
    ann.get("/agreement")
    assert "Too few to tell. 8 answers so far; figures begin at 20." in ann.shown()
    assert '<svg class="chart"' not in ann.last.text


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(34, 40, 0.709, 0.929), (0, 10, 0.0, 0.278), (10, 10, 0.722, 1)],
)
def test_ranges_are_wilsons(hits, total, low, high):
    assert Share(hits, total).range == pytest.approx((low, high), abs=0.001)


def test_where_it_differs_links_to_those_cases(bench):
    figures(bench, 30)
    ann = Visitor(bench.page)
    page = ann.get("/agreement").text
    link = next(part for part in page.split('"') if "/cases?value=false" in part)
    ann.get(link.replace("&amp;", "&"))
    assert "You said Not appropriate, the judge Appropriate." in ann.shown()
    expected = {f"Message {n}" for n in range(30) if n % 3 == 0 and n % 4 != 0}
    assert {f"Message {n}" for n in range(30) if f"Message {n} " in ann.shown()} == expected


def test_an_answer_shows_in_its_conflict_before_it_is_learned(make_bench):
    import threading

    from fakes import one_rule_a_record

    hold = threading.Event()
    bench = make_bench(respond=lambda request: one_rule_a_record(request))
    bench.judge.align([said(1, False, "Ann Becker", 0), said(1, True, "Ben Hartmann", 1)])
    bench.model.respond = lambda request: hold.wait(60) and one_rule_a_record(request)
    try:
        ann = Visitor(bench.page)
        ann.post(f"/conflicts/{key(1)}/settle", value="false", side="x", reason="Regret first.")
        counting = ann.get("/conflicts").text.split('class="side-of counts"')[1].split("</section>")
        assert "Regret first." in text_of(counting[0])
        assert "You · today · the judge" in ann.shown() or "You · today" in ann.shown()
    finally:
        hold.set()


def test_figures_say_which_answers_they_leave_out(bench):
    figures(bench, 8)
    bench.judge.align([Feedback(inputs="No answer", outputs="Reply", value=True)])
    ann = Visitor(bench.page)
    ann.get("/agreement")
    assert "1 answer cannot be compared: the judge had none to those cases." in ann.shown()


def test_figures_of_one_expert_are_of_that_expert_alone(bench):
    words = [w for w in figures(bench, 60) if w.reviewer == "Ben Hartmann"]
    ann = Visitor(bench.page)
    ann.get("/agreement?by=Ben+Hartmann")
    hits = sum(w.value == w.judge_value for w in words)
    assert f"Over the last {len(words)} answers {hits} of {len(words)}" in ann.shown()
    assert "Agreement with Ben Hartmann" in ann.shown()


def test_a_count_links_to_as_many_cases(bench):
    figures(bench, 60)
    ann = Visitor(bench.page)
    page = ann.get("/agreement").text
    link = next(part for part in page.split('"') if "/cases?value=false" in part)
    count = page.split(link)[1].split(">")[1].split("<")[0]
    ann.get(link.replace("&amp;", "&"))
    assert f"1 to {count} of {count}" in ann.shown()


def test_spot_checks_stand_for_all_cases(make_bench):
    from langchain_memalign.reviews import DeskSettings
    from langchain_memalign.web.queue import is_spot

    cases = [waiting_case(n) for n in range(1, 30)]
    bench = make_bench(cases=cases, settings=DeskSettings(policy="uncertain", spot=2))
    # So much alike that the judge is sure of most.
    figures(bench, 30)
    ann = Visitor(bench.page)
    drawn = next(c for c in cases if is_spot(c.id, 2))
    ann.get(f"/queue/{drawn.id}")
    until(lambda: bench.desk.readings.get(drawn.id))
    reading = bench.desk.readings.get(drawn.id)
    bench.desk.readings.put(reading.model_copy(update={"why": ()}))
    ann.answer(drawn.id, "true")
    ann.learned(1)
    ann.get("/agreement")
    assert "The 1 spot check among them stands for all cases: the judge had 1 of 1." in ann.shown()


def test_a_conflict_that_was_forgotten_meanwhile_is_not_found(bench):
    ann, ben = Visitor(bench.page), Visitor(bench.page).call_me("Ben Hartmann")
    ann.answer("c1", "true", "Kind enough.")
    ann.learned(1)
    ben.answer("c1", "false", "It names no day.", anyway="1")
    ben.learned(2)
    (key,) = bench.desk.index.conflicts()
    bench.judge.forget([episode.id for episode in bench.judge.episodes()])
    assert ann.get(f"/conflicts/{key}").status_code == 404
    settled = ann.post(f"/conflicts/{key}/settle", value="true", reason="It is kind.")
    assert settled.status_code == 404
