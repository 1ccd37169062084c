"""Finding what a memory has to say about a case, and choosing what of it is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Literal, TypeAlias

from langchain_memalign._memory.convert import SUPERSEDED, rule_query, to_episode
from langchain_memalign._memory.records import Records
from langchain_memalign._models import Vector
from langchain_memalign._prompts.text import estimate_tokens
from langchain_memalign._stores.base import CASE_VECTOR, RULE_VECTOR, Point, Search, Selection
from langchain_memalign.schema import (
    Principle,
    Recalled,
    Value,
    WorkingMemory,
    deciding,
)

OnRecallFailure: TypeAlias = Literal["raise", "principles"]
"""What is done when past cases cannot be looked up: fail, or go by principles alone and say so."""

# Candidates for each episode shown: room for several reviewers of a case and for contrast.
_POOL = 4

_MATERIAL_SHARE = 0.25

# An episode is near enough for contrast with at least this share of the nearest one's similarity.
_CONTRAST_SHARE = 0.6


@dataclass(frozen=True, kw_only=True)
class Recollection:
    """What retrieval found for a case.

    Attributes:
        episodes: The nearest, one a case, nearest first.
        nearest_principles: Ids of principles, nearest first; None when all may be shown.
        value_counts: How often the experts gave each value.
        problem: Why nothing could be looked up, or not all; None where all could.
    """

    episodes: tuple[Recalled, ...] = ()
    nearest_principles: tuple[str, ...] | None = None
    value_counts: Mapping[str, int]
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A case that may be shown, as the points that hold what was said of it.

    Attributes:
        points: One for each reviewer.
        similarity: How near the case is.
    """

    points: tuple[Point, ...]
    similarity: float

    @property
    def value(self) -> Value | None:
        """The value that counts for the case."""
        if len(self.points) > 1:
            return self.recalled.value
        # Of most candidates no more is needed than this, and to read a record takes far longer.
        told = self.points[0].fields.get("value")
        return None if told is None else json.loads(str(told))

    @cached_property
    def recalled(self) -> Recalled:
        """All that was said of the case: first what counts, then the newest words."""
        said = map(to_episode, self.points)
        newest = sorted(said, key=lambda e: (e.updated_at, e.id))[::-1]
        counts = deciding(newest)
        others = tuple(episode for episode in newest if episode is not counts)
        return Recalled(episode=counts, similarity=self.similarity, also=others)


def search_episodes(
    judge: str,
    vector: Vector,
    k: int,
    *,
    exclude: AbstractSet[str] = frozenset(),
    superseded: int = 0,
) -> Search:
    """The search with which `nearest_episodes` begins.

    Args:
        judge: The judge's name.
        vector: That of the case.
        k: How many will be shown.
        exclude: As there.
        superseded: How many of the judge's episodes are superseded. Those of another moment count
            as none: some were not superseded yet.
    """
    limit = _POOL * k + len(exclude)
    # To see of each of 100,000 whether it is superseded takes as long as to compare it: a few such
    # are sooner found with the others and left out then.
    are_few = superseded <= limit
    # Only episodes have this vector: naming their kind as well would make the search slower.
    without = {} if are_few else {"status": (SUPERSEDED,)}
    return Search(
        selection=Selection(judge=judge, without=without),
        using=CASE_VECTOR,
        vector=vector,
        limit=limit + superseded if are_few else limit,
    )


def nearest_episodes(
    records: Records,
    search: Search,
    k: int,
    *,
    found: Sequence[tuple[Point, float]] | None = None,
    exclude: AbstractSet[str] = frozenset(),
    as_of: datetime | None = None,
) -> list[Recalled]:
    """The k episodes to show for a case, one a case, nearest first.

    Args:
        records: Where they are.
        search: The search for them.
        k: How many, at most.
        found: What it found, if it was made already.
        exclude: Ids of episodes that must not be among them.
        as_of: Only those that were there, and not superseded, at that moment.
    """
    while True:
        if found is None:
            (found,) = records.nearest_each([search])
        usable = [
            (point, similarity)
            for point, similarity in found
            if point.id not in exclude and _counts(point, as_of)
        ]
        candidates = by_case(usable)
        exhausted = len(found) < search.limit
        # Cases as near as the last one found may have more reviewers beyond the limit.
        complete = [c for c in candidates if exhausted or c.similarity > found[-1][1]]
        if exhausted or len(complete) >= k:
            return choose(complete, k)
        search, found = replace(search, limit=2 * search.limit), None


def search_principles(
    judge: str,
    cases: Sequence[Vector],
    limit: int,
    *,
    among: Sequence[Principle] | None = None,
) -> Search | None:
    """The search for a judge's principles nearest to the given case vectors, if these have any.

    Args:
        judge: The judge's name.
        cases: Vectors of cases; those without any text have none and do not count.
        limit: How many, at most.
        among: The principles to rank; None for the active ones.
    """
    queries = [rule_query(case) for case in cases if case]
    if not queries:
        return None
    selection = Selection(
        kind="principle",
        judge=judge,
        ids=None if among is None else tuple(p.id for p in among),
        fields={"status": ("active",)} if among is None else {},
    )
    centre = tuple(map(sum, zip(*queries, strict=True)))
    return Search(selection=selection, using=RULE_VECTOR, vector=centre, limit=limit)


