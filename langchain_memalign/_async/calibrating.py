"""Asking a judge about cases as if it had not seen the expert's word on them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial

from langchain_core.runnables import RunnableConfig

from langchain_memalign._alignment.context import NO_COST, Cost
from langchain_memalign._async import judging
from langchain_memalign._async.align import dispatch_progress
from langchain_memalign._async.transactions import transact
from langchain_memalign._calibration.agreement import calibration_of
from langchain_memalign._calibration.unseen import Unasked, noted, unasked_in, without
from langchain_memalign._concurrency import aparallel, off_loop
from langchain_memalign._judging.setup import JudgeSetup, known_track
from langchain_memalign.errors import ModelError
from langchain_memalign.schema import CalibrationReport, JudgeRecord

Progress = Callable[[int, int], None]
"""Is told how many of how many cases have been asked about."""

_log = logging.getLogger(__name__)
_AT_ONCE = 64  # so many answers are lost at most when the process is killed


async def calibrate(
    setup: JudgeSetup,
    *,
    ask: bool,
    limit: int | None,
    max_concurrency: int,
    progress: Progress | None,
    config: RunnableConfig | None,
) -> CalibrationReport:
    """Complete a judge's track record, and tell what comes of it.

    Args:
        setup: The judge.
        ask: Whether to ask about the cases that lack; else it is only told how many there are.
        limit: Most cases to ask about.
        max_concurrency: Most model calls at the same time.
        progress: Is told how far it is, first before the first call.
        config: Callbacks, tags and the like.

    Raises:
        ModelError: The provider refuses access. What was answered before is kept.
    """
    started = time.perf_counter()
    records, judge = setup.records, setup.spec.name
    lacking = await off_loop(unasked_in, records, setup.spec, setup.said_by)
    for one in lacking:
        if one.known is not None:
            await transact(records, partial(noted, records, judge, [(one, one.known)]))
    todo = [one for one in lacking if one.known is None]
    asked = todo[:limit] if ask else []
    cost, answered = NO_COST, 0
    context = setup.context(config)
    if asked:
        _log.info("calibrating %r: %d cases, a model call each at least", judge, len(asked))
        _tell(progress, 0, len(asked))
        await dispatch_progress(context, done=0, total=len(asked))
    for first in range(0, len(asked), _AT_ONCE):
        batch = asked[first : first + _AT_ONCE]
        works = [partial(_answer, setup, one, config) for one in batch]
        answers = await aparallel(works, limit=max_concurrency)
        told = [(one, said) for one, (said, _) in zip(batch, answers, strict=True) if said]
        await transact(records, partial(noted, records, judge, told))
        for _, spent in answers:
            cost = cost + spent
        answered += len(told)
        _tell(progress, first + len(batch), len(asked))
        await dispatch_progress(context, done=first + len(batch), total=len(asked))
    report = calibration_of(await off_loop(known_track, setup, is_current=True))
    update = {
        "asked": len(asked),
        "to_ask": len(todo) - answered,
        "model_calls": cost.model_calls,
        "usage": cost.usage,
        "seconds": time.perf_counter() - started,
    }
    return report.model_copy(update=update)


async def _answer(
    setup: JudgeSetup, one: Unasked, config: RunnableConfig | None
) -> tuple[JudgeRecord | None, Cost]:
    """What the judge says of a case without the words on it; None where it could not be asked."""
    ids = frozenset(episode.id for episode in one.words)
    case = one.said[0].case
    try:
        memory = without(one.words, await judging.recall(setup, case, exclude=ids))
        outcome, cost = await judging.decide_alone(setup, memory, case, config=config)
    except ModelError as error:  # a case that cannot be embedded must not stop the others
        if error.is_refused_access:
            raise
        return None, NO_COST
    records: Sequence[JudgeRecord] = outcome.records
    return (records[0] if records else None), cost


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)
