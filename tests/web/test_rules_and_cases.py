"""Rules and past cases on the page."""

from datetime import UTC, datetime, timedelta

import pytest

from langchain_memalign import Feedback

from .desk import Visitor, text_of, until


@pytest.fixture
def taught(bench):
    """Three rules, from remarks of two people."""
    start = datetime(2026, 5, 1, 12, tzinfo=UTC)
    bench.judge.align(
        [
            Feedback(
                inputs=f"Message number {n}",
                outputs=f"Reply number {n}",
                value=n % 2 == 0,
                rationale=f"Reason {n}",
                reviewer=("Ann Becker", "Ben Hartmann")[n % 2],
                judge_value=True,
                created_at=start + timedelta(days=n),
            )
            for n in range(3)
        ]
    )
    return bench


@pytest.fixture
def ann(taught):
    return Visitor(taught.page)


def rule_of(bench, text):
    found = bench.memory.principles("support_tone", retired=True)
    return next(r for r in found if r.text == text)


def test_rules_are_listed_with_their_origin(ann):
    ann.get("/rules")
    assert "Rule: Reason 0" in ann.shown()
    assert "Learned from 1 case, last on 1 May" in ann.shown()
    assert "3 of 3 rules" in ann.shown()


def test_rewording_pins_and_keeps_the_sources(taught, ann):
    rule = rule_of(taught, "Rule: Reason 0")
    ann.post(f"/rules/{rule.id}", text="Always say sorry.")
    assert "Rule reworded." in ann.shown()
    new = rule_of(taught, "Always say sorry.")
    assert (new.pinned, new.origin, new.episode_ids) == (True, "human", rule.episode_ids)


def test_retired_rules_are_kept_and_brought_back(taught, ann):
    rule = rule_of(taught, "Rule: Reason 0")
    ann.post(f"/rules/{rule.id}/retire")
    ann.get("/rules?show=retired")
    assert "Rule: Reason 0" in ann.shown()
    ann.post(f"/rules/{rule.id}/restore")
    assert rule in taught.judge.principles()


@pytest.mark.parametrize("deed", ["write", "reword", "pin", "retire"])
def test_each_change_of_rules_can_be_undone(taught, ann, deed):
    rule = rule_of(taught, "Rule: Reason 0")
    before = taught.memory.principles("support_tone", retired=True)
    if deed == "write":
        ann.post("/rules", text="Never blame the customer.")
    elif deed == "reword":
        ann.post(f"/rules/{rule.id}", text="Always say sorry.")
    else:
        ann.post(f"/rules/{rule.id}/{deed}")
    assert taught.memory.principles("support_tone", retired=True) != before
    ann.post("/answers/1/undo", back="/rules")
    until(lambda: taught.desk.answers.get(1).state == "undone")
    assert taught.memory.principles("support_tone", retired=True) == before


def test_an_empty_rule_is_refused(taught, ann):
    assert ann.post("/rules", text="   ").status_code == 422
    assert "Write the rule in words first." in ann.shown()
    assert len(taught.judge.principles()) == 3


def test_where_a_rule_comes_from_shows_the_experts_words(taught, ann):
    rule = rule_of(taught, "Rule: Reason 1")
    page = ann.get(f"/rules/{rule.id}/sources", htmx=True).text
    assert "Reason 1" in page
    assert "Ben Hartmann, 2 May" in text_of(page)
    assert "Message number 1 Not appropriate" in text_of(page)


def test_rules_are_found_by_their_words(ann):
    page = text_of(ann.get("/rules?q=reason%201", htmx=True).text)
    assert "Reason 1" in page
    assert "Reason 2" not in page


def test_more_rules_than_can_be_read_are_said_to_be(taught):
    for n in range(60):
        taught.judge.add_principle(f"Rule number {n}: " + "never say so again, " * 10)
    ann = Visitor(taught.page)
    ann.get("/rules")
    assert "63 rules are more than the judge can read at once" in ann.shown()
    assert "25 of 63 rules" in ann.shown()


