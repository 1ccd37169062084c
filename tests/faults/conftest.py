"""What the fault tests share with the tests of the parts that are made to fail."""

import asyncio

import pytest
from judge.conftest import bench, make_bench
from memory.conftest import on_rest, rest
from models.conftest import waits
from models.openai_server import openai_server

from .provider import Provider

__all__ = ["bench", "make_bench", "on_rest", "rest", "waits"]


@pytest.fixture
def provider(monkeypatch):
    """Chat and embedding models over HTTP; needs `pytest.mark.allow_hosts(["127.0.0.1"])`."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with openai_server() as server:
        yield Provider(server)


@pytest.fixture
def memory(provider):
    """A memory whose embeddings come from the provider."""
    with provider.memory() as memory:
        yield memory


@pytest.fixture(params=["sync", "async"])
def ask(request):
    """Judge a case, once by the blocking and once by the awaitable side."""
    if request.param == "sync":
        return lambda judge, case: judge.invoke(case)
    return lambda judge, case: asyncio.run(judge.ainvoke(case))
