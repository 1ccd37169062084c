"""Flows do the same in both drivers, alone, side by side, and one after another."""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from langchain_memalign.flow import Lease, Step, arun, both, off_loop, parallel, pause, perform, run

TIMEOUT = 10  # against a hang; nothing waits for it to pass

each_driver = pytest.mark.parametrize(
    "drive", [run, lambda flow: asyncio.run(arun(flow))], ids=["run", "arun"]
)


def step(action):
    """A step that does the same in both forms, without leaving the thread."""

    async def later():
        return action()

    return perform(Step(action, later))


def fail(error):
    raise error


class Meeting:
    """A step that ends only when `size` of it run at once, and that knows the most that did."""

    def __init__(self, size):
        self.size, self.running, self.most = size, 0, 0
        self.guard, self.threads, self.tasks = threading.Lock(), threading.Barrier(size), None

    def flow(self, result):
        yield from perform(Step(self.in_thread, self.in_task))
        return result

    def count(self, change):
        with self.guard:
            self.running += change
            self.most = max(self.most, self.running)

    def in_thread(self):
        self.count(1)
        self.threads.wait(TIMEOUT)
        self.count(-1)

    async def in_task(self):
        self.tasks = self.tasks or asyncio.Barrier(self.size)
        self.count(1)
        async with asyncio.timeout(TIMEOUT):
            await self.tasks.wait()
        self.count(-1)


@each_driver
def test_a_flow_receives_the_results_of_its_steps_and_returns_its_own(drive):
    def flow():
        one = yield from step(lambda: 1)
        two = yield from off_loop(lambda: one + 1)
        yield from pause(0)
        return [one, two]

    assert drive(flow()) == [1, 2]


@each_driver
def test_an_error_of_a_step_arrives_in_the_flow_where_it_can_be_handled(drive):
    def flow():
        try:
            yield from step(lambda: fail(OSError("gone")))
        except OSError:
            return (yield from step(lambda: "handled"))

    assert drive(flow()) == "handled"


@each_driver
@pytest.mark.parametrize("error", [OSError("gone"), KeyboardInterrupt()])
def test_an_error_that_is_not_handled_leaves_the_flow_after_its_cleaning_up(drive, error):
    cleaned = []

    def flow():
        try:
            yield from step(lambda: fail(error))
        finally:
            cleaned.append((yield from step(lambda: "yes")))

    with pytest.raises(type(error)):
        drive(flow())
    assert cleaned == ["yes"]


def test_blocking_work_leaves_the_thread_of_the_event_loop_only():
    here = threading.get_ident()

    assert run(off_loop(threading.get_ident)) == here
    assert asyncio.run(arun(off_loop(threading.get_ident))) != here


@each_driver
@pytest.mark.parametrize("size", [0, 1, 2, 7])
def test_parallel_flows_give_their_results_in_their_order(drive, size):
    def flow(i):
        return (yield from off_loop(lambda: i))

    assert drive(parallel([flow(i) for i in range(size)], limit=3)) == list(range(size))


@each_driver
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_as_many_flows_run_at_once_as_the_limit_allows(drive, limit):
    meeting = Meeting(limit)

    assert drive(parallel([meeting.flow(i) for i in range(60)], limit=limit)) == [*range(60)]
    assert meeting.most == limit


@each_driver
def test_both_flows_run_at_once(drive):
    meeting = Meeting(2)
    assert drive(both(meeting.flow("a"), meeting.flow("b"))) == ("a", "b")


@each_driver
@pytest.mark.parametrize("limit", [1, 2, 9])
def test_the_first_error_is_raised_after_all_flows_have_ended(drive, limit):
    ended = []

    def flow(i):
        if i in (1, 3):
            yield from step(lambda: fail(OSError(f"flow {i}")))
        ended.append((yield from off_loop(lambda: i)))

    with pytest.raises(OSError, match="flow 1"):
        drive(parallel([flow(i) for i in range(6)], limit=limit))
    assert sorted(ended) == [0, 2, 4, 5]


@each_driver
def test_every_parallel_flow_sees_the_context_variables_of_the_caller(drive):
    request = contextvars.ContextVar("request", default="none")

    def flow():
        return request.get(), (yield from off_loop(request.get))

    def caller():
        request.set("r1")
        return drive(parallel([flow() for _ in range(4)], limit=2))

    assert contextvars.copy_context().run(caller) == [("r1", "r1")] * 4


