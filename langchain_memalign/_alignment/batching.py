"""What waits to be learned, cut into batches that one distilling call can take."""

from __future__ import annotations

import math
from collections.abc import Sequence

from langchain_memalign._alignment.context import AlignmentContext
from langchain_memalign._memory.convert import in_order, to_episode
from langchain_memalign._models import Vector
from langchain_memalign._prompts.distilling import record_size
from langchain_memalign._stores.base import CASE_VECTOR
from langchain_memalign.schema import Episode

_ROUNDING = 1e-9


def pending_work(
    context: AlignmentContext, *, only: Sequence[str] | None = None
) -> tuple[list[list[Episode]], dict[str, Vector]]:
    """The pending episodes in batches, and the vectors of those embedded already.

    Args:
        context: Who learns.
        only: Ids of the episodes to consider; None for all.
    """
    points = context.records.episode_points(context.judge, ids=only, status="pending", vectors=True)
    episodes = in_order(map(to_episode, points))
    vectors = {
        point.id: point.vectors[CASE_VECTOR]
        for point in points
        if point.vectors and CASE_VECTOR in point.vectors
    }
    batches = split(
        episodes,
        records=context.batch_records,
        tokens=context.batch_tokens,
        record_tokens=context.record_tokens,
    )
    return batches, vectors


def split(
    episodes: Sequence[Episode], *, records: int, tokens: int, record_tokens: int
) -> list[list[Episode]]:
    """Cut episodes, in order, into as few batches as the limits allow, of about equal size.

    Args:
        episodes: What is to be learned.
        records: Most records in a batch.
        tokens: Most tokens in a batch; one record alone may exceed it.
        record_tokens: Token budget of one record.
    """
    sizes = [record_size(episode, record_tokens) for episode in episodes]
    # The share of a batch that a record takes, by whichever limit it comes nearer to.
    shares = [max(1 / records, size / tokens) for size in sizes]
    left, filled, even = sum(shares), 0.0, 0.0
    batches: list[list[Episode]] = []
    for episode, share in zip(episodes, shares, strict=True):
        if not batches or filled + share > 1 + _ROUNDING or filled + share / 2 > even + _ROUNDING:
            batches.append([])
            # What is left, spread evenly: otherwise a last batch of a few would remain.
            even = left / max(1, math.ceil(left - _ROUNDING))
            filled = 0.0
        batches[-1].append(episode)
        filled += share
        left -= share
    return batches
