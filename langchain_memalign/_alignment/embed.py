"""Embedding what is learned; one bad text fails only its own record."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from langchain_memalign._memory.records import MemoryFlows
from langchain_memalign._models import Vector
from langchain_memalign._prompts.content import embedding_texts
from langchain_memalign.errors import ModelError
from langchain_memalign.flow import Flow
from langchain_memalign.schema import Episode, Pending


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


def embed_episodes(memory: MemoryFlows, episodes: Sequence[Episode]) -> Flow[EmbeddedCases]:
    """Embed the cases of episodes in one call; when that is rejected, halve until a case is alone.

    Raises:
        ModelError: The provider refuses access.
    """
    if not episodes:
        return EmbeddedCases(vectors={})
    cases = [episode.case for episode in episodes]
    try:
        vectors = yield from memory.embed_cases(cases)
    except ModelError as error:
        if error.is_refused_access:
            raise
        if error.transient or len(episodes) == 1:
            reason = f"its case could not be embedded: {error}"
            pending = tuple(Pending(episode.id, reason) for episode in episodes)
            return EmbeddedCases(vectors={}, pending=pending)
        middle = len(episodes) // 2
        first = yield from embed_episodes(memory, episodes[:middle])
        second = yield from embed_episodes(memory, episodes[middle:])
        return EmbeddedCases(
            vectors={**first.vectors, **second.vectors},
            pending=first.pending + second.pending,
            count=first.count + second.count,
        )
    return EmbeddedCases(
        vectors={e.id: array("d", vector) for e, vector in zip(episodes, vectors, strict=True)},
        count=len({text for case in cases for text in embedding_texts(case) if text}),
    )


def embed_rules(memory: MemoryFlows, texts: Sequence[str]) -> Flow[EmbeddedRules]:
    """Embed the texts of new principles in one call.

    Raises:
        ModelError: The provider refuses access.
    """
    try:
        vectors = yield from memory.embed(texts)
    except ModelError as error:
        if error.is_refused_access:
            raise
        return EmbeddedRules(vectors={}, problem=f"its principles could not be embedded: {error}")
    return EmbeddedRules(vectors=dict(zip(texts, vectors, strict=True)))
