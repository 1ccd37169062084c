"""An alignment tells how far it is, as LangChain custom events, and runs as a LangChain run."""

import pytest
from fakes import HttpError, feedback
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler

from langchain_memalign._alignment.context import PROGRESS_EVENT


class Listener(BaseCallbackHandler):
    def __init__(self):
        self.events = []
        self.runs = {}
        self.parents = {}

    def on_custom_event(self, name, data, **kwargs):
        self.events.append((name, data))

    def on_chain_start(self, serialized, inputs, *, run_id, parent_run_id=None, **kwargs):
        self.runs[run_id] = kwargs.get("name")
        self.parents[run_id] = parent_run_id

    def on_chat_model_start(self, serialized, messages, *, run_id, parent_run_id=None, **kwargs):
        self.runs[run_id] = "model"
        self.parents[run_id] = parent_run_id

    def above(self, run_id):
        """The names of a run and of all runs that it hangs below."""
        names = []
        while run_id is not None:
            names.append(self.runs[run_id])
            run_id = self.parents[run_id]
        return names


class AsyncListener(AsyncCallbackHandler):
    def __init__(self):
        self.events = []

    async def on_custom_event(self, name, data, **kwargs):
        self.events.append((name, data))


def assert_tells_progress(events, total):
    assert {name for name, _ in events} == {PROGRESS_EVENT} == {"memalign_progress"}
    assert {data["judge"] for _, data in events} == {"tone"}
    assert {data["total"] for _, data in events} == {total}
    done = [data["done"] for _, data in events]
    assert (done[0], done[-1]) == (0, total)
    assert done == sorted(done)


def test_a_callback_handler_hears_how_far_an_alignment_is(bench):
    listener = Listener()
    words = [feedback(i) for i in range(120)]
    bench.judge.align(words, config={"callbacks": [listener]}, max_concurrency=1)
    assert len(listener.events) == 4
    assert_tells_progress(listener.events, 120)


async def test_an_async_callback_handler_hears_how_far_an_alignment_is(bench):
    listener = AsyncListener()
    await bench.judge.aalign([feedback(1)], config={"callbacks": [listener]})
    assert_tells_progress(listener.events, 1)


async def test_astream_events_of_a_chain_around_it_shows_how_far_an_alignment_is(bench):
    from langchain_core.runnables import RunnableLambda

    async def teach(words, config):
        return await bench.judge.aalign(words, config=config)

    events = [
        event
        async for event in RunnableLambda(teach).astream_events([feedback(1)], version="v2")
        if event["event"] == "on_custom_event"
    ]
    assert_tells_progress([(event["name"], event["data"]) for event in events], 1)


def test_progress_reaches_the_end_even_where_learning_fails(make_bench):
    bench = make_bench(lambda request: HttpError(400))
    listener = Listener()
    bench.judge.align([feedback(1), feedback(2)], config={"callbacks": [listener]})
    assert_tells_progress(listener.events, 2)


def test_an_alignment_with_nothing_to_learn_tells_nothing(bench):
    listener = Listener()
    bench.judge.align([], config={"callbacks": [listener]})
    assert listener.events == []


@pytest.mark.parametrize("records", [1, 120])
def test_the_model_calls_hang_below_the_runs_of_aligning_and_forgetting(bench, records):
    listener = Listener()
    config = {"callbacks": [listener]}
    bench.judge.align([feedback(i) for i in range(records)], config=config)
    bench.judge.forget(where=lambda episode: episode.rationale == "Remark 0.", config=config)
    calls = [run for run, name in listener.runs.items() if name == "model"]
    assert len(calls) == len(bench.model.requests)
    assert all({"tone.align", "tone.forget"} & {*listener.above(run)} for run in calls)
    assert "tone.forget" in listener.runs.values()
