import asyncio
import time

import pytest
from colours import arun, run


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
