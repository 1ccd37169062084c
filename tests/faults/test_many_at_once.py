"""Threads and coroutines that judge from a cold start while others align and forget.

A verdict given meanwhile may rest on what was known before a change or on what was known after it;
never on a part of what was learned together, and never on what was gone when it was asked for.
"""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes import CountingEmbeddings, feedback
from judge.bench import Bench

from langchain_memalign import Verdict
from langchain_memalign._stores.edge.store import EdgeStore

OLD, NEW, FORGOTTEN, K = 20, 30, 6, 5
THREADS, COROUTINES = 32, 200
SOON = 60


@pytest.fixture
def cold(tmp_path):
    """A memory of 20 learned episodes, opened anew."""
    warm = Bench(location=tmp_path / "memory")
    warm.judge.align([feedback(i) for i in range(OLD)])
    warm.memory.close()
    # All principles are shown, so that one that is missing is seen to be missing.
    bench = Bench(location=tmp_path / "memory", k=K, principle_tokens=100_000)
    yield bench
    bench.memory.close()


def case(number):
    return {key: feedback(number)[key] for key in ("inputs", "outputs")}


def words():
    """What is aligned meanwhile: batches of two, each learned in one piece."""
    return [[feedback(i), feedback(i + 1)] for i in range(OLD, OLD + NEW, 2)]


class Ledger:
    """What existed at all, in which pieces it came, and what was gone by when."""

    def __init__(self, bench):
        self.first = self.ever = ids(bench)
        self.pieces = []
        self.gone = frozenset()

    def aligned(self, report):
        piece = {p.id for p in report.principles_added}
        self.pieces.append(piece)
        self.ever = self.ever | piece | set(report.stored)

    def forgot(self, report):
        anew = {p.id for p in report.principles_redistilled}
        removed = frozenset(report.principles_removed) - anew
        self.gone = self.gone | removed | frozenset(report.episodes_removed)
        self.ever = self.ever | anew


def ids(bench):
    return {r.id for r in (*bench.judge.episodes(), *bench.judge.principles())}


def assert_whole(ledger, verdicts):
    """No verdict lacks what was there, or shows what never was or was gone already."""
    for verdict, gone in verdicts:
        assert isinstance(verdict, Verdict)
        shown = set(verdict.principle_ids)
        assert len(verdict.episode_ids) == K
        assert shown | set(verdict.episode_ids) <= ledger.ever
        assert not gone & (shown | set(verdict.episode_ids))
        assert verdict.principles_total == len(shown)
        for piece in ledger.pieces:
            assert piece <= shown or not piece & shown


def in_threads(bench, ledger, change):
    """Let 32 threads judge while one runs `change`; the verdicts, and what was gone before each."""
    start = threading.Barrier(THREADS + 1)

    def judge(number):
        start.wait(SOON)
        verdicts = []
        for i in range(4):
            gone = ledger.gone
            verdicts.append((bench.judge.invoke(case((number + i) % (OLD + NEW))), gone))
        return verdicts

    def work():
        start.wait(SOON)
        change()

    with ThreadPoolExecutor(THREADS + 1) as pool:
        judging = [pool.submit(judge, number) for number in range(THREADS)]
        changing = pool.submit(work)
        changing.result(SOON)
        return [verdict for future in judging for verdict in future.result(SOON)]


def test_32_threads_judge_from_a_cold_start_while_another_aligns(cold):
    ledger = Ledger(cold)

    def align():
        for pair in words():
            report = cold.judge.align(pair)
            ledger.aligned(report)
            # Whoever comes after it knows of it.
            shown = cold.judge.invoke(case(0)).principle_ids
            assert {p.id for p in report.principles_added} <= set(shown)

    verdicts = in_threads(cold, ledger, align)
    assert len(verdicts) == 4 * THREADS
    assert_whole(ledger, verdicts)
    assert all(v.principles_total >= OLD for v, _ in verdicts)
    assert cold.remarks(status="distilled") == sorted(f"Remark {i}." for i in range(OLD + NEW))
    assert sorted(cold.texts()) == sorted(f"Rule: Remark {i}." for i in range(OLD + NEW))


def test_32_threads_judge_from_a_cold_start_while_another_forgets(cold):
    ledger = Ledger(cold)

    def forget():
        for number in range(FORGOTTEN):
            report = cold.judge.forget([cold.id_of(f"Remark {number}.")])
            ledger.forgot(report)
            verdict = cold.judge.invoke(case(number))
            assert not ledger.gone & {*verdict.principle_ids, *verdict.episode_ids}

    verdicts = in_threads(cold, ledger, forget)
    assert_whole(ledger, verdicts)
    # What was learned in sight of what is forgotten is learned anew, and missing meanwhile.
    assert cold.remarks() == sorted(f"Remark {i}." for i in range(FORGOTTEN, OLD))
    assert sorted(cold.texts()) == sorted(f"Rule: Remark {i}." for i in range(FORGOTTEN, OLD))


