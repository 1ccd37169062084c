"""The alignment graph: the judge's own learning, a branch for each distilling call."""

import threading
from functools import partialmethod

import pytest
from fakes import HttpError, feedback, one_rule_a_record
from langgraph.types import Command

from langchain_memalign import (
    AlignmentReport,
    Feedback,
    InvalidInputError,
    create_alignment_graph,
    create_review_graph,
)
from langchain_memalign._judging.setup import JudgeSetup

from .cases import CASE, EDIT

NOON = "2026-01-01T12:00:00Z"
# Branches that run at once see what others of them have committed by then.
TIMES = {"created_at", "updated_at", "retired_at", "seconds", "sight"}


def batch_of(count):
    return [feedback(number, created_at=NOON) for number in range(count)]


def cut_into(monkeypatch, bench, records):
    """Let a distilling call, and so a branch, have this many records."""
    limited = partialmethod(JudgeSetup.context, batch_records=records)
    monkeypatch.setattr(JudgeSetup, "context", limited)


def without_times(value):
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in TIMES}
    return [without_times(item) for item in value] if isinstance(value, list | tuple) else value


def contents(bench):
    """All that a memory holds, apart from when it was written."""
    episodes = [e.model_dump(mode="json") for e in bench.judge.episodes()]
    principles = [p.model_dump(mode="json") for p in bench.memory.principles("tone", retired=True)]
    by_id = [sorted(records, key=lambda r: r["id"]) for records in (episodes, principles)]
    return without_times(by_id)


@pytest.mark.parametrize(("count", "records"), [(1, 50), (9, 2)])
async def test_it_learns_and_reports_what_the_judge_would(
    drive, make_bench, monkeypatch, count, records
):
    ours, theirs = make_bench(), make_bench()
    for bench in (ours, theirs):
        cut_into(monkeypatch, bench, records)
        bench.judge.align([feedback(0, created_at=NOON, rationale="An older remark.")])
    given = [*batch_of(count), {"outputs": "no word"}]

    state = await drive.invoke(create_alignment_graph(ours.judge), {"feedback": given})

    expected = theirs.judge.align(given)
    report = AlignmentReport.of(state["alignment"])
    assert without_times(state["alignment"]) == without_times(expected.model_dump(mode="json"))
    assert contents(ours) == contents(theirs)
    assert ours.calls() == theirs.calls()
    assert len(report.distilled) == count
    assert len(report.overwritten) == len(report.rejected) == 1


async def test_many_batches_are_as_many_branches(drive, make_bench, monkeypatch):
    bench = make_bench()
    cut_into(monkeypatch, bench, 1)
    graph = create_alignment_graph(bench.judge)

    chunks = await drive.stream(graph, {"feedback": batch_of(20)}, stream_mode="updates")

    names = [name for chunk in chunks for name in chunk]
    assert names == ["store_feedback", *["learn_batch"] * 20, "report"]
    assert len(bench.texts()) == 20
    assert len(bench.model.titled("principles")) == 20


async def test_progress_is_streamed(drive, make_bench, monkeypatch):
    bench = make_bench()
    cut_into(monkeypatch, bench, 2)
    graph = create_alignment_graph(bench.judge)

    chunks = await drive.stream(graph, {"feedback": batch_of(5)}, stream_mode="custom")

    told = [chunk["memalign_progress"] for chunk in chunks]
    assert sorted(event["done"] for event in told) == [event["done"] for event in told]
    assert (len(told), told[0]["done"], told[-1]["done"]) == (4, 0, 5)
    assert {(event["judge"], event["total"]) for event in told} == {("tone", 5)}


async def test_a_review_tells_the_same_progress(drive, bench, saver, thread):
    graph = create_review_graph(bench.judge, checkpointer=saver)
    await drive.invoke(graph, CASE, thread)

    chunks = await drive.stream(graph, Command(resume=EDIT), thread, stream_mode="custom")

    told = [chunk["memalign_progress"] for chunk in chunks]
    assert told == [{"judge": "tone", "done": done, "total": 1} for done in (0, 1)]


async def test_values_are_streamed_step_by_step(drive, bench):
    graph = create_alignment_graph(bench.judge)

    steps = await drive.stream(graph, {"feedback": batch_of(1)}, stream_mode="values")

    assert ["batches" in step for step in steps] == [False, True, True, True]
    assert [len(step.get("learned", [])) for step in steps] == [0, 0, 1, 1]
    assert steps[-1]["alignment"]["stored"] == [steps[1]["batches"][0][0]]