async def test_cancelling_ends_all_parallel_flows():
    started, ended = [], []

    def flow(i):
        try:
            started.append(i)
            yield from perform(Step(lambda: None, asyncio.Event().wait))
        finally:
            ended.append(i)

    task = asyncio.create_task(arun(parallel([flow(i) for i in range(5)], limit=3)))
    while len(started) < 3:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (started, sorted(ended)) == ([0, 1, 2], [0, 1, 2])


def holding(lease, action):
    """A flow that performs a flow under a lease."""
    yield from lease.acquire()
    try:
        return (yield from action())
    finally:
        lease.release()


async def is_free(lease):
    """Whether the lease can be had; with a hang as the alternative."""
    return await asyncio.wait_for(arun(holding(lease, lambda: step(lambda: True))), TIMEOUT)


async def waiting(lease):
    """A task that waits for the lease, and says so as its result."""
    task = asyncio.create_task(arun(holding(lease, lambda: step(lambda: "had it"))))
    await asyncio.sleep(0)  # lets it take its place
    return task


async def test_only_one_of_many_threads_and_tasks_holds_a_lease():
    lease, inside, counted = Lease(), [], []

    def work():
        inside.append(1)
        yield from off_loop(lambda: None)
        counted.append(len(inside))
        inside.pop()

    with ThreadPoolExecutor(20) as pool:
        async with asyncio.timeout(TIMEOUT):
            tasks = [asyncio.create_task(arun(holding(lease, work))) for _ in range(20)]
            threads = [pool.submit(run, holding(lease, work)) for _ in range(20)]
            await asyncio.gather(*tasks, *map(asyncio.wrap_future, threads))
    assert counted == [1] * 40


def test_a_lease_is_handed_over_in_the_order_of_asking():
    lease, order = Lease(), []
    run(lease.acquire())

    def wait(place, step):
        step.blocking()
        order.append(place)
        lease.release()

    flows = [lease.acquire() for _ in range(4)]
    steps = [next(flow) for flow in flows]  # each takes its place here
    with ThreadPoolExecutor(4) as pool:
        for place in (3, 2, 1, 0):
            pool.submit(wait, place, steps[place])
        lease.release()
    assert order == [0, 1, 2, 3]


async def test_waiting_for_a_lease_does_not_block_the_event_loop():
    lease, held, loop_runs = Lease(), threading.Event(), threading.Event()

    def work():
        held.set()
        return (yield from step(lambda: loop_runs.wait(TIMEOUT)))

    thread = asyncio.create_task(asyncio.to_thread(run, holding(lease, work)))
    await asyncio.to_thread(held.wait, TIMEOUT)
    waiter = await waiting(lease)
    loop_runs.set()

    assert await thread
    assert await waiter == "had it"


async def test_a_crowd_of_waiting_tasks_leaves_the_holder_its_threads():
    lease = Lease()
    tasks = [arun(holding(lease, lambda: off_loop(lambda: 1))) for _ in range(200)]

    async with asyncio.timeout(TIMEOUT):
        assert sum(await asyncio.gather(*tasks)) == 200


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize("moment", ["before the grant", "with the grant", "at the grant"])
async def test_a_cancelled_waiter_neither_keeps_nor_steals_the_lease(moment, others):
    lease = Lease()
    await arun(lease.acquire())
    cancelled = await waiting(lease)
    following = [await waiting(lease) for _ in range(others)]

    match moment:
        case "before the grant":
            cancelled.cancel()
            await asyncio.wait([cancelled])
            assert not any(task.done() for task in following)
            lease.release()
        case "with the grant":  # cancelled, but it does not know yet
            cancelled.cancel()
            lease.release()
        case "at the grant":  # granted, but it does not know yet
            lease.release()
            cancelled.cancel()

    async with asyncio.timeout(TIMEOUT):
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        assert await asyncio.gather(*following) == ["had it"] * others
    assert await is_free(lease)


@pytest.mark.parametrize("granted", [False, True])
async def test_a_waiting_thread_that_is_interrupted_does_not_keep_the_lease(granted):
    lease = Lease()
    run(lease.acquire())
    interrupted = lease.acquire()
    next(interrupted)

    if granted:
        lease.release()
    with pytest.raises(KeyboardInterrupt):
        interrupted.throw(KeyboardInterrupt())
    if not granted:
        lease.release()
    assert await is_free(lease)
