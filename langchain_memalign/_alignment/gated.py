"""Aligning on trial: learned in a copy of the memory, taken over only if a gate lets it pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from langchain_memalign._alignment.align import Probe, align
from langchain_memalign._alignment.learner import Cost, Learner
from langchain_memalign._memory.convert import to_put, to_record
from langchain_memalign._memory.records import MemoryFlows
from langchain_memalign._scratch import scratch_copy
from langchain_memalign._stores.base import Point, Selection
from langchain_memalign.flow import Flow
from langchain_memalign.memory import Memory
from langchain_memalign.schema import (
    AlignmentReport,
    Episode,
    Feedback,
    GateDecision,
    Pending,
    Principle,
    Put,
)

Decide = Callable[[Memory, Memory, Sequence[Feedback]], Flow[GateDecision]]
"""Compares the memory as it is with the memory as it would be; both are copies. Also gets the
feedback of the batch that could be used."""

Records = Mapping[str, Episode | Principle]


def align_gated(
    learner: Learner,
    feedback: Iterable[Feedback | Mapping[str, Any]],
    *,
    decide: Decide,
    probe: Probe | None = None,
) -> Flow[AlignmentReport]:
    """Learn feedback in a copy of the memory; write what was learned if `decide` accepts it.

    Unlike `align`, this stores nothing before it is decided, and nothing at all where the batch is
    refused. What earlier alignments left pending is learned, and decided on, with the batch. What
    is written is what was learned in the copy: nothing is distilled or embedded twice.

    Args:
        learner: Who learns.
        feedback: Experts' words; may be empty, to finish what an earlier alignment could not.
        decide: The gate.
        probe: Asks the judge about new cases of which its own verdict is not known.

    Raises:
        InvalidInputError: `feedback` is no list.
        ModelError: The provider refuses access. Nothing is stored.
        MemoryLockedError: Another process learns for too long. Nothing is stored.
        MemoryStoreError: The memory cannot be read or written.
    """
    started = time.perf_counter()
    memory, judge = learner.memory, learner.judge
    is_list = isinstance(feedback, Iterable) and not isinstance(feedback, Mapping | str)
    given = list(feedback) if is_list else feedback  # `align` says what is wrong with it

    def work() -> Flow[AlignmentReport]:
        points = yield from memory.scan(Selection(judge=judge), vectors=True)
        embedder = memory.embedder.remembering()
        current = yield from scratch_copy(points, embedder)
        try:
            candidate = yield from scratch_copy(points, embedder)
            try:
                aside = replace(learner, memory=candidate.flows)
                report = yield from align(aside, given, probe=probe)
                changes = yield from _changes(points, candidate.flows, judge)
                if not changes:
                    return report
                rejected = {rejection.index for rejection in report.rejected}
                words = [Feedback.of(w) for i, w in enumerate(given) if i not in rejected]
                decision = yield from decide(current, candidate, words)
            finally:
                candidate.close()
        finally:
            current.close()
        if decision.accepted and not (yield from _commit(memory, judge, points, changes)):
            decision = decision.model_copy(
                update={
                    "accepted": False,
                    "reason": "the memory was changed while the gate compared; align again.",
                }
            )
        waiting = [p.id for p in points if p.fields.get("status") == "pending"]
        return _decided(report, decision, waiting)

    report = yield from memory.aligner(judge).during(work)
    return report.model_copy(update={"seconds": time.perf_counter() - started})


def _changes(points: Sequence[Point], candidate: MemoryFlows, judge: str) -> Flow[list[Put]]:
    """What has to be written for the judge's memory to become the candidate."""
    before = {point.id: point for point in points}
    records = _by_id(points)
    changes = []
    for point in (yield from candidate.scan(Selection(judge=judge), vectors=True)):
        old, record = before.get(point.id), to_record(point)
        had, has = bool(old and old.vectors), bool(point.vectors)
        if old is None or record != records[point.id] or has != had:
            # A vector of an episode is that of its case, which an overwriting word may change.
            same = old is not None and _embeds_alike(record, records[point.id]) and has == had
            changes.append(to_put(point).model_copy(update={"vector": None} if same else {}))
            if had and not has:
                changes[-1] = changes[-1].model_copy(update={"vector": ()})
    return changes


def _embeds_alike(one: Episode | Principle, other: Episode | Principle) -> bool:
    if isinstance(one, Episode) and isinstance(other, Episode):
        return one.case.key == other.case.key
    return True


def _commit(
    memory: MemoryFlows, judge: str, points: Sequence[Point], changes: Sequence[Put]
) -> Flow[bool]:
    """Write the changes, unless what they were computed from has changed.

    Feedback that others stored meanwhile, and that waits to be learned, does not matter.
    """
    before, ours = _by_id(points), {change.record.id for change in changes}

    def plan() -> Flow[tuple[Sequence[Put], bool]]:
        there = _by_id((yield from memory.scan(Selection(judge=judge))))
        new = [record for id_, record in there.items() if id_ not in before]
        untouched = all(there.get(id_) == record for id_, record in before.items()) and all(
            isinstance(r, Episode) and r.status == "pending" and r.id not in ours for r in new
        )
        return (changes, True) if untouched else ((), False)

    return (yield from memory.transact(plan))


def _by_id(points: Sequence[Point]) -> Records:
    return {point.id: to_record(point) for point in points}


def _decided(
    report: AlignmentReport, decision: GateDecision, waiting: Sequence[str]
) -> AlignmentReport:
    """The report of the trial, with the decision and what it cost.

    Args:
        report: The report.
        decision: The decision.
        waiting: Ids of the episodes that waited to be learned before.
    """
    told = {"gate": decision, **dict(Cost.told_by(report) + Cost.told_by(decision))}
    if decision.accepted:
        if not decision.is_backed:
            told["warnings"] = (*report.warnings, decision.reason)
        return report.model_copy(update=told)
    return AlignmentReport(
        unchanged=report.unchanged,
        pending=tuple(Pending(id_, "the gate refused what was learned.") for id_ in waiting),
        rejected=report.rejected,
        refused=(*report.stored, *report.overwritten),
        warnings=report.warnings,
        **told,
    )
