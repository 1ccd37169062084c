"""Watching the processes that are stopped, and what each trial showed."""

import multiprocessing
import os
import random
import signal
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field

import stopping
from ledger import Ledger
from pace import Pace

# Children come from a process that has imported everything, and has no threads.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["stopping"])
PATIENCE = 180
"""Seconds without a sign of life after which a process is taken to hang."""
WHILE_OPENING = 0.15
"""Share of the kills that come while the memory is opened after another."""


@dataclass
class Trial:
    """A deed that was to be stopped.

    Attributes:
        deed: What it was.
        where: Where it was stopped; None if it had ended before.
        wrong: What is wrong with what was there after it, or before, a line each.
    """

    deed: str
    where: str | None = None
    wrong: list[str] = field(default_factory=list)


class Hung(Exception):
    """A process gives no sign of life, or has ended by itself."""


def kills(place, seed, many):
    """Kill processes at any moment, each of which goes on with what the last one left."""
    rng = random.Random(seed)
    ledger, pace = Ledger(uuid.uuid4().hex), Pace(rng)
    for number in range(many):
        with _process(place, stopping.until_killed, ledger, f"{seed} {number}") as (child, ear):
            deeds = 0 if number and rng.random() < WHILE_OPENING else rng.choice((1, 1, 2))
            ledger, deed, wrong = _follow(child, ear, deeds, pace)
            time.sleep(pace.moment(deed))
            child.kill()
            while (told := _hear(child, ear)) is not None:
                kind, (ledger, more) = told
                wrong, deed = wrong + more, None if kind != "begins" else deed
        yield Trial(deed or "between deeds", "killed" if deed else None, wrong)
    with _process(place, stopping.until_killed, ledger, f"{seed} end") as (child, ear):
        yield Trial("the end", None, _follow(child, ear, 1, pace)[2])


def in_process(victim, place, seed, many):
    """Stop calls within a process, one after the other."""
    with _process(place, victim, Ledger(uuid.uuid4().hex), seed, many) as (child, ear):
        for _ in range(many):
            while (told := _hear(child, ear))[0] != "stopped":
                pass
            yield Trial(*told[1])


def _follow(child, ear, deeds, pace):
    """Hear until so many deeds have begun; 0: until the memory is being opened."""
    wrong, deed, since = [], "opening", time.monotonic()
    while (told := _hear(child, ear)) is not None:
        kind, (ledger, more) = told
        wrong += more
        if kind == "failed":
            raise Hung("\n".join(wrong))
        if kind in ("examined", "ends"):
            pace.took(deed, time.monotonic() - since)
            continue
        since = time.monotonic()
        if kind == "begins":
            deed, deeds = ledger.underway.deed, deeds - 1
        if deeds == 0:
            return ledger, deed, wrong
    raise Hung(f"it ended by itself with {child.exitcode}")


def _hear(child, ear):
    """What the process tells next; None once it has ended."""
    if not ear.poll(PATIENCE):
        os.kill(child.pid, signal.SIGUSR1)  # it writes down where all its threads are
        time.sleep(2)
        raise Hung(f"no sign of life for {PATIENCE} s")
    try:
        return ear.recv()
    except EOFError:
        child.join()
        return None


@contextmanager
def _process(place, victim, *arguments):
    ear, mouth = PROCESSES.Pipe(duplex=False)
    child = PROCESSES.Process(target=victim, args=(mouth, place, *arguments))
    child.start()
    mouth.close()
    try:
        yield child, ear
    finally:
        child.kill()
        child.join()
        child.close()
        ear.close()
