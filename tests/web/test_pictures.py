"""The pictures of the documentation, taken from the page as it is.

MEMALIGN_PICTURES=docs/pictures python -m pytest tests/web/test_pictures.py
"""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fakes import one_rule_a_record, verdict
from playwright.sync_api import expect

from langchain_memalign import Case, Feedback
from langchain_memalign.reviews import DeskSettings
from langchain_memalign.web.waiting import WaitingCase

from .desk import Visitor, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.enable_socket,
    pytest.mark.xdist_group("browser"),
]
LATE = (
    "My parcel is a week late and nobody answers the phone. I took Tuesday off to be at home for "
    "it, and the driver never came. Now the app says “left with a neighbour”, but none of my "
    "neighbours has it.\n\nWhere is it? And who pays me for the day?"
)
REPLY = (
    "Dear Mr Okafor,\n\nYour parcel left our warehouse on Tuesday and was handed to a neighbour at "
    "number 14. It will be collected and brought to you tomorrow between 9 and 12.\n\nLost working "
    "hours are not covered by our terms.\n\nParcel Support"
)
FRIDGE = "My new fridge is two weeks late and nobody answers the phone! Where is it?"
PAST = [
    ("My parcel is four days late. Where is it?", "It comes on Friday.", "Give a delivery date."),
    ("A week late, and the hotline plays music at me.", "It is on its way.", "No word of regret."),
    ("Still no refund after three weeks.", "We have sent it.", None),
    ("Which of your shops takes returns without the carton?", "All of them do.", None),
    ("The box was open and one of the two lamps is missing.", "We send another one.", None),
]
RULE = "When a customer had to wait, say sorry before stating any facts or terms."


def support(request):
    """A model with something to say about parcels."""
    if request.title == "verdict":
        says = "It answers both questions, names a delivery window, and stays polite throughout."
        if RULE in request.prompt:
            return verdict(False, "P3", rationale="It states facts before any word of regret.")
        return verdict(True, "E1", "E2", "P1", rationale=says)
    reply = one_rule_a_record(request)
    for rule in reply.get("principles", ()):
        rule["text"] = RULE if "sorry" in rule["text"] else rule["text"].removeprefix("Rule: ")
    return reply


def teach(bench):
    start = datetime.now(UTC) - timedelta(days=20)
    people = ("Ben Hartmann", "Ann Becker", "Carla Weiss")
    words = [
        Feedback(
            inputs=inputs if n < len(PAST) else f"{inputs} (order {n})",
            outputs=outputs,
            value=n % 5 != 1,
            judge_value=n % 5 != 1 if n > 24 else n % 3 != 0,
            rationale=why if n < len(PAST) else None,
            reviewer=people[n % 3],
            created_at=start + timedelta(hours=8 * n),
            unseen=n % 3 == 0,
        )
        for n in range(56)
        for inputs, outputs, why in [PAST[n % len(PAST)]]
    ]
    other = {"value": True, "reviewer": "Ben Hartmann", "judge_value": True}
    other |= {"rationale": "Says what she asked for, and where to look."}
    words.append(words[1].model_copy(update={**other, "created_at": start + timedelta(days=3)}))
    bench.judge.align(words)


def test_pictures_for_the_documentation(visit, serve, tmp_path):
    folder = Path(os.environ.get("MEMALIGN_PICTURES", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    cases = [
        WaitingCase("t101", "T-101", Case(inputs=LATE, outputs=REPLY)),
        WaitingCase("t102", "T-102", Case(inputs=FRIDGE, outputs="It comes on Monday.")),
        WaitingCase("t103", "T-103", Case(inputs=f"{FRIDGE} Again!", outputs="On Tuesday.")),
    ]
    served = serve(cases=cases, respond=support, settings=DeskSettings(policy="always"))
    teach(served.bench)
    ann = visit(served)
    until(lambda: len(served.bench.desk.readings.states()) == 3, "the judge did not work ahead")
    ann.go("/queue/t101")
    expect(ann.tab.locator(".agree")).to_be_visible()
    ann.shot(folder / "queue.png")
    ann.press("2", "w")
    ann.type("Correct, but cold. Say sorry first when someone had to wait.")
    ann.press("Control+Enter")
    expect(ann.tab).to_have_title(re.compile("T-102"))
    Visitor(served.bench.page).learned(1)
    ann.go("/answers/1")
    expect(ann.tab.locator(".diff")).to_contain_text(RULE)
    ann.shot(folder / "learned.png")
    ann.go("/conflicts")
    ann.shot(folder / "conflicts.png")
    ann.go("/agreement")
    ann.shot(folder / "agreement.png")
    taken = [folder / f"{name}.png" for name in ("queue", "learned", "conflicts", "agreement")]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in taken)
