"""Asking the judge within a time, asking the human, and teaching the judge what the human said."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

from langchain_core.runnables import RunnableConfig

from langchain_memalign._async.recall import read_case
from langchain_memalign._concurrency import awithin, off_loop
from langchain_memalign._judging.escalation import is_sure as judged_surely
from langchain_memalign.errors import ConfigurationError, InvalidInputError, MemAlignError
from langchain_memalign.guardrails._async.replay import ask, once
from langchain_memalign.guardrails.checkpoint import Checkpoint, from_json, refusal, to_json
from langchain_memalign.guardrails.node_run import Visit
from langchain_memalign.guardrails.policy import Action, Judged, trouble_of
from langchain_memalign.guardrails.release import Candidate, Release, ReleaseQuestion
from langchain_memalign.judge import CaseLike
from langchain_memalign.schema import Unscored, Verdict


async def pass_through(
    checkpoint: Checkpoint,
    candidate: Candidate,
    *,
    visit: Visit | None = None,
    retried: int = 0,
    config: RunnableConfig | None = None,
) -> tuple[Action, Judged, Any]:
    """Judge a candidate, ask the human where that is wanted, and say what is to be done.

    Args:
        checkpoint: Judge and policy.
        candidate: What is sent if it passes.
        visit: Where it is kept what came of that; None if no human is ever asked.
        retried: How many retries there were.
        config: Callbacks, tags and the like for the judge's run.

    Returns:
        "pass", "replace" or "retry"; what the last word on the candidate is; and what is sent if
        it passes, which a human may have edited.

    Raises:
        GuardrailError: It does not pass, and the policy is to raise.
        ConfigurationError: Judge, policy and surroundings do not fit together.
    """
    judged = await _judged(checkpoint, candidate, visit, retried, config)
    action = checkpoint.policy.decide(judged, retried=retried)
    if action == "review" and visit is not None:
        return await _reviewed(checkpoint, candidate, judged, visit)
    if action == "raise":
        raise refusal(judged) from judged.error
    return action, judged, candidate.given


async def _judged(
    checkpoint: Checkpoint,
    candidate: Candidate,
    visit: Visit | None,
    retried: int,
    config: RunnableConfig | None,
) -> Judged:
    make = partial(candidate.case, candidate.given)
    if visit is None:
        return await _asked(checkpoint, make, config)
    return from_json(
        await once(visit, f"judge/{retried}", partial(_asked_as_json, checkpoint, make))
    )


async def _asked_as_json(checkpoint: Checkpoint, make: Callable[[], CaseLike]) -> dict[str, Any]:
    # Within a task its own config is the ambient one.
    return to_json(await _asked(checkpoint, make, None))


async def _asked(
    checkpoint: Checkpoint, make: Callable[[], CaseLike], config: RunnableConfig | None
) -> Judged:
    source, seconds = checkpoint.source, checkpoint.policy.timeout
    found: dict[str, Any] = {"judge": source.identity(), "spec": None, "case": None}
    try:
        case = found["case"] = await read_case(make())
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
        return Judged(**found, outcome=failed, trouble=trouble_of(error), error=error)
    if isinstance(outcome, Unscored):
        return Judged(**found, outcome=outcome, trouble=outcome.failure or "unscored")
    sure = checkpoint.policy.sure
    is_sure = sure is None or await off_loop(judged_surely, judge.setup, sure, outcome)
    return Judged(**found, outcome=outcome, is_sure=is_sure)


async def _reviewed(
    checkpoint: Checkpoint, candidate: Candidate, judged: Judged, visit: Visit
) -> tuple[Action, Judged, Any]:
    """What counts once a human has spoken; what the human said is learned."""
    if judged.case is None or judged.spec is None:
        raise refusal(judged) from judged.error  # nothing that a human could be asked about
    asked = ReleaseQuestion(
        spec=judged.spec,
        policy=checkpoint.policy,
        outcome=judged.outcome,
        case=judged.case,
        candidate=candidate,
    )
    release = await _release(asked, visit)
    if release.feedback:
        words = [word.model_dump(mode="json") for word in release.feedback]
        await once(visit, "align", partial(_learned, checkpoint, judged.judge, words))
    if release.sends:
        return "pass", judged, release.given
    for word in release.feedback:
        if word.value is not None:
            rationale = word.rationale or word.judge_rationale or ""
            said = Verdict(value=word.value, rationale=rationale)
            judged = dataclasses.replace(judged, outcome=said, trouble=None)
    return "replace", judged, candidate.given


async def _release(asked: ReleaseQuestion, visit: Visit) -> Release:
    tries = 0
    while True:
        answer = await ask(visit, f"ask/{tries}", asked.question)
        try:
            return asked.read(answer)
        except InvalidInputError as problem:
            asked, tries = asked.again(answer, problem), tries + 1


async def _learned(
    checkpoint: Checkpoint, identity: dict[str, Any], words: list[dict[str, Any]]
) -> dict[str, Any]:
    judge = await off_loop(checkpoint.source.judge, identity)
    report = await judge.aalign(words)
    return report.model_dump(mode="json")
