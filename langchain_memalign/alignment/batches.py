"""Cutting what is to be learned into batches that one distilling call can take."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_memalign.prompts.distilling import record_size
from langchain_memalign.schema import Episode


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
    count = max(-(-len(episodes) // records), -(-sum(sizes) // tokens)) if episodes else 0
    batches: list[list[Episode]] = []
    filled = 0
    even = sum(sizes) / max(count, 1)
    for episode, size in zip(episodes, sizes, strict=True):
        last = batches[-1] if batches else []
        is_full = len(last) >= records or filled + size > tokens
        # The even share spreads what would otherwise leave a last batch of a few.
        if not batches or is_full or filled + size / 2 > even:
            batches.append([])
            filled = 0
        batches[-1].append(episode)
        filled += size
    return batches
