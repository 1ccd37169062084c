"""Writing a learned batch: its principles and its episodes at once, or nothing."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_memalign._alignment.distil import Distilled
from langchain_memalign._alignment.embed import EmbeddedCases, EmbeddedRules
from langchain_memalign._alignment.learner import NO_COST, Cost
from langchain_memalign._alignment.plan import plan_principles
from langchain_memalign._content import canonical
from langchain_memalign._memory.records import MemoryFlows
from langchain_memalign._stores.base import Selection
from langchain_memalign.flow import Flow
from langchain_memalign.schema import (
    Change,
    Episode,
    Pending,
    Principle,
    Put,
    Record,
    now,
    principle_id,
)


class Learned(Record):
    """What came of learning episodes; those learned or waiting by id."""

    distilled: tuple[str, ...] = ()
    pending: tuple[Pending, ...] = ()
    added: tuple[Principle, ...] = ()
    merged: tuple[Principle, ...] = ()
    retired: tuple[Principle, ...] = ()
    cost: Cost = NO_COST

    @property
    def pending_ids(self) -> tuple[str, ...]:
        """The episodes that wait."""
        return tuple(pending.episode_id for pending in self.pending)


def commit(
    memory: MemoryFlows,
    judge: str,
    episodes: Sequence[Episode],
    *,
    distilled: Distilled,
    cases: EmbeddedCases,
    rules: EmbeddedRules,
) -> Flow[Learned]:
    """Write what was learned from a batch.

    An episode that was changed, forgotten or learned by someone else since the work began is left
    as it is, and so are the principles that it would have had a part in. An embedded case is kept
    also where learning failed: it can be recalled, and need not be embedded again.
    """

    def plan() -> Flow[tuple[list[Change], Learned]]:
        ids = [episode.id for episode in episodes]
        there = {e.id: e for e in (yield from memory.episodes(judge, ids=ids))}
        known = yield from memory.active_principles(judge)
        active = {principle.id for principle in known}
        current = {e.id: there[e.id] for e in episodes if _is_same_work(e, there.get(e.id))}
        usable = [
            candidate
            for candidate in distilled.candidates
            if current.keys() >= set(candidate.sources)
            and (
                candidate.text in rules.vectors
                or (candidate.relation == "same" and candidate.target in active)
            )
        ]
        new_ids = yield from _free_ids(memory, _batch_id(judge, episodes), len(usable))
        principles = plan_principles(usable, known=known, ids=new_ids, moment=now())
        waiting = _waiting(current, distilled, usable, cases, rules)
        changes: list[Change] = [*principles.puts(judge, rules.vectors)]
        for id_, episode in current.items():
            vector = tuple(cases.vectors[id_]) if id_ in cases.vectors else None
            if id_ not in waiting:
                episode = episode.model_copy(update={"status": "distilled"})
            if id_ not in waiting or vector is not None:
                changes.append(Put(judge=judge, record=episode, vector=vector))
        return changes, Learned(
            distilled=tuple(id_ for id_ in current if id_ not in waiting),
            pending=tuple(waiting.values()),
            added=tuple(principles.added.values()),
            merged=tuple(principles.merged.values()),
            retired=tuple(principles.retired.values()),
            cost=distilled.cost + Cost(embedded=cases.count + len(rules.vectors)),
        )

    return memory.transact(plan)


def _waiting(
    current: dict[str, Episode],
    distilled: Distilled,
    usable: Sequence[object],
    cases: EmbeddedCases,
    rules: EmbeddedRules,
) -> dict[str, Pending]:
    """The current episodes that must stay pending, and why."""
    waiting = {p.episode_id: p for p in (*distilled.pending, *cases.pending)}
    for candidate in distilled.candidates:
        if candidate not in usable:
            reason = rules.problem or "what it was learned with changed meanwhile; align again."
            for id_ in candidate.sources:
                waiting.setdefault(id_, Pending(id_, reason))
    return {id_: pending for id_, pending in waiting.items() if id_ in current}


def _is_same_work(before: Episode, there: Episode | None) -> bool:
    return there is not None and there.status == "pending" and there.revision == before.revision


def _free_ids(memory: MemoryFlows, batch_id: str, count: int) -> Flow[list[str]]:
    """Ids for principles of a batch: the same when it is done again, but none that is taken.

    A principle may have one from when the batch was learned before, and be retired since.
    """
    free: list[str] = []
    number = 0
    while len(free) < count:
        ids = tuple(principle_id(batch_id, str(number + n)) for n in range(count))
        taken = {point.id for point in (yield from memory.scan(Selection(ids=ids)))}
        free += [id_ for id_ in ids if id_ not in taken]
        number += count
    return free[:count]


def _batch_id(judge: str, episodes: Sequence[Episode]) -> str:
    return canonical([judge, sorted([episode.id, episode.revision] for episode in episodes)])
