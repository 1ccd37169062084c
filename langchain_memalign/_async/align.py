"""From a batch of feedback to both memories brought up to date."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from langchain_core.callbacks import adispatch_custom_event

from langchain_memalign._alignment.batching import pending_work
from langchain_memalign._alignment.commit import Learned, plan_commit
from langchain_memalign._alignment.context import NO_COST, PROGRESS_EVENT, AlignmentContext
from langchain_memalign._alignment.ingest import Ingested, plan_ingest, read_feedback
from langchain_memalign._alignment.merging import Candidate
from langchain_memalign._alignment.report import alignment_report, conflicts_among, decline_of
from langchain_memalign._alignment.superseding import plan_settling
from langchain_memalign._async.distil import (
    distil,
    embed_episodes,
    embed_rules,
    reconcile_batches,
)
from langchain_memalign._async.effect import only_effective
from langchain_memalign._async.model_calls import for_each
from langchain_memalign._async.probing import Probe, probe_new
from langchain_memalign._async.superseding import Replacement, ask_again, ask_superseded
from langchain_memalign._async.transactions import aligning, transact
from langchain_memalign._concurrency import aboth, off_loop
from langchain_memalign._judging.setup import JudgeSetup
from langchain_memalign._memory.cache import Lesson
from langchain_memalign._memory.search import fit, over_budget, rank_principles
from langchain_memalign._models import Vector
from langchain_memalign.schema import (
    AlignmentReport,
    Episode,
    Feedback,
    Principle,
    now,
)


async def align(
    context: AlignmentContext,
    feedback: Iterable[Feedback | Mapping[str, Any]],
    *,
    probe: Probe | None = None,
    trying: JudgeSetup | None = None,
) -> AlignmentReport:
    """Store feedback, then learn it and all that still waits to be learned.

    Args:
        context: Who learns, into which memory.
        feedback: Experts' words; may be empty, to finish what an earlier alignment could not.
        probe: Asks the judge about new cases of which its own verdict is not known.
        trying: The judge on which new principles are tried, so that none is learned that changes no
            verdict; None to learn them untried.

    Raises:
        InvalidInputError: `feedback` is no list, or nothing of it can be used. Of several records,
            an unusable one is only rejected.
        ModelError: The provider refuses access. The feedback is stored, pending.
        MemoryLockedError: Another process learns for too long. The feedback is stored, pending.
        MemoryStoreError: The memory cannot be written.
    """
    started = time.perf_counter()
    # Not a matter of turns: whoever learns at this moment does not keep feedback from being stored.
    ingested = await ingest(context, feedback)
    async with aligning(context.records, context.judge):
        cost, only = NO_COST, None
        if probe is not None:
            fresh = (*ingested.stored, *ingested.overwritten)
            # What others store meanwhile waits for their turn, in which they may probe it.
            cost, only = await probe_new(context, fresh, probe)
        learned = await learn_pending(context, only=only, trying=trying)
        reconciled = await reconcile_batches(context, learned, at_once=context.at_once)
    conflicts = await off_loop(conflicts_among, context.records, context.judge, ingested, learned)
    decline = await off_loop(decline_of, context.records, context.judge, ingested)
    return await off_loop(
        alignment_report,
        ingested,
        learned,
        reconciled,
        conflicts=conflicts,
        decline=decline,
        cost=cost,
        seconds=time.perf_counter() - started,
    )


async def ingest(
    context: AlignmentContext, feedback: Iterable[Feedback | Mapping[str, Any]]
) -> Ingested:
    """Store feedback as pending episodes; once this returns, none of it can be lost.

    Raises:
        InvalidInputError: `feedback` is no list, or nothing of it can be used.
    """
    batch = await off_loop(read_feedback, context.records, context.spec, feedback)
    return await transact(context.records, partial(plan_ingest, context, batch))


async def learn_pending(
    context: AlignmentContext,
    *,
    only: Sequence[str] | None = None,
    is_part: bool = False,
    trying: JudgeSetup | None = None,
) -> list[Learned]:
    """Learn pending episodes, several batches at a time.

    Args:
        context: Who learns.
        only: Ids of the episodes to learn; None for all that wait.
        is_part: Whether they are a part of some work, which tells its progress itself.
        trying: The judge on which new principles are tried; None for no trial.
    """
    batches, vectors = await off_loop(pending_work, context, only=only)
    total = sum(map(len, batches))
    done: list[int] = []  # appending is safe among threads, counting up is not
    started = now()

    async def learn(numbered: tuple[int, list[Episode]], known: Lesson) -> Learned:
        number, batch = numbered
        embedded = {e.id: vectors[e.id] for e in batch if e.id in vectors}
        moment = started + timedelta(microseconds=100 * number)
        learned = await learn_batch(
            context, batch, embedded=embedded, known=known, moment=moment, trying=trying
        )
        done.append(len(batch))
        if not is_part:
            await dispatch_progress(context, done=sum(done), total=total)
        return learned

    if total:
        _ = context.model  # said before anything is embedded, if there is none
    if total and not is_part:
        await dispatch_progress(context, done=0, total=total)
    learned: list[Learned] = []
    together = context.at_once
    for first in range(0, len(batches), together):
        # All that run at once know the same, whichever ends first, so that their prompts, and with
        # them what is learned, are the same the next time.
        known = await off_loop(context.records.lesson, context.judge)
        numbered = list(enumerate(batches))[first : first + together]
        learned += await for_each(numbered, partial(learn, known=known), limit=together)
    return learned


async def learn_batch(
    context: AlignmentContext,
    episodes: Sequence[Episode],
    *,
    embedded: Mapping[str, Vector],
    known: Lesson | None = None,
    moment: datetime | None = None,
    trying: JudgeSetup | None = None,
) -> Learned:
    """Learn pending episodes and commit them together with their principles.

    Embedding runs beside distilling.

    Args:
        context: Who learns.
        episodes: The batch; not empty.
        embedded: The vectors of those that are embedded already, by episode id.
        known: What the judge knows already; None to look it up.
        moment: When the principles count as learned, which orders them; None for now.
        trying: The judge on which new principles are tried; None for no trial.

    Raises:
        ModelError: The provider refuses access; the episodes stay pending.
    """
    records, judge = context.records, context.judge
    doubted = [episode for episode in episodes if episode.superseded_by is not None]
    if 0 < len(doubted) < len(episodes):
        return await _learn_change_first(
            context, episodes, doubted, embedded, moment=moment, trying=trying
        )
    if known is None:
        known = await off_loop(records.lesson, judge)
    new = [episode for episode in episodes if episode.id not in embedded]
    if over_budget(known.principles, context.known_tokens):
        # Only then must the vectors be there first: they nominate the principles to show.
        cases = await embed_episodes(records, new)
        near = [*embedded.values(), *map(tuple, cases.vectors.values())]
        ranked = await off_loop(rank_principles, records, judge, near, len(known.principles))
        nominees = fit(known.principles, ranked, context.known_tokens)
        distilled = await distil(context, episodes, known=known, shown=nominees)
        shown: Sequence[Principle] = nominees
    else:
        shown = known.principles
        cases, distilled = await aboth(
            partial(embed_episodes, records, new),
            partial(distil, context, episodes, known=known, shown=shown),
        )
    if trying is not None:
        distilled = await only_effective(context, trying, episodes, distilled)
    fresh = [c.text for c in distilled.candidates if c.relation != "same"]
    rules = await embed_rules(records, list(dict.fromkeys(fresh)))
    superseding = await ask_superseded(
        context,
        _replaced_by(distilled.candidates, shown),
        apart_from=frozenset(episode.id for episode in episodes),
    )
    plan = partial(
        plan_commit,
        records,
        judge,
        episodes,
        shown=shown,
        distilled=distilled,
        cases=cases,
        rules=rules,
        superseding=superseding,
        moment=moment,
    )
    learned = await transact(records, plan)
    if not learned.outdated:
        return learned
    # Something was forgotten while the model read it: it is asked again, without.
    again = await off_loop(records.episodes, judge, ids=learned.outdated, status="pending")
    known_now = {**embedded, **{id_: tuple(vector) for id_, vector in cases.vectors.items()}}
    learned = learned.model_copy(update={"outdated": ()})
    if not again:
        return learned
    return learned + await learn_batch(context, again, embedded=known_now, trying=trying)


async def _learn_change_first(
    context: AlignmentContext,
    episodes: Sequence[Episode],
    doubted: Sequence[Episode],
    embedded: Mapping[str, Vector],
    *,
    moment: datetime | None,
    trying: JudgeSetup | None,
) -> Learned:
    """Learn a change of mind anew without what it had superseded; then decide of that again.

    Learned together, the old words and the new ones would make one muddled rule.
    """
    records, judge = context.records, context.judge
    old = {episode.id for episode in doubted}
    change = [episode for episode in episodes if episode.id not in old]
    learned = await learn_batch(context, change, embedded=embedded, moment=moment, trying=trying)
    rules = (*learned.added, *learned.merged)
    said = await ask_again(context, doubted, rules)
    plan = partial(
        plan_settling,
        records,
        judge,
        doubted,
        said,
        by=rules[0].id if rules else None,
        moment=moment or now(),
    )
    settled = await transact(records, plan)
    learned += Learned(superseded=settled.superseded, warnings=said.warnings, cost=said.cost)
    others = sorted(old - {superseded.episode_id for superseded in settled.superseded})
    left = await off_loop(records.episodes, judge, ids=others, status="pending")
    if not left:
        return learned
    return learned + await learn_batch(
        context, left, embedded=embedded, moment=moment, trying=trying
    )


def _replaced_by(candidates: Sequence[Candidate], shown: Sequence[Principle]) -> list[Replacement]:
    """Which of the principles that the model saw it replaces, each with what replaces it."""
    texts: dict[str, list[str]] = {}
    for candidate in candidates:
        if candidate.relation == "replaces":
            texts.setdefault(candidate.target, []).append(candidate.text)
    return [(p, tuple(texts[p.id])) for p in shown if p.id in texts and not p.pinned]


async def dispatch_progress(context: AlignmentContext, *, done: int, total: int) -> None:
    """Tell listeners how many of the episodes at hand have been worked on."""
    config = context.config
    event = {"judge": context.judge, "done": done, "total": total}
    if context.on_progress is not None:
        context.on_progress(event)
    if config is not None and config.get("callbacks") is not None:
        await adispatch_custom_event(PROGRESS_EVENT, event, config=config)
