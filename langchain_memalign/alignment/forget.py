"""Unlearning: named episodes go, and everything that was learned from them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import reduce
from operator import add

from langchain_memalign.alignment.align import learn_pending
from langchain_memalign.alignment.commit import Learned
from langchain_memalign.alignment.learner import Cost, Learner
from langchain_memalign.alignment.retraction import Retraction, make_pending, retraction
from langchain_memalign.errors import ModelError
from langchain_memalign.flow import Flow
from langchain_memalign.memory import MemoryFlows
from langchain_memalign.schema import (
    Change,
    Episode,
    Erase,
    ForgetReport,
    Pending,
    Put,
)


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
    lease = learner.memory.aligner(learner.judge)
    yield from lease.acquire()
    try:
        gone, lost = yield from _erase(learner.memory, learner.judge, is_forgotten)
        waiting = [episode.id for episode in lost.other_sources]
        learned: list[Learned] = []
        pending = [Pending(id_, "not learned anew, as asked; align() does it.") for id_ in waiting]
        if redistill and waiting:
            try:
                learned = yield from learn_pending(learner, only=waiting)
                pending = [p for batch in learned for p in batch.pending]
            except ModelError as error:  # what was forgotten is forgotten all the same
                pending = [Pending(id_, str(error)) for id_ in waiting]
    finally:
        lease.release()
    cost = reduce(add, (batch.cost for batch in learned), Cost())
    return ForgetReport(
        episodes_removed=tuple(gone),
        principles_removed=tuple(principle.id for principle in lost.principles),
        principles_redistilled=tuple(p for b in learned for p in (*b.added, *b.merged)),
        pending=tuple(pending),
        model_calls=cost.model_calls,
        embedded=cost.embedded,
        seconds=time.perf_counter() - started,
        guarantee=learner.memory.guarantee,
    )


def _erase(
    memory: MemoryFlows, judge: str, is_forgotten: Callable[[Episode], bool]
) -> Flow[tuple[list[str], Retraction]]:
    outcome: list[tuple[list[str], Retraction]] = []

    def plan() -> Flow[list[Change]]:
        episodes = yield from memory.episodes(judge)
        gone = [episode.id for episode in episodes if is_forgotten(episode)]
        lost = yield from retraction(memory, judge, frozenset(gone))
        outcome[:] = [(gone, lost)]
        if not gone:
            return []
        erased = {principle.id for principle in lost.principles}
        survivors = yield from memory.principles(judge, retired=True)
        return [
            *(Erase(judge=judge, kind="episode", id=id_) for id_ in gone),
            *(Erase(judge=judge, kind="principle", id=id_) for id_ in erased),
            *(make_pending(judge, episode) for episode in lost.other_sources),
            *(
                Put(judge=judge, record=p.model_copy(update={"replaced_by": None}))
                for p in survivors
                if p.id not in erased and p.replaced_by in erased
            ),
        ]

    yield from memory.transact(plan)
    return outcome[0]
