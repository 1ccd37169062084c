"""Erasing episodes, and what must be learned anew when their words go or change."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from langchain_memalign._alignment.sight import without_rationale, without_shown, written_in_sight
from langchain_memalign._alignment.superseding import standing_changes
from langchain_memalign._memory.records import Records
from langchain_memalign.schema import Change, Episode, Erase, Principle, Put


@dataclass(frozen=True, kw_only=True)
class Erased:
    """Ids of what is gone, and of episodes that stay, changed.

    Attributes:
        rationales: Those that lost the judge's rationale.
        restored: Those that are superseded no more.
        waiting: Those that must be learned anew.
    """

    episode_ids: tuple[str, ...] = ()
    principle_ids: tuple[str, ...] = ()
    rationales: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()

    @property
    def touched(self) -> frozenset[str]:
        """Ids of all of which something is gone."""
        return frozenset((*self.episode_ids, *self.principle_ids, *self.rationales))


def plan_erasing(
    records: Records, judge: str, is_forgotten: Callable[[Episode], bool]
) -> tuple[list[Change], Erased]:
    """Erase episodes and all that was learned from them or written in sight of them.

    That is every principle that cites them, or may repeat them, and what the judge said of other
    cases with them before it. What else those principles came from waits anew, and what they had
    superseded is recalled again.
    """
    episodes = records.episodes(judge)
    forgotten = [episode.id for episode in episodes if is_forgotten(episode)]
    if not forgotten:
        return [], Erased()
    gone = frozenset(forgotten)
    principles = records.principles(judge, retired=True)
    reached = written_in_sight(gone, episodes, principles)
    lost = {p.id: p for p in principles if p.id in reached}
    waiting = _sources(lost.values()) - gone
    blanked = [episode.id for episode in episodes if episode.id in reached]
    marked = [episode for episode in episodes if episode.is_superseded()]
    standing = standing_changes(lost.values(), principles, marked, without=gone)
    cited = {(p.id, id_) for p in principles for id_ in p.episode_ids}
    changed: dict[str, Episode] = {}
    for episode in episodes:
        if episode.id in gone:
            continue
        record = without_rationale(episode) if episode.id in reached else episode
        record = without_shown(record, gone)
        if episode.id in waiting:
            record = _pending(record, standing)
        elif episode.superseded_by in lost:
            record = record.restored()
        elif episode.is_superseded() and (episode.superseded_by, episode.id) not in cited:
            # Then the principle stays whatever goes of what the reason was found in sight of.
            record = record.model_copy(update={"superseded_reason": None})
        if record is not episode:
            changed[episode.id] = record
    changes: list[Change] = [
        *(Erase(judge=judge, kind="episode", id=id_) for id_ in forgotten),
        *(Erase(judge=judge, kind="principle", id=id_) for id_ in lost),
        *(Put(judge=judge, record=record) for record in changed.values()),
        *without_pointers(judge, principles, to=lost),
    ]
    return changes, Erased(
        episode_ids=tuple(forgotten),
        principle_ids=tuple(lost),
        rationales=tuple(blanked),
        restored=tuple(
            e.id for e in marked if e.id in changed and not changed[e.id].is_superseded()
        ),
        waiting=tuple(id_ for id_ in changed if id_ in waiting),
    )


def learned_anew(
    records: Records,
    judge: str,
    lost: Iterable[Principle],
    *,
    without: AbstractSet[str],
) -> list[Put]:
    """Let the other sources of lost principles be learned once more; their embeddings stay.

    Principles that applied no more are no loss: what replaced one has its sources, and one that a
    human removed must not come back.

    Args:
        records: What the judge remembers.
        judge: The judge's name.
        lost: The principles.
        without: Ids of the episodes that go or change.
    """
    lost = tuple(lost)
    others = _sources(lost) - without
    sources: Sequence[Episode] = records.episodes(judge, ids=sorted(others))
    marked = [source for source in sources if source.is_superseded()]
    principles = records.principles(judge, retired=True) if marked else []
    standing = standing_changes(lost, principles, marked, without=without)
    return [Put(judge=judge, record=_pending(source, standing)) for source in sources]


def without_pointers(
    judge: str, principles: Iterable[Principle], *, to: Container[str]
) -> list[Put]:
    """Clear the pointers of principles to others that are erased, and are not erased themselves.

    Args:
        judge: The judge's name.
        principles: All of the judge's.
        to: Ids of those that are erased.
    """
    return [
        Put(judge=judge, record=p.model_copy(update={"replaced_by": None}))
        for p in principles
        if p.id not in to and p.replaced_by is not None and p.replaced_by in to
    ]


def _sources(lost: Iterable[Principle]) -> set[str]:
    return {id_ for p in lost if p.is_active() for id_ in p.episode_ids}


def _pending(episode: Episode, standing: AbstractSet[str]) -> Episode:
    """The episode as one to be learned; whether a change that stands superseded it is open again.

    Args:
        episode: The episode.
        standing: Ids of the principles that came of changes of mind of which something is left.
    """
    if episode.superseded_by in standing:
        return episode.model_copy(update={"status": "pending", "superseded_reason": None})
    return episode.restored().model_copy(update={"status": "pending"})
