"""Writing a learned batch: its principles and its episodes at once, or nothing."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from langchain_memalign._alignment.context import NO_COST, Cost
from langchain_memalign._alignment.merging import Candidate, plan_principles
from langchain_memalign._alignment.sight import is_whole
from langchain_memalign._alignment.superseding import (
    NOTHING_ASKED,
    Superseding,
    plan_superseding,
)
from langchain_memalign._content import canonical
from langchain_memalign._memory.convert import to_record
from langchain_memalign._memory.records import Records
from langchain_memalign._models import Vector
from langchain_memalign._stores.base import Selection
from langchain_memalign.schema import (
    Change,
    Episode,
    Pending,
    Principle,
    Put,
    Record,
    Superseded,
    now,
    principle_id,
)


@dataclass(frozen=True, kw_only=True)
class Distilled:
    """What came of distilling some episodes.

    Attributes:
        candidates: The principles proposed; their sources are episode ids.
        learned: Ids of the episodes that the model dealt with.
        pending: Episodes that it could not deal with, and why.
        covered: Ids of the episodes whose remark a principle accounts for.
        verbatim: Those of them whose remark is a principle as it stands.
        warnings: What was proposed and not taken, and why.
    """

    candidates: tuple[Candidate, ...] = ()
    learned: frozenset[str] = frozenset()
    pending: tuple[Pending, ...] = ()
    covered: frozenset[str] = frozenset()
    verbatim: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    cost: Cost = NO_COST

    def __add__(self, other: Distilled) -> Distilled:
        return Distilled(
            candidates=self.candidates + other.candidates,
            learned=self.learned | other.learned,
            pending=self.pending + other.pending,
            covered=self.covered | other.covered,
            verbatim=self.verbatim | other.verbatim,
            warnings=self.warnings + other.warnings,
            cost=self.cost + other.cost,
        )


@dataclass(frozen=True, kw_only=True)
class EmbeddedCases:
    """Vectors of episodes by id, those that could not be embedded, and how many texts were.

    All batches under way hold theirs until they are committed: as arrays, since a number in a tuple
    takes four times as much memory.
    """

    vectors: Mapping[str, array[float]]
    pending: tuple[Pending, ...] = ()
    count: int = 0


@dataclass(frozen=True, kw_only=True)
class EmbeddedRules:
    """The vectors of principles by text; or the reason why there are none."""

    vectors: Mapping[str, Vector]
    problem: str | None = None


class Learned(Record):
    """What came of learning episodes; those learned or waiting by id.

    Attributes:
        outdated: Not learned, because something that the model saw was forgotten meanwhile: to be
            learned again, without it.
        covered: Of those learned, whose remark a principle accounts for.
        verbatim: Those of them whose remark is a principle as it stands.
    """

    distilled: tuple[str, ...] = ()
    pending: tuple[Pending, ...] = ()
    outdated: tuple[str, ...] = ()
    added: tuple[Principle, ...] = ()
    merged: tuple[Principle, ...] = ()
    retired: tuple[Principle, ...] = ()
    superseded: tuple[Superseded, ...] = ()
    restored: tuple[str, ...] = ()
    covered: tuple[str, ...] = ()
    verbatim: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    cost: Cost = NO_COST

    def __add__(self, other: Learned) -> Learned:
        names = Learned.model_fields
        return Learned(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def pending_ids(self) -> tuple[str, ...]:
        """The episodes that wait."""
        return tuple(pending.episode_id for pending in self.pending)


def plan_commit(
    records: Records,
    judge: str,
    episodes: Sequence[Episode],
    *,
    shown: Sequence[Principle],
    distilled: Distilled,
    cases: EmbeddedCases,
    rules: EmbeddedRules,
    superseding: Superseding = NOTHING_ASKED,
    moment: datetime | None = None,
) -> tuple[list[Change], Learned]:
    """Write what was learned from a batch.

    An episode that was changed, forgotten or learned by someone else since the work began is left
    as it is, and so are the principles that it would have had a part in. An embedded case is kept
    also where learning failed: it can be recalled, and need not be embedded again.

    Args:
        records: What the judge remembers.
        judge: The judge's name.
        episodes: The batch.
        shown: The known principles that the distilling model saw.
        distilled: What it made of the batch.
        cases: The embedded cases.
        rules: The embedded texts of new principles.
        superseding: What was found of the cases behind the principles that it replaces.
        moment: When the principles count as learned; None for now.
    """
    ids = [episode.id for episode in episodes]
    seen = {principle.id for principle in shown}
    wanted = Selection(judge=judge, ids=(*ids, *seen))
    found = {record.id: record for record in map(to_record, records.scan(wanted))}
    there = {id_: e for id_, e in found.items() if isinstance(e, Episode)}
    known = records.active_principles(judge)
    active = {principle.id for principle in known}
    current = {e.id: there[e.id] for e in episodes if _is_same_work(e, there.get(e.id))}
    was_forgotten = not seen <= found.keys() or _forgets_any(episodes, there)
    usable = [
        candidate
        for candidate in distilled.candidates
        if current.keys() >= set(candidate.sources)
        and not was_forgotten
        and (
            candidate.text in rules.vectors
            or (candidate.relation == "same" and candidate.target in active)
        )
    ]
    new_ids = _free_ids(records, _batch_id(judge, episodes), len(usable))
    sight = (*(principle.id for principle in shown), *ids)
    moment = moment or now()
    principles = plan_principles(usable, known=known, sight=sight, ids=new_ids, moment=moment)
    past = plan_superseding(
        records,
        judge,
        principles.retired.values(),
        superseding,
        moment=moment,
        apart_from=frozenset(ids),
    )
    if was_forgotten:
        usable = [c for c in distilled.candidates if current.keys() >= set(c.sources)]
    waiting = _waiting(current, distilled, usable, cases, rules)
    outdated = current.keys() - waiting.keys() if was_forgotten else set()
    changes: list[Change] = [*principles.puts(judge, rules.vectors), *past.puts(judge)]
    for id_, episode in current.items():
        vector = tuple(cases.vectors[id_]) if id_ in cases.vectors else None
        is_learned = id_ not in waiting and id_ not in outdated
        if is_learned:
            episode = episode.restored().model_copy(update={"status": "distilled"})
        if is_learned or vector is not None:
            changes.append(Put(judge=judge, record=episode, vector=vector))
    done = tuple(id_ for id_ in current if id_ not in waiting and id_ not in outdated)
    return changes, Learned(
        distilled=done,
        outdated=tuple(id_ for id_ in current if id_ in outdated),
        pending=tuple(waiting.values()),
        added=tuple(principles.added.values()),
        merged=tuple(principles.merged.values()),
        retired=tuple(principles.retired.values()),
        superseded=past.superseded,
        restored=past.restored,
        covered=tuple(id_ for id_ in done if id_ in distilled.covered),
        verbatim=tuple(id_ for id_ in done if id_ in distilled.verbatim),
        warnings=(*distilled.warnings, *superseding.warnings, *_unrecallable(cases.vectors)),
        cost=distilled.cost + superseding.cost + Cost(embedded=cases.count + len(rules.vectors)),
    )


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
            reason = (
                rules.problem
                or "what it was learned from has changed in the meantime; align again."
            )
            for id_ in candidate.sources:
                waiting.setdefault(id_, Pending(id_, reason))
    return {id_: pending for id_, pending in waiting.items() if id_ in current}


def _unrecallable(vectors: Mapping[str, array[float]]) -> tuple[str, ...]:
    """Whose case the embedding model has no direction for, so that no other is near it."""
    blank = [id_ for id_, vector in vectors.items() if not any(vector)]
    if not blank:
        return ()
    return (
        f"the embedding model gave zero vectors for {len(blank)} of the episodes, which are "
        f"therefore never recalled: {', '.join(blank[:3])}.",
    )


def _forgets_any(episodes: Sequence[Episode], there: Mapping[str, Episode]) -> bool:
    """Whether something of a batch is not there any more, so that the model's reply may hold it."""
    return len(there) < len(episodes) or any(
        is_whole(e) and not is_whole(there[e.id]) for e in episodes
    )


def _is_same_work(before: Episode, there: Episode | None) -> bool:
    return there is not None and there.status == "pending" and there.revision == before.revision


def _free_ids(records: Records, batch_id: str, count: int) -> list[str]:
    """Ids for principles of a batch: the same when it is done again, but none that is taken.

    A principle may have one from when the batch was learned before, and be retired since.
    """
    free: list[str] = []
    number = 0
    while len(free) < count:
        ids = tuple(principle_id(batch_id, str(number + n)) for n in range(count))
        taken = {point.id for point in records.scan(Selection(ids=ids))}
        free += [id_ for id_ in ids if id_ not in taken]
        number += count
    return free[:count]


def _batch_id(judge: str, episodes: Sequence[Episode]) -> str:
    return canonical([judge, sorted([episode.id, episode.revision] for episode in episodes)])