def test_many_threads_align_and_none_of_their_words_is_lost(cold):
    cold.model.respond = _thinking(cold.model.respond)
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(cold.judge.align, words()))
    assert sum(len(report.stored) for report in reports) == NEW
    # Some learned what others had stored.
    assert sum(len(report.distilled) for report in reports) == NEW
    assert cold.judge.episodes(status="pending") == []
    assert sorted(cold.texts()) == sorted(f"Rule: Remark {i}." for i in range(OLD + NEW))


def _thinking(respond):
    def busy(request):
        sum(range(10_000))
        return respond(request)

    return busy


async def test_200_coroutines_judge_from_a_cold_start_while_others_align_and_forget(cold):
    ledger = Ledger(cold)
    forgotten = range(0, OLD, 4)

    async def judge(number):
        gone = ledger.gone
        return await cold.judge.ainvoke(case(number % (OLD + NEW))), gone

    async def align():
        for pair in words()[:6]:
            ledger.aligned(await cold.judge.aalign(pair))

    async def forget():
        for number in forgotten:
            ledger.forgot(await cold.judge.aforget([cold.id_of(f"Remark {number}.")]))

    *verdicts, _, _ = await asyncio.wait_for(
        asyncio.gather(*map(judge, range(COROUTINES)), align(), forget()), SOON
    )
    assert_whole(ledger, verdicts)
    left = [i for i in range(OLD + 12) if i not in forgotten]
    assert cold.remarks(status="distilled") == sorted(f"Remark {i}." for i in left)
    assert sorted(cold.texts()) == sorted(f"Rule: Remark {i}." for i in left)


async def test_threads_and_coroutines_share_a_judge(cold):
    def in_thread(number):
        return cold.judge.invoke(case(number))

    outcomes = await asyncio.gather(
        *(asyncio.to_thread(in_thread, number) for number in range(16)),
        *(cold.judge.ainvoke(case(number)) for number in range(16)),
        asyncio.to_thread(cold.judge.align, [feedback(100)]),
        cold.judge.aalign([feedback(101)]),
    )
    assert all(isinstance(outcome, Verdict) for outcome in outcomes[:32])
    assert len(cold.judge.episodes(status="distilled")) == OLD + 2


class Gate:
    """Blocks whoever passes in a thread, until the event loop opens it."""

    def __init__(self):
        self.entered, self.opened = threading.Event(), threading.Event()
        self.passed = []

    def before(self, call):
        def gated(*args, **options):
            self.entered.set()
            self.passed.append(self.opened.wait(SOON))
            return call(*args, **options)

        return gated


HELD = {
    "model": lambda bench: (type(bench.model), "_generate"),
    "embeddings": lambda bench: (CountingEmbeddings, "embed_documents"),
    "search": lambda bench: (EdgeStore, "nearest"),
    "read": lambda bench: (EdgeStore, "scan"),
    "write": lambda bench: (EdgeStore, "write"),
}


@pytest.mark.parametrize("held", HELD)
async def test_the_event_loop_runs_on_whatever_is_waited_for(cold, monkeypatch, held):
    gate, (owner, name) = Gate(), HELD[held](cold)
    monkeypatch.setattr(owner, name, gate.before(getattr(owner, name)))
    working = [
        asyncio.create_task(cold.judge.ainvoke(case(1))),
        asyncio.create_task(cold.judge.aalign([feedback(OLD)])),
        asyncio.create_task(cold.judge.aforget(where=lambda e: e.rationale == "Remark 0.")),
    ]
    while not gate.entered.is_set():
        await asyncio.sleep(0)
    # Only a loop that runs gets here while somebody waits at the gate.
    gate.opened.set()
    verdict, aligned, forgotten = await asyncio.gather(*working)
    assert gate.passed
    assert all(gate.passed)
    assert isinstance(verdict, Verdict)
    assert (len(aligned.distilled), len(forgotten.episodes_removed)) == (1, 1)


class Fetched(Mapping):
    """A case whose content has to be fetched, which blocks."""

    def __init__(self, fields, gate):
        self._fields, self._gate = fields, gate

    def __getitem__(self, name):
        return self._gate.before(self._fields.__getitem__)(name)

    def __iter__(self):
        return iter(self._fields)

    def __len__(self):
        return len(self._fields)


@pytest.mark.parametrize("call", ["ainvoke", "arecall"])
async def test_the_event_loop_runs_on_while_a_case_is_read(cold, call):
    gate = Gate()
    working = asyncio.create_task(getattr(cold.judge, call)(Fetched(case(1), gate)))
    while not gate.entered.is_set():
        await asyncio.sleep(0)
    gate.opened.set()
    await working
    assert gate.passed
    assert all(gate.passed)
