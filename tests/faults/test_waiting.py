"""Nothing waits for ever: blocking calls beside awaitable ones, on loops and in their threads."""

import ast
import asyncio
import threading
from pathlib import Path

import pytest
from fakes import CountingEmbeddings, feedback, one_rule_a_record

from langchain_memalign import ConfigurationError

LIBRARY = Path(__file__).parent.parent.parent / "langchain_memalign"
# Waits for work that is under way in a thread of ours, which has limits of its own.
OF_OUR_THREADS = {
    ("_concurrency.py", "asyncio.wait"),  # a write that was begun, and whose pauses end at once
    ("_concurrency.py", "wait"),  # what `parallel` does
    ("_concurrency.py", "future.result"),
    ("_stores/qdrant/client.py", "answer.result"),  # it is there
    ("cli/commands/judge.py", "wait"),  # for judgements under way
    ("cli/commands/judge.py", "future.result"),  # it is there
    ("importers/langsmith.py", "thread.submit(runner.close).result"),
    ("importers/langsmith.py", "thread.submit(lambda: runner.run(call())).result"),
    ("web/index.py", "self._tried.wait"),  # set in any case by the one who reads
    ("web/signals.py", "event.wait"),  # within `asyncio.wait_for`
}
CASES = [{key: feedback(i)[key] for key in ("inputs", "outputs")} for i in range(3)]


class Held:
    """Lets a model begin and then wait until it is told to go on."""

    def __init__(self):
        self.reached, self.free = threading.Event(), threading.Event()

    def __call__(self, request):
        self.reached.set()
        assert self.free.wait(30)
        return one_rule_a_record(request)

    async def is_reached(self):
        while not self.reached.is_set():
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("call", "twin"),
    [
        (lambda judge: judge.align([feedback(2)]), "await aalign"),
        (lambda judge: judge.forget(reviewer="nobody"), "await aforget"),
    ],
)
def test_a_blocking_call_on_the_loop_of_the_task_it_waits_for_is_an_error(make_bench, call, twin):
    held = Held()
    bench = make_bench(held)

    async def main():
        learning = asyncio.create_task(bench.judge.aalign([feedback(1)]))
        await held.is_reached()
        with pytest.raises(ConfigurationError, match=twin):
            call(bench.judge)
        held.free.set()
        return await learning

    assert len(asyncio.run(main()).distilled) == 1


def test_so_is_judging_there_what_is_being_embedded_ahead(make_bench):
    reached, free = threading.Event(), threading.Event()

    class Slow(CountingEmbeddings):
        def embed_documents(self, texts):
            if reached.is_set() or not texts[0].startswith("Question number 0"):
                return super().embed_documents(texts)
            reached.set()
            assert free.wait(30)
            return super().embed_documents(texts)

    bench = make_bench(embeddings=Slow())
    bench.judge.align([feedback(5)])
    ahead = bench.judge.embedding_ahead(CASES)

    async def main():
        judging = asyncio.create_task(ahead.ainvoke(CASES[0]))
        while not reached.is_set():
            await asyncio.sleep(0.001)
        with pytest.raises(ConfigurationError, match="await ainvoke"):
            ahead.invoke(CASES[1])
        free.set()
        return await judging

    assert asyncio.run(main()).value is True


def test_the_loops_own_threads_may_all_wait_for_a_task_of_it(make_bench):
    """Such as `asyncio.to_thread(judge.align)`, while the model has no async side of its own."""
    held = Held()
    bench = make_bench(held)
    many = 40  # more than a loop has threads of its own on most machines, at most 32

    async def main():
        learning = asyncio.create_task(bench.judge.aalign([feedback(0)]))
        await held.is_reached()
        others = [asyncio.to_thread(bench.judge.align, [feedback(i)]) for i in range(1, many)]
        waiting = asyncio.gather(learning, *others)
        await asyncio.sleep(0)
        held.free.set()
        return await asyncio.wait_for(waiting, 120)

    asyncio.run(main())
    assert len(bench.judge.episodes(status="distilled")) == many


_WAITS = {
    "wait": 0,
    "result": 0,
    "acquire": 0,
    "join": 0,
    "wait_for": 1,
}  # arguments before a limit


def waits_without_limit(file):
    """Calls that wait, and are given no limit: name by name, as they stand in the file."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or any(k.arg == "timeout" for k in node.keywords):
            continue
        name = ast.unparse(node.func)
        most = {"wait": 0, "result": 0, "acquire": 0, "join": 0, "wait_for": 1}
        if name in ("wait", "asyncio.wait") or len(node.args) <= most.get(
            name.rpartition(".")[2], -1
        ):
            yield name


def test_no_wait_is_without_a_limit():
    found = {
        (file.relative_to(LIBRARY).as_posix(), name)
        for file in LIBRARY.rglob("*.py")
        if "_sync" not in file.parts
        for name in waits_without_limit(file)
    }
    assert found == OF_OUR_THREADS
