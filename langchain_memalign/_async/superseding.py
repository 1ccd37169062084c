"""Asking which past cases a replaced principle's successor contradicts; restoring them by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import partial, reduce
from operator import add

from langchain_memalign._alignment.batching import split
from langchain_memalign._alignment.context import NO_COST, AlignmentContext, Cost
from langchain_memalign._alignment.superseding import (
    NOTHING_ASKED,
    Superseding,
    resting_on,
    supersede_reader,
)
from langchain_memalign._async.model_calls import ask
from langchain_memalign._async.transactions import transact
from langchain_memalign._concurrency import aparallel, off_loop
from langchain_memalign._memory.records import Records
from langchain_memalign._prompts.superseding import SUPERSEDE_SCHEMA, supersede_prompt
from langchain_memalign.errors import InvalidInputError, ModelError
from langchain_memalign.schema import Change, Episode, Principle, Put

Replacement = tuple[Principle, tuple[str, ...]]
"""A principle that is replaced, and the texts of what replaces it."""


async def ask_superseded(
    context: AlignmentContext,
    replacements: Sequence[Replacement],
    *,
    apart_from: AbstractSet[str],
) -> Superseding:
    """Ask which of the episodes that replaced principles rest on are superseded.

    Makes no call where nothing is replaced. What cannot be asked goes on being recalled, and is
    told as a warning.

    Args:
        context: Who learns.
        replacements: The principles that are replaced, each once.
        apart_from: Ids of the episodes that their successors come from.

    Raises:
        ModelError: The provider refuses access.
    """
    calls = []
    for replaced, texts in replacements:
        episodes = await off_loop(
            resting_on, context.records, context.judge, replaced, apart_from=apart_from
        )
        calls += _calls(context, replaced, texts, episodes)
    return await _asked(context, calls)


async def ask_again(
    context: AlignmentContext, doubted: Sequence[Episode], rules: Sequence[Principle]
) -> Superseding:
    """Ask which of the episodes that had been superseded before contradict newly learned rules.

    Args:
        context: Who learns.
        doubted: The episodes.
        rules: What was learned anew from those that did not contradict it.

    Raises:
        ModelError: The provider refuses access.
    """
    if not rules:
        return NOTHING_ASKED
    return await _asked(context, _calls(context, None, [rule.text for rule in rules], doubted))


def _calls(
    context: AlignmentContext,
    replaced: Principle | None,
    texts: Sequence[str],
    episodes: Sequence[Episode],
) -> list[Callable[[], Awaitable[Superseding]]]:
    parts = split(
        episodes,
        records=context.batch_records,
        tokens=context.batch_tokens,
        record_tokens=context.record_tokens,
    )
    return [partial(_ask_part, context, replaced, texts, part) for part in parts]


async def _asked(
    context: AlignmentContext, calls: Sequence[Callable[[], Awaitable[Superseding]]]
) -> Superseding:
    if not calls:
        return NOTHING_ASKED
    answers = await aparallel(calls, limit=context.max_concurrency)
    asked: dict[str, tuple[Episode, ...]] = {}
    for answer in answers:
        for id_, those in answer.asked.items():
            asked[id_] = (*asked.get(id_, ()), *those)
    return Superseding(
        asked=asked,
        reasons={id_: why for answer in answers for id_, why in answer.reasons.items()},
        warnings=tuple(warning for answer in answers for warning in answer.warnings),
        cost=reduce(add, (answer.cost for answer in answers), NO_COST),
    )


async def _ask_part(
    context: AlignmentContext,
    replaced: Principle | None,
    texts: Sequence[str],
    part: Sequence[Episode],
) -> Superseding:
    prompt = supersede_prompt(
        context.spec,
        None if replaced is None else replaced.text,
        texts,
        part,
        record_tokens=context.record_tokens,
    )
    read = supersede_reader(part)
    try:
        answer = await ask(context.model, prompt, SUPERSEDE_SCHEMA, read, config=context.config)
    except ModelError as error:
        if error.is_refused_access:
            raise
        cost = Cost(model_calls=error.attempts)
        return Superseding(warnings=(_not_asked(part, texts, str(error)),), cost=cost)
    reasons = answer.value or {}
    cost = Cost(model_calls=answer.calls, usage=answer.usage)
    told = tuple(part)
    warnings: tuple[str, ...] = ()
    if answer.problem is not None:
        # What was understood counts, but who is not named may merely have been lost.
        told = tuple(episode for episode in part if episode.id in reasons)
        left = [episode for episode in part if episode.id not in reasons]
        warnings = (_not_asked(left, texts, answer.problem),)
    asked = {} if replaced is None else {replaced.id: told}
    return Superseding(asked=asked, reasons=reasons, warnings=warnings, cost=cost)


def _not_asked(episodes: Sequence[Episode], texts: Sequence[str], why: str) -> str:
    return (
        f"{len(episodes)} of the earlier cases could not be compared with {texts[0][:80]!r}, which "
        f"came of a change of mind, and are recalled as before: {why}"
    )


async def restore_episode(records: Records, judge: str, id_: str) -> Episode:
    """Let a superseded episode be recalled again.

    Raises:
        InvalidInputError: No superseded episode has this id.
    """

    def plan() -> tuple[list[Change], Episode]:
        for episode in records.episodes(judge, ids=[id_], status="superseded"):
            restored = episode.restored()
            return [Put(judge=judge, record=restored)], restored
        raise InvalidInputError(
            f"judge {judge!r} has no superseded episode {id_!r}; "
            'its episodes(status="superseded") lists those it has.'
        )

    return await transact(records, plan)
