"""Running a chain behind a checkpoint."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from langchain_core.runnables import RunnableConfig

from langchain_memalign.guardrails._async.checking import pass_through
from langchain_memalign.guardrails._async.replay import once
from langchain_memalign.guardrails.messages import (
    ChainGuard,
    in_place_of,
    in_place_of_output,
    joined,
    traits,
)
from langchain_memalign.guardrails.release import Candidate


async def guarded(
    guard: ChainGuard,
    input: Any,
    produce: Callable[[Any], Awaitable[list[Any]]],
    config: RunnableConfig,
    *,
    place: Sequence[str] = (),
) -> list[Any]:
    """The chunks that come out in the end.

    Args:
        guard: Who watches.
        input: What the chain is given.
        produce: Runs the chain; gives its chunks.
        config: Callbacks, tags and the like for the judge's run.
        place: Where in a larger chain this one stands.
    """
    if guard.on == "input":
        admitted, instead = await admit(guard, input, config, place=place)
        return instead or await produce(admitted)
    visit = guard.checkpoint.visit(guard, *traits(guard, input, place))
    given, retried = input, 0
    while True:
        # The human must get to see, and to release, one and the same answer.
        chunks = await once(visit, f"chain/{retried}", partial(produce, given))
        answer = joined(chunks)
        candidate = Candidate(given=answer, case=partial(guard.case, input))
        action, judged, sent = await pass_through(
            guard.checkpoint, candidate, visit=visit, retried=retried, config=config
        )
        if action == "pass":
            return chunks if sent is answer else [sent]
        if action == "replace":
            return [in_place_of(answer, guard.checkpoint.policy.replacement(judged.outcome))]
        retried += 1
        given = guard.retry_input(given, answer, judged.outcome)


async def admit(
    guard: ChainGuard, input: Any, config: RunnableConfig, *, place: Sequence[str] = ()
) -> tuple[Any, list[Any]]:
    """What the chain is given, and what stands in for its output if that does not pass."""
    visit = guard.checkpoint.visit(guard, *traits(guard, input, place))
    candidate = Candidate(given=input, case=lambda said: guard.case(said, None), kind="message")
    action, judged, sent = await pass_through(
        guard.checkpoint, candidate, visit=visit, config=config
    )
    if action == "pass":
        return sent, []
    instead = guard.checkpoint.policy.replacement(judged.outcome)
    return input, [in_place_of_output(guard.output_type, instead)]


async def judged_after(
    guard: ChainGuard, input: Any, chunks: Sequence[Any], config: RunnableConfig
) -> None:
    """Judge what has been streamed already; raises if it does not pass."""
    candidate = Candidate(given=joined(chunks), case=partial(guard.case, input))
    await pass_through(guard.checkpoint, candidate, config=config)
