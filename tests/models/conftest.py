import asyncio
import time

import pytest
from colours import arun, run

from .openai_server import openai_server


@pytest.fixture(params=["sync", "async"])
def drive(request):
    """Makes a call, once blocking and once on an event loop."""
    return run if request.param == "sync" else lambda call: asyncio.run(arun(call))


@pytest.fixture
def waits(monkeypatch):
    """Seconds that were waited for, without waiting."""
    seconds = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


@pytest.fixture
def server(monkeypatch):
    """A server on this machine that speaks OpenAI's API; a test has to allow the host."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with openai_server() as server:
        yield server
