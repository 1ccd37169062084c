"""What an alignment reports: what its parts did, and where experts differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from langchain_memalign._alignment.commit import Learned
from langchain_memalign._alignment.context import NO_COST, Cost
from langchain_memalign._alignment.decline import FEWEST_KNOWN, decline_among, is_known
from langchain_memalign._alignment.ingest import Ingested
from langchain_memalign._memory.convert import SUPERSEDED, in_order, to_episode
from langchain_memalign._memory.records import Records
from langchain_memalign._stores.base import Point, Selection
from langchain_memalign.schema import (
    AlignmentReport,
    Conflict,
    Episode,
    Principle,
    Superseded,
    deciding,
)


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    """Principles that gained sources or were retired, what became of cases, what went wrong."""

    merged: tuple[Principle, ...] = ()
    retired: tuple[Principle, ...] = ()
    superseded: tuple[Superseded, ...] = ()
    restored: tuple[str, ...] = ()
    warning: str | None = None
    cost: Cost = NO_COST


def conflicts_among(
    records: Records, judge: str, ingested: Ingested, learned: Sequence[Learned]
) -> tuple[Conflict, ...]:
    """Where experts differ on the cases of what was ingested or learned."""
    taken = (*ingested.stored, *ingested.unchanged, *ingested.overwritten)
    tried = (id_ for batch in learned for id_ in (*batch.distilled, *batch.pending_ids))
    return conflicts_of(records, judge, (*taken, *tried))


def decline_of(records: Records, judge: str, ingested: Ingested) -> str | None:
    """A warning if the judge agreed clearly less on the cases of a batch than on those before."""
    fresh = {*ingested.stored, *ingested.overwritten}
    new = records.episodes(judge, ids=sorted(fresh)) if len(fresh) >= FEWEST_KNOWN else []
    # What was said before is read only where there is something to hold against it.
    if sum(map(is_known, new)) < FEWEST_KNOWN:
        return None
    earlier = (e for e in records.episodes(judge, status="distilled") if e.id not in fresh)
    return decline_among(earlier, new)


def alignment_report(
    ingested: Ingested,
    learned: Sequence[Learned],
    reconciled: Reconciled,
    *,
    conflicts: Sequence[Conflict],
    decline: str | None,
    cost: Cost,
    seconds: float,
) -> AlignmentReport:
    """Put together what the parts of an alignment did."""
    total = reduce(add, (batch.cost for batch in learned), cost + reconciled.cost)
    retired = {
        p.id: p for p in (*ingested.retired, *(p for batch in learned for p in batch.retired))
    }
    retired |= {p.id: p for p in reconciled.retired}
    added_ids = {p.id for batch in learned for p in batch.added}
    touched = final_states(learned, reconciled)
    return AlignmentReport(
        stored=ingested.stored,
        unchanged=ingested.unchanged,
        overwritten=ingested.overwritten,
        rejected=ingested.rejected,
        distilled=tuple(id_ for batch in learned for id_ in batch.distilled),
        pending=tuple(pending for batch in learned for pending in batch.pending),
        principles_added=tuple(p for p in touched if p.id in added_ids),
        principles_merged=tuple(p for p in touched if p.id not in added_ids),
        principles_retired=tuple(retired.values()),
        superseded=_superseded(learned, reconciled),
        restored=tuple(
            dict.fromkeys(
                (
                    *ingested.restored,
                    *(id_ for batch in learned for id_ in batch.restored),
                    *reconciled.restored,
                )
            )
        ),
        remarks_covered=sum(len(batch.covered) for batch in learned),
        remarks_verbatim=sum(len(batch.verbatim) for batch in learned),
        conflicts=tuple(conflicts),
        warnings=(
            *ingested.warnings,
            *((decline,) if decline else ()),
            # Several batches may have been told the same.
            *dict.fromkeys(warning for batch in learned for warning in batch.warnings),
            *((reconciled.warning,) if reconciled.warning else ()),
        ),
        model_calls=total.model_calls,
        embedded=total.embedded,
        usage=total.usage,
        seconds=seconds,
    )


def _superseded(learned: Sequence[Learned], reconciled: Reconciled) -> tuple[Superseded, ...]:
    """What was superseded, each once, by what did so last; but for what was restored since."""
    found: dict[str, Superseded] = {}
    parts: list[Learned | Reconciled] = [*learned, reconciled]
    for part in parts:
        for id_ in part.restored:
            found.pop(id_, None)
        found |= {superseded.episode_id: superseded for superseded in part.superseded}
    return tuple(found.values())


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


def conflicts_of(records: Records, judge: str, episode_ids: Sequence[str]) -> tuple[Conflict, ...]:
    """The cases of some episodes to which experts gave different values, oldest first.

    Args:
        records: Where the episodes are.
        judge: The judge's name.
        episode_ids: The episodes whose cases are looked at; what others said of them counts, too.
    """
    if not episode_ids:
        return ()
    touched = records.episode_points(judge, ids=tuple(dict.fromkeys(episode_ids)))
    keys = sorted({str(point.fields["case_key"]) for point in touched})
    said = records.scan(
        Selection(
            kind="episode",
            judge=judge,
            fields={"case_key": tuple(keys)},
            without={"status": (SUPERSEDED,)},
        )
    )
    by_case: defaultdict[str, list[Point]] = defaultdict(list)
    for point in said:
        if "value" in point.fields:
            by_case[str(point.fields["case_key"])].append(point)
    contested = [
        in_order(map(to_episode, points))
        for points in by_case.values()
        # Told by the fields: most cases agree, and to read every record would take long.
        if len({point.fields["value"] for point in points}) > 1
    ]
    contested.sort(key=lambda episodes: (episodes[0].created_at, episodes[0].id))
    return tuple(map(_conflict, contested))


def _conflict(episodes: Sequence[Episode]) -> Conflict:
    return Conflict(
        episode_ids=tuple(e.id for e in episodes),
        reviewers=tuple(e.reviewer for e in episodes),
        values=tuple(e.value for e in episodes if e.value is not None),
        value=deciding(episodes).value,
    )
