import asyncio
import time

import pytest

from langchain_memalign.flow import arun, run


@pytest.fixture(params=["sync", "async"])
def drive(request):
    """Runs a flow to its end, once with blocking and once with awaitable calls."""
    return run if request.param == "sync" else lambda flow: asyncio.run(arun(flow))


@pytest.fixture
def waits(monkeypatch):
    """Seconds that were waited for, without waiting."""
    seconds = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds
