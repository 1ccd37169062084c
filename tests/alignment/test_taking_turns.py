"""Who works when: one aligner a judge, judges side by side, no more calls at once than allowed."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes import feedback, one_rule_a_record

SOON = 20  # seconds until a test that hangs is a test that fails


class Gate:
    """Holds a model's calls back until it is opened; tells when the first has come."""

    def __init__(self):
        self.reached = threading.Event()
        self.opened = threading.Event()

    def respond(self, request):
        self.reached.set()
        assert self.opened.wait(SOON)
        return one_rule_a_record(request)


def test_a_second_alignment_of_a_judge_waits_for_the_first(make_bench):
    gate = Gate()
    bench = make_bench(gate.respond)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(bench.judge.align, [feedback(1)])
        assert gate.reached.wait(SOON)
        second = pool.submit(bench.judge.align, [feedback(1), feedback(2)])
        gate.opened.set()
        assert len(first.result(SOON).distilled) == 1
        # It came second: what the first had learned was there already.
        report = second.result(SOON)
    assert (len(report.unchanged), len(report.distilled)) == (1, 1)
    assert [len(r.record_ids) for r in bench.model.requests] == [1, 1]


def test_forgetting_waits_for_an_alignment_and_then_erases_what_that_learned(make_bench):
    gate = Gate()
    bench = make_bench(gate.respond)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(bench.judge.align, [feedback(1), feedback(2)])
        assert gate.reached.wait(SOON)
        second = pool.submit(bench.judge.forget, where=lambda e: e.rationale == "Remark 1.")
        gate.opened.set()
        assert len(first.result(SOON).distilled) == 2
        # Both were distilled in sight of it; the other one is learned anew.
        assert len(second.result(SOON).principles_removed) == 2
    assert bench.texts(retired=True) == ["Rule: Remark 2."]


def test_a_judge_answers_while_it_is_being_aligned(make_bench):
    gate = Gate()

    def respond(request):
        return one_rule_a_record(request) if request.title == "verdict" else gate.respond(request)

    bench = make_bench(respond)
    with ThreadPoolExecutor(1) as pool:
        aligning = pool.submit(bench.judge.align, [feedback(1)])
        assert gate.reached.wait(SOON)
        assert bench.judge.invoke({"inputs": "?", "outputs": "!"}).principle_ids == ()
        gate.opened.set()
        aligning.result(SOON)
    assert len(bench.judge.invoke({"inputs": "?", "outputs": "!"}).principle_ids) == 1


def test_two_judges_of_one_memory_align_at_once_and_independently(make_bench):
    together = threading.Barrier(2)

    def respond(request):
        together.wait(SOON)
        return one_rule_a_record(request)

    bench = make_bench(respond)
    other = bench.judge_named("other")
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(bench.judge.align, [feedback(1)])
        two = pool.submit(other.align, [feedback(2)])
        one.result(SOON), two.result(SOON)
    assert bench.remarks() == ["Remark 1."]
    assert [e.rationale for e in other.episodes()] == ["Remark 2."]
    assert [p.text for p in other.principles()] == ["Rule: Remark 2."]


async def test_two_judges_align_at_once_on_one_event_loop(make_bench):
    together = threading.Barrier(2)

    def respond(request):
        together.wait(SOON)
        return one_rule_a_record(request)

    bench = make_bench(respond)
    other = bench.judge_named("other")
    await asyncio.gather(bench.judge.aalign([feedback(1)]), other.aalign([feedback(2)]))
    assert bench.remarks() == ["Remark 1."]
    assert len(await other.aprinciples()) == 1


class Turnstile:
    """A model whose distilling calls go on in groups; tells how many were in at the most."""

    def __init__(self, group):
        self._group = group
        self._barrier = threading.Barrier(group)
        self._lock = threading.Lock()
        self._inside = 0
        self.most = 0

    def respond(self, request):
        if request.title == "decisions":
            return one_rule_a_record(request)
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)
        self._barrier.wait(SOON)
        for _ in range(1_500_000):  # some work, during which one too many would come in
            if self.most > self._group:
                break
        with self._lock:
            self._inside -= 1
        return one_rule_a_record(request)


@pytest.mark.parametrize("allowed", [1, 2, 6])
def test_max_concurrency_batches_are_at_work_at_once_and_no_more(make_bench, allowed):
    turnstile = Turnstile(allowed)
    bench = make_bench(turnstile.respond)
    report = bench.judge.align([feedback(i) for i in range(300)], max_concurrency=allowed)
    assert len(report.distilled) == 300
    assert len(bench.model.titled("principles")) == 6
    assert turnstile.most == allowed


@pytest.mark.parametrize("allowed", [1, 3])
async def test_max_concurrency_holds_on_the_event_loop_too(make_bench, allowed):
    turnstile = Turnstile(allowed)
    bench = make_bench(turnstile.respond)
    report = await bench.judge.aalign([feedback(i) for i in range(300)], max_concurrency=allowed)
    assert len(report.distilled) == 300
    assert turnstile.most == allowed


async def test_a_cancelled_alignment_keeps_the_feedback_and_gives_its_place_up(make_bench):
    gate = Gate()
    bench = make_bench(gate.respond)
    task = asyncio.create_task(bench.judge.aalign([feedback(1)]))
    assert await asyncio.to_thread(gate.reached.wait, SOON)
    waiting = asyncio.create_task(bench.judge.aalign([feedback(2)]))
    task.cancel()
    gate.opened.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    report = await asyncio.wait_for(waiting, SOON)
    assert len(report.distilled) == 2
    assert bench.remarks(status="distilled") == ["Remark 1.", "Remark 2."]


async def test_who_is_cancelled_while_waiting_does_not_block_the_next(make_bench):
    gate = Gate()
    bench = make_bench(gate.respond)
    first = asyncio.create_task(bench.judge.aalign([feedback(1)]))
    assert await asyncio.to_thread(gate.reached.wait, SOON)
    second = asyncio.create_task(bench.judge.aalign([feedback(2)]))
    third = asyncio.create_task(bench.judge.aforget(reviewer="nobody"))
    await asyncio.sleep(0)
    second.cancel()
    gate.opened.set()
    await asyncio.wait_for(asyncio.gather(first, third), SOON)
    assert second.cancelled()


def test_an_alignment_that_raises_gives_its_place_up(make_bench):
    def interrupted(request):
        raise KeyboardInterrupt

    bench = make_bench(interrupted)
    with pytest.raises(KeyboardInterrupt):
        bench.judge.align([feedback(1)])
    bench.model.respond = one_rule_a_record
    assert len(bench.judge.align([]).distilled) == 1


@pytest.mark.parametrize("unusable", [0, -1, 2.5, True, "4", None])
def test_an_unusable_max_concurrency_is_an_error(bench, unusable):
    from langchain_memalign import InvalidInputError

    with pytest.raises(InvalidInputError, match="max_concurrency"):
        bench.judge.align([feedback(1)], max_concurrency=unusable)
    assert bench.judge.episodes() == []
