"""What axe cannot see: where the focus goes, what is told, forced colours, motion, and zoom."""

import re
from collections import Counter

import pytest
from playwright.sync_api import expect

from .desk import Visitor, until, waiting_case

pytestmark = [
    pytest.mark.browser,
    pytest.mark.enable_socket,
    pytest.mark.xdist_group("browser"),
]
SCREENS = ("/queue", "/rules", "/cases", "/conflicts", "/forget", "/settings", "/answers/1")


@pytest.fixture
def served(serve):
    """Three waiting cases are left; two experts differ on the first."""
    running = serve(cases=[waiting_case(n) for n in range(1, 6)])
    ann = Visitor(running.bench.page)
    ann.answer("c1", "false", "Say sorry first.")
    ann.learned(1)
    ben = Visitor(running.bench.page).call_me("Ben Hartmann")
    ben.answer("c1", "true", "It says when.", anyway="1")
    ben.learned(2)
    ben.answer("c5", "true")
    ben.learned(3)
    running.bench.desk.table.release("Ben Hartmann")  # he goes home
    return running


def style(tab, selector, property_, pseudo=None):
    return tab.evaluate(
        "([s, p, pseudo]) => getComputedStyle(document.querySelector(s), pseudo)[p]",
        [selector, property_, pseudo],
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_forced_colours_leave_nothing_to_a_background_alone(visit, served, scheme):
    ann = visit(served, color_scheme=scheme, forced_colors="active")
    expect(ann.tab.locator(".agree")).to_be_visible()
    ann.press("2")
    assert ann.tab.evaluate("matchMedia('(forced-colors: active)').matches")
    chosen = style(ann.tab, ".choice:has(:checked)", "borderTopWidth")
    other = style(ann.tab, ".choice:not(:has(:checked))", "borderTopWidth")
    assert (chosen, other) == ("3px", "1px")
    main, plain = ".save", "button[data-key=s]"
    assert style(ann.tab, main, "backgroundColor") != style(ann.tab, plain, "backgroundColor")
    assert style(ann.tab, "[aria-current]", "borderTopWidth") == "2px"
    found = []
    for path in SCREENS:
        ann.go(path)
        found += ann.violations()
    assert found == []
    ann.go("/conflicts")
    assert style(ann.tab, ".side-of.counts", "borderTopWidth") == "3px"
    assert style(ann.tab, ".side-of:not(.counts)", "borderTopWidth") == "1px"


def test_the_focus_is_where_one_goes_on_after_each_swap(visit, served):
    ann = visit(served, refused=["422"])
    expect(ann.tab.locator(".agree")).to_be_visible()
    ann.press("2", "Control+Enter")
    expect(ann.tab).to_have_title(re.compile("Case T-3 "))
    expect(ann.tab.locator("#question")).to_be_focused()
    ann.press("u")
    expect(ann.tab).to_have_title(re.compile("Case T-2 "))
    expect(ann.tab.locator("#question")).to_be_focused()

    ann.go("/rules")
    ann.tab.get_by_role("button", name="Pin").first.click()
    expect(ann.tab.locator("#told")).to_have_text("Rule pinned.")
    expect(ann.tab.locator("#flash")).to_contain_text("Rule pinned.")
    expect(ann.tab.locator("p.rule:focus")).to_have_count(1)

    ann.go("/forget")
    ann.tab.fill("#text", "parcel")
    ann.press("Enter")
    expect(ann.tab.locator("#go")).to_be_focused()


def test_the_keyboard_goes_from_the_link_to_the_answer_in_the_order_of_reading(visit, served):
    ann = visit(served)
    expect(ann.tab.locator(".agree")).to_be_visible()
    ann.press("Tab")
    expect(ann.tab.locator(".skip")).to_be_focused()
    ann.press("Enter", "Tab")
    expect(ann.tab.locator("#choices input").first).to_be_focused()
    ann.press("ArrowDown")
    expect(ann.tab.locator("#choices input").nth(1)).to_be_checked()
    ann.press("Tab")
    expect(ann.tab.locator("#why")).to_be_focused()
    ann.press("Tab")
    expect(ann.tab.locator(".save")).to_be_focused()


def test_what_happens_is_told_once(visit, served):
    ann = visit(served)
    expect(ann.tab.locator(".agree")).to_be_visible()
    ann.tab.evaluate(
        """() => {
            const told = document.getElementById("told");
            window.heard = [];
            new MutationObserver(() => told.textContent.trim() && heard.push(told.textContent))
                .observe(told, {childList: true, characterData: true, subtree: true});
        }"""
    )
    ann.press("2", "w")
    ann.type("Name the day.")
    ann.press("Control+Enter")
    expect(ann.tab.locator("#told")).to_have_text("Learned: One rule added.")
    until(lambda: served.bench.desk.answers.get(4).looked is not None)
    heard = ann.tab.evaluate("heard")
    assert heard[0].startswith("Saved. Case ")
    assert all(count == 1 for count in Counter(heard).values()), heard


def test_buttons_that_repeat_are_described_by_their_row(visit, served):
    served.bench.judge.add_principle("Never blame the customer.")
    ann = visit(served)
    for path in ("/rules", "/conflicts"):
        ann.go(path)
        said = ann.tab.evaluate(
            """() => [...document.querySelectorAll("main :is(button, summary)")].map((each) => [
                each.textContent.trim().replace(/\\s+/g, " "),
                (each.getAttribute("aria-describedby") || "").split(" ")
                    .map((id) => id && document.getElementById(id).textContent).join(" "),
                each.checkVisibility()])"""
        )
        shown = Counter((name, described) for name, described, visible in said if visible)
        repeated = [s for s, n in shown.items() if n > 1 and s[0] != "Where it comes from"]
        assert repeated == [], path


def test_reduced_motion_stills_the_only_animation(visit, serve):
    import threading

    hold = threading.Event()
    served = serve(respond=lambda request: hold.wait(60) and {})
    try:
        for wanted, name in (("reduce", "none"), ("no-preference", "turn")):
            ann = visit(served, reduced_motion=wanted)
            expect(ann.tab.locator(".working").first).to_be_visible()
            assert style(ann.tab, ".working", "animationName", "::before") == name
    finally:
        hold.set()


@pytest.mark.parametrize("size", [(1280, 900), (320, 256)], ids=["100 %", "400 %"])
def test_nothing_covers_what_has_the_focus_and_nothing_is_cut_off(visit, served, size):
    ann = visit(served, viewport={"width": size[0], "height": size[1]})
    expect(ann.tab.locator(".agree")).to_be_attached()
    covered = []
    for path in ("/queue", "/rules", "/conflicts", "/forget"):
        ann.go(path)
        assert not ann.sideways(), path
        for _ in range(30):
            ann.press("Tab")
            hidden = ann.tab.evaluate(
                """() => {
                    const at = document.activeElement;
                    if (at === document.body) return "";
                    const box = (at.closest("label") ?? at).getBoundingClientRect();
                    const points = [[.1, .5], [.5, .5], [.9, .5]].map(([x, y]) =>
                        document.elementFromPoint(box.left + box.width * x,
                                                  box.top + box.height * y));
                    const seen = points.some((top) =>
                        top && (at.contains(top) || top.contains(at) || top.closest("label")));
                    return seen ? "" : at.outerHTML.slice(0, 80);
                }"""
            )
            covered += [f"{path}: {hidden}"] if hidden else []
    assert covered == []


def test_where_keys_are_off_nothing_claims_that_there_are_any(visit, served):
    ann = visit(served)
    ann.go("/settings")
    ann.tab.uncheck("input[name=keys]")
    ann.tab.locator("form:has(input[name=keys]) button").click()
    ann.says("Saved.")
    ann.go("/queue")
    expect(ann.tab.locator("[data-key][aria-keyshortcuts]")).to_have_count(0)
    expect(ann.tab.locator("kbd:visible")).to_have_count(0)
