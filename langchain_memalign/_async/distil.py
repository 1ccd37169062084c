"""Distilling episodes into principles, embedding both, comparing what several batches brought.

A batch that fails is halved until the records to blame stand alone.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from langchain_memalign._alignment.commit import (
    Distilled,
    EmbeddedCases,
    EmbeddedRules,
    Learned,
)
from langchain_memalign._alignment.context import AlignmentContext, Cost
from langchain_memalign._alignment.merging import Decision, plan_reconciling
from langchain_memalign._alignment.replies import ReconcilingReply
from langchain_memalign._alignment.report import Reconciled
from langchain_memalign._alignment.superseding import Superseding
from langchain_memalign._async.covering import cover_remarks
from langchain_memalign._async.distilling_calls import (
    CutOff,
    Unreachable,
    all_pending,
    ask_to_distil,
)
from langchain_memalign._async.model_calls import ask, embed_pairs, embed_texts, texts_of
from langchain_memalign._async.superseding import ask_superseded
from langchain_memalign._async.transactions import transact
from langchain_memalign._concurrency import off_loop
from langchain_memalign._memory.cache import Lesson
from langchain_memalign._memory.records import Records
from langchain_memalign._prompts.distilling import RECONCILE_SCHEMA, reconcile_prompt
from langchain_memalign._prompts.text import estimate_tokens
from langchain_memalign.errors import ModelError
from langchain_memalign.schema import Episode, Pending, Principle

# Halving stops when, at this depth, no part of a batch has ever succeeded: then it is not the
# records. Two bad records leave at least two of four quarters good.
_HOPELESS_DEPTH = 2


async def distil(
    context: AlignmentContext,
    episodes: Sequence[Episode],
    *,
    known: Lesson,
    shown: Sequence[Principle],
) -> Distilled:
    """Distil a batch, and ask again about the remarks that nothing came of.

    Args:
        context: Who learns.
        episodes: The batch.
        known: What the memory holds so far.
        shown: The principles of it that the model sees.

    Raises:
        ModelError: The provider refuses access, so that no record could succeed.
    """
    distilled = await _in_parts(context, episodes, known=known, shown=shown)
    return await cover_remarks(context, episodes, distilled, known=known, shown=shown)


async def _in_parts(
    context: AlignmentContext,
    episodes: Sequence[Episode],
    *,
    known: Lesson,
    shown: Sequence[Principle],
) -> Distilled:
    """Distil a batch; what fails is split in halves until the records to blame stand alone."""
    total = Distilled()
    parts, depth = [list(episodes)], 0
    while parts:
        failed: list[list[Episode]] = []
        reason = ""
        for part in parts:
            # Parts of a batch that was retried already are tried once each.
            result = await ask_to_distil(
                context, part, known=known, shown=shown, is_first=depth == 0
            )
            total += replace(result, pending=())
            left_ids = {pending.episode_id for pending in result.pending}
            left = [episode for episode in part if episode.id in left_ids]
            if left:
                reason = result.pending[0].reason
            again = isinstance(result, CutOff) or len(left) > 1
            if left and again and not isinstance(result, Unreachable):
                failed.append(left)
            else:
                total += Distilled(pending=result.pending)
        if failed and depth >= _HOPELESS_DEPTH and not total.learned:
            everything = [episode for part in failed for episode in part]
            return total + all_pending(everything, reason)
        parts = [half for part in failed for half in _halves(part) if half]
        depth += 1
    return total


async def embed_episodes(records: Records, episodes: Sequence[Episode]) -> EmbeddedCases:
    """Embed the cases of episodes in one call; when that is rejected, halve until a case is alone.

    Raises:
        ModelError: The provider refuses access.
    """
    if not episodes:
        return EmbeddedCases(vectors={})
    texts = await texts_of([episode.case for episode in episodes])
    try:
        vectors = await embed_pairs(records, texts)
    except ModelError as error:
        if error.is_refused_access:
            raise
        if error.transient or len(episodes) == 1:
            reason = f"its case could not be embedded: {error}"
            pending = tuple(Pending(episode.id, reason) for episode in episodes)
            return EmbeddedCases(vectors={}, pending=pending)
        middle = len(episodes) // 2
        first = await embed_episodes(records, episodes[:middle])
        second = await embed_episodes(records, episodes[middle:])
        return EmbeddedCases(
            vectors={**first.vectors, **second.vectors},
            pending=first.pending + second.pending,
            count=first.count + second.count,
        )
    return EmbeddedCases(
        vectors={e.id: array("d", vector) for e, vector in zip(episodes, vectors, strict=True)},
        count=len({text for pair in texts for text in pair if text}),
    )


async def embed_rules(records: Records, texts: Sequence[str]) -> EmbeddedRules:
    """Embed the texts of new principles in one call.

    Raises:
        ModelError: The provider refuses access.
    """
    try:
        vectors = await embed_texts(records, texts)
    except ModelError as error:
        if error.is_refused_access:
            raise
        return EmbeddedRules(vectors={}, problem=f"its principles could not be embedded: {error}")
    return EmbeddedRules(vectors=dict(zip(texts, vectors, strict=True)))


async def reconcile_batches(
    context: AlignmentContext, learned: Sequence[Learned], *, at_once: int | None = None
) -> Reconciled:
    """Ask once which principles of batches that were learned at once repeat or contradict others.

    Such batches do not see each other's principles. A failure only leaves the repetition in place,
    and is told as a warning.

    Args:
        context: Who learned.
        learned: The batches.
        at_once: How many of them were learned at the same time; None for all.
    """
    fruitful = [batch for batch in learned if batch.added]
    if len(fruitful) < 2 or at_once == 1:
        return Reconciled()
    new = [principle for batch in fruitful for principle in batch.added]
    known = await off_loop(context.records.active_principles, context.judge)
    shown = _room_for(context, new, known)
    try:
        answer = await ask(
            context.model,
            reconcile_prompt(context.spec, shown),
            RECONCILE_SCHEMA,
            ReconcilingReply(shown).read,
            config=context.config,
        )
    except ModelError as error:
        return Reconciled(
            warning=f"the new principles were not compared with each other: {error}",
            cost=Cost(model_calls=error.attempts),
        )
    decisions = answer.value or ()
    superseding = await _superseded_among(context, shown, decisions)
    plan = partial(plan_reconciling, context.records, context.judge, decisions, superseding)
    merged, retired, past = await transact(context.records, plan)
    problem = answer.problem
    incomplete = problem and f"the new principles were not compared in full: {problem}"
    return Reconciled(
        merged=merged,
        retired=retired,
        superseded=past.superseded,
        restored=past.restored,
        warning=" ".join(filter(None, [incomplete, *superseding.warnings])) or None,
        cost=Cost(model_calls=answer.calls, usage=answer.usage) + superseding.cost,
    )


async def _superseded_among(
    context: AlignmentContext, shown: Sequence[Principle], decisions: Sequence[Decision]
) -> Superseding:
    """Ask about the cases behind those that another one replaces."""
    by_id = {principle.id: principle for principle in shown}
    replaced = [d for d in decisions if d.relation == "replaced" and not by_id[d.going].pinned]
    return await ask_superseded(
        context,
        [(by_id[d.going], (by_id[d.staying].text,)) for d in replaced],
        apart_from=frozenset(id_ for d in replaced for id_ in by_id[d.staying].episode_ids),
    )


def _room_for(
    context: AlignmentContext, new: Sequence[Principle], known: Sequence[Principle]
) -> list[Principle]:
    """The new ones, and as many of the older as the budget allows, in the order learned."""
    left, chosen = context.known_tokens, {principle.id for principle in new}
    for principle in reversed(known):
        left -= estimate_tokens(principle.text)
        if left < 0:
            break
        chosen.add(principle.id)
    return [principle for principle in known if principle.id in chosen]


def _halves(part: list[Episode]) -> tuple[list[Episode], list[Episode]]:
    middle = len(part) // 2
    return part[:middle], part[middle:]
