"""One scenario through the blocking and the awaitable methods: the same comes out."""

import asyncio
import inspect

import pytest
from fakes import CountingEmbeddings

from langchain_memalign import InvalidInputError, Memory
from langchain_memalign.schema import Erase, Put

from .remembering import JUDGE, case, embedded, episode, on_day, principle


async def scenario(memory, call, directory):
    """Use every method of a memory; return all that came back."""
    words = [episode(f"question {i}", f"answer {i}", day=i, value=i % 2 == 0) for i in range(6)]
    rules = [principle(f"Rule {i}", day=i) for i in range(3)]
    changes = await asyncio.to_thread(embedded, memory, *words, *rules)
    seen = [await call("judges"), await call("recall", JUDGE, case())]
    await call("apply", changes)
    await call("apply", [Put(judge="other", record=episode("q", judge="other"))])
    seen += [
        await call("judges"),
        await call("episodes", JUDGE),
        await call("episodes", JUDGE, status="distilled", as_of=on_day(2)),
        await call("principles", JUDGE, as_of=on_day(1), retired=True),
        await call("recall", JUDGE, case("question 2", "answer 4"), k=3, principle_tokens=4),
        await call("recall", JUDGE, case("question 2", "answer 4"), as_of=on_day(2)),
    ]
    for wrong in ({"k": -1}, {"as_of": "yesterday"}):
        with pytest.raises((InvalidInputError, AttributeError)) as caught:
            await call("recall", JUDGE, case(), **wrong)
        seen.append(repr(caught.value))
    seen.append(await call("export_jsonl", directory / "export.jsonl"))
    await call("apply", [Erase(judge=JUDGE, kind="episode", id=words[0].id)])
    seen.append(await call("episodes", JUDGE))
    seen.append(await call("import_jsonl", directory / "export.jsonl"))
    seen.append(await call("episodes", JUDGE))
    await call("close")
    return seen


def blocking(memory):
    async def call(name, *args, **options):
        return await asyncio.to_thread(getattr(memory, name), *args, **options)

    return call


def awaitable(memory):
    async def call(name, *args, **options):
        return await getattr(memory, f"a{name}")(*args, **options)

    return call


async def test_both_sides_give_the_same(tmp_path):
    results = []
    for side in (blocking, awaitable):
        memory = Memory.open(":memory:", embeddings=CountingEmbeddings())
        results.append(await scenario(memory, side(memory), tmp_path))
    assert results[0] == results[1]


def test_every_method_has_an_async_twin_that_takes_the_same():
    public = {
        name: member
        for name, member in inspect.getmembers(Memory, inspect.isfunction)
        if not name.startswith("_")
    }
    twins = {name: member for name, member in public.items() if f"a{name}" in public}
    assert twins.keys() | {f"a{name}" for name in twins} == public.keys()
    for name, member in twins.items():
        assert inspect.signature(member) == inspect.signature(public[f"a{name}"])
        assert inspect.iscoroutinefunction(public[f"a{name}"])