def rank_principles(
    records: Records, judge: str, cases: Sequence[Vector], limit: int
) -> tuple[str, ...]:
    """The ids of a judge's active principles, nearest to the given case vectors first.

    Args:
        records: Where they are.
        judge: The judge's name.
        cases: Vectors of cases; those without any text have none and do not count.
        limit: How many, at most.
    """
    search = search_principles(judge, cases, limit)
    found = records.nearest_each([search])[0] if search else []
    return tuple(point.id for point, _ in found)


def choose(candidates: Sequence[Candidate], k: int) -> list[Recalled]:
    """Choose `k` of the candidates: the nearest, but not all of one value if others are near.

    When the k nearest all say the same, the last of them gives way to the nearest candidate that
    says something else, if that one is near too: among near episodes of one value, one of another
    tells more than a further one of the same.

    Args:
        candidates: One a case, nearest first; more than `k` of them, where there are.
        k: How many to choose.
    """
    nearest = [candidate.recalled for candidate in candidates[:k]]
    range_of = [candidate.value for candidate in candidates]
    said = [value for value in range_of[:k] if value is not None]
    if k < 2 or len(said) < k or _say_different_things(said, range_of):
        return nearest
    for candidate in candidates[k:]:
        value = candidate.value
        if candidate.similarity < _CONTRAST_SHARE * nearest[0].similarity:
            break
        if value is not None and _say_different_things([said[0], value], range_of):
            return [*nearest[:-1], candidate.recalled]
    return nearest


def by_case(found: Sequence[tuple[Point, float]]) -> list[Candidate]:
    """Put what was said of the very same case together.

    Args:
        found: Points of episodes with their similarity, nearest first.
    """
    together: dict[str, list[tuple[Point, float]]] = {}
    for point, similarity in found:
        together.setdefault(str(point.fields["case_key"]), []).append((point, similarity))
    return [
        Candidate(
            points=tuple(point for point, _ in said), similarity=max(-1.0, min(1.0, said[0][1]))
        )
        for said in together.values()
    ]


def assemble(
    recollection: Recollection, principles: Sequence[Principle], budget: int
) -> WorkingMemory:
    """Put what was retrieved and the active principles together within a token budget.

    Args:
        recollection: What retrieval found.
        principles: All active principles, in the order in which they were learned.
        budget: Tokens for principles. Over it, the pinned come first, then those nearest to the
            case; the order shown stays the order learned, for the sake of prompt caches.
    """
    shown = fit(principles, recollection.nearest_principles or (), budget)
    return WorkingMemory(
        principles=shown,
        episodes=recollection.episodes,
        principles_total=len(principles),
        value_counts=dict(recollection.value_counts),
        recall_problem=recollection.problem,
    )


def fit(
    principles: Sequence[Principle], ranked: Sequence[str], budget: int
) -> tuple[Principle, ...]:
    """The principles that fit a token budget: the pinned first, then by rank; in given order."""
    if not over_budget(principles, budget):
        return tuple(principles)
    rank = {id_: i for i, id_ in enumerate(ranked)}
    by_worth = sorted(principles, key=lambda p: (not p.pinned, rank.get(p.id, len(rank))))
    kept, left = set(), budget
    for principle in by_worth:
        # One that is too long does not keep the others out.
        if (tokens := estimate_tokens(principle.text)) <= left:
            left -= tokens
            kept.add(principle.id)
    return tuple(principle for principle in principles if principle.id in kept)


def over_budget(principles: Sequence[Principle], budget: int) -> bool:
    """Whether the texts of all principles exceed a token budget."""
    return sum(estimate_tokens(principle.text) for principle in principles) > budget


def _counts(point: Point, as_of: datetime | None) -> bool:
    """Whether the episode is not superseded: now, or at a moment at which it was there."""
    if as_of is not None:
        episode = to_episode(point)
        return episode.created_at <= as_of and not episode.is_superseded(as_of)
    # One may have been superseded since it was looked up whether any is.
    return not isinstance(point.fields.get("status"), tuple)


def _say_different_things(values: Sequence[Value], range_of: Sequence[Value | None]) -> bool:
    """Whether values differ: labels, at all; numbers, by a quarter of the range at hand."""
    if isinstance(values[0], float):
        known = [float(value) for value in range_of if value is not None]
        apart = (max(known) - min(known)) * _MATERIAL_SHARE
        return any(abs(float(value) - values[0]) > apart for value in values[1:])
    return any((type(value), value) != (type(values[0]), values[0]) for value in values[1:])
