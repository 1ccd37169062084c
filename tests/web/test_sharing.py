"""A memory on a server that other processes use, too."""

import uuid

import pytest
from fakes import CountingEmbeddings, ScriptedModel, one_rule_a_record
from qdrant_rest.process import RestServer

from langchain_memalign import Feedback, MemAlignJudge, Memory

from .desk import NO_WAIT, Visitor, text_of, until

pytestmark = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def server():
    running = RestServer()
    yield running
    running.close()


@pytest.fixture
def store():
    return {"collection": f"page-{uuid.uuid4().hex}"}


@pytest.fixture
def elsewhere(server, store):
    """The judge as another process has it."""
    with Memory.open(server.url, embeddings=CountingEmbeddings(), **store) as memory:
        yield MemAlignJudge(
            name="support_tone",
            instructions="Is the reply appropriate for an upset customer?",
            value_type=bool,
            model=ScriptedModel(respond=one_rule_a_record),
            memory=memory,
            retry=NO_WAIT,
        )


def test_what_another_process_learns_and_forgets_shows_on_the_page(
    make_bench, server, store, elsewhere
):
    bench = make_bench(location=server.url, store=store)
    ann = Visitor(bench.page)
    bench.read_all()
    before = bench.desk.readings.get("c1").memory.fingerprint
    assert "No past cases yet." in text_of(ann.get("/cases").text)

    said = Feedback(
        inputs="Message 1", outputs="Reply", value=False, rationale="Too cold.", reviewer="Ben"
    )
    elsewhere.align([said])
    until(lambda: "Message 1" in text_of(ann.get("/cases").text), "the past case is not shown")
    assert "Rule: Too cold." in text_of(ann.get("/rules").text)
    until(
        lambda: (
            ann.get("/queue/c1")
            and (now := bench.desk.reading("c1"))
            and now.memory.fingerprint != before
        ),
        "what had been judged before was not judged again",
    )

    elsewhere.forget([e.id for e in elsewhere.episodes()])
    until(
        lambda: "No past cases yet." in text_of(ann.get("/cases").text), "it is shown nevertheless"
    )


def test_who_holds_the_memory_is_said_and_learning_goes_on_by_itself(
    make_bench, server, store, elsewhere
):
    bench = make_bench(location=server.url, store=store | {"lease_wait": 0.1})
    ann = Visitor(bench.page)
    until(lambda: bench.desk.index.is_ready)
    held = elsewhere.memory.records
    held.take_lease("support_tone")
    try:
        ann.answer("c1", "false", "Say sorry first.")
        until(
            lambda: "Somebody else has this memory open" in text_of(ann.get("/queue").text),
            "nothing is said of it",
        )
        assert "Your answer is saved." in ann.shown()
        assert bench.judge.principles() == []
    finally:
        held.give_back_lease("support_tone")
    until(lambda: bench.desk.answers.get(1).state == "learned", "it was not learned afterwards")


def test_a_server_that_is_down_is_said_to_be_and_nothing_hangs(make_bench, store):
    own = RestServer()
    try:
        bench = make_bench(location=own.url, store=store | {"timeout": 1})
        own.stop()
        ann = Visitor(bench.page)
        response = ann.get("/cases")
        assert response.status_code == 503
        assert "What the judge knows cannot be reached" in ann.shown()
        own.start()
        until(lambda: ann.get("/cases").status_code == 200, "it does not go on by itself")
    finally:
        own.close()
