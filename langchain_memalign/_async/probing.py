"""Asking the judge about new cases before it learns them, to learn from the difference."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial, reduce
from typing import Any

from langchain_memalign._alignment.context import NO_COST, AlignmentContext, Cost
from langchain_memalign._alignment.ingest import without_forgotten_words
from langchain_memalign._async.model_calls import for_each
from langchain_memalign._async.transactions import transact
from langchain_memalign._concurrency import off_loop
from langchain_memalign._memory.records import Records
from langchain_memalign.errors import ModelError
from langchain_memalign.schema import (
    Case,
    Change,
    Episode,
    Put,
    Unscored,
    Verdict,
    with_record,
)

Outcome = Verdict | Unscored
Probe = Callable[[Case, Sequence[Episode]], Awaitable[tuple[Outcome, Cost]]]
"""Lets the judge answer a case as if experts had not said these words of it."""


async def probe_new(
    context: AlignmentContext, fresh: Sequence[str], probe: Probe
) -> tuple[Cost, list[str]]:
    """Ask the judge about new cases of which its own verdict is not known, and note what it says.

    Each case is asked about once, however many experts spoke of it.

    Args:
        context: Who learns.
        fresh: Ids of the episodes that were handed in now. They are asked about also where somebody
            else has learned them since.
        probe: Asks the judge.

    Returns:
        What it cost, and the ids of the episodes that waited to be learned when it began.

    Raises:
        ModelError: The provider refuses access.
    """
    records, judge = context.records, context.judge
    waiting = await off_loop(records.episodes, judge, status="pending")
    handed_in = await off_loop(records.episodes, judge, ids=sorted(fresh))
    told = {e.id: e for e in (*waiting, *handed_in) if e.judge_value is None}
    words = await off_loop(words_on, records, judge, list(told.values()))
    unknown = {key: said for key, said in words.items() if any(e.id in told for e in said)}

    async def ask(said: Sequence[Episode]) -> tuple[Outcome, Cost]:
        try:
            return await probe(said[0].case, said)
        except ModelError as error:  # a case that cannot be embedded must not stop the others
            if error.is_refused_access:
                raise
            return Unscored(reason=str(error)), NO_COST

    answers = await for_each(list(unknown.values()), ask, limit=context.max_concurrency)
    outcomes = {
        episode.id: (episode, outcome)
        for said, (outcome, _) in zip(unknown.values(), answers, strict=True)
        for episode in said
        if episode.id in told
    }
    await transact(records, partial(_noted, records, judge, outcomes))
    return sum((cost for _, cost in answers), NO_COST), [episode.id for episode in waiting]


def words_on(records: Records, judge: str, episodes: Sequence[Episode]) -> dict[str, list[Episode]]:
    """All that experts said of the cases of some episodes, by case."""
    keys = dict.fromkeys(episode.case.key for episode in episodes)
    found: dict[str, list[Episode]] = {key: [] for key in keys}
    for episode in records.episodes_on(judge, tuple(keys)) if keys else ():
        found[episode.case.key].append(episode)
    return found


def _noted(
    records: Records, judge: str, outcomes: dict[str, tuple[Episode, Outcome]]
) -> tuple[list[Change], None]:
    """Keep what the judge said with the episodes that are still there and on the same case."""
    noted: dict[str, Episode] = {}
    for now in records.episodes(judge, ids=sorted(outcomes)):
        before, outcome = outcomes[now.id]
        if now.case.key != before.case.key:
            continue
        told: dict[str, Any] = {
            "judge_records": reduce(with_record, outcome.records, now.judge_records)
        }
        if isinstance(outcome, Verdict) and now.judge_value is None:
            told["judge_value"] = outcome.value
            told["judge_rationale"] = outcome.rationale
            told["judge_sight"] = outcome.sight
        noted[now.id] = now.model_copy(update=told)
    kept = without_forgotten_words(judge, records, noted)
    return [Put(judge=judge, record=episode) for episode in kept.values()], None
