"""Unlearning: named episodes go, and everything that was learned from them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial, reduce
from operator import add

from langchain_memalign._alignment.commit import Learned
from langchain_memalign._alignment.context import AlignmentContext
from langchain_memalign._alignment.report import Reconciled, final_states
from langchain_memalign._alignment.sight import FOLLOWED
from langchain_memalign._alignment.unlearning import Erased, plan_erasing
from langchain_memalign._async.align import learn_pending
from langchain_memalign._async.distil import reconcile_batches
from langchain_memalign._async.transactions import aligning, scrub_at_once, transact
from langchain_memalign._concurrency import off_loop, to_the_end
from langchain_memalign.errors import ConfigurationError, ModelError
from langchain_memalign.schema import Episode, ForgetReport, Pending


async def forget(
    context: AlignmentContext,
    is_forgotten: Callable[[Episode], bool],
    *,
    redistill: bool,
    on_erased: Callable[[Erased], object] | None = None,
) -> ForgetReport:
    """Erase episodes and all that came from them or was written in sight of them.

    It is committed before anything else; then the other sources of those principles are learned
    anew, without the old text.

    Args:
        context: Whose memory it is, and who learns the other sources anew.
        is_forgotten: Which episodes go.
        redistill: Whether to learn the other sources now; else they stay pending.
        on_erased: Called once all of it is erased, before any model is; blocking.

    Raises:
        MemoryLockedError: Another process learns for too long; nothing was erased.
        MemoryUnavailableError: Something that held erased records could not be deleted: repeat it.
    """
    started = time.perf_counter()
    records, judge = context.records, context.judge
    learned: list[Learned] = []
    reconciled = Reconciled()
    why = "not learned anew, as asked; align() does it."
    async with aligning(records, judge):
        erased = await transact(records, partial(plan_erasing, records, judge, is_forgotten))
        held = await to_the_end(records.sweep)
        if on_erased is not None:
            await to_the_end(on_erased, erased)
        guarantee = await scrub_at_once(records)
        if redistill and erased.waiting:
            try:
                learned = await learn_pending(context, only=erased.waiting, is_part=True)
                reconciled = await reconcile_batches(context, learned, at_once=context.at_once)
            # What was forgotten is forgotten all the same.
            except (ModelError, ConfigurationError) as error:
                why = str(error)
        left = await off_loop(records.episodes, judge, ids=erased.waiting, status="pending")
    reasons = {p.episode_id: p for batch in learned for p in batch.pending}
    again = {superseded.episode_id for batch in learned for superseded in batch.superseded}
    cost = reduce(add, (batch.cost for batch in learned), reconciled.cost)
    return ForgetReport(
        episodes_removed=erased.episode_ids,
        principles_removed=erased.principle_ids,
        rationales_erased=erased.rationales,
        episodes_restored=tuple(id_ for id_ in erased.restored if id_ not in again),
        principles_redistilled=final_states(learned, reconciled),
        pending=tuple(reasons.get(e.id, Pending(e.id, why)) for e in left),
        model_calls=cost.model_calls,
        embedded=cost.embedded,
        seconds=time.perf_counter() - started,
        guarantee=" ".join(filter(None, [guarantee, FOLLOWED, held])),
    )
