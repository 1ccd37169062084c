"""What changes a memory as a whole: one writer at a time, one who aligns a judge at a time."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from langchain_memalign._async.model_calls import embed_cases, embed_texts
from langchain_memalign._concurrency import aparallel, off_loop, to_the_end
from langchain_memalign._memory.import_file import (
    needs_embedding,
    newer,
    read_export,
    was_embedded,
)
from langchain_memalign._memory.records import Plan, Records
from langchain_memalign._models import Vector
from langchain_memalign.errors import MemoryStoreError
from langchain_memalign.schema import Episode, JudgeDefinition, Principle, Put

T = TypeVar("T")

_log = logging.getLogger(__name__)
_EMBED_AT_ONCE = 128
_CONCURRENT_CALLS = 8
_SCRUBBED_AT_ONCE = 5000  # so many records are copied in seconds


async def transact(records: Records, plan: Plan[T]) -> T:
    """Compute changes from the memory as it stands and apply them, with no writer between.

    Args:
        records: What is changed.
        plan: Computes the changes; asks no model.

    Returns:
        What `plan` says.

    Raises:
        MemoryLockedError: Another process wrote for too long; nothing was changed.
        MemoryStoreError: The memory cannot be written; nothing was changed.
    """
    async with records.writing:
        return await to_the_end(records.transact, plan)


async def scrub(records: Records, *, limit: int | None = None) -> str:
    """Leave no byte of what was erased where the records are kept; tells what holds then.

    Args:
        records: Where it was erased.
        limit: Do it only for at most so many records; None for any number.

    Raises:
        MemoryStoreError: It could not be done; the records are as they were.
    """
    async with records.writing:
        return await to_the_end(records.scrub, limit)


async def scrub_at_once(records: Records) -> str:
    """`scrub` where that takes seconds; tells what holds, also where it could not be done."""
    try:
        return await scrub(records, limit=_SCRUBBED_AT_ONCE)
    except MemoryStoreError as error:
        _log.warning("what was erased was not scrubbed: %s", error)
        return f"{records.guarantee} It was not scrubbed: {error}"


@asynccontextmanager
async def aligning(records: Records, judge: str) -> AsyncIterator[None]:
    """Keep everybody else from aligning a judge, in this process and in others.

    Raises:
        MemoryLockedError: Another process had it for too long.
    """
    async with records.aligner(judge):
        try:
            await to_the_end(records.take_lease, judge)
            yield
        finally:
            # Also where it was not taken, or was taken while we were told to give up.
            await to_the_end(records.give_back_lease, judge)


async def import_jsonl(records: Records, path: str | os.PathLike[str]) -> int:
    """Add the records of an export to a memory, all or nothing.

    Returns:
        How many were written.
    """
    made_with, puts = await off_loop(read_export, path)
    if await off_loop(needs_embedding, records, made_with):
        # Only what will be written is worth an embedding.
        puts = await _embedded_anew(records, await off_loop(newer, records, puts))

    def plan() -> tuple[Sequence[Put], int]:
        changes = newer(records, puts)
        return changes, sum(not isinstance(put.record, JudgeDefinition) for put in changes)

    return await transact(records, plan)


async def _embedded_anew(records: Records, puts: Sequence[Put]) -> list[Put]:
    embedded = [put for put in puts if was_embedded(put)]
    cases = [(put, put.record.case) for put in embedded if isinstance(put.record, Episode)]
    rules = [(put, put.record.text) for put in embedded if isinstance(put.record, Principle)]
    calls = [
        *(
            partial(embed_cases, records, [case for _, case in cases[i : i + _EMBED_AT_ONCE]])
            for i in range(0, len(cases), _EMBED_AT_ONCE)
        ),
        *(
            partial(embed_texts, records, [text for _, text in rules[i : i + _EMBED_AT_ONCE]])
            for i in range(0, len(rules), _EMBED_AT_ONCE)
        ),
    ]
    vectors = [v for found in await aparallel(calls, limit=_CONCURRENT_CALLS) for v in found]
    ids = [put.record.id for put, _ in (*cases, *rules)]
    anew: dict[str, Vector] = dict(zip(ids, vectors, strict=True))
    return [put.model_copy(update={"vector": anew.get(put.record.id, ())}) for put in puts]
