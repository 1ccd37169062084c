"""An alignment that was killed: the memory, not the checkpoint, tells what is done."""

import itertools
import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from functools import partialmethod
from pathlib import Path

import pytest
from fakes import CountingEmbeddings, feedback

from langchain_memalign import AlignmentReport, Principle, create_alignment_graph
from langchain_memalign._judging.setup import JudgeSetup

TESTS = Path(__file__).parent.parent


class Killed(BaseException):
    """What no code may catch, as when a process ends."""


def batch_of(count):
    return {"feedback": [feedback(number) for number in range(count)]}


@pytest.fixture
def one_by_one(make_bench, monkeypatch):
    """Make a bench on which each record is a branch of its own."""

    def make(**options):
        bench = make_bench(**options)
        one = partialmethod(JudgeSetup.context, batch_records=1)
        monkeypatch.setattr(JudgeSetup, "context", one)
        return bench

    return make


@pytest.fixture
def dying(one_by_one, monkeypatch):
    """Make a bench on which one branch is killed between its model call and its commit.

    It waits until `others` branches are committed; `deadly` holds the remark that kills.
    """

    def make(remark, *, others):
        deadly, committed = {f"Rule: {remark}"}, threading.Event()

        def fail(text):
            if text in deadly:
                assert committed.wait(30)
                raise Killed

        bench = one_by_one(embeddings=CountingEmbeddings(fail=fail))
        transact, count = bench.memory.records.transact, itertools.count(1)

        def counted(plan):
            planned = []

            def noted():
                changes, said = plan()
                planned.extend(changes)
                return changes, said

            said = transact(noted)
            learned = any(
                isinstance(getattr(change, "record", None), Principle) for change in planned
            )
            if learned and next(count) >= others:
                committed.set()
            return said

        monkeypatch.setattr(bench.memory.records, "transact", counted)
        if not others:
            committed.set()
        return bench, deadly

    return make


def times_distilled(bench):
    """How often each remark was sent to be distilled."""
    records = [
        record
        for request in bench.model.titled("principles")
        for record in re.findall(r"<record .*?</record>", request.prompt, re.DOTALL)
    ]
    return Counter(remark for text in records for remark in re.findall(r"Remark \d+\.", text))


async def test_a_resumed_alignment_repeats_no_learned_batch(drive, dying, saver, thread):
    bench, deadly = dying("Remark 2.", others=4)
    graph = create_alignment_graph(bench.judge, checkpointer=saver)

    with pytest.raises(Killed):
        await drive.invoke(graph, batch_of(5), thread)
    assert bench.remarks("pending") == ["Remark 2."]
    deadly.clear()
    state = await drive.invoke(graph, None, thread)

    once = {f"Remark {number}.": 1 for number in range(5)}
    assert times_distilled(bench) == {**once, "Remark 2.": 2}
    report = AlignmentReport.of(state["alignment"])
    assert len(report.stored) == len(report.distilled) == len(report.principles_added) == 5
    assert report.pending == ()
    assert sorted(bench.texts()) == [f"Rule: Remark {number}." for number in range(5)]


async def test_what_the_checkpoint_forgot_the_memory_knows(drive, one_by_one, saver, thread):
    bench = one_by_one()
    graph = create_alignment_graph(bench.judge, checkpointer=saver)
    await drive.invoke(graph, batch_of(4), thread)
    before, texts = bench.calls(), bench.texts()
    # As if all branches had committed and the process had died before any of them was saved.
    history = list(graph.get_state_history(thread))
    branching = next(s for s in history if s.next == ("learn_batch",) * 4)

    state = await drive.invoke(graph, None, branching.config)

    report = AlignmentReport.of(state["alignment"])
    assert set(report.distilled) == set(report.stored) == {e.id for e in bench.judge.episodes()}
    assert sorted(p.text for p in report.principles_added) == sorted(texts)
    assert bench.texts() == texts
    # Only the comparison of the new principles with each other is asked for again.
    assert bench.calls() == (before[0] + 1, before[1])


async def test_what_was_learned_by_others_meanwhile_is_not_repeated(drive, dying, saver, thread):
    bench, deadly = dying("Remark 1.", others=0)
    graph = create_alignment_graph(bench.judge, checkpointer=saver)
    with pytest.raises(Killed):
        await drive.invoke(graph, batch_of(2), thread)
    deadly.clear()
    bench.judge.align([])
    before = times_distilled(bench)

    state = await drive.invoke(graph, None, thread)

    assert times_distilled(bench) == before
    assert len(state["alignment"]["distilled"]) == 2


async def test_what_was_forgotten_meanwhile_stays_forgotten(drive, dying, saver, thread):
    bench, deadly = dying("Remark 1.", others=0)
    graph = create_alignment_graph(bench.judge, checkpointer=saver)
    with pytest.raises(Killed):
        await drive.invoke(graph, batch_of(2), thread)
    deadly.clear()
    gone = bench.id_of("Remark 1.")
    bench.judge.forget([gone])

    state = await drive.invoke(graph, None, thread)

    assert gone not in state["alignment"]["distilled"]
    assert bench.remarks() == ["Remark 0."]
    assert bench.texts() == ["Rule: Remark 0."]


PROCESS = """
import json, os, signal, sys, threading
from functools import partialmethod
from langchain_memalign._judging.setup import JudgeSetup

from fakes import one_rule_a_record, feedback
from judge.bench import Bench
from langchain_memalign import create_alignment_graph

location, deadly = sys.argv[1], sys.argv[2]
bench = None

def respond(request):
    if deadly and deadly in request.prompt:
        while len(bench.judge.episodes("distilled")) < 4:
            threading.Event().wait(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
    return one_rule_a_record(request)

bench = Bench(respond, location=location)
JudgeSetup.context = partialmethod(JudgeSetup.context, batch_records=1)
graph = create_alignment_graph(bench.judge)
state = graph.invoke({"feedback": [feedback(number) for number in range(5)]})
sent = [request.prompt for request in bench.model.titled("principles")]
print(json.dumps({"report": state["alignment"], "sent": sent, "texts": bench.texts()}))
bench.memory.close()
"""


@pytest.mark.slow
def test_after_kill_9_only_the_rest_is_learned(tmp_path):
    def run(deadly):
        return subprocess.run(
            [sys.executable, "-c", PROCESS, str(tmp_path / "memory"), deadly],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=TESTS,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])},
        )

    assert run("Remark 2.").returncode == -9
    second = run("")

    assert second.returncode == 0, second.stderr
    found = json.loads(second.stdout)
    assert len(found["report"]["unchanged"]) == 5
    assert len(found["report"]["distilled"]) == len(found["sent"]) == 1
    assert "Remark 2." in found["sent"][0]
    assert sorted(found["texts"]) == [f"Rule: Remark {number}." for number in range(5)]
