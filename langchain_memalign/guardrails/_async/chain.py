"""Running a chain behind a checkpoint."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from langchain_core.runnables import RunnableConfig

from langchain_memalign.guardrails._async.checking import once, pass_through
from langchain_memalign.guardrails.checkpoint import check_resumable
from langchain_memalign.guardrails.messages import ChainGuard, in_place_of, joined


async def guarded(
    guard: ChainGuard,
    input: Any,
    produce: Callable[[Any], Awaitable[list[Any]]],
    config: RunnableConfig,
) -> list[Any]:
    """The chunks that come out in the end.

    Args:
        guard: Who watches.
        input: What the chain is given.
        produce: Runs the chain; gives its chunks.
        config: Callbacks, tags and the like for the judge's run.
    """
    if guard.on == "input":
        return await refused(guard, input, config) or await produce(input)
    if guard.checkpoint.policy.may_review:
        check_resumable()
    given, retried = input, 0
    while True:
        # The human must get to see, and to release, one and the same answer.
        chunks = await once(guard.checkpoint, partial(produce, given), "guardrail_chain")
        answer = joined(chunks)
        action, judged = await pass_through(
            guard.checkpoint, partial(guard.case, input, answer), retried=retried, config=config
        )
        if action == "pass":
            return chunks
        if action == "replace":
            return [in_place_of(answer, guard.checkpoint.policy.replacement(judged.outcome))]
        retried += 1
        given = guard.retry_input(given, answer, judged.outcome)


async def refused(guard: ChainGuard, input: Any, config: RunnableConfig) -> list[Any]:
    """What stands in for the chain's output if its input does not pass, else nothing."""
    action, judged = await pass_through(
        guard.checkpoint, partial(guard.case, input, None), config=config
    )
    return [] if action == "pass" else [guard.checkpoint.policy.replacement(judged.outcome)]


async def judged_after(
    guard: ChainGuard, input: Any, chunks: Sequence[Any], config: RunnableConfig
) -> None:
    """Judge what has been streamed already; raises if it does not pass."""
    await pass_through(guard.checkpoint, partial(guard.case, input, joined(chunks)), config=config)
