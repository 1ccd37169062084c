"""Which principles lose their basis when the words of some episodes go or change."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from langchain_memalign.flow import Flow
from langchain_memalign.memory import MemoryFlows
from langchain_memalign.schema import Episode, Principle, Put


@dataclass(frozen=True, kw_only=True)
class Retraction:
    """What hangs on some episodes.

    Attributes:
        principles: All that cite one of them, active or retired.
        other_sources: The further episodes of those principles; they must be learned anew.
    """

    principles: tuple[Principle, ...]
    other_sources: tuple[Episode, ...]


def retraction(memory: MemoryFlows, judge: str, episode_ids: AbstractSet[str]) -> Flow[Retraction]:
    """Find what hangs on episodes whose words are taken back."""
    if not episode_ids:
        return Retraction(principles=(), other_sources=())
    principles = yield from memory.principles(judge, retired=True, citing=episode_ids)
    others = {id_ for principle in principles for id_ in principle.episode_ids} - episode_ids
    sources = yield from memory.episodes(judge, ids=sorted(others))
    return Retraction(principles=tuple(principles), other_sources=tuple(sources))


def make_pending(judge: str, episode: Episode) -> Put:
    """The change that has an episode learned from once more; its embedding stays."""
    return Put(judge=judge, record=episode.model_copy(update={"status": "pending"}))
