"""From a batch of feedback to both memories brought up to date."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any, TypeVar

from langchain_memalign._alignment.batch import learn_batch
from langchain_memalign._alignment.batches import split
from langchain_memalign._alignment.commit import Learned
from langchain_memalign._alignment.conflict import conflicts_of
from langchain_memalign._alignment.intake import Intake, take_in
from langchain_memalign._alignment.learner import NO_COST, Cost, Learner
from langchain_memalign._alignment.reconcile import Reconciled, reconcile
from langchain_memalign._memory.convert import to_episode
from langchain_memalign._models import Vector
from langchain_memalign._stores.base import CASE_VECTOR
from langchain_memalign.errors import ModelError
from langchain_memalign.flow import Flow, parallel
from langchain_memalign.schema import (
    AlignmentReport,
    Change,
    Conflict,
    Episode,
    Feedback,
    Principle,
    Put,
    Unscored,
    Verdict,
)

T = TypeVar("T")
U = TypeVar("U")

Probe = Callable[[Episode], Flow[tuple[Verdict | Unscored, Cost]]]
"""Lets the judge answer an episode's case as if it did not know the episode."""


def align(
    learner: Learner,
    feedback: Iterable[Feedback | Mapping[str, Any]],
    *,
    probe: Probe | None = None,
) -> Flow[AlignmentReport]:
    """Store feedback, then learn it and all that still waits to be learned.

    Args:
        learner: Who learns.
        feedback: Experts' words; may be empty, to finish what an earlier alignment could not.
        probe: Asks the judge about new cases of which its own verdict is not known.

    Raises:
        InvalidInputError: `feedback` is no list. One unusable record is only rejected.
        ModelError: The provider refuses access. The feedback is stored, pending.
        MemoryLockedError: Another process learns for too long. The feedback is stored, pending.
        MemoryStoreError: The memory cannot be written.
    """
    started = time.perf_counter()
    # Not a matter of turns: whoever learns at this moment does not keep feedback from being stored.
    intake = yield from take_in(learner.spec, learner.memory, feedback)

    def work() -> Flow[tuple[Cost, list[Learned], Reconciled]]:
        cost = NO_COST if probe is None else (yield from _probe(learner, probe))
        learned = yield from learn_pending(learner)
        return cost, learned, (yield from reconcile_batches(learner, learned))

    turn = learner.memory.aligner(learner.judge)
    cost, learned, reconciled = yield from turn.during(work)
    conflicts = yield from conflicts_among(learner, intake, learned)
    return alignment_report(
        intake,
        learned,
        reconciled,
        conflicts=conflicts,
        cost=cost,
        seconds=time.perf_counter() - started,
    )


def pending_work(
    learner: Learner, *, only: Sequence[str] | None = None
) -> Flow[tuple[list[list[Episode]], dict[str, Vector]]]:
    """The pending episodes in batches, and the vectors of those embedded already.

    Args:
        learner: Who learns.
        only: Ids of the episodes to consider; None for all.
    """
    points = yield from learner.memory.episode_points(
        learner.judge, ids=only, status="pending", vectors=True
    )
    episodes = sorted(map(to_episode, points), key=lambda e: (e.created_at, e.id))
    vectors = {
        point.id: point.vectors[CASE_VECTOR]
        for point in points
        if point.vectors and CASE_VECTOR in point.vectors
    }
    batches = split(
        episodes,
        records=learner.batch_records,
        tokens=learner.batch_tokens,
        record_tokens=learner.record_tokens,
    )
    return batches, vectors


def learn_pending(learner: Learner, *, only: Sequence[str] | None = None) -> Flow[list[Learned]]:
    """Learn pending episodes, several batches at a time.

    Args:
        learner: Who learns.
        only: Ids of the episodes to learn; None for all that wait.
    """
    batches, vectors = yield from pending_work(learner, only=only)
    total = sum(map(len, batches))
    done: list[int] = []  # appending is safe among threads, counting up is not

    def learn(batch: list[Episode]) -> Flow[Learned]:
        embedded = {e.id: vectors[e.id] for e in batch if e.id in vectors}
        learned = yield from learn_batch(learner, batch, embedded=embedded)
        done.append(len(batch))
        yield from learner.announce(done=sum(done), total=total)
        return learned

    if total:
        yield from learner.announce(done=0, total=total)
    return (yield from _for_each(batches, learn, limit=learner.max_concurrency))


def reconcile_batches(learner: Learner, learned: Sequence[Learned]) -> Flow[Reconciled]:
    """Compare the principles of batches that were learned at the same time, if there are such."""
    fruitful = [batch for batch in learned if batch.added]
    if len(fruitful) < 2:
        return Reconciled()
    return (yield from reconcile(learner, [p for batch in fruitful for p in batch.added]))


