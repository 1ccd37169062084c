"""Asking the judge within a time, asking the human, and teaching the judge what the human said."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig

from langchain_memalign._concurrency import awithin, off_loop
from langchain_memalign.errors import ConfigurationError, MemAlignError
from langchain_memalign.graph.question import ReviewQuestion
from langchain_memalign.graph.review import ask_human
from langchain_memalign.guardrails.checkpoint import (
    Checkpoint,
    arun_task,
    check_resumable,
    from_json,
    refusal,
    to_json,
)
from langchain_memalign.guardrails.policy import Action, Judged
from langchain_memalign.judge import CaseLike
from langchain_memalign.schema import Case, Unscored, Verdict

T = TypeVar("T")


async def pass_through(
    checkpoint: Checkpoint,
    case: Callable[[], CaseLike],
    *,
    retried: int = 0,
    config: RunnableConfig | None = None,
) -> tuple[Action, Judged]:
    """Judge a case, ask the human where that is wanted, and say what is to be done.

    Args:
        checkpoint: Judge and policy.
        case: Makes the case.
        retried: How many retries there were.
        config: Callbacks, tags and the like for the judge's run.

    Returns:
        "pass", "replace" or "retry", and what the last word on the case is.

    Raises:
        GuardrailError: It does not pass, and the policy is to raise.
        ConfigurationError: Judge, policy and surroundings do not fit together.
    """
    judged = await _judged(checkpoint, case, config)
    action = checkpoint.policy.decide(judged, retried=retried)
    if action == "review":
        judged = await _reviewed(checkpoint, judged)
        action = "pass" if checkpoint.policy.lets_pass(judged) else "replace"
    if action == "raise":
        raise refusal(judged) from judged.error
    return action, judged


async def once(checkpoint: Checkpoint, work: Callable[[], Awaitable[T]], name: str) -> T:
    """Do work; if a human may be asked about it, only once, however often the node is rerun."""
    return await arun_task(work, name) if checkpoint.policy.may_review else await work()


async def _judged(
    checkpoint: Checkpoint, make: Callable[[], CaseLike], config: RunnableConfig | None
) -> Judged:
    if not checkpoint.policy.may_review:
        return await _asked(checkpoint, make, config)
    check_resumable()
    kept = await once(checkpoint, partial(_asked_as_json, checkpoint, make), "guardrail_judge")
    return from_json(kept)


async def _asked_as_json(checkpoint: Checkpoint, make: Callable[[], CaseLike]) -> dict[str, Any]:
    # Within a task its own config is the ambient one.
    return to_json(await _asked(checkpoint, make, None))


async def _asked(
    checkpoint: Checkpoint, make: Callable[[], CaseLike], config: RunnableConfig | None
) -> Judged:
    source, seconds = checkpoint.source, checkpoint.policy.timeout
    found: dict[str, Any] = {"judge": source.identity(), "spec": None, "case": None}
    try:
        case = found["case"] = Case.of(make())
        judge = await off_loop(source.judge, found["judge"])
        found["spec"] = judge.spec
        checkpoint.policy.check_fits(judge.spec.value_type)
        asking = partial(judge.ainvoke, case, config)
        outcome = await (asking() if seconds is None else awithin(asking, seconds))
    except ConfigurationError:
        raise  # to be mended, not to be passed or refused
    except TimeoutError:
        slow = Unscored(reason=f"the judge took longer than {seconds:g} seconds.")
        return Judged(**found, outcome=slow, trouble="timeout")
    except MemAlignError as error:
        failed = Unscored(reason=f"{type(error).__name__}: {error}")
        return Judged(**found, outcome=failed, trouble="error", error=error)
    if isinstance(outcome, Unscored):
        return Judged(**found, outcome=outcome, trouble="unscored")
    return Judged(**found, outcome=outcome)


async def _reviewed(checkpoint: Checkpoint, judged: Judged) -> Judged:
    """What counts once a human has spoken; what the human said is learned."""
    if judged.case is None or judged.spec is None:
        raise refusal(judged) from judged.error  # nothing that a human could be asked about
    answer, said = ask_human(
        ReviewQuestion(spec=judged.spec, case=judged.case, outcome=judged.outcome)
    )
    if said is None:
        return judged
    if answer.decision == "reject":
        # A rejection releases nothing: of what it says, only the remark is certain.
        if said.rationale is None:
            return judged
        said = said.model_copy(update={"value": None})
    word = said.model_dump(mode="json")
    await once(checkpoint, partial(_learned, checkpoint, judged.judge, word), "guardrail_align")
    if said.value is None:
        return judged
    rationale = said.rationale or said.judge_rationale or ""
    return dataclasses.replace(
        judged, outcome=Verdict(value=said.value, rationale=rationale), trouble=None
    )


async def _learned(
    checkpoint: Checkpoint, identity: dict[str, Any], word: dict[str, Any]
) -> dict[str, Any]:
    judge = await off_loop(checkpoint.source.judge, identity)
    report = await judge.aalign([word])
    return report.model_dump(mode="json")
