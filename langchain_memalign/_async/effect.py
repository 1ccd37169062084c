"""Trying new principles on the cases of their batch: what changes no verdict is not learned."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial

from langchain_memalign._alignment.commit import Distilled
from langchain_memalign._alignment.context import NO_COST, AlignmentContext, Cost
from langchain_memalign._alignment.merging import Candidate
from langchain_memalign._async import judging
from langchain_memalign._async.model_calls import for_each
from langchain_memalign._async.probing import words_on
from langchain_memalign._calibration.unseen import without
from langchain_memalign._concurrency import off_loop
from langchain_memalign._content import canonical
from langchain_memalign._judging.setup import JudgeSetup
from langchain_memalign._values.types import value_key
from langchain_memalign.errors import ModelError
from langchain_memalign.schema import Case, Episode, Principle, Verdict, WorkingMemory, now

_MOST_CALLS = 400

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Tried:
    """A case, what is known of it without the batch, and what the judge says then.

    Attributes:
        said: The values, one a judge that goes by this memory, as text; "" where none reached a
            verdict, None where a model failed.
    """

    case: Case
    ids: frozenset[str]
    memory: WorkingMemory
    said: str | None


async def only_effective(
    context: AlignmentContext,
    setup: JudgeSetup,
    episodes: Sequence[Episode],
    distilled: Distilled,
) -> Distilled:
    """Leave out new principles with which the judge says of each case of the batch what it said.

    It is asked without the experts' words on the batch, first as it is, then with each principle
    alone, about the cases that it came from before the others, until a verdict changes. What the
    limit of calls, a failing model, or one that reaches no verdict on the cases that a principle
    came from leaves in doubt is learned. A second judge over the same memory is tried as well.

    Args:
        context: Who learns.
        setup: The judge.
        episodes: The batch.
        distilled: What came of it.

    Raises:
        ModelError: The provider refuses access.
    """
    known = await off_loop(context.records.active_principles, context.judge)
    texts = {principle.normalised_text for principle in known}
    new = [
        c
        for c in distilled.candidates
        if c.relation != "same" and _as_principle(c).normalised_text not in texts
    ]
    if not new:
        return distilled
    words = await off_loop(words_on, context.records, context.judge, episodes)
    words = {key: said for key, said in words.items() if said}  # the others were forgotten since
    setup = setup.over(context.records)
    once = len(words) * len(_by_this_memory(setup))
    most = min(_MOST_CALLS, once * (1 + len(new)))
    _log.info("%r: trying %d principles, in at most %d calls", context.judge, len(new), most)
    batch = frozenset(episode.id for episode in episodes)
    trying = partial(_as_it_is, setup, context, batch)
    found = await for_each(list(words.values()), trying, limit=context.max_concurrency)
    cases, cost = [tried for tried, _ in found], sum((c for _, c in found), NO_COST)
    dropped: list[Candidate] = []
    untried = 0
    for candidate in new:
        if cost.model_calls + once > _MOST_CALLS:
            untried += 1
            continue
        changes, spent = await _changes_any(setup, context, candidate, cases)
        cost = cost + spent
        if not changes:
            dropped.append(candidate)
    return _without(distilled, dropped, cases=len(cases), untried=untried, cost=cost)


async def _as_it_is(
    setup: JudgeSetup,
    context: AlignmentContext,
    batch: AbstractSet[str],
    words: Sequence[Episode],
) -> tuple[_Tried, Cost]:
    """What the judge says of a case that it knows nothing of."""
    case, ids = words[0].case, frozenset(episode.id for episode in words)
    try:
        recalled = await judging.recall(setup, case, exclude=batch | ids)
    except ModelError as error:
        if error.is_refused_access:
            raise
        return _Tried(case, ids, WorkingMemory(), None), NO_COST
    memory = without(words, recalled)
    said, cost = await _asked(setup, context, memory, case)
    return _Tried(case, ids, memory, said), cost


async def _changes_any(
    setup: JudgeSetup, context: AlignmentContext, candidate: Candidate, cases: Sequence[_Tried]
) -> tuple[bool, Cost]:
    """Whether a principle changes what the judge says of any case, or may do so."""
    cited = [tried for tried in cases if not tried.ids.isdisjoint(candidate.sources)]
    others = [tried for tried in cases if tried not in cited]
    cost = NO_COST
    if not any(tried.said for tried in cited):
        return True, cost

    async def differs(tried: _Tried) -> tuple[bool, Cost]:
        memory = _with(tried.memory, candidate)
        said, spent = await _asked(setup, context, memory, tried.case)
        return said is None or said != tried.said, spent

    for part in (cited, others):
        if any(tried.said is None for tried in part):
            return True, cost
        answers = await for_each(part, differs, limit=context.max_concurrency)
        cost = sum((spent for _, spent in answers), cost)
        if any(changed for changed, _ in answers):
            return True, cost
    return False, cost


async def _asked(
    setup: JudgeSetup, context: AlignmentContext, memory: WorkingMemory, case: Case
) -> tuple[str | None, Cost]:
    said, cost = [], NO_COST
    for judge in _by_this_memory(setup):
        outcome, spent = await judging.decide_alone(judge, memory, case, config=context.config)
        cost = cost + spent
        if isinstance(outcome, Verdict):
            raw = outcome.value if outcome.raw_value is None else outcome.raw_value
            said.append(value_key(raw))
        elif outcome.failure:
            return None, cost
        else:
            said.append("")
    return (canonical(said) if any(said) else ""), cost


def _by_this_memory(setup: JudgeSetup) -> list[JudgeSetup]:
    """The judge, and those asked after it that have the same principles."""
    return [judge for judge in setup.in_turn if setup.remembers_as(judge)]


def _with(memory: WorkingMemory, candidate: Candidate) -> WorkingMemory:
    """Working memory as it would be with a principle, which may take another one's place."""
    going = candidate.target if candidate.relation == "replaces" else ""
    kept = tuple(p for p in memory.principles if p.id != going or p.pinned)
    total = memory.principles_total + 1 - (len(memory.principles) - len(kept))
    shown = (*kept, _as_principle(candidate))
    return memory.model_copy(update={"principles": shown, "principles_total": total})


def _as_principle(candidate: Candidate) -> Principle:
    return Principle(id="new", text=candidate.text, created_at=now())


def _without(
    distilled: Distilled, dropped: Sequence[Candidate], *, cases: int, untried: int, cost: Cost
) -> Distilled:
    kept = tuple(c for c in distilled.candidates if c not in dropped)
    lost = _sources(dropped) - _sources(kept)
    why = f"not learned, as no verdict on the {cases} cases of its batch changes with it"
    warnings = [f"{why}: {candidate.text!r:.200}" for candidate in dropped]
    if untried:
        told = f"{untried} of the principles were learned without being tried"
        warnings.append(f"{told}: at most {_MOST_CALLS} calls a batch are made for that.")
    return replace(
        distilled,
        candidates=kept,
        covered=distilled.covered - lost,
        verbatim=distilled.verbatim - lost,
        warnings=(*distilled.warnings, *warnings),
        cost=distilled.cost + cost,
    )


def _sources(candidates: Iterable[Candidate]) -> set[str]:
    return {id_ for candidate in candidates for id_ in candidate.sources}
