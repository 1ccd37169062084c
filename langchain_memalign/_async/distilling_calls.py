"""One distilling call, and what of its reply is taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from langchain_memalign._alignment.commit import Distilled
from langchain_memalign._alignment.context import AlignmentContext, Cost
from langchain_memalign._alignment.merging import Candidate
from langchain_memalign._alignment.remarks import (
    FEWEST_WITHOUT_REMARK,
    borne_out,
    empty_words,
    is_hasty,
    is_unfounded,
)
from langchain_memalign._alignment.replies import DistillingReply
from langchain_memalign._alignment.vacuity import is_vacuous, suspects
from langchain_memalign._async.model_calls import ask, embed_texts
from langchain_memalign._concurrency import acompute
from langchain_memalign._content import extent
from langchain_memalign._memory.cache import Lesson
from langchain_memalign._models import NO_RETRY
from langchain_memalign._prompts.distilling import DISTIL_SCHEMA, distil_prompt
from langchain_memalign._values.words import says_nothing
from langchain_memalign.errors import ModelError
from langchain_memalign.schema import Episode, Pending, Principle

_HASTY = f"fewer than {FEWEST_WITHOUT_REMARK} records without a remark bear it out"
_UNFOUNDED = "it holds nothing of the remarks that it cites"
_VACUOUS = "it says no more than the instructions"
_NO_RULE = "it states no rule"
_MOST_OF_ONE = 16
_SURPLUS = f"more principles not learned: the records that they cite have {_MOST_OF_ONE} each."


class Unreachable(Distilled):
    """The model could not be reached at all; smaller parts would fare no better."""


class CutOff(Distilled):
    """The reply met the limit of tokens: what is left is worth asking about, be it one record."""


async def ask_to_distil(
    context: AlignmentContext,
    part: Sequence[Episode],
    *,
    known: Lesson,
    shown: Sequence[Principle],
    is_first: bool,
    are_left_over: bool = False,
) -> Distilled:
    """Ask for the principles of some records, and take of the reply what can be.

    Args:
        context: Who learns.
        part: The records.
        known: What the memory holds so far.
        shown: The principles that the model sees.
        is_first: Whether failing calls are repeated as the model has it; else they are not.
        are_left_over: Whether they were shown before, and nothing came of their remarks.

    Raises:
        ModelError: The provider refuses access.
    """
    prompt = await acompute(
        extent(*(content for e in part for content in dict(e.case).values())),
        distil_prompt,
        context.spec,
        part,
        shown,
        known_total=len(known.principles),
        value_counts=known.value_counts,
        record_tokens=context.record_tokens,
        is_compact=context.is_compact,
        are_left_over=are_left_over,
    )
    try:
        answer = await ask(
            context.model,
            prompt,
            DISTIL_SCHEMA,
            DistillingReply(part, shown).read,
            config=context.config,
            retry=None if is_first else NO_RETRY,
        )
    except ModelError as error:
        if error.is_refused_access:
            raise
        failed = all_pending(part, str(error))
        cost = Cost(model_calls=error.attempts)
        if error.transient and error.status in (None, 429):
            return Unreachable(pending=failed.pending, cost=cost)
        return replace(failed, cost=cost)
    candidates = answer.value or ()
    if answer.is_cut_off and answer.problem is not None and len(part) > 1:
        # One that names no record, or all, would pass those off as learned that were to come yet.
        candidates = tuple(c for c in candidates if c.is_cited and len(c.sources) < len(part))
    proposed = len(candidates)
    candidates = _in_bounds(candidates)
    episodes = {e.id: e for e in part}
    surplus = proposed - len(candidates)
    if context.is_compact:
        candidates = borne_out(candidates, episodes, shown, empty_words(context.spec.instructions))
    taken = await _worth_learning(context, candidates, episodes)
    taken = replace(
        taken,
        cost=taken.cost + Cost(model_calls=answer.calls, usage=answer.usage),
        warnings=(*taken.warnings, *([f"{surplus} {_SURPLUS}"] if surplus else [])),
    )
    if answer.problem is None:
        return replace(taken, learned=frozenset(e.id for e in part))
    # What was understood of a partly malformed reply is kept, together with the records it cites.
    learned = frozenset(id_ for candidate in taken.candidates for id_ in candidate.sources)
    left = [episode for episode in part if episode.id not in learned]
    failed = all_pending(left, f"the distilling reply could not be used: {answer.problem}")
    made = CutOff if answer.is_cut_off and learned else Distilled
    return made(
        candidates=taken.candidates,
        learned=learned,
        pending=failed.pending,
        warnings=taken.warnings,
        cost=taken.cost,
    )


def _in_bounds(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Without new principles of records that have many already: a model may go on and on."""
    kept = []
    counts: Counter[str] = Counter()
    for candidate in candidates:
        if candidate.relation == "same":
            kept.append(candidate)
        elif any(counts[id_] < _MOST_OF_ONE * len(candidate.sources) for id_ in candidate.sources):
            kept.append(candidate)
            counts.update(candidate.sources)
    return tuple(kept)


def all_pending(episodes: Sequence[Episode], reason: str) -> Distilled:
    """Nothing learned of these, for one reason."""
    return Distilled(pending=tuple(Pending(episode.id, reason) for episode in episodes))


async def _worth_learning(
    context: AlignmentContext, candidates: Sequence[Candidate], episodes: Mapping[str, Episode]
) -> Distilled:
    """What was proposed, without patterns of too few values and without what says nothing."""
    ignored = empty_words(context.spec.instructions)
    reasons = {c.text: _HASTY for c in candidates if is_hasty(c, episodes)}
    empty = (c.text for c in candidates if c.relation != "same" and says_nothing(c.text))
    reasons |= dict.fromkeys(empty, _NO_RULE)
    if context.is_compact:
        unfounded = (c.text for c in candidates if is_unfounded(c, episodes, ignored))
        reasons |= dict.fromkeys(unfounded, _UNFOUNDED)
    instructions = context.spec.instructions
    doubted = suspects([c for c in candidates if c.text not in reasons], episodes, instructions)
    cost = Cost()
    if doubted:
        remarks = (remark for cited in doubted.values() for remark in cited)
        texts = list(dict.fromkeys([instructions, *doubted, *remarks]))
        try:
            vectors = dict(zip(texts, await embed_texts(context.records, texts), strict=True))
        except ModelError as error:
            if error.is_refused_access:
                raise
            vectors = {}  # in doubt it is learned
        if vectors:
            cost = Cost(embedded=len(texts))
            reasons |= {
                text: _VACUOUS
                for text, cited in doubted.items()
                if is_vacuous(vectors[text], vectors[instructions], [vectors[r] for r in cited])
            }
    return Distilled(
        candidates=tuple(c for c in candidates if c.text not in reasons),
        warnings=tuple(f"not learned, as {why}: {text!r:.200}" for text, why in reasons.items()),
        cost=cost,
    )
