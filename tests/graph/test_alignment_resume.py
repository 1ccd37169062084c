"""An alignment that was killed: the memory, not the checkpoint, tells what is done."""

import json
import os
import re
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest
from fakes import feedback, one_rule_a_record

from langchain_memalign import AlignmentReport, create_alignment_graph

TESTS = Path(__file__).parent.parent


class Killed(BaseException):
    """What no code may catch, as when a process ends."""


def batch_of(count):
    return {"feedback": [feedback(number) for number in range(count)]}


@pytest.fixture
def one_by_one(make_bench, monkeypatch):
    """Make a bench on which each record is a branch of its own."""

    def make(respond):
        bench = make_bench(respond)
        learner = partial(bench.judge.flows.learner, batch_records=1)
        monkeypatch.setattr(bench.judge.flows, "learner", learner)
        return bench

    return make


def distilled_records(bench):
    """How often each remark was sent to be distilled."""
    prompts = [request.prompt for request in bench.model.titled("principles")]
    sent = [remark for prompt in prompts for remark in re.findall(r"Remark \d+\.", prompt)]
    return {remark: sent.count(remark) for remark in sent}


async def test_a_resumed_alignment_repeats_no_learned_batch(drive, one_by_one, saver, thread):
    fatal, learned = {"Remark 2."}, threading.Event()

    def respond(request):
        if any(remark in request.prompt for remark in fatal):
            learned.wait(10)  # the others are committed when this one dies
            raise Killed
        return one_rule_a_record(request)

    bench = one_by_one(respond)
    graph = create_alignment_graph(bench.judge, checkpointer=saver)
    watch(bench, learned, count=4)

    with pytest.raises(Killed):
        await drive.invoke(graph, batch_of(5), thread)
    assert bench.remarks("pending") == ["Remark 2."]
    fatal.clear()
    state = await drive.invoke(graph, None, thread)

    assert distilled_records(bench) == {
        **{f"Remark {number}.": 1 for number in range(5)},
        "Remark 2.": 2,
    }
    report = AlignmentReport.of(state["alignment"])
    assert len(report.stored) == len(report.distilled) == len(report.principles_added) == 5
    assert report.pending == ()
    assert sorted(bench.texts()) == [f"Rule: Remark {number}." for number in range(5)]


def watch(bench, learned, *, count):
    """Set `learned` once that many principles are written."""
    flows = bench.memory.flows
    write = flows._store.write
    written = []

    def counted(points, **options):
        result = yield from write(points, **options)
        written.extend(point for point in points if point.kind == "principle")
        if len(written) >= count:
            learned.set()
        return result

    flows._store.write = counted


async def test_what_the_checkpoint_forgot_the_memory_knows(drive, one_by_one, saver, thread):
    bench = one_by_one(one_rule_a_record)
    graph = create_alignment_graph(bench.judge, checkpointer=saver)
    await drive.invoke(graph, batch_of(4), thread)
    before, texts = bench.calls(), bench.texts()
    # As if all branches had committed and the process had died before any of them was saved.
    history = list(graph.get_state_history(thread))
    branching = next(s for s in history if s.next == ("learn_batch",) * 4)

    state = await drive.invoke(graph, None, branching.config)

    report = AlignmentReport.of(state["alignment"])
    ids = {episode.id for episode in bench.judge.episodes()}
    assert set(report.distilled) == set(report.stored) == ids
    assert [p.text for p in report.principles_added] == texts == bench.texts()
    # Only the comparison of the new principles with each other is asked for again.
    assert bench.calls() == (before[0] + 1, before[1])


async def test_what_was_forgotten_meanwhile_stays_forgotten(drive, one_by_one, saver, thread):
    refusing = [True]

    def respond(request):
        if refusing and "Remark 1." in request.prompt:
            raise Killed
        return one_rule_a_record(request)

    bench = one_by_one(respond)
    graph = create_alignment_graph(bench.judge, checkpointer=saver)
    with pytest.raises(Killed):
        await drive.invoke(graph, batch_of(2), thread)
    refusing.clear()
    gone = bench.id_of("Remark 1.")
    bench.judge.forget([gone])

    state = await drive.invoke(graph, None, thread)

    assert gone not in state["alignment"]["distilled"]
    assert bench.remarks() == ["Remark 0."]
    assert "Remark 1." not in distilled_records(bench) or len(bench.texts()) == 1


PROCESS = """
import json, os, signal, sys, threading
from functools import partial

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
bench.judge.flows.learner = partial(bench.judge.flows.learner, batch_records=1)
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
