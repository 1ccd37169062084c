"""Graphs driven on both of their sides, with nothing but JSON in their checkpoints."""

import json
from uuid import uuid4

import pytest
from judge.conftest import bench, make_bench
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.event_hooks import register_serde_event_listener

__all__ = ["bench", "make_bench"]


class Drive:
    """One side of LangGraph; a test that goes through it holds for both."""

    def __init__(self, *, is_async):
        self.is_async = is_async

    async def invoke(self, graph, input, config=None, **options):
        if self.is_async:
            return await graph.ainvoke(input, config, **options)
        return graph.invoke(input, config, **options)

    async def stream(self, graph, input, config=None, **options):
        """All chunks, as a list."""
        if self.is_async:
            return [chunk async for chunk in graph.astream(input, config, **options)]
        return list(graph.stream(input, config, **options))


@pytest.fixture(params=["sync", "async"])
def drive(request):
    return Drive(is_async=request.param == "async")


@pytest.fixture
def new_thread():
    """Make the config of a thread that no run has used yet."""
    return lambda: {"configurable": {"thread_id": str(uuid4())}}


@pytest.fixture
def thread(new_thread):
    return new_thread()


@pytest.fixture
def saver():
    """A checkpointer with default settings that must never meet a type it does not know.

    Besides, whatever it holds in the end must be JSON, which other checkpointers can hold, too;
    but for the messages of a chat, which are LangChain's.
    """
    met = []
    stop = register_serde_event_listener(met.append)
    checkpointer = InMemorySaver()
    yield checkpointer
    for saved in checkpointer.list(None):
        for channel, value in saved.checkpoint["channel_values"].items():
            if channel == "messages":
                value = [message.model_dump() for message in value]
            if not channel.startswith(("__", "branch:", "join:")):
                assert json.loads(json.dumps(value)) == value, channel
    stop()
    assert met == []
