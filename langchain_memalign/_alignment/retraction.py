"""What must be learned anew when the words of some episodes go or change."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from collections.abc import Set as AbstractSet

from langchain_memalign._memory.records import MemoryFlows
from langchain_memalign.flow import Flow
from langchain_memalign.schema import Episode, Principle, Put


def learned_anew(
    memory: MemoryFlows,
    judge: str,
    lost: Iterable[Principle],
    *,
    without: AbstractSet[str],
) -> Flow[list[Put]]:
    """Let the other sources of lost principles be learned once more; their embeddings stay.

    Principles that applied no more are no loss: what replaced one has its sources, and one that a
    human removed must not come back.

    Args:
        memory: The judge's memory.
        judge: The judge's name.
        lost: The principles.
        without: Ids of the episodes that go or change.
    """
    others = {id_ for p in lost if p.is_active() for id_ in p.episode_ids} - without
    sources: Sequence[Episode] = yield from memory.episodes(judge, ids=sorted(others))
    return [
        Put(judge=judge, record=source.model_copy(update={"status": "pending"}))
        for source in sources
    ]


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
