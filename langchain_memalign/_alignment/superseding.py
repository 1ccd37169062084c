"""A change of the experts' mind reaches the cases: which ones are superseded, and which return.

An episode is superseded by a principle that applies. When that one goes, so does the mark; when it
is replaced in turn, the mark passes on to its successor or, where the model does not name the
episode again, is taken off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from langchain_memalign._alignment.context import NO_COST, Cost
from langchain_memalign._memory.records import Records
from langchain_memalign.schema import Change, Episode, Principle, Put, Superseded

_LONGEST_REASON = 500


@dataclass(frozen=True, kw_only=True)
class Superseding:
    """What a model said of the cases that replaced principles rest on.

    Attributes:
        asked: For each replaced principle, by id, the episodes that were asked about.
        reasons: For each of these episodes that is superseded, by id, why.
    """

    asked: Mapping[str, tuple[Episode, ...]] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    cost: Cost = NO_COST


NOTHING_ASKED = Superseding()


@dataclass(frozen=True, kw_only=True)
class SupersedingPlan:
    """The episodes as they will be, and which of them were superseded or are recalled again."""

    episodes: tuple[Episode, ...] = ()
    superseded: tuple[Superseded, ...] = ()
    restored: tuple[str, ...] = ()

    def puts(self, judge: str) -> list[Put]:
        """The changes to apply."""
        return [Put(judge=judge, record=episode) for episode in self.episodes]


def resting_on(
    records: Records, judge: str, replaced: Principle, *, apart_from: AbstractSet[str]
) -> list[Episode]:
    """The episodes to ask about: those that a replaced principle came from or had superseded.

    Args:
        records: What the judge remembers.
        judge: The judge's name.
        replaced: The principle that goes.
        apart_from: Ids of the episodes that its successor comes from.
    """
    sources = records.episodes(
        judge, ids=sorted(set(replaced.episode_ids) - apart_from), status="distilled"
    )
    return [e for e in sources if e.superseded_by in (None, replaced.id)]


def supersede_reader(
    cases: Sequence[Episode],
) -> Callable[[dict[str, Any]], tuple[dict[str, str] | None, str | None]]:
    """Make the reader of a reply that names superseded cases; it gives the reasons by episode."""
    names = {f"C{i}": episode.id for i, episode in enumerate(cases, 1)}

    def read(data: dict[str, Any]) -> tuple[dict[str, str] | None, str | None]:
        items = data.get("superseded")
        if not isinstance(items, list):
            return None, "it has no list under the key 'superseded'."
        reasons: dict[str, str] = {}
        for item in items:
            if not isinstance(item, dict):
                return reasons, f"{str(item)[:120]!r} is no object."
            if id_ := names.get(str(item.get("case"))):  # invented ids are dropped
                # Models also write half a character, which nothing could store.
                said = str(item.get("reason") or "").encode("utf-8", errors="replace").decode()
                reasons[id_] = " ".join(said.split())[:_LONGEST_REASON]
        return reasons, None

    return read


def plan_superseding(
    records: Records,
    judge: str,
    retired: Iterable[Principle],
    said: Superseding,
    *,
    moment: datetime,
    apart_from: AbstractSet[str] = frozenset(),
) -> SupersedingPlan:
    """Mark what a model found superseded, and pass on or take off the marks of what was replaced.

    An episode that was changed or forgotten since the model was asked is left as it is.

    Args:
        records: What the judge remembers.
        judge: The judge's name.
        retired: The principles that were replaced; they name their successors.
        said: What the model said.
        moment: Since when the episodes are superseded.
        apart_from: Ids of episodes that are written anyway.
    """
    gone = {p.id: p.replaced_by for p in retired if p.replaced_by is not None}
    if not gone:
        return SupersedingPlan()
    asked = {e.id: (e, by) for id_, by in gone.items() for e in said.asked.get(id_, ())}
    there = {e.id: e for e in records.episodes(judge, ids=sorted(asked.keys() - apart_from))}
    plan: dict[str, Episode] = {}
    superseded: list[Superseded] = []
    restored: list[str] = []
    for id_, (before, by) in asked.items():
        episode = there.get(id_)
        if episode is None or episode.status == "pending" or episode.revision != before.revision:
            continue
        if id_ in said.reasons:
            reason = said.reasons[id_]
            plan[id_] = episode.superseded(by, reason=reason or None, at=moment)
            superseded.append(Superseded(id_, by, reason))
        elif episode.is_superseded():
            plan[id_] = episode.restored()
            restored.append(id_)
    for episode in marked_by(records, judge, gone.keys()):
        if episode.id not in asked and episode.id not in apart_from:
            successor = gone[episode.superseded_by or ""]
            plan[episode.id] = episode.model_copy(update={"superseded_by": successor})
    return SupersedingPlan(
        episodes=tuple(plan.values()), superseded=tuple(superseded), restored=tuple(restored)
    )


def plan_settling(
    records: Records,
    judge: str,
    doubted: Sequence[Episode],
    said: Superseding,
    *,
    by: str | None,
    moment: datetime,
) -> tuple[list[Change], SupersedingPlan]:
    """Decide again of pending episodes that had been superseded; the others only wait as before.

    Args:
        records: What the judge remembers.
        judge: The judge's name.
        doubted: The episodes.
        said: Which of them a model found superseded, and why.
        by: Id of the principle that they contradict; None where none was learned.
        moment: Since when they are superseded.
    """
    revisions = {episode.id: episode.revision for episode in doubted}
    there = records.episodes(judge, ids=sorted(revisions), status="pending")
    plan: list[Episode] = []
    superseded: list[Superseded] = []
    for episode in there:
        same = episode.revision == revisions[episode.id]
        if by is not None and same and (reason := said.reasons.get(episode.id)) is not None:
            settled = episode.model_copy(update={"status": "distilled"})
            plan.append(settled.superseded(by, reason=reason or None, at=moment))
            superseded.append(Superseded(episode.id, by, reason))
        else:
            plan.append(episode.restored())
    settling = SupersedingPlan(episodes=tuple(plan), superseded=tuple(superseded))
    return list(settling.puts(judge)), settling


def standing_changes(
    lost: Iterable[Principle],
    principles: Sequence[Principle],
    marked: Iterable[Episode],
    *,
    without: AbstractSet[str],
) -> set[str]:
    """Ids of the lost principles that came of a change of mind of which something is left.

    A principle that replaced another has the sources of both. What is left of the change is what
    neither came from the other one nor was superseded.

    Args:
        lost: The principles that apply no more.
        principles: All of the judge's, retired ones included.
        marked: The superseded episodes.
        without: Ids of the episodes that go or change.
    """
    marked_ids = {episode.id for episode in marked}
    found = set()
    for principle in lost:
        older = (p.episode_ids for p in principles if p.replaced_by == principle.id)
        if set(principle.episode_ids) - marked_ids - without - set(chain.from_iterable(older)):
            found.add(principle.id)
    return found


def marked_by(records: Records, judge: str, principle_ids: AbstractSet[str]) -> list[Episode]:
    """The episodes that are superseded by one of some principles, oldest first."""
    if not principle_ids:
        return []
    found = records.episodes(judge, status="superseded")
    return [episode for episode in found if episode.superseded_by in principle_ids]


def handed_on(records: Records, judge: str, principle_ids: AbstractSet[str], to: str) -> list[Put]:
    """Let a principle stand in for others as what superseded episodes."""
    return [
        Put(judge=judge, record=episode.model_copy(update={"superseded_by": to}))
        for episode in marked_by(records, judge, principle_ids)
    ]


def returned(
    records: Records,
    judge: str,
    principle_ids: AbstractSet[str],
    *,
    apart_from: AbstractSet[str] = frozenset(),
) -> list[Put]:
    """Let the episodes be recalled again that principles superseded which apply no more."""
    return [
        Put(judge=judge, record=episode.restored())
        for episode in marked_by(records, judge, principle_ids)
        if episode.id not in apart_from
    ]
