"""Taking a deed back restores the memory byte for byte, on both stores, after each kind of deed."""

import uuid

import pytest
from fakes import one_rule_a_record, verdict
from qdrant_rest.process import RestServer

from langchain_memalign.reviews import DeskSettings

from .desk import Visitor, until

pytestmark = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def server():
    running = RestServer()
    yield running
    running.close()


@pytest.fixture(params=["directory", "server"])
def place(request, tmp_path):
    """Where a memory is, as options of a bench."""
    if request.param == "directory":
        return {"location": tmp_path / "memory"}
    url = request.getfixturevalue("server").url
    return {"location": url, "store": {"collection": f"undo-{uuid.uuid4().hex}"}}


def replacing(request):
    """Each remark becomes a rule; one that begins with "Be" takes the place of the first known."""
    if request.title == "verdict":
        return verdict(True)
    if request.title == "decisions":
        return {"decisions": []}
    reply = one_rule_a_record(request)
    if 'id="P1"' in request.prompt:
        for rule in reply.get("principles", ()):
            if rule["text"].startswith("Rule: Be"):
                rule |= {"relation": "replaces", "target": "P1"}
    return reply


def exported(bench, name):
    path = bench.folder / name
    bench.memory.export_jsonl(path)
    return path.read_bytes()


def records(export):
    """An export without its head, which names the embeddings once there has been a vector."""
    return export.partition(b"\n")[2]


def answered(number, case_id, value="", reason="", **form):
    """Answer a waiting case."""

    def act(bench, ann):
        ann.answer(case_id, value, reason, **form)

    act.number = number
    return act


def settled(bench, ann):
    """Say of a contested case which answer is right."""
    key = bench.cases[0].case.key
    ann.post(f"/conflicts/{key}/settle", value="false", side="x", reason="Regret comes first.")


def told_apart(bench, ann):
    """Both are right: a rule tells them apart."""
    ann.post(f"/conflicts/{bench.cases[0].case.key}/rule", text="Regret where somebody waited.")


def on_a_rule(deed, **form):
    def act(bench, ann):
        (rule, *_) = bench.judge.principles()
        ann.post(f"/rules/{rule.id}{deed}", **form)

    return act


DEEDS = {
    "another answer with a reason": answered(4, "c2", "false", "Name the day."),
    "another answer alone": answered(4, "c2", "false"),
    "agreed": answered(4, "c2", "true"),
    "agreed with a reason": answered(4, "c2", "true", "It names the day."),
    "a reason alone": answered(4, "c2", "", "Never promise a date."),
    "a rule confirmed": answered(4, "c2", "false", "Say sorry first, always."),
    "a rule reworded": answered(4, "c2", "false", "Be quick to say sorry first, always."),
    "a rule replaced": answered(4, "c2", "false", "Be brief."),
    "a changed answer": answered(4, "c1", "true", "It was kind after all.", change="1"),
    "a conflict settled": settled,
    "a conflict settled by a rule": told_apart,
    "a rule pinned": on_a_rule("/pin"),
    "a rule reworded by hand": on_a_rule("", text="Regret comes before facts."),
    "a rule retired": on_a_rule("/retire"),
    "a case left out": lambda bench, ann: ann.post("/queue/c2/leave"),
    "a case left out for all": lambda bench, ann: ann.post("/queue/c2/leave?all=1"),
}


@pytest.fixture
def bench(make_bench, place):
    """Two experts who differ on one case, a rule, and Ann as the visitor."""
    bench = make_bench(respond=replacing, **place)
    ann = Visitor(bench.page)
    ann.answer("c1", "false", "Say sorry first, always.")
    ann.learned(1)
    ben = Visitor(bench.page).call_me("Ben Hartmann")
    ben.answer("c1", "true", "It answers the question.", anyway="1")
    ben.learned(2)
    ben.answer("c5", "true")
    ben.learned(3)
    return bench


