"""Asking again about the remarks that no principle accounts for, until none is lost.

They are asked about a few at a time, then alone; what is left then is kept word for word. The
number of calls is bounded, however many remarks there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from langchain_memalign._alignment.commit import Distilled
from langchain_memalign._alignment.context import AlignmentContext
from langchain_memalign._alignment.merging import Candidate
from langchain_memalign._alignment.remarks import (
    covered_remarks,
    empty_words,
    few_at_a_time,
    joined,
    may_state_a_rule,
    place_of,
    word_for_word,
)
from langchain_memalign._async.distilling_calls import Unreachable, ask_to_distil
from langchain_memalign._memory.cache import Lesson
from langchain_memalign.schema import Episode, Principle, now

_MOST_CALLS = 12


async def cover_remarks(
    context: AlignmentContext,
    episodes: Sequence[Episode],
    distilled: Distilled,
    *,
    known: Lesson,
    shown: Sequence[Principle],
) -> Distilled:
    """Complete what was distilled, so that each remark that was learned has its principle.

    Args:
        context: Who learns.
        episodes: The batch.
        distilled: What came of it; episodes that are pending stay so.
        known: What the memory holds so far.
        shown: The principles of it that the model saw.

    Raises:
        ModelError: The provider refuses access.
    """
    covered = _covered(context, distilled.candidates, episodes, shown)
    total = replace(distilled, covered=covered & distilled.learned)
    calls = 0
    # A small model was shown few together already, and says the same again.
    for cut in (_alone,) if context.is_compact else (few_at_a_time, _alone):
        for part in cut(_left(total, episodes)):
            if calls == _MOST_CALLS or (cut is few_at_a_time and len(part) == 1):
                continue
            calls += 1
            total = await _ask_again(context, part, total, known=known, shown=shown)
    left = _left(total, episodes)
    ids = frozenset(episode.id for episode in left)
    return replace(
        total,
        candidates=joined(total.candidates, map(word_for_word, left)),
        covered=total.covered | ids,
        verbatim=ids,
    )


async def _ask_again(
    context: AlignmentContext,
    part: Sequence[Episode],
    total: Distilled,
    *,
    known: Lesson,
    shown: Sequence[Principle],
) -> Distilled:
    """Ask about left-over records beside what was distilled from the others."""
    fresh = [
        Principle(id=place_of(i), text=candidate.text, created_at=now())
        for i, candidate in enumerate(total.candidates)
        if candidate.relation != "same"
    ]
    # What a small model is shown it gives back, and it has seen what was known in the first call.
    visible = [] if context.is_compact else [*shown, *fresh]
    again = await ask_to_distil(
        context, part, known=known, shown=visible, is_first=False, are_left_over=True
    )
    ids = {episode.id for episode in part}
    if isinstance(again, Unreachable):
        # Not its fault: it is asked about the next time, with whatever the model says then.
        return replace(
            total,
            learned=total.learned - ids,
            pending=total.pending + again.pending,
            cost=total.cost + again.cost,
        )
    return replace(
        total,
        candidates=joined(total.candidates, again.candidates),
        covered=total.covered | _covered(context, again.candidates, part, visible),
        warnings=tuple(dict.fromkeys((*total.warnings, *again.warnings))),
        cost=total.cost + again.cost,
    )


def _covered(
    context: AlignmentContext,
    candidates: Sequence[Candidate],
    episodes: Sequence[Episode],
    known: Sequence[Principle],
) -> frozenset[str]:
    ignored = empty_words(context.spec.instructions) if context.is_compact else None
    return covered_remarks(candidates, episodes, known, ignored=ignored)


def _left(distilled: Distilled, episodes: Sequence[Episode]) -> list[Episode]:
    return [
        episode
        for episode in episodes
        if episode.id in distilled.learned - distilled.covered and may_state_a_rule(episode)
    ]


def _alone(episodes: Sequence[Episode]) -> list[list[Episode]]:
    return [[episode] for episode in episodes]
