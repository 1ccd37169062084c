"""Forgetting reaches whatever the page keeps beside the memory, however it is asked for."""

import secrets
from threading import Event

import pytest
from fakes import feedback, one_rule_a_record, verdict

from langchain_memalign.web import create_page
from langchain_memalign.web.people import Person
from langchain_memalign.web.waiting import LocalWaiting

from .desk import Visitor, until, waiting_case
from .test_forgetting import digest_of, files_with


@pytest.fixture
def marker():
    return secrets.token_hex(8)


def quoting(marker):
    """A judge that repeats the marker wherever it is shown, and says false once it has a rule."""

    def respond(request):
        if request.title != "verdict":
            return one_rule_a_record(request)
        said = f"So {marker}." if marker in request.prompt else "So."
        return verdict("Say sorry" not in request.prompt, rationale=said)

    return respond


def forget(visitor, **form):
    page = visitor.post("/forget/preview", **form).text
    assert visitor.post("/forget", **form, digest=digest_of(page), read="1").status_code == 200


def erased(bench):
    until(lambda: bench.desk.ledger.receipt().anew is not None)


def test_how_a_case_began_that_had_turned_stays_nowhere(make_bench, tmp_path, marker):
    cases = [waiting_case(1), waiting_case(2, inputs=f"{marker}: where is my parcel?")]
    bench = make_bench(cases=cases, location=tmp_path / "memory", respond=quoting("nothing"))
    ann = Visitor(bench.page)
    ann.get("/queue")
    until(lambda: bench.desk.readings.get("c2"), "c2 was not read")
    ann.answer("c1", "false", "Say sorry first.")
    until(lambda: bench.desk.answers.get(1).looked)
    ann.get("/answers/1")
    assert f"{marker}: where is my parcel?" in ann.shown()
    ann.answer("c2", "true", "This one is short.")
    ann.learned(2)

    forget(ann, ids="T-2")
    erased(bench)
    ann.get("/answers/1")
    assert "T-2" in ann.shown()
    assert marker not in ann.shown()
    bench.close()
    assert files_with(bench.folder, marker) == []


def test_a_past_case_that_waits_again_waits_no_more(make_bench, tmp_path, marker):
    past = feedback(1, inputs=f"{marker}: where is my parcel?")
    bench = make_bench(cases=[], location=tmp_path / "memory", respond=quoting(marker))
    (id_,) = bench.judge.align([past]).stored
    ann = Visitor(bench.page)
    ann.post(f"/cases/{id_}/change")
    assert marker in ann.shown()
    until(lambda: any(name.startswith("past-") for name in bench.desk.readings.states()))

    forget(ann, contains=marker)
    erased(bench)
    assert marker not in ann.get("/waiting").text
    assert not any(name.startswith("past-") for name in bench.desk.cases())
    bench.close()
    assert files_with(bench.folder, marker) == []


def test_ones_own_answer_is_forgotten_wherever_it_shows(make_bench, tmp_path, marker):
    bench = make_bench(location=tmp_path / "memory", respond=quoting(marker))
    ann, ben = Visitor(bench.page), Visitor(bench.page).call_me("Ben Hartmann")
    ann.answer("c1", "false", f"Say sorry first, {marker}.")
    ann.learned(1)
    ben.get("/queue")
    until(lambda: marker in getattr(bench.desk.reading("c2"), "model_dump_json", str)())
    ben.answer("c2", "false", f"Say sorry first, {marker}.")  # the same rule: no exact way back
    ben.learned(2)
    ben.answer("c3", "false", "Name the day.")
    ben.learned(3)
    ann.post("/answers/1/undo")
    ann.learned(1)
    assert "Forget my answer, keep theirs" in ann.get("/answers/1").text
    mine = bench.judge.episodes()[0].id

    ann.post("/answers/1/forget")
    ann.get("/queue/c1")
    assert ann.last.status_code == 200
    assert [e.reviewer for e in bench.judge.episodes()] == ["Ben Hartmann"] * 2
    bench.close()
    assert files_with(bench.folder, mine) == []


class Elsewhere(LocalWaiting):
    """Cases that somebody else keeps, who is asked at any time."""

    def read(self, judge, waiting, *, again=False):
        return judge.invoke(waiting.case), judge.recall(waiting.case)

    def forget(self, **_):
        return 0


@pytest.fixture
def make_page(make_bench, tmp_path):
    """A judge, and a page of cases that are kept elsewhere."""
    pages = []

    def make(respond, cases):
        bench = make_bench(location=tmp_path / "memory", respond=respond, cases=cases)
        page = create_page(
            bench.judge,
            waiting=Elsewhere(bench.cases, reviews=tmp_path / "elsewhere.sqlite"),
            identify=lambda request: Person(id="1", name="Ann", is_lead=True),
        )
        pages.append(page)
        return bench, page, Visitor(page, token=None)

    yield make
    for page in pages:
        page.close()


def test_what_saw_it_through_another_case_goes_too(make_page, tmp_path, marker):
    # The judge on c1 saw what it had said of the parcel, and then had seen the marker.
    bench, page, ann = make_page(quoting(marker), [waiting_case(1)])
    (far,) = bench.judge.align([{"inputs": marker, "outputs": "Blue.", "value": True}]).stored
    said = {**waiting_case(9).case.model_dump(), "value": True, "judge_value": True}
    bench.judge.align([{**said, "judge_rationale": f"So {marker}.", "judge_sight": (far,)}])
    bench.judge.align([{**waiting_case(n).case.model_dump(), "value": True} for n in range(4, 8)])
    ann.get("/queue")
    until(lambda: files_with(tmp_path, marker) and ann.get("/queue/c1/verdict").status_code == 200)
    ann.answer("c1", "true")
    ann.learned(1)
    near = bench.judge.episodes()[-1]
    assert marker in near.judge_rationale
    assert far not in near.judge_sight

    forget(ann, ids=far)
    page.close()
    bench.close()
    assert files_with(tmp_path, marker) == []


def test_an_answer_of_the_judge_that_was_under_way_is_not_kept(make_page, tmp_path, marker):
    asked, going_on = Event(), Event()

    def respond(request):
        if request.title == "verdict" and marker in request.prompt and not asked.is_set():
            asked.set()
            going_on.wait(30)
        return quoting(marker)(request)

    bench, page, ann = make_page(respond, [waiting_case(1)])
    (id_,) = bench.judge.align([feedback(1, rationale=f"Mr {marker} cried.")]).stored
    ann.get("/queue")
    assert asked.wait(30)
    forget(ann, ids=id_)
    going_on.set()
    until(lambda: "So." in ann.get("/queue/c1").text, "the case was not judged anew")
    page.close()
    bench.close()
    assert files_with(tmp_path, marker) == []