async def test_progress_is_also_a_langchain_event(bench):
    graph = create_alignment_graph(bench.judge)
    given = {"feedback": batch_of(1)}
    events = [event async for event in graph.astream_events(given, version="v2")]
    told = [e["data"] for e in events if e["event"] == "on_custom_event"]
    assert told == [{"judge": "tone", "done": done, "total": 1} for done in (0, 1)]


async def test_a_failing_batch_waits_while_others_are_learned(
    drive, make_bench, monkeypatch, saver, thread
):
    bad = {"Remark 3."}

    def respond(request):
        return (
            HttpError(400) if any(b in request.prompt for b in bad) else one_rule_a_record(request)
        )

    bench = make_bench(respond)
    cut_into(monkeypatch, bench, 1)
    graph = create_alignment_graph(bench.judge, checkpointer=saver)

    state = await drive.invoke(graph, {"feedback": batch_of(6)}, thread)

    report = AlignmentReport.of(state["alignment"])
    assert [p.episode_id for p in report.pending] == [bench.id_of("Remark 3.")]
    assert bench.remarks("pending") == ["Remark 3."]
    assert len(report.distilled) == len(bench.texts()) == 5
    bad.clear()

    state = await drive.invoke(graph, {}, thread)  # takes up what waits

    report = AlignmentReport.of(state["alignment"])
    assert report.distilled == (bench.id_of("Remark 3."),)
    assert (report.stored, report.unchanged, report.rejected) == ((), (), ())
    assert bench.remarks("pending") == []


async def test_the_same_feedback_again_costs_nothing(drive, bench, saver, thread):
    graph = create_alignment_graph(bench.judge, checkpointer=saver)
    await drive.invoke(graph, {"feedback": batch_of(3)}, thread)
    before = bench.calls()

    state = await drive.invoke(graph, {"feedback": batch_of(3)}, thread)

    report = AlignmentReport.of(state["alignment"])
    assert len(report.unchanged) == 3
    assert (report.stored, report.distilled, report.principles_added) == ((), (), ())
    assert bench.calls() == before


async def test_feedback_objects_become_json_in_the_state(drive, bench):
    said = [Feedback(outputs="a", rationale="Be kind.")]
    state = await drive.invoke(create_alignment_graph(bench.judge), {"feedback": said})
    assert state["feedback"] == [said[0].model_dump(mode="json")]
    assert len(state["alignment"]["stored"]) == 1


@pytest.mark.parametrize("given", ["Be kind.", {"outputs": "a", "value": True}, 5])
async def test_feedback_that_is_no_list_is_told(drive, bench, given):
    with pytest.raises(InvalidInputError, match="expected a list of Feedback"):
        await drive.invoke(create_alignment_graph(bench.judge), {"feedback": given})


async def test_unusable_feedback_is_rejected_alone(drive, bench):
    given = [{"outputs": "a", "value": "perhaps"}, "text", *batch_of(1), {"outputs": 5, "value": 1}]

    state = await drive.invoke(create_alignment_graph(bench.judge), {"feedback": given})

    report = AlignmentReport.of(state["alignment"])
    assert [index for index, _ in report.rejected] == [0, 1, 3]
    assert len(report.distilled) == 1


class Gauge:
    """Counts how many model calls are at work at the same time."""

    def __init__(self):
        self.now = self.most = 0
        self.lock = threading.Lock()

    def __enter__(self):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_):
        with self.lock:
            self.now -= 1


async def test_branches_at_the_same_time_are_bounded(drive, make_bench, monkeypatch):
    gauge, all_came = Gauge(), threading.Event()

    def respond(request):
        with gauge:
            # Until as many as are allowed have come, with a moment for one too many to show up.
            if gauge.now == 3:
                all_came.set()
            all_came.wait(0.2)
            return one_rule_a_record(request)

    bench = make_bench(respond)
    cut_into(monkeypatch, bench, 1)
    graph = create_alignment_graph(bench.judge)

    await drive.invoke(graph, {"feedback": batch_of(8)}, {"max_concurrency": 3})

    assert gauge.most == 3
    assert graph.config["max_concurrency"] == 32  # unless a run says otherwise
