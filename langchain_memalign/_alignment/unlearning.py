"""Erasing episodes, and what must be learned anew when their words go or change."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from langchain_memalign._alignment.sight import without_rationale, without_shown, written_in_sight
from langchain_memalign._memory.records import Records
from langchain_memalign.schema import Change, Episode, Erase, Principle, Put


@dataclass(frozen=True, kw_only=True)
class Erased:
    """Ids of what is gone, of episodes that lost the judge's rationale, or must be learned anew."""

    episode_ids: tuple[str, ...] = ()
    principle_ids: tuple[str, ...] = ()
    rationales: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


def plan_erasing(
    records: Records, judge: str, is_forgotten: Callable[[Episode], bool]
) -> tuple[list[Change], Erased]:
    """Erase episodes and all that was learned from them or written in sight of them.

    That is every principle that cites them, or may repeat them, and what the judge said of other
    cases with them before it. What else those principles came from waits anew.
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
    changed: dict[str, Episode] = {}
    for episode in episodes:
        record = without_rationale(episode) if episode.id in reached else episode
        record = record if episode.id in gone else without_shown(record, gone)
        if episode.id in waiting:
            record = _pending(record)
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
    others = _sources(lost) - without
    sources: Sequence[Episode] = records.episodes(judge, ids=sorted(others))
    return [Put(judge=judge, record=_pending(source)) for source in sources]


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


def _pending(episode: Episode) -> Episode:
    return episode.model_copy(update={"status": "pending"})
