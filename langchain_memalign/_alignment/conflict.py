"""Cases to which experts gave different values: found to be told, never resolved by deletion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from langchain_memalign._memory.convert import to_episode
from langchain_memalign._memory.records import MemoryFlows
from langchain_memalign._stores.base import Point, Selection
from langchain_memalign.flow import Flow
from langchain_memalign.schema import Conflict, Episode, deciding


def conflicts_of(
    memory: MemoryFlows, judge: str, episode_ids: Sequence[str]
) -> Flow[tuple[Conflict, ...]]:
    """The cases of some episodes to which experts gave different values, oldest first.

    Args:
        memory: Where the episodes are.
        judge: The judge's name.
        episode_ids: The episodes whose cases are looked at; what others said of them counts, too.
    """
    if not episode_ids:
        return ()
    touched = yield from memory.episode_points(judge, ids=tuple(dict.fromkeys(episode_ids)))
    keys = sorted({str(point.fields["case_key"]) for point in touched})
    said = yield from memory.scan(
        Selection(kind="episode", judge=judge, fields={"case_key": tuple(keys)})
    )
    by_case: defaultdict[str, list[Point]] = defaultdict(list)
    for point in said:
        if "value" in point.fields:
            by_case[str(point.fields["case_key"])].append(point)
    contested = [
        sorted(map(to_episode, points), key=lambda e: (e.created_at, e.id))
        for points in by_case.values()
        # Told by the fields: most cases agree, and to read every record would take long.
        if len({point.fields["value"] for point in points}) > 1
    ]
    contested.sort(key=lambda episodes: (episodes[0].created_at, episodes[0].id))
    return tuple(map(_conflict, contested))


def _conflict(episodes: Sequence[Episode]) -> Conflict:
    return Conflict(
        episode_ids=tuple(e.id for e in episodes),
        reviewers=tuple(e.reviewer for e in episodes),
        values=tuple(e.value for e in episodes if e.value is not None),
        value=deciding(episodes).value,
    )
