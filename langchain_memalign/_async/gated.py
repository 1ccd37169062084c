"""Aligning on trial: learned in a copy of the memory, taken over only if a gate lets it pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from langchain_memalign._alignment.context import AlignmentContext
from langchain_memalign._alignment.ingest import listed
from langchain_memalign._alignment.takeover import changes_to, decided, plan_takeover
from langchain_memalign._async.align import align
from langchain_memalign._async.probing import Probe
from langchain_memalign._async.transactions import aligning, transact
from langchain_memalign._concurrency import off_loop, to_the_end
from langchain_memalign._judging.setup import JudgeSetup
from langchain_memalign._memory.records import Records
from langchain_memalign._stores.base import Selection
from langchain_memalign.schema import AlignmentReport, Feedback, GateDecision

Decide = Callable[[Records, Records, Sequence[Feedback]], GateDecision]
"""Compares the memory as it is with the memory as it would be; both are copies. Also gets the
feedback of the batch that could be used. Blocking."""


async def align_gated(
    context: AlignmentContext,
    feedback: Iterable[Feedback | Mapping[str, Any]],
    *,
    decide: Decide,
    probe: Probe | None = None,
    trying: JudgeSetup | None = None,
) -> AlignmentReport:
    """Learn feedback in a copy of the memory; write what was learned if `decide` accepts it.

    Unlike `align`, this stores nothing before it is decided, and nothing at all where the batch is
    refused. What earlier alignments left pending is learned, and decided on, with the batch. What
    is written is what was learned in the copy: nothing is distilled or embedded twice.

    Args:
        context: Who learns, into which memory.
        feedback: Experts' words; may be empty, to finish what an earlier alignment could not.
        decide: The gate.
        probe: Asks the judge about new cases of which its own verdict is not known.
        trying: The judge on which new principles are tried; None for no trial.

    Raises:
        InvalidInputError: `feedback` is no list, or nothing of it can be used.
        ModelError: The provider refuses access. Nothing is stored.
        MemoryLockedError: Another process learns for too long. Nothing is stored.
        MemoryStoreError: The memory cannot be read or written.
    """
    started = time.perf_counter()
    given = await off_loop(listed, feedback)
    async with aligning(context.records, context.judge):
        copies = ExitStack()
        try:
            report = await _on_trial(
                context, given, copies, decide=decide, probe=probe, trying=trying
            )
        finally:
            await to_the_end(copies.close)
    return report.model_copy(update={"seconds": time.perf_counter() - started})


async def _on_trial(
    context: AlignmentContext,
    given: Any,
    copies: ExitStack,
    *,
    decide: Decide,
    probe: Probe | None,
    trying: JudgeSetup | None,
) -> AlignmentReport:
    records, judge = context.records, context.judge
    points = await off_loop(records.scan, Selection(judge=judge), vectors=True)
    embedder = records.embedder.remembering()

    def copied() -> Records:
        return copies.enter_context(records.scratch_copy(points, embedder))

    current, candidate = await to_the_end(copied), await to_the_end(copied)
    report = await align(replace(context, records=candidate), given, probe=probe, trying=trying)
    changes = await off_loop(changes_to, points, candidate, judge)
    if not changes:
        return report
    rejected = {rejection.index for rejection in report.rejected}
    words = [word for index, word in enumerate(given) if index not in rejected]
    decision = await off_loop(_asked, decide, current, candidate, words)
    if decision.accepted and not await transact(
        records, partial(plan_takeover, records, judge, points, changes)
    ):
        decision = decision.model_copy(
            update={
                "accepted": False,
                "reason": "the memory was changed while the gate compared; align again.",
            }
        )
    waiting = [point.id for point in points if point.fields.get("status") == "pending"]
    return decided(report, decision, waiting)


def _asked(
    decide: Decide, current: Records, candidate: Records, words: Sequence[Any]
) -> GateDecision:
    return decide(current, candidate, [Feedback.of(word) for word in words])
