"""Unlearning: named episodes go, and everything that was learned from them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import add

from langchain_memalign._alignment.align import final_states, learn_pending, reconcile_batches
from langchain_memalign._alignment.commit import Learned
from langchain_memalign._alignment.learner import Learner
from langchain_memalign._alignment.reconcile import Reconciled
from langchain_memalign._alignment.retraction import learned_anew, without_pointers
from langchain_memalign._memory.records import MemoryFlows
from langchain_memalign.errors import ModelError
from langchain_memalign.flow import Flow
from langchain_memalign.schema import Change, Episode, Erase, ForgetReport, Pending


def forget(
    learner: Learner, is_forgotten: Callable[[Episode], bool], *, redistill: bool
) -> Flow[ForgetReport]:
    """Erase episodes and every principle that cites them; needs no model for that.

    It is committed before anything else; then the other sources of those principles are learned
    anew, without the old text.

    Args:
        learner: Whose memory it is, and who learns the other sources anew.
        is_forgotten: Which episodes go.
        redistill: Whether to learn the other sources now; else they stay pending.
    """
    started = time.perf_counter()
    memory, judge = learner.memory, learner.judge

    def work() -> Flow[tuple[_Erased, list[Learned], Reconciled, list[Pending]]]:
        erased = yield from _erase(memory, judge, is_forgotten)
        learned: list[Learned] = []
        reconciled = Reconciled()
        why = "not learned anew, as asked; align() does it."
        if redistill and erased.waiting:
            try:
                learned = yield from learn_pending(learner, only=erased.waiting)
                reconciled = yield from reconcile_batches(learner, learned)
            except ModelError as error:  # what was forgotten is forgotten all the same
                why = str(error)
        left = yield from memory.episodes(judge, ids=erased.waiting, status="pending")
        return erased, learned, reconciled, [Pending(e.id, why) for e in left]

    erased, learned, reconciled, left = yield from memory.aligner(judge).during(work)
    reasons = {p.episode_id: p for batch in learned for p in batch.pending}
    cost = reduce(add, (batch.cost for batch in learned), reconciled.cost)
    return ForgetReport(
        episodes_removed=erased.episode_ids,
        principles_removed=erased.principle_ids,
        principles_redistilled=final_states(learned, reconciled),
        pending=tuple(reasons.get(p.episode_id, p) for p in left),
        model_calls=cost.model_calls,
        embedded=cost.embedded,
        seconds=time.perf_counter() - started,
        guarantee=memory.guarantee,
    )


@dataclass(frozen=True, kw_only=True)
class _Erased:
    """Ids of what is gone, and of the episodes that must be learned anew."""

    episode_ids: tuple[str, ...] = ()
    principle_ids: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


def _erase(
    memory: MemoryFlows, judge: str, is_forgotten: Callable[[Episode], bool]
) -> Flow[_Erased]:

    def plan() -> Flow[tuple[list[Change], _Erased]]:
        episodes = yield from memory.episodes(judge)
        forgotten = [episode.id for episode in episodes if is_forgotten(episode)]
        if not forgotten:
            return [], _Erased()
        gone = frozenset(forgotten)
        principles = yield from memory.principles(judge, retired=True)
        lost = {p.id: p for p in principles if not gone.isdisjoint(p.episode_ids)}
        waiting = yield from learned_anew(memory, judge, lost.values(), without=gone)
        changes: list[Change] = [
            *(Erase(judge=judge, kind="episode", id=id_) for id_ in forgotten),
            *(Erase(judge=judge, kind="principle", id=id_) for id_ in lost),
            *waiting,
            *without_pointers(judge, principles, to=lost),
        ]
        return changes, _Erased(
            episode_ids=tuple(forgotten),
            principle_ids=tuple(lost),
            waiting=tuple(put.record.id for put in waiting),
        )

    return memory.transact(plan)
