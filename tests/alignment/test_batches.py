"""How many records one distilling call is given."""

import datetime as dt
import re
import threading

import pytest
from fakes import feedback, one_rule_a_record
from langchain_core.callbacks import BaseCallbackHandler


def batches(bench, words):
    bench.judge.align(words, max_concurrency=1)
    return [len(request.record_ids) for request in bench.model.titled("principles")]


@pytest.mark.parametrize(
    ("records", "sizes"),
    [(1, [1]), (50, [50]), (51, [25, 26]), (101, [33, 34, 34]), (300, [50] * 6)],
)
def test_short_records_come_fifty_at_a_time_spread_evenly(bench, records, sizes):
    assert sorted(batches(bench, [feedback(i) for i in range(records)])) == sizes


def test_long_records_come_fewer_at_a_time(bench):
    long = "word " * 1000
    sizes = batches(bench, [feedback(i, inputs=f"Question {i}: {long}") for i in range(40)])
    assert sum(sizes) == 40
    assert max(sizes) - min(sizes) <= 1
    prompts = [len(request.prompt) / 4 for request in bench.model.titled("principles")]
    assert len(prompts) == 2
    assert max(prompts) < 48_000


def test_a_few_long_records_among_short_ones_share_a_batch(bench):
    words = [feedback(i, inputs=f"Question {i}: " + "word " * 1000) for i in range(5)]
    sizes = batches(bench, [*words, *(feedback(i) for i in range(5, 50))])
    assert sum(sizes) == 50
    assert len(sizes) <= 2


def test_an_endless_record_is_cut_and_still_learned(bench):
    endless = dict.fromkeys(("inputs", "outputs", "rationale"), "word " * 100_000)
    report = bench.judge.align([feedback(1, **endless)])
    assert len(report.distilled) == 1
    (request,) = bench.model.requests
    assert len(request.prompt) < 40_000
    assert "<cut " in request.prompt


def test_records_come_in_the_order_in_which_they_were_said(bench):
    bench.judge.align([feedback(3)])
    bench.judge.align([feedback(1), feedback(2)])
    assert bench.texts()[0] == "Rule: Remark 3."
    prompt = bench.model.requests[-1].prompt
    assert prompt.index("Remark 1.") < prompt.index("Remark 2.")


def exported(make_bench, path, last):
    """What a memory holds after 51 records are learned at once; batch `last` ends last."""
    other_ended = threading.Event()
    decided = []

    def respond(request):
        if request.title == "principles":
            if ("Remark 50." in request.prompt) == (last == 1):
                assert other_ended.wait(30)
            else:
                decided.append(request)
        return one_rule_a_record(request)

    bench = make_bench(respond=respond)
    with bench.memory:
        listener = ended(other_ended)
        at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        words = [feedback(i, created_at=at + dt.timedelta(seconds=i)) for i in range(51)]
        bench.judge.align(words, config={"callbacks": [listener]})
        bench.memory.export_jsonl(path)
        shown = [rule.text for rule in bench.judge.principles()]
    prompts = sorted(request.prompt for request in bench.model.titled("principles"))
    timeless = re.sub(r'"(created|updated|retired|exported)_at":\s*"[^"]*"', "", path.read_text())
    return prompts, timeless, shown


def ended(event):
    """Sets `event` once a batch has been learned and written."""

    class Listener(BaseCallbackHandler):
        def on_custom_event(self, name, data, **_):
            if data["done"]:
                event.set()

    return Listener()


def test_the_same_feedback_gives_the_same_memory_whichever_batch_ends_first(make_bench, tmp_path):
    one = exported(make_bench, tmp_path / "one.jsonl", last=0)
    other = exported(make_bench, tmp_path / "other.jsonl", last=1)

    assert one == other
