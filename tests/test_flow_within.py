"""A flow that is not waited for any longer than a time."""

import asyncio
import contextvars
import threading

import pytest

from langchain_memalign.flow import Step, arun, off_loop, perform, run, within

LONG, SHORT = 60, 0.01
whose = contextvars.ContextVar("whose", default="nobody's")


async def drive(flow, *, is_async):
    return await arun(flow) if is_async else run(flow)


@pytest.mark.parametrize("is_async", [False, True])
async def test_it_returns_and_raises_what_the_flow_does(is_async):
    def fail():
        raise KeyError("gone")

    assert await drive(within(off_loop(lambda: 7), LONG), is_async=is_async) == 7
    with pytest.raises(KeyError, match="gone"):
        await drive(within(off_loop(fail), LONG), is_async=is_async)


@pytest.mark.parametrize("is_async", [False, True])
async def test_it_works_in_the_callers_context(is_async):
    whose.set("ours")
    assert await drive(within(off_loop(whose.get), LONG), is_async=is_async) == "ours"


def test_a_blocking_call_is_left_behind():
    gate, done = threading.Event(), threading.Event()

    def hang():
        gate.wait()
        done.set()

    with pytest.raises(TimeoutError):
        run(within(off_loop(hang), SHORT))
    assert not done.is_set()
    gate.set()
    assert done.wait(LONG)


async def test_an_async_call_is_cancelled():
    ended = asyncio.Event()

    async def hang():
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        await arun(within(perform(Step(lambda: None, hang)), SHORT))
    assert ended.is_set()
