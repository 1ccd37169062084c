"""What both sides are asked to do, and how it is timed; the same for either."""

import asyncio
import json
import os
import random
import resource
import statistics
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import shared_data

NAME = "tone"
INSTRUCTIONS = "Is the reply appropriate for an upset customer?"
DIMENSIONS = 512
CHAT_MODEL, EMBEDDING_MODEL = "gpt-4.1-mini", "text-embedding-3-small"
WORDS = ["parcel", "late", "refund", "courier", "invoice", "broken", "promise", "week", "street"]
REAL_JUDGED = 20
"""How many real cases are judged for their prompts."""
TIMES = 12
"""Judgements of each kind that are timed."""


def record(number):
    """A remark of an expert, of the length that such remarks have."""
    rng = random.Random(number)
    said = " ".join(rng.choices(WORDS, k=30))
    return {
        "inputs": {"question": f"Case {number}: {said}?"},
        "outputs": {"answer": f"Reply {number}: {' '.join(rng.choices(WORDS, k=40))}."},
        "value": bool(number % 2),
        "rationale": f"Remark {number}: {' '.join(rng.choices(WORDS, k=12))}.",
    }


def real(name):
    """A real data set: what to teach, and what to judge."""
    return (
        shared_data.rows(shared_data.FOLDER, name, "train")[:50],
        shared_data.rows(shared_data.FOLDER, name, "test")[:REAL_JUDGED],
    )


class Timed:
    """Seconds of wall and of CPU of a block."""

    def __enter__(self):
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        self.wall = time.perf_counter() - self._wall
        self.cpu = time.process_time() - self._cpu


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def judgements(judge_one, chat_seconds):
    """Milliseconds of one judgement beyond its chat call: back to back, and at random arrivals.

    And how many connections they took, all in all.
    """
    judge_one(record(10_000))  # connections are open from here on
    rng = random.Random(1)

    def beyond(pause):
        spent = []
        for number in range(TIMES):
            if pause:
                time.sleep(rng.uniform(0.02, 0.3))
            with Timed() as timed:
                judge_one(record(20_000 + number))
            spent.append((timed.wall - chat_seconds) * 1000)
        return statistics.median(spent)

    found = {"back to back": beyond(pause=False), "random arrivals": beyond(pause=True)}
    return found | {"connections": counts()["connections"]}


CALLS, AT_ONCE = 64, 16
"""Judgements that are wanted at the same time, and how many of them run side by side."""


def many_at_once(judge_one):
    """Seconds of many judgements on threads."""
    with ThreadPoolExecutor(AT_ONCE) as pool, Timed() as timed:
        list(pool.map(judge_one, records(30_000)))
    return timed.wall


def many_awaited(judge, case):
    """Seconds of many judgements on one event loop: each awaited alone, and as a batch."""

    async def side_by_side(most, first):
        turn = asyncio.Semaphore(most)

        async def one(said):
            async with turn:
                await judge.ainvoke(case(said))

        with Timed() as timed:
            await asyncio.gather(*map(one, records(first)))
        return timed.wall

    async def runs():
        await judge.ainvoke(case(record(80_000)))  # its clients are there from here on
        awaited = await side_by_side(AT_ONCE, 40_000)
        at_once = await side_by_side(CALLS, 50_000)
        with Timed() as abatch:
            await judge.abatch([*map(case, records(60_000))], {"max_concurrency": AT_ONCE})
        return {"awaited": awaited, "at_once": at_once, "abatch": abatch.wall}

    return asyncio.run(runs())


def as_batch(judge, case):
    """Seconds of many judgements as a batch on threads."""
    with Timed() as timed:
        judge.batch([*map(case, records(70_000))], {"max_concurrency": AT_ONCE})
    return timed.wall


def records(first):
    return map(record, range(first, first + CALLS))


def counts():
    """What the endpoint has counted since this process began."""
    url = os.environ["OPENAI_BASE_URL"].rpartition("/v1")[0]
    with urllib.request.urlopen(f"{url}/counts") as reply:
        return json.load(reply)


def told(**figures):
    """Hand figures to the process that started this one."""
    print("\nFIGURES " + json.dumps(figures), flush=True)
