"""Taking over what was learned in a copy of a memory: what is written, what is reported."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_memalign._alignment.context import Cost
from langchain_memalign._memory.convert import to_put, to_record
from langchain_memalign._memory.records import Records
from langchain_memalign._stores.base import Point, Selection
from langchain_memalign.schema import (
    AlignmentReport,
    Episode,
    GateDecision,
    JudgeDefinition,
    Pending,
    Principle,
    Put,
)

Known = Episode | Principle | JudgeDefinition


def changes_to(points: Sequence[Point], candidate: Records, judge: str) -> list[Put]:
    """What has to be written for the judge's memory to become the candidate."""
    before = {point.id: point for point in points}
    records = _by_id(points)
    changes = []
    for point in candidate.scan(Selection(judge=judge), vectors=True):
        old, record = before.get(point.id), to_record(point)
        had, has = bool(old and old.vectors), bool(point.vectors)
        if old is None or record != records[point.id] or has != had:
            # A vector of an episode is that of its case, which an overwriting word may change.
            same = old is not None and _embeds_alike(record, records[point.id]) and has == had
            changes.append(to_put(point).model_copy(update={"vector": None} if same else {}))
            if had and not has:
                changes[-1] = changes[-1].model_copy(update={"vector": ()})
    return changes


def plan_takeover(
    records: Records, judge: str, points: Sequence[Point], changes: Sequence[Put]
) -> tuple[Sequence[Put], bool]:
    """Write the changes, unless what they were computed from has changed; says whether.

    Feedback that others stored meanwhile, and that waits to be learned, does not matter.
    """
    before, ours = _by_id(points), {change.record.id for change in changes}
    there = _by_id(records.scan(Selection(judge=judge)))
    new = [record for id_, record in there.items() if id_ not in before]
    untouched = all(there.get(id_) == record for id_, record in before.items()) and all(
        isinstance(r, Episode) and r.status == "pending" and r.id not in ours for r in new
    )
    return (changes, True) if untouched else ((), False)


def decided(
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


def _embeds_alike(one: Known, other: Known) -> bool:
    if isinstance(one, Episode) and isinstance(other, Episode):
        return one.case.key == other.case.key
    return True


def _by_id(points: Sequence[Point]) -> dict[str, Known]:
    return {point.id: to_record(point) for point in points}