def test_past_cases_are_listed_newest_first(ann):
    ann.get("/cases")
    shown = ann.shown()
    assert shown.index("Message number 2") < shown.index("Message number 0")
    assert "Judge: Appropriate" in shown
    assert "Learned, 1 rule" in shown


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("by=Ben+Hartmann", {1}),
        ("show=differs", {1}),
        ("q=reason+2", {2}),
        ("q=reply+number+0", {0}),
        ("show=pending", set()),
        ("q=nowhere", set()),
        ("value=true&judge=true", {0, 2}),
    ],
)
def test_filters_find_what_fits(ann, query, found):
    ann.get(f"/cases?{query}")
    assert {n for n in range(3) if f"Message number {n}" in ann.shown()} == found


def test_a_past_case_shows_everybodys_answers_and_its_rules(taught, ann):
    episode = taught.judge.episodes()[1]
    ann.get(f"/cases/{episode.id}")
    assert "Message number 1" in ann.shown()
    assert "Not appropriate Reason 1" in ann.shown()
    assert "the judge had said Appropriate" in ann.shown()
    assert "Rule: Reason 1" in ann.shown()


def test_a_past_case_that_waits_nowhere_can_be_answered_again(taught, ann):
    episode = taught.judge.episodes()[0]
    ann.get(f"/cases/{episode.id}")
    ann.post(f"/cases/{episode.id}/change")
    assert "Message number 0" in ann.shown()
    ann.answer(f"past-{episode.case.key}", "false", "Not so kind after all.")
    ann.learned(1)
    words = {e.id: (e.value, e.rationale) for e in taught.judge.episodes()}
    assert words[episode.id] == (False, "Not so kind after all.")


def test_pages_of_past_cases_stay_as_they_are_while_answers_come_in(bench):
    start = datetime(2026, 5, 1, tzinfo=UTC)
    bench.judge.align(
        [
            Feedback(
                inputs=f"Message {n:03}",
                outputs="Reply",
                value=True,
                created_at=start + timedelta(minutes=n),
            )
            for n in range(60)
        ]
    )
    ann = Visitor(bench.page)
    first = ann.get("/cases").text
    older = [part for part in first.split('"') if "after=" in part][-1]
    assert "Message 059" in first
    second = text_of(ann.get(older.replace("&amp;", "&")).text)
    ann.answer("c1", "true")
    ann.learned(1)
    assert text_of(ann.get(older.replace("&amp;", "&")).text).count("Message 03") == second.count(
        "Message 03"
    )


def test_a_rule_changes_in_its_place_and_can_be_undone_there(taught, ann):
    rule = rule_of(taught, "Rule: Reason 0")
    page = ann.post(f"/rules/{rule.id}/retire", htmx=True).text
    assert page.lstrip().startswith(f'<li id="rule-{rule.id}">')
    assert "<del>Rule: Reason 0</del>" in page
    assert "Bring it back" in page
    assert "Rule retired." in page
    page = ann.post(f"/rules/{rule.id}/restore", htmx=True).text
    assert "<del>" not in page
    page = ann.post(f"/rules/{rule.id}", htmx=True, text="Always say sorry.").text
    assert "Always say sorry." in page
    assert "Pinned" in page


def test_who_wrote_a_rule_is_said(taught, ann):
    ann.post("/rules", text="Never blame the customer.")
    assert "Written by you today" in text_of(ann.get("/rules").text)
    ben = Visitor(taught.page).call_me("Ben Hartmann")
    assert "Written by Ann Becker today" in text_of(ben.get("/rules").text)
    taught.judge.add_principle("Give a date.")
    assert "Written by hand today" in text_of(ben.get("/rules").text)


def test_a_past_case_that_was_set_aside_is_listed_and_can_count_again(taught, ann):
    from langchain_memalign.schema import Put, now

    rule = rule_of(taught, "Rule: Reason 2")
    episode = taught.judge.episodes()[0]
    aside = episode.superseded(rule.id, reason="It asks for the contrary.", at=now())
    taught.memory.apply([Put(judge="support_tone", record=aside)])
    taught.desk.index.load()
    assert "Message number 0" in text_of(ann.get("/cases?show=aside").text)
    assert "Set aside" in ann.shown()
    assert "Message number 1" not in ann.shown()
    ann.get(f"/cases/{episode.id}")
    assert "It asks for the contrary." in ann.shown()
    ann.post(f"/cases/{episode.id}/restore")
    assert "counts again" in ann.shown()
    assert [e.is_superseded() for e in taught.judge.episodes()] == [False, False, False]
    ann.post("/answers/1/undo", back="/cases")
    until(lambda: taught.desk.answers.get(1).state == "undone")
    assert taught.judge.episodes()[0] == aside
