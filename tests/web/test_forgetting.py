"""Forgetting on the page: what would go is what goes, and nothing of it remains."""

import secrets

import pytest

from langchain_memalign import Feedback
from langchain_memalign.reviews.forgetting import Traces, erase, traces_of
from langchain_memalign.web.people import Person

from .desk import Visitor, text_of, until, waiting_case


@pytest.fixture
def marker():
    return secrets.token_hex(8)


@pytest.fixture
def known(make_bench, tmp_path, marker):
    """A memory on disk in which a marker stands in every kind of text."""
    cases = [
        waiting_case(1, inputs=f"I am {marker}, where is my parcel?"),
        waiting_case(2, outputs=f"Dear {marker}, it comes tomorrow."),
        *(waiting_case(n) for n in (3, 4)),
    ]
    bench = make_bench(cases=cases, location=tmp_path / "memory")
    ann = Visitor(bench.page)
    ann.answer("c1", "false", "Say sorry first.")
    ann.learned(1)
    ann.answer("c2", "false", "Say sorry first.")
    ann.learned(2)
    ann.answer("c3", "false", f"Mr {marker} asked twice already.")
    ann.learned(3)
    ann.answer("c4", "false", "Say sorry first.")
    ann.learned(4)
    ann.post("/queue/c4/draft", reason=f"Draft of {marker}")
    return bench


@pytest.fixture
def ann(known):
    return Visitor(known.page)


def digest_of(page):
    return page.split('name="digest" value="')[1].split('"')[0]


def files_with(folder, text):
    return [
        path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()
    ]


def test_the_preview_is_what_goes(known, ann, marker):
    page = ann.post("/forget/preview", contains=marker).text
    assert "3 past cases and 2 rules would go" in text_of(page)
    assert "Learned again Rule: Say sorry first." in text_of(page)
    assert "2 of its 3 cases go." in text_of(page)
    assert f"<mark>{marker}</mark>" in page
    assert len(known.judge.episodes()) == 4

    ann.post("/forget", contains=marker, digest=digest_of(page), read="1")
    assert "3 past cases, 2 rules" in ann.shown()
    assert [e.rationale for e in known.judge.episodes()] == ["Say sorry first."]
    until(lambda: known.desk.ledger.receipt(1).anew == 1)
    assert [r.text for r in known.judge.principles()] == ["Rule: Say sorry first."]


def test_nothing_of_it_remains_in_any_file(known, ann, marker):
    assert files_with(known.folder, marker)
    page = ann.post("/forget/preview", contains=marker).text
    ann.post("/forget", contains=marker, digest=digest_of(page), read="1")
    until(lambda: known.desk.ledger.receipt(1).anew is not None)
    known.close()
    assert files_with(known.folder, marker) == []


def test_the_receipt_names_numbers_and_nothing_of_what_it_was(known, ann, marker):
    page = ann.post("/forget/preview", contains=marker).text
    ann.post("/forget", contains=marker, digest=digest_of(page), read="1")
    text = ann.get("/receipts/1.txt").text
    assert text.startswith("Receipt F-0001\n")
    assert "Erased: 3 past cases, 2 rules" in text
    assert "By whom: Ann Becker" in text
    assert "What was asked for: contains a text" in text
    assert marker not in text
    assert not any(label in text for label in ("T-1", "T-2", "T-3"))


def test_what_changed_since_the_preview_is_looked_at_again(known, ann, marker):
    digest = digest_of(ann.post("/forget/preview", contains="parcel").text)
    known.judge.align([Feedback(inputs="Another parcel", outputs="Yes.", value=True)])
    response = ann.post("/forget", contains="parcel", digest=digest, read="1")
    assert response.status_code == 409
    assert "Nothing has been erased. Look again at what would go." in ann.shown()
    assert len(known.judge.episodes()) == 5


def test_the_box_must_be_ticked(known, ann, marker):
    page = ann.post("/forget/preview", contains=marker).text
    ann.post("/forget", contains=marker, digest=digest_of(page))
    assert len(known.judge.episodes()) == 4


@pytest.mark.parametrize(
    ("form", "count"),
    [
        ({"by": "Ann Becker"}, 4),
        ({"by": "Ben Hartmann"}, 0),
        ({"before": "2020-01-01"}, 0),
        ({"before": "2999-01-01", "contains": "asked twice"}, 1),
        ({"ids": "T-1, T-4"}, 2),
        ({"contains": "ASKED TWICE"}, 1),
    ],
)
def test_all_conditions_must_hold(ann, form, count):
    ann.post("/forget/preview", **form)
    noun = "past case " if count == 1 else "past cases "
    assert f"{count} {noun}and" in ann.shown()


