"""Every screen in a real browser: by keys alone, without complaints, in both schemes, narrow."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from langchain_memalign import Feedback
from langchain_memalign.reviews import DeskSettings

from .desk import Visitor, until, waiting_case

pytestmark = [
    pytest.mark.browser,
    pytest.mark.enable_socket,
    pytest.mark.xdist_group("browser"),
]

SCREENS = (
    "/queue",
    "/waiting",
    "/rules",
    "/rules?write=1",
    "/cases",
    "/conflicts",
    "/agreement",
    "/forget",
    "/settings",
    "/keys",
)


def teach(bench):
    """Past cases enough for every screen to have something: rules, conflicts, figures."""
    start = datetime(2026, 5, 1, 12, tzinfo=UTC)
    said = [
        Feedback(
            inputs=f"Message {n}: where is my parcel?",
            outputs=f"It comes on day {n}.",
            value=n % 3 == 0,
            judge_value=n % 2 == 0,
            rationale=f"Reason number {n % 4}." if n % 5 == 0 else None,
            reviewer=("Ann Becker", "Ben Hartmann")[n % 2],
            created_at=start + timedelta(hours=n),
            unseen=n % 4 == 0,
        )
        for n in range(30)
    ]
    said.append(said[1].model_copy(update={"value": True, "reviewer": "Ann Becker"}))
    bench.judge.align(said)


def hard_case(number):
    """A case with every kind of block."""
    case = waiting_case(
        number,
        inputs={
            "question": "Good \u202eevil\u200b day",
            "طردي": "طردي متأخر منذ أسبوع",
            "long": "A long line. " * 1500,
        },
        outputs=[
            {"role": "user", "content": "How many orders were there?"},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {"name": "run_sql", "args": {"query": "SELECT 1\nFROM t"}, "id": "1"},
                    {"name": "search", "args": {"q": "orders", "limit": 3}, "id": "2"},
                ],
            },
            {"role": "tool", "content": "row | " * 300, "tool_call_id": "1"},
            {"role": "assistant", "content": "There were 3."},
        ],
    )
    return case


@pytest.fixture
def served(serve):
    """Cases of every kind, and a memory that knows something."""
    cases = [hard_case(1), *(waiting_case(n) for n in range(2, 25))]
    running = serve(cases=cases)
    teach(running.bench)
    return running


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_every_screen_passes_axe_and_needs_no_sideways_scrolling(visit, served, scheme, width):
    ann = visit(
        served, color_scheme=scheme, viewport={"width": width, "height": 900}, refused=["404"]
    )
    ann.says("The judge’s answer")
    found = []
    answered = Visitor(served.bench.page)
    answered.answer("c2", "false", "Say sorry first.")
    answered.learned(1)
    past = served.bench.judge.episodes()[0].id
    for path in (*SCREENS, "/answers/1", f"/cases/{past}", "/nowhere", "/who"):
        ann.go(path)
        found += ann.violations()
        if ann.sideways():
            found.append(f"{path} is wider than {width} px")
    ann.go("/forget")
    ann.tab.fill("#text", "parcel")
    ann.tab.click("text=Show what would go")
    ann.says("would go")
    found += ann.violations()
    assert found == []


def test_twenty_cases_by_keys_alone(visit, served):
    ann = visit(served)
    for number in range(20):
        expect(ann.tab).to_have_title(re.compile(rf"Case T-{number + 1} "))
        if number % 2:
            ann.press("2", "w")
            ann.type(f"Too cold, number {number}.")
            ann.press("Control+Enter")
        else:
            expect(ann.tab.locator(".agree")).to_be_visible()
            ann.press("a")
    expect(ann.tab).to_have_title(re.compile("Case T-21 "))
    expect(ann.tab.locator("#question")).to_be_focused()

    answers = served.bench.desk.answers
    until(lambda: all(answers.get(n).state == "learned" for n in range(1, 21)), seconds=200)
    words = {
        (a.label, a.value, a.reason)
        for a in answers.last_of("Ann Becker", limit=20, kinds=("answer",))
    }
    assert words == {
        (f"T-{n + 1}", not n % 2, f"Too cold, number {n}." if n % 2 else None) for n in range(20)
    }
    labels = {case.case.key: case.label for case in served.bench.cases}
    remembered = {
        (labels[e.case.key], e.value, e.rationale)
        for e in served.bench.judge.episodes()
        if e.case.key in labels
    }
    assert remembered == words


def test_a_key_does_nothing_that_no_button_offers(visit, served):
    ann = visit(served)
    expect(ann.tab.locator(".agree")).to_be_visible()
    ann.press("2", "a")
    expect(ann.tab.locator(".agree")).to_be_hidden()
    expect(ann.tab).to_have_title(re.compile("Case T-1 "))
    ann.press("w")
    ann.type("a sxu 12")  # in a field, keys are letters
    expect(ann.tab.locator("#why")).to_have_value("a sxu 12")
    ann.press("Escape", "s")
    expect(ann.tab).to_have_title(re.compile("Case T-2 "))
    assert served.bench.desk.answers.last_of("Ann Becker") == []


def test_what_was_learned_and_undo_by_keys(visit, served):
    ann = visit(served)
    ann.press("2", "w")
    ann.type("Say sorry first.")
    ann.press("Control+Enter")
    expect(ann.tab.locator("#last")).to_contain_text("rule added")
    ann.press("Escape", "l")
    ann.says("What the judge learned from your answer")
    expect(ann.tab.get_by_text("Rule: Say sorry first.").first).to_be_visible()
    ann.press("Enter")
    expect(ann.tab).to_have_title(re.compile("Case T-2 "))
    ann.press("u")
    expect(ann.tab).to_have_title(re.compile("Case T-1 "))
    expect(ann.tab.locator("#why")).to_have_value("Say sorry first.")
    until(lambda: served.bench.desk.answers.get(1).state == "undone")
    texts = [rule.text for rule in served.bench.judge.principles()]
    assert "Rule: Say sorry first." not in texts


def test_a_conflict_is_settled_by_keys(visit, served):
    ann = visit(served)
    ann.go("/conflicts")
    ann.press("1")
    ann.tab.locator("details[open] textarea").wait_for()
    ann.press("Tab")
    ann.type("The hour is what matters.")
    ann.press("Control+Enter")
    ann.says("Saved.")
    until(lambda: served.bench.desk.answers.get(1).state == "learned")
    (mine,) = [e for e in served.bench.judge.episodes() if e.rationale and "hour" in e.rationale]
    assert mine.reviewer == "Ann Becker"


def test_a_blind_answer_is_given_before_the_judge_is_in_the_page(visit, serve):
    served = serve(settings=DeskSettings(blind=True))
    ann = visit(served)
    until(lambda: served.bench.desk.readings.get("c1"))
    ann.go("/queue/c1")
    assert "Because." not in ann.tab.content()
    ann.press("2", "Control+Enter")
    ann.says("You said Not appropriate")
    ann.says("Because.")
    ann.press("Enter")
    expect(ann.tab).to_have_title(re.compile("Case T-2 "))
    until(lambda: served.bench.judge.episodes())
    assert [e.unseen for e in served.bench.judge.episodes()] == [True]


def test_two_browsers_at_one_case_lose_no_text(visit, served):
    ann = visit(served)
    ann.go("/queue/c3")
    ben = visit(served, refused=["409"])
    ben.go("/who")
    ben.tab.fill("#name", "Ben Hartmann")
    ben.press("Enter")
    expect(ben.tab).to_have_title(re.compile("Case T-"))
    ben.go("/queue/c3")
    ann.press("1", "Control+Enter")
    expect(ann.tab).to_have_title(re.compile("Case T-1 "))
    ben.press("2", "w")
    ben.type("Too cold.")
    ben.press("Control+Enter")
    ben.says("Ann answered this case")
    expect(ben.tab.locator("#why")).to_have_value("Too cold.")
    ben.tab.click("text=Save mine too")
    expect(ben.tab.locator("#told")).to_contain_text(re.compile("Saved|Learned"))
    assert {a.person for a in served.bench.desk.answers.on(case_id="c3")} == {
        "Ann Becker",
        "Ben Hartmann",
    }


def test_a_draft_is_saved_while_somebody_writes(visit, served):
    ann = visit(served)
    ann.tab.wait_for_load_state("networkidle")  # before its scripts run, a form is the browser's
    table = served.bench.desk.table
    ann.press("2")
    until(lambda: table.draft("Ann Becker", "c1"), "a choice alone is not kept")
    ann.press("w")
    ann.type("Half a thou")
    until(lambda: table.draft("Ann Becker", "c1").reason, "what is written is not kept")
    until(lambda: table.draft("Ann Becker", "c1").reason == "Half a thou")
    assert table.draft("Ann Becker", "c1").value == "false"


def test_text_stays_in_the_form_when_the_page_cannot_be_reached(visit, served):
    ann = visit(served, refused=["ERR_INTERNET_DISCONNECTED", "Failed to fetch"])
    ann.tab.wait_for_load_state("networkidle")  # before its scripts run, a form is the browser's
    ann.press("2", "w")
    ann.type("Too cold.")
    ann.context.set_offline(True)
    ann.press("Control+Enter")
    ann.says("This page cannot reach memalign")
    expect(ann.tab.locator("#why")).to_have_value("Too cold.")
    ann.context.set_offline(False)
    ann.tab.click("text=Try again")
    expect(ann.tab).to_have_title(re.compile("Case T-2 "))
    ann.complaints.clear()  # a refused connection is the browser's own to report


def test_without_scripts_the_same_can_be_done(visit, served):
    ann = visit(served, java_script_enabled=False)
    until(lambda: served.bench.desk.readings.get("c1"))
    ann.go("/queue")
    ann.tab.check("text=Not appropriate")
    ann.tab.fill("#why", "Say sorry first.")
    ann.tab.click("text=Save and go on")
    assert ann.tab.title().startswith("Case T-2")
    until(lambda: served.bench.desk.answers.get(1).state == "learned")
    ann.go("/answers/1")
    assert "Rule: Say sorry first." in ann.tab.content()
    ann.tab.click("text=Undo this answer")
    assert ann.tab.title().startswith("Case T-1 ")
    assert ann.tab.input_value("#why") == "Say sorry first."
    for path in SCREENS:
        assert ann.go(path).title()
    ann.go("/rules?write=1")
    ann.tab.fill("#new", "Never blame the customer.")
    ann.tab.click("text=Save the rule")
    assert "Rule written." in ann.tab.content()
    ann.go("/forget")
    ann.tab.fill("#text", "Message 3:")
    ann.tab.click("text=Show what would go")
    ann.tab.check("input[name=read]")
    ann.tab.click(".danger")
    assert "Receipt F-0001" in ann.tab.content()


def test_single_keys_can_be_switched_off(visit, served):
    ann = visit(served)
    ann.go("/settings")
    ann.tab.uncheck("input[name=keys]")
    ann.tab.locator("form:has(input[name=keys]) button").click()
    ann.says("Saved.")
    ann.go("/queue")
    ann.press("2", "s", "x")
    expect(ann.tab).to_have_title(re.compile("Case T-1 "))
    assert ann.tab.locator("input:checked").count() == 0


def test_a_key_pressed_twice_saves_once_and_says_nothing_of_it(visit, served):
    ann = visit(served)
    served.bench.read_all()
    held = []
    # Before the page is there: a request may pass by a route that is made while the page loads.
    ann.tab.route("**/answer", lambda route: held.append(route))
    ann.tab.route("**/leave", lambda route: held.append(route))
    ann.go("/queue")
    ann.tab.locator(".agree").wait_for()

    def twice(key, then):
        ann.press(key, key)
        until(lambda: held or ann.tab.wait_for_timeout(20), "nothing was sent")
        while held:
            held.pop().continue_()
        ann.says(then)
        ann.tab.wait_for_timeout(1000)  # a second request would have come by now
        assert held == []

    twice("a", "Case 2 of")
    twice("x", "T-3")
    assert "You have already answered this" not in ann.tab.content()
    done = served.bench.desk.answers.last_of("Ann Becker")
    assert [(deed.kind, deed.label) for deed in done] == [("left", "T-2"), ("answer", "T-1")]
