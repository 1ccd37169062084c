"""Principles written, changed and removed by humans."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from langchain_memalign._alignment.context import AlignmentContext
from langchain_memalign._alignment.sight import unlinked, without_rationale, written_in_sight
from langchain_memalign._alignment.superseding import handed_on, returned
from langchain_memalign._async.model_calls import embed_texts
from langchain_memalign._async.transactions import scrub_at_once, transact
from langchain_memalign._concurrency import to_the_end
from langchain_memalign._memory.definition import written_anew
from langchain_memalign._memory.records import Records
from langchain_memalign._models import Vector
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Change, Episode, Erase, Principle, Put, now


async def add_principle(context: AlignmentContext, text: str) -> Principle:
    """Add a human-written principle, pinned; an active one with equal text is returned instead."""
    records, judge = context.records, context.judge
    principle = _written(text)
    (vector,) = await embed_texts(records, [principle.text])

    def plan() -> tuple[list[Change], Principle]:
        active = records.principles(judge)
        same = [p for p in active if p.normalised_text == principle.normalised_text]
        if same and same[0].pinned:
            return [], same[0]
        # A human's word takes the place of the same rule distilled.
        known = written_anew(judge, records.definition(judge), context.definition)
        put = _in_place_of(records, judge, same, principle, vector)
        return [*put, *known], principle

    return await transact(records, plan)


async def edit_principle(context: AlignmentContext, id_: str, text: str) -> Principle:
    """Replace a principle by a human-written one; the old one is retired, with a pointer.

    The new one keeps the old one's sources, and was written in sight of it, so that forgetting
    reaches it too. Where a human
    has written the same already, that one takes the old one's place.

    Raises:
        InvalidInputError: No active principle has this id.
    """
    records, judge = context.records, context.judge
    written = _written(text)
    (vector,) = await embed_texts(records, [written.text])

    def plan() -> tuple[list[Change], Principle]:
        active = records.principles(judge)
        old = _find(active, judge, id_)
        same = [p for p in active if p.id != id_ and p.normalised_text == written.normalised_text]
        if same and same[0].pinned:
            marks = handed_on(records, judge, {old.id}, same[0].id)
            return [Put(judge=judge, record=_retired(old, same[0].id)), *marks], same[0]
        new = written.model_copy(update={"episode_ids": old.episode_ids, "sight": (old.id,)})
        return _in_place_of(records, judge, (old, *same), new, vector), new

    return await transact(records, plan)


async def remove_principle(records: Records, judge: str, id_: str, *, erase: bool) -> Principle:
    """Retire a principle, so that it applies no more; or erase it, history and bytes included.

    What it had superseded is recalled again.

    With it goes what the judge said of cases in sight of it. Principles that were learned in sight
    of it stay, and remember in its place what it came from.

    Raises:
        InvalidInputError: No active principle has this id.
        MemoryUnavailableError: It is erased, but something that held it could not be deleted: the
            next forgetting tries again.
    """

    def without(episode: Episode, reached: AbstractSet[str]) -> Episode:
        kept = without_rationale(episode) if episode.id in reached else episode
        return kept.restored() if episode.superseded_by == id_ else kept

    def plan() -> tuple[list[Change], Principle]:
        everything = records.principles(judge, retired=True)
        active = [principle for principle in everything if principle.is_active()]
        removed = _retired(_find(active, judge, id_), None)
        if not erase:
            back = returned(records, judge, {id_})
            return [Put(judge=judge, record=removed), *back], removed
        episodes = records.episodes(judge)
        reached = written_in_sight({id_}, episodes, [])
        return [
            Erase(judge=judge, kind="principle", id=id_),
            *(
                Put(judge=judge, record=kept)
                for principle in everything
                if principle.id != id_ and (kept := unlinked(principle, removed)) is not principle
            ),
            *(
                Put(judge=judge, record=left)
                for episode in episodes
                if (left := without(episode, reached)) is not episode
            ),
        ], removed

    removed = await transact(records, plan)
    if erase:
        await to_the_end(records.sweep)
        await scrub_at_once(records)
    return removed


async def restore_principle(records: Records, judge: str, id_: str) -> Principle:
    """Let a retired principle apply again, as it was; an active one with equal text is returned.

    Raises:
        InvalidInputError: No retired principle has this id.
    """

    def plan() -> tuple[list[Change], Principle]:
        everything = records.principles(judge, retired=True)
        found = next((p for p in everything if p.id == id_ and not p.is_active()), None)
        if found is None:
            raise InvalidInputError(
                f"judge {judge!r} has no retired principle {id_!r}; "
                "memory.principles(judge, retired=True) lists those it has."
            )
        for other in everything:
            if other.is_active() and other.normalised_text == found.normalised_text:
                return [], other
        restored = found.model_copy(update={"retired_at": None, "replaced_by": None})
        return [Put(judge=judge, record=restored)], restored

    return await transact(records, plan)


def _written(text: str) -> Principle:
    if not isinstance(text, str) or not text.strip():
        raise InvalidInputError(f"principle: found {text!r:.80}; expected some text.")
    return Principle(
        id=str(uuid.uuid4()), text=text.strip(), origin="human", pinned=True, created_at=now()
    )


def _retired(principle: Principle, replaced_by: str | None) -> Principle:
    return principle.model_copy(update={"retired_at": now(), "replaced_by": replaced_by})


def _in_place_of(
    records: Records, judge: str, replaced: Sequence[Principle], new: Principle, vector: Vector
) -> list[Change]:
    return [
        Put(judge=judge, record=new, vector=vector),
        *(Put(judge=judge, record=_retired(principle, new.id)) for principle in replaced),
        *handed_on(records, judge, {principle.id for principle in replaced}, new.id),
    ]


def _find(active: Iterable[Principle], judge: str, id_: str) -> Principle:
    for principle in active:
        if principle.id == id_:
            return principle
    raise InvalidInputError(
        f"judge {judge!r} has no active principle {id_!r}; its principles() lists those it has."
    )