@pytest.mark.parametrize("form", [{}, {"before": "yesterday"}])
def test_conditions_that_say_nothing_are_refused(known, ann, form):
    assert ann.post("/forget/preview", **form).status_code == 422
    assert len(known.judge.episodes()) == 4


def test_only_a_lead_forgets(known):
    from langchain_memalign.web import create_page

    def identify(request):
        return Person(id="7", name="Ben Hartmann", is_lead=False)

    page = create_page(known.judge, waiting=known.page._waiting, identify=identify)
    ben = Visitor(page, token=None)
    assert ben.get("/forget").status_code == 403
    assert "Only a lead can do this" in ben.shown()
    assert "Forget" not in text_of(ben.get("/queue").text).split("Case")[0]
    assert ben.post("/forget/preview", contains="parcel").status_code == 403


def test_the_terminal_forgets_what_the_page_keeps(known, ann, marker):
    from langchain_memalign.reviews.threads import ReviewThreads

    keys = {case.case.key for case in known.cases[:3]}
    with ReviewThreads(known.reviews) as threads:
        threads.forget(ids=(), exist=set, case_keys=keys, text=marker, judge="support_tone")
    assert [a.label for a in known.desk.answers.last_of("Ann Becker")] == ["T-4"]
    assert known.desk.table.draft("Ann Becker", "c4") is None


def test_an_answer_to_be_learned_survives_forgetting_what_the_judge_went_by(make_bench, tmp_path):
    # The judge's answer names past cases that go; what was said of it is somebody else's.
    from threading import Event

    from fakes import one_rule_a_record

    going_on = Event()
    going_on.set()

    def respond(request):
        if request.title != "verdict":
            going_on.wait(30)
        return one_rule_a_record(request)

    bench = make_bench(respond=respond, location=tmp_path / "memory")
    ann, ben = Visitor(bench.page), Visitor(bench.page).call_me("Ben Hartmann")
    ann.answer("c1", "false", "Say sorry first.")
    ann.learned(1)
    gone = bench.judge.episodes()[0].id
    ben.get("/queue")
    until(lambda: gone in getattr(bench.desk.reading("c3"), "model_dump_json", str)())
    going_on.clear()
    ben.answer("c2", "true", "Kind enough.")
    until(lambda: bench.desk.answers.get(2).state == "learning")
    ben.answer("c3", "false", "It names no day.")
    wanted = Traces(ids=frozenset({gone}), case_keys=frozenset({bench.cases[0].key}))
    erase(bench.desk.file, "support_tone", traces_of(bench.desk.file, "support_tone", wanted))

    assert bench.desk.answers.get(1) is None
    waits = bench.desk.answers.get(3)
    assert (waits.reason, waits.judge_value) == ("It names no day.", True)
    assert gone not in waits.model_dump_json()
    going_on.set()
    ben.learned(3)
    assert "It names no day." in [e.rationale for e in bench.judge.episodes()]


def test_of_who_is_forgotten_no_draft_and_no_answer_to_be_learned_remains(make_bench):
    from threading import Event

    from fakes import one_rule_a_record

    going_on = Event()

    def respond(request):
        if request.title != "verdict":
            going_on.wait(30)
        return one_rule_a_record(request)

    bench = make_bench(respond=respond)
    ann, ben = Visitor(bench.page), Visitor(bench.page).call_me("Ben Hartmann")
    ann.answer("c1", "false", "Say sorry first.")
    until(lambda: bench.desk.answers.get(1).state == "learning")
    ben.answer("c2", "false", "Too long.")
    ben.post("/queue/c3/draft", reason="Half a thought")
    ann.post("/queue/c4/draft", reason="Another")
    assert bench.desk.table.draft("Ben Hartmann", "c3").reason == "Half a thought"

    wanted = Traces(ids=frozenset(), case_keys=frozenset(), reviewer="Ben Hartmann")
    erase(bench.desk.file, "support_tone", traces_of(bench.desk.file, "support_tone", wanted))
    assert bench.desk.answers.get(2) is None
    assert bench.desk.table.draft("Ben Hartmann", "c3") is None
    assert bench.desk.table.draft("Ann Becker", "c4").reason == "Another"
    going_on.set()
    ann.learned(1)
    assert [e.rationale for e in bench.judge.episodes()] == ["Say sorry first."]
