"""Multi-step work written once, driven synchronously or asynchronously.

A *flow* is a generator that does no I/O itself. It yields `Step`s, each an I/O action in a
blocking and an awaitable form, and receives their results; `run` and `arun` are the two drivers.
The idea of a sans-I/O generator with two thin drivers is that of httpx's `Auth.auth_flow`
(https://github.com/encode/httpx).
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar, cast

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Step(Generic[T]):
    """One I/O action, in both of its forms."""

    blocking: Callable[[], T]
    awaitable: Callable[[], Awaitable[T]]


Flow: TypeAlias = Generator[Step[Any], Any, T]
"""A generator that yields steps and returns a `T`."""


def perform(step: Step[T]) -> Flow[T]:
    """Make one step a flow of its own, for use with `yield from`."""
    return cast(T, (yield step))


def off_loop(action: Callable[[], T]) -> Flow[T]:
    """Run blocking work: as it is in a sync flow, in a thread off the loop in an async one."""
    return perform(Step(action, lambda: asyncio.to_thread(action)))


def pause(seconds: float) -> Flow[None]:
    """Wait without holding the event loop."""
    return perform(Step(lambda: time.sleep(seconds), lambda: asyncio.sleep(seconds)))


def within(flow: Flow[T], seconds: float) -> Flow[T]:
    """Drive a flow, but wait for it no longer than a time.

    An async flow is cancelled then. A blocking call cannot be: it is left to a thread that keeps
    no process alive, and its result is dropped.

    Raises:
        TimeoutError: The time is over.
    """
    return perform(
        Step(
            lambda: _in_a_thread(flow).result(seconds),
            lambda: asyncio.wait_for(arun(flow), seconds),
        )
    )


def parallel(flows: Sequence[Flow[T]], *, limit: int) -> Flow[list[T]]:
    """Drive several flows at once, at most `limit` at a time.

    Args:
        flows: The flows; they start in this order.
        limit: The most that run at the same time; at least 1.

    Returns:
        Their results, in the order of `flows`. Where some raise, all others are still driven to
        their end, then the first error is raised.
    """
    if len(flows) < 2:
        # Not worth a thread; and a lone flow may yield straight to the driver.
        return _one_by_one(flows)
    return perform(Step(lambda: _in_threads(flows, limit), lambda: _in_tasks(flows, limit)))


def both(first: Flow[T], second: Flow[U]) -> Flow[tuple[T, U]]:
    """Drive two flows at once; like `parallel`."""
    one, other = yield from parallel(cast("list[Flow[Any]]", [first, second]), limit=2)
    return one, other


def run(flow: Flow[T]) -> T:
    """Drive a flow with blocking calls."""
    try:
        step = next(flow)
        while True:
            try:
                result = step.blocking()
            except BaseException as error:
                step = flow.throw(error)
            else:
                step = flow.send(result)
    except StopIteration as stop:
        return cast(T, stop.value)
    finally:
        flow.close()


async def arun(flow: Flow[T]) -> T:
    """Drive a flow on the event loop."""
    try:
        step = next(flow)
        while True:
            try:
                result = await step.awaitable()
            except BaseException as error:
                step = flow.throw(error)
            else:
                step = flow.send(result)
    except StopIteration as stop:
        return cast(T, stop.value)
    finally:
        flow.close()


class Lease:
    """A first-come, first-served lock for flows, shared by threads and event loops.

    A `threading.Lock` would block the loop, an `asyncio.Lock` binds to one loop, and waiting for
    the former in the loop's thread pool can starve the holder of threads.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._waiting: list[Future[None]] = []

    def acquire(self) -> Flow[None]:
        """Wait for the lease; `release` must follow."""
        ticket: Future[None] = Future()
        with self._guard:
            if self._held:
                self._waiting.append(ticket)
            else:
                self._held = True
                ticket.set_running_or_notify_cancel()
                ticket.set_result(None)
        try:
            yield from perform(Step(ticket.result, lambda: asyncio.wrap_future(ticket)))
        except BaseException:
            # Interrupted while waiting: give up the place, or the lease if it had just arrived.
            if not ticket.cancel() and not ticket.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Hand the lease to the one who waits longest."""
        with self._guard:
            while self._waiting:
                ticket = self._waiting.pop(0)
                if ticket.set_running_or_notify_cancel():
                    ticket.set_result(None)
                    return
            self._held = False


def _in_a_thread(flow: Flow[T]) -> Future[T]:
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(run(flow))
        except BaseException as error:
            future.set_exception(error)

    # Not of a pool: the interpreter joins a pool's threads before it exits.
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name="memalign-within", daemon=True).start()
    return future


def _one_by_one(flows: Sequence[Flow[T]]) -> Flow[list[T]]:
    results = []
    for flow in flows:
        results.append((yield from flow))
    return results


def _in_threads(flows: Sequence[Flow[T]], limit: int) -> list[T]:
    with ThreadPoolExecutor(min(limit, len(flows)), thread_name_prefix="memalign") as pool:
        # A context can be entered by one thread at a time: each flow gets a copy of the caller's.
        running = [pool.submit(contextvars.copy_context().run, run, flow) for flow in flows]
        try:
            wait(running)
        except BaseException:  # such as the user's Ctrl-C: what has not begun need not begin
            for future in running:
                future.cancel()
            raise
        return [future.result() for future in running]


async def _in_tasks(flows: Sequence[Flow[T]], limit: int) -> list[T]:
    gate = asyncio.Semaphore(limit)

    async def drive(flow: Flow[T]) -> T:
        async with gate:
            return await arun(flow)

    results = await asyncio.gather(*map(drive, flows), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return cast(list[T], results)
