"""One whole scenario through the sync and the async methods gives the same results."""

import inspect

from fakes import feedback

from langchain_memalign import MemAlignJudge

from .bench import Bench

CASE = {key: feedback(1)[key] for key in ("inputs", "outputs")}
NOON = "2026-01-05T12:00:00Z"


async def scenario(call):
    """Align, judge, write principles, forget; `call` runs a judge's method by its name."""
    words = [feedback(i, created_at=NOON, reviewer="Ann" if i < 2 else "Bob") for i in range(40)]
    yield "align", await call("align", [*words, {"outputs": "No word on it."}])
    yield "align, again", await call("align", words)
    yield "invoke", await call("invoke", CASE)
    yield "recall", await call("recall", CASE)
    changed = feedback(1, created_at=NOON, rationale="Changed.", reviewer="Ann")
    yield "align, changed", await call("align", [changed], probe=True)
    written = await call("add_principle", "By hand.")
    yield "add", written
    edited = await call("edit_principle", written.id, "By another hand.")
    yield "edit", edited
    yield "remove", await call("remove_principle", edited.id)
    yield "forget", await call("forget", reviewer="Ann")
    yield "forget, later", await call("forget", where=lambda e: e.value, redistill=False)
    yield "align, empty", await call("align", [])
    yield "episodes", await call("episodes", status="distilled")
    yield "principles", await call("principles")
    yield "batch", await call("batch", [CASE, CASE])


TIMES = {"created_at", "updated_at", "retired_at", "seconds", "latency"}


def plain(value, names):
    """A result without its times, and with random ids numbered in the order of appearance."""
    if isinstance(value, list | tuple):
        return [plain(item, names) for item in value]
    if hasattr(value, "model_dump"):
        value = value.model_dump()
    if isinstance(value, dict):
        return {key: plain(item, names) for key, item in value.items() if key not in TIMES}
    if isinstance(value, str) and len(value) == 36:
        return names.setdefault(value, f"id {len(names)}")
    return value


async def outcome_of(call):
    names = {}
    return {step: plain(result, names) async for step, result in scenario(call)}


async def test_sync_and_async_give_the_same_results_in_a_whole_scenario():
    sync, asynchronous = Bench(), Bench()

    async def blocking(method, *args, **options):
        return getattr(sync.judge, method)(*args, **options)

    async def awaiting(method, *args, **options):
        return await getattr(asynchronous.judge, f"a{method}")(*args, **options)

    with sync.memory, asynchronous.memory:
        one = await outcome_of(blocking)
        other = await outcome_of(awaiting)
        assert one == other
        assert sync.calls() == asynchronous.calls()

        def asked(bench):
            return sorted((r.title, r.prompt) for r in bench.model.requests)

        assert asked(sync) == asked(asynchronous)
        assert sorted(sync.embeddings.texts) == sorted(asynchronous.embeddings.texts)


def test_every_method_has_an_async_twin_with_the_same_arguments():
    methods = {
        name: method
        for name, method in inspect.getmembers(MemAlignJudge, inspect.isfunction)
        if method.__module__.startswith("langchain_memalign.")
    }
    pairs = [name for name in methods if f"a{name}" in methods]
    assert {"invoke", "align", "forget", "recall", "episodes", "principles"} <= set(pairs)
    alone = {n for n in methods if not n.startswith("_")} - {x for n in pairs for x in (n, f"a{n}")}
    # These ask and read nothing.
    made = {"embedding_ahead", "escalating_to", "as_openevals_prompt", "as_tool"}
    assert alone == made | {"configurable_fields", "configurable_alternatives"}
    for name in pairs:
        assert inspect.signature(methods[name]) == inspect.signature(methods[f"a{name}"])
