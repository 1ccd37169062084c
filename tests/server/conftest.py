"""One development server for all tests that need no other settings than the project's own."""

import pytest

from .devserver import DevServer

MARKS = (
    pytest.mark.server,
    pytest.mark.enable_socket,
    pytest.mark.xdist_group("langgraph_dev"),
)


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/server/" in item.path.as_posix():
            for mark in MARKS:
                item.add_marker(mark)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    running = DevServer(tmp_path_factory.mktemp("server"))
    running.start()
    yield running
    running.stop()
    loud = [entry for entry in running.log() if is_loud(entry)]
    assert loud == [], "the server logged warnings or errors"
    assert running.calls() == [], "the server called out of this machine"


def is_loud(entry):
    """Whether a logged entry is a warning or an error that is ours."""
    if isinstance(entry, str):
        return any(word in entry for word in ("Traceback", "Warning", "WARNING", "ERROR"))
    refused = entry.get("status", 500) < 500  # requests that tests make on purpose
    # The server's own, of each run without a thread.
    threadless = "`durability` has no effect" in entry["event"]
    # Feedback that tests make unusable on purpose.
    unusable = "feedback cannot be used" in entry["event"]
    # Agent Chat UI sends a thread to its end, which LangGraph does not do.
    resolved = "unknown channel branch:to:__end__" in entry["event"]
    is_known = refused or threadless or unusable or resolved
    return entry["level"] not in ("info", "debug") and not is_known
