"""A model that is used from one event loop after another, as by `asyncio.run` in a script."""

import asyncio

import pytest
from fakes import CountingEmbeddings, feedback
from models.openai_server import failure, openai_server

from langchain_memalign import Memory

from .provider import Provider

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
CASE = {key: feedback(1)[key] for key in ("inputs", "outputs")}


@pytest.fixture
def kept(monkeypatch):
    """A provider that keeps connections open, as real ones do."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with openai_server(keep_alive=True) as server:
        yield Provider(server)


def test_each_judgement_is_one_request(kept):
    with Memory.open(":memory:", embeddings=CountingEmbeddings()) as memory:
        judge = kept.judge(memory)
        for number in range(1, 6):
            assert asyncio.run(judge.ainvoke(CASE)).value is True
            assert len(kept.asked()) == number


def test_what_the_provider_says_is_heard_the_first_time(kept):
    with Memory.open(":memory:", embeddings=CountingEmbeddings()) as memory:
        judge = kept.judge(memory)
        asyncio.run(judge.ainvoke(CASE))
        kept.fails(failure(400, "No such thing."))
        assert "No such thing" in asyncio.run(judge.ainvoke(CASE)).reason
        assert len(kept.asked()) == 2


def test_embedding_is_one_request_too(kept):
    with kept.memory() as memory:
        judge = kept.judge(memory)
        asyncio.run(judge.aalign([feedback(2)]))
        for number in range(1, 4):
            before = len(kept.asked("embeddings"))
            asyncio.run(judge.arecall({**CASE, "inputs": f"Question {number}?"}))
            assert len(kept.asked("embeddings")) == before + 1
