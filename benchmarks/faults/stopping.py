"""Processes that do deeds and are stopped: killed from without, cancelled, or interrupted."""

import asyncio
import faulthandler
import random
import signal
import time
import traceback

from deeds import Deeds, Typed, Unfinished, heed_signals
from examining import examine
from pace import Pace

import langchain_memalign.cli.program  # noqa: F401 (an import that is interrupted is not made up for)
from langchain_memalign._offline import LocalEmbeddings

# Loaded once, in the process that all others are forked from.
LocalEmbeddings().embed_query("warm")
AT_ONCE = 8
"""Steps of the event loop after which some are cancelled, at the most."""


def _enter(place):
    place.enter()
    faulthandler.register(signal.SIGUSR1, file=place.root.joinpath("stacks.txt").open("a"))


def until_killed(pipe, place, ledger, seed):
    """Look at what the last one left, then do one deed after the other; tells of each."""
    _enter(place)
    try:
        pipe.send(("opens", (ledger, [])))
        wrong = examine(place, ledger)
        pipe.send(("examined", (ledger, wrong)))
        deeds = Deeds(place, ledger, random.Random(seed), awaitable=False)
        while True:
            judge = place.open()
            promise, work = deeds.draw(judge)
            if isinstance(work, Typed):
                judge.memory.close()
            ledger.begin(promise)
            pipe.send(("begins", (ledger, [])))
            work.blocking()
            ledger.end()
            pipe.send(("ends", (ledger, [])))
            judge.memory.close()
    except Exception:
        pipe.send(("failed", (ledger, [f"failed: {traceback.format_exc()}"])))


def interrupted(pipe, place, ledger, seed, many):
    """Do deeds, and raise SIGINT at some moment of each."""
    _enter(place)
    rng = random.Random(seed)
    pace, deeds = Pace(rng), Deeds(place, ledger, rng, awaitable=False)
    rang = []

    def ring(*_):
        rang.append(time.monotonic())
        signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGALRM, ring)
    heed_signals()
    for _ in range(many):
        rang.clear()
        judge = place.open()
        promise, work = deeds.draw(judge)
        if isinstance(work, Typed):
            judge.memory.close()
        ledger.begin(promise)
        pipe.send(("begins", ledger))
        wrong, where, delay, started = [], None, pace.moment(promise.deed), time.monotonic()
        try:
            try:
                signal.setitimer(signal.ITIMER_REAL, delay)
                work.blocking()
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt as error:
            where = _place_of(error)
        except Unfinished as error:
            if not rang:
                wrong.append(f"failed: {error}")
        except Exception as error:
            if isinstance(error.__context__, KeyboardInterrupt):
                where = _place_of(error)  # Python's own locks turn it into an error of theirs
            else:
                wrong.append(f"failed: {traceback.format_exc()}")
        heed_signals()
        if rang and isinstance(work, Typed):
            where = "the command"  # which ends as if its work were left
        if where is None and not wrong:
            pace.took(promise.deed, time.monotonic() - started)
            ledger.end()
        else:
            pace.outlasted(promise.deed, delay)
        if not isinstance(work, Typed):
            wrong += examine(place, ledger, opened=judge)
            judge.memory.close()
        wrong += examine(place, ledger)
        pipe.send(("stopped", (promise.deed, where, wrong)))


def cancelled(pipe, place, ledger, seed, many):
    """Do deeds on an event loop, and cancel each at some moment."""
    _enter(place)
    asyncio.run(_cancelling(pipe, place, ledger, random.Random(seed), many))


async def _cancelling(pipe, place, ledger, rng, many):
    pace, deeds = Pace(rng), Deeds(place, ledger, rng, awaitable=True)
    for _ in range(many):
        judge = await asyncio.to_thread(place.open)
        promise, work = await asyncio.to_thread(deeds.draw, judge)
        ledger.begin(promise)
        pipe.send(("begins", ledger))
        delay, at_once = pace.moment(promise.deed), rng.random() < 0.3
        wrong, where, started = [], None, time.monotonic()
        task = asyncio.create_task(work.awaited())
        if at_once:
            for _ in range(rng.randint(1, AT_ONCE)):
                await asyncio.sleep(0)
        else:
            await asyncio.wait([task], timeout=delay)
        at = _awaits(task)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            where = at
        except Exception:
            wrong.append(f"failed: {traceback.format_exc()}")
        if where is None and not wrong:
            pace.took(promise.deed, time.monotonic() - started)
            ledger.end()
        elif not at_once:
            pace.outlasted(promise.deed, delay)
        wrong += await asyncio.to_thread(examine, place, ledger, opened=judge)
        await judge.memory.aclose()
        wrong += await asyncio.to_thread(examine, place, ledger)
        pipe.send(("stopped", (promise.deed, where, wrong)))


def _awaits(task):
    """Where a task waits: file and line of the innermost coroutine."""
    at, found = task.get_coro(), "its begin"
    while at is not None:
        frame = getattr(at, "cr_frame", None) or getattr(at, "gi_frame", None)
        if frame is not None and "langchain_memalign" in frame.f_code.co_filename:
            found = (
                f"{frame.f_code.co_filename.rpartition('langchain_memalign/')[2]}:{frame.f_lineno}"
            )
        at = getattr(at, "cr_await", None) or getattr(at, "gi_yieldfrom", None)
    return found


def _place_of(error):
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "langchain_memalign/" in f.filename] or frames
    return f"{ours[-1].filename.rpartition('langchain_memalign/')[2]}:{ours[-1].lineno}"
