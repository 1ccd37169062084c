"""Recalling what a memory has to say about a case; reads only."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

from langchain_memalign._async.model_calls import embed_cases
from langchain_memalign._concurrency import acompute, off_loop
from langchain_memalign._content import extent
from langchain_memalign._memory.cache import JudgeKnowledge
from langchain_memalign._memory.records import Records
from langchain_memalign._memory.search import (
    OnRecallFailure,
    Recollection,
    assemble,
    nearest_episodes,
    over_budget,
    search_episodes,
    search_principles,
)
from langchain_memalign._models import Vector
from langchain_memalign.errors import MemoryUnavailableError, ModelError
from langchain_memalign.schema import Case, Recalled, WorkingMemory


async def read_case(given: Case | Mapping[str, Any]) -> Case:
    """The case, or the one that a mapping of its fields describes.

    Raises:
        InvalidInputError: It cannot be judged.
    """
    if isinstance(given, Case):
        return given
    return await acompute(extent(given), Case.of, given)


async def recall(
    records: Records,
    judge: str,
    case: Case,
    *,
    k: int,
    principle_tokens: int,
    exclude: AbstractSet[str] = frozenset(),
    as_of: datetime | None = None,
    on_failure: OnRecallFailure = "raise",
) -> WorkingMemory:
    """What a judge's memory has to say about a case.

    Args:
        records: What is remembered.
        judge: The judge's name.
        case: What will be judged.
        k: Most episodes.
        principle_tokens: Token budget of the principles.
        exclude: Ids of episodes that must not be recalled.
        as_of: As it was at that moment; None for now.
        on_failure: What to do when past cases cannot be looked up.

    Raises:
        ModelError: See `recollect`.
        MemoryUnavailableError: Nothing can be searched, and `on_failure` is "raise".
    """
    known = await off_loop(records.knowledge, judge, as_of=as_of)
    recollection = await recollect(
        records,
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


async def recollect(
    records: Records,
    judge: str,
    case: Case,
    *,
    known: JudgeKnowledge,
    k: int,
    principle_tokens: int,
    exclude: AbstractSet[str] = frozenset(),
    as_of: datetime | None = None,
    on_failure: OnRecallFailure = "raise",
) -> Recollection:
    """Find the episodes near to a case and, over budget, the principles near to it.

    Makes one embedding call, and none while there is nothing to find. Arguments as for `recall`.

    Raises:
        ModelError: The case cannot be embedded. With `on_failure="principles"` only if the provider
            refuses access, which is no passing failure.
        MemoryUnavailableError: Nothing can be searched, and `on_failure` is "raise".
    """
    crowded = over_budget(known.principles, principle_tokens)
    wanted = k if known.episodes_total > known.superseded else 0
    if not wanted and not crowded:
        return Recollection(value_counts=known.value_counts, problem=records.doubt)
    ranked: tuple[str, ...] | None = () if crowded else None

    def search(vector: Vector) -> tuple[list[Recalled], tuple[str, ...] | None]:
        among = None if as_of is None else known.principles
        superseded = 0 if as_of is not None else known.superseded
        cases = (
            search_episodes(judge, vector, wanted, exclude=exclude, superseded=superseded)
            if wanted and vector
            else None
        )
        rules = (
            search_principles(judge, [vector], len(known.principles), among=among)
            if crowded
            else None
        )
        # Both at once: on a server that is one request.
        found = iter(records.nearest_each([search for search in (cases, rules) if search]))
        episodes: list[Recalled] = []
        if cases:
            episodes = nearest_episodes(
                records, cases, wanted, found=next(found), exclude=exclude, as_of=as_of
            )
        if not crowded:
            return episodes, None
        return episodes, tuple(point.id for point, _ in next(found)) if rules else ()

    try:
        (vector,) = await embed_cases(records, [case])
        episodes, ranked = await off_loop(search, vector)
    except (ModelError, MemoryUnavailableError) as error:
        if on_failure == "raise" or (isinstance(error, ModelError) and error.is_refused_access):
            raise
        return Recollection(
            nearest_principles=ranked, value_counts=known.value_counts, problem=str(error)
        )
    return Recollection(
        episodes=tuple(episodes),
        nearest_principles=ranked,
        value_counts=known.value_counts,
        problem=records.doubt,
    )