@pytest.mark.parametrize("deed", DEEDS)
def test_what_is_taken_back_leaves_no_byte_behind(bench, deed):
    ann = Visitor(bench.page)
    before = exported(bench, "before")
    DEEDS[deed](bench, ann)
    until(lambda: bench.desk.answers.get(4), "nothing was done")
    until(lambda: bench.desk.answers.get(4).state == "learned", "it was not learned")
    if "left" not in deed:
        assert exported(bench, "between") != before
    ann.post("/answers/4/undo")
    until(lambda: bench.desk.answers.get(4).state == "undone", "it was not taken back")
    assert exported(bench, "after") == before
    assert len(bench.desk.index.conflicts()) == 1
    assert ann.get("/conflicts").status_code == 200
    assert "1 of 1" in ann.shown()


def test_the_very_first_answer_leaves_no_byte_behind(make_bench, place):
    bench = make_bench(**place)
    ann = Visitor(bench.page)
    until(
        lambda: bench.memory.records.definition("support_tone"),
        "the memory does not know the judge",
    )
    before = records(exported(bench, "before"))
    ann.answer("c1", "false", "Say sorry first.")
    ann.learned(1)
    ann.post("/answers/1/undo")
    until(lambda: bench.desk.answers.get(1).state == "undone", "it was not taken back")
    assert records(exported(bench, "after")) == before


def test_an_unseen_answer_with_more_added_is_taken_back_step_by_step(make_bench, place):
    bench = make_bench(settings=DeskSettings(blind=True), **place)
    ann = Visitor(bench.page)
    bench.read_all()
    until(
        lambda: bench.memory.records.definition("support_tone"),
        "the memory does not know the judge",
    )
    before = records(exported(bench, "before"))
    ann.answer("c1", "false")
    ann.learned(1)
    unseen = records(exported(bench, "unseen"))
    ann.post("/answers/1/add", reason="Say sorry first.")
    ann.learned(2)
    for number, left in ((2, unseen), (1, before)):
        ann.post(f"/answers/{number}/undo")
        until(lambda n=number: bench.desk.answers.get(n).state == "undone", "it was not taken back")
        assert records(exported(bench, "after")) == left
    ann.get("/queue")
    assert "Parcel 1 is" in ann.shown()


def test_skipping_changes_nothing_of_the_memory(bench):
    ann = Visitor(bench.page)
    before = exported(bench, "before")
    ann.post("/queue/c2/skip", reason="Not sure yet")
    ann.answer("c3")  # says nothing, and is refused
    assert exported(bench, "after") == before


def test_a_case_left_out_waits_again_with_what_was_written(bench):
    ann = Visitor(bench.page)
    ann.post("/queue/c2/leave", reason="Half a thought", htmx=True)
    ann.get("/queue")
    assert "T-2 Left out. Nothing is learned from it." in ann.shown()
    ann.post("/answers/4/undo", htmx=True)
    assert "Parcel 2 is" in ann.shown()
    assert "Half a thought" in ann.shown()


def test_a_changed_answer_taken_back_leaves_the_former_one_and_nothing_waits(bench):
    ann = Visitor(bench.page)
    ann.answer("c1", "true", "It was kind after all.", change="1")
    ann.learned(4)
    ann.post("/answers/4/undo", htmx=True)
    until(lambda: bench.desk.answers.get(4).state == "undone", "it was not taken back")
    assert "Parcel 1 is" not in ann.shown()
    assert "Your earlier answer counts again." in ann.get("/answers/4/events?strip=1").text


def test_the_strip_says_at_once_why_an_answer_cannot_simply_be_taken_back(make_bench):
    bench = make_bench()
    ann = Visitor(bench.page)
    ann.answer("c1", "false", "Say sorry first.")
    ann.learned(1)
    ben = Visitor(bench.page).call_me("Ben Hartmann")
    ben.answer("c2", "false", "Say sorry first.")
    ben.learned(2)
    ann.post("/answers/1/undo", htmx=True)
    assert "Taking it back" in ann.shown()
    said = ann.get("/answers/1/events?strip=1").text
    assert "1 later answer built on this" in said
    assert "Forget my answer, keep theirs" in said