def conflicts_among(
    learner: Learner, intake: Intake, learned: Sequence[Learned]
) -> Flow[tuple[Conflict, ...]]:
    """Where experts differ on the cases of what was taken in or learned."""
    taken = (*intake.stored, *intake.unchanged, *intake.overwritten)
    tried = (id_ for batch in learned for id_ in (*batch.distilled, *batch.pending_ids))
    return conflicts_of(learner.memory, learner.judge, (*taken, *tried))


def alignment_report(
    intake: Intake,
    learned: Sequence[Learned],
    reconciled: Reconciled,
    *,
    conflicts: Sequence[Conflict],
    cost: Cost,
    seconds: float,
) -> AlignmentReport:
    """Put together what the parts of an alignment did."""
    total = reduce(add, (batch.cost for batch in learned), cost + reconciled.cost)
    retired = {p.id: p for p in (*intake.retired, *(p for batch in learned for p in batch.retired))}
    retired |= {p.id: p for p in reconciled.retired}
    added_ids = {p.id for batch in learned for p in batch.added}
    touched = final_states(learned, reconciled)
    return AlignmentReport(
        stored=intake.stored,
        unchanged=intake.unchanged,
        overwritten=intake.overwritten,
        rejected=intake.rejected,
        distilled=tuple(id_ for batch in learned for id_ in batch.distilled),
        pending=tuple(pending for batch in learned for pending in batch.pending),
        principles_added=tuple(p for p in touched if p.id in added_ids),
        principles_merged=tuple(p for p in touched if p.id not in added_ids),
        principles_retired=tuple(retired.values()),
        conflicts=tuple(conflicts),
        warnings=(reconciled.warning,) if reconciled.warning else (),
        model_calls=total.model_calls,
        embedded=total.embedded,
        usage=total.usage,
        seconds=seconds,
    )


def final_states(learned: Sequence[Learned], reconciled: Reconciled) -> tuple[Principle, ...]:
    """The principles that were added or gained sources and are active still, as they are now.

    Batches commit in any order, and one may add to what another brought; but sources only grow.
    """
    retired = {p.id for p in (*(p for b in learned for p in b.retired), *reconciled.retired)}
    final: dict[str, Principle] = {}
    for principle in (
        *(p for batch in learned for p in (*batch.added, *batch.merged)),
        *reconciled.merged,
    ):
        before = final.setdefault(principle.id, principle)
        if len(principle.episode_ids) > len(before.episode_ids):
            final[principle.id] = principle
    return tuple(p for p in final.values() if p.id not in retired)


def _probe(learner: Learner, probe: Probe) -> Flow[Cost]:
    """Ask the judge about the pending cases whose earlier verdict is not known, and note it."""
    pending = yield from learner.memory.episodes(learner.judge, status="pending")
    unknown = [episode for episode in pending if episode.judge_value is None]

    def ask(episode: Episode) -> Flow[tuple[Verdict | Unscored, Cost]]:
        try:
            return (yield from probe(episode))
        except ModelError as error:  # a case that cannot be embedded must not stop the others
            if error.is_refused_access:
                raise
            return Unscored(reason=str(error)), Cost()

    answers = yield from _for_each(unknown, ask, limit=learner.max_concurrency)
    said = {
        episode.id: outcome
        for episode, (outcome, _) in zip(unknown, answers, strict=True)
        if isinstance(outcome, Verdict)
    }

    def plan() -> Flow[tuple[list[Change], None]]:
        there = yield from learner.memory.episodes(learner.judge, ids=sorted(said))
        noted: list[Change] = [
            Put(
                judge=learner.judge,
                record=episode.model_copy(
                    update={
                        "judge_value": said[episode.id].value,
                        "judge_rationale": said[episode.id].rationale,
                    }
                ),
            )
            for episode in there
        ]
        return noted, None

    yield from learner.memory.transact(plan)
    return reduce(add, (cost for _, cost in answers), Cost())


def _for_each(items: Sequence[T], work: Callable[[T], Flow[U]], *, limit: int) -> Flow[list[U]]:
    """Do work for several items at once; once a provider refuses access, none is begun any more."""
    refusals: list[ModelError] = []

    def begin(item: T) -> Flow[U]:
        if refusals:
            raise refusals[0]
        try:
            return (yield from work(item))
        except ModelError as error:
            if error.is_refused_access:
                refusals.append(error)
            raise

    return parallel([begin(item) for item in items], limit=limit)
