"""Finding what a judge's memory has to say about a case; reads only."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Literal, TypeAlias

from langchain_memalign._memory.cache import Knowledge
from langchain_memalign._memory.convert import rule_query, to_episode
from langchain_memalign._memory.records import MemoryFlows
from langchain_memalign._memory.selection import (
    Recollection,
    assemble,
    by_case,
    choose,
    over_budget,
)
from langchain_memalign._models import Vector
from langchain_memalign._stores.base import CASE_VECTOR, RULE_VECTOR, Selection
from langchain_memalign.errors import MemoryUnavailableError, ModelError
from langchain_memalign.flow import Flow
from langchain_memalign.schema import Case, Principle, Recalled, WorkingMemory

OnRecallFailure: TypeAlias = Literal["raise", "principles"]
"""What is done when past cases cannot be looked up: fail, or go by principles alone and say so."""

# Candidates for each episode shown: room for several reviewers of a case and for contrast.
_POOL = 4


def recollect(
    memory: MemoryFlows,
    judge: str,
    case: Case,
    *,
    known: Knowledge,
    k: int,
    principle_tokens: int,
    exclude: AbstractSet[str] = frozenset(),
    as_of: datetime | None = None,
    on_failure: OnRecallFailure = "raise",
) -> Flow[Recollection]:
    """Find the episodes near to a case and, over budget, the principles near to it.

    Makes one embedding call, and none while there is nothing to find.

    Raises:
        ModelError: The case cannot be embedded. With `on_failure="principles"` only if the provider
            refuses access, which is no passing failure.
        MemoryUnavailableError: Nothing can be searched, and `on_failure` is "raise".
    """
    crowded = over_budget(known.principles, principle_tokens)
    wanted = k if known.episodes_total else 0
    if not wanted and not crowded:
        return Recollection(value_counts=known.value_counts)
    ranked: tuple[str, ...] | None = () if crowded else None
    try:
        (vector,) = yield from memory.embed_cases([case])
        episodes: list[Recalled] = []
        if wanted and vector:
            episodes = yield from _near(memory, judge, vector, wanted, exclude, as_of)
        if crowded:
            count = len(known.principles)
            among = None if as_of is None else known.principles
            ranked = yield from rank_principles(memory, judge, [vector], count, among=among)
    except (ModelError, MemoryUnavailableError) as error:
        if on_failure == "raise" or (isinstance(error, ModelError) and error.is_refused_access):
            raise
        return Recollection(
            nearest_principles=ranked, value_counts=known.value_counts, problem=str(error)
        )
    return Recollection(
        episodes=tuple(episodes), nearest_principles=ranked, value_counts=known.value_counts
    )


def rank_principles(
    memory: MemoryFlows,
    judge: str,
    cases: Sequence[Vector],
    limit: int,
    *,
    among: Sequence[Principle] | None = None,
) -> Flow[tuple[str, ...]]:
    """The ids of a judge's principles, nearest to the given case vectors first.

    Args:
        memory: Where they are.
        judge: The judge's name.
        cases: Vectors of cases; those without any text have none and do not count.
        limit: How many, at most.
        among: The principles to rank; None for the active ones.
    """
    queries = [rule_query(case) for case in cases if case]
    if not queries:
        return ()
    centre = tuple(map(sum, zip(*queries, strict=True)))
    selection = Selection(
        kind="principle",
        judge=judge,
        ids=None if among is None else tuple(p.id for p in among),
        fields={"status": ("active",)} if among is None else {},
    )
    found = yield from memory.nearest(selection, using=RULE_VECTOR, vector=centre, limit=limit)
    return tuple(point.id for point, _ in found)


def recall(
    memory: MemoryFlows,
    judge: str,
    case: Case,
    *,
    k: int,
    principle_tokens: int,
    exclude: AbstractSet[str] = frozenset(),
    as_of: datetime | None = None,
    on_failure: OnRecallFailure = "raise",
) -> Flow[WorkingMemory]:
    """What a judge's memory has to say about a case."""
    known = yield from memory.knowledge(judge, as_of=as_of)
    recollection = yield from recollect(
        memory,
        judge,
        case,
        known=known,
        k=k,
        principle_tokens=principle_tokens,
        exclude=exclude,
        as_of=as_of,
        on_failure=on_failure,
    )
    return assemble(recollection, known.principles, principle_tokens)


def _near(
    memory: MemoryFlows,
    judge: str,
    vector: Vector,
    k: int,
    exclude: AbstractSet[str],
    as_of: datetime | None,
) -> Flow[list[Recalled]]:
    # Only episodes have this vector: naming their kind as well would make the search slower.
    selection = Selection(judge=judge)
    limit = _POOL * k + len(exclude)
    while True:
        found = yield from memory.nearest(selection, using=CASE_VECTOR, vector=vector, limit=limit)
        usable = [
            (point, similarity)
            for point, similarity in found
            if point.id not in exclude and (as_of is None or to_episode(point).created_at <= as_of)
        ]
        candidates = by_case(usable)
        exhausted = len(found) < limit
        # Cases as near as the last one found may have more reviewers beyond the limit.
        complete = [c for c in candidates if exhausted or c.similarity > found[-1][1]]
        if exhausted or len(complete) >= k:
            return choose(complete, k)
        limit *= 2
