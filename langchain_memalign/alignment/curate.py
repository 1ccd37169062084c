"""Principles written, changed and removed by humans."""

from __future__ import annotations

import uuid

from langchain_memalign.alignment.retraction import without_pointers
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.flow import Flow
from langchain_memalign.memory import MemoryFlows
from langchain_memalign.schema import Change, Erase, Principle, Put, now


def add_principle(memory: MemoryFlows, judge: str, text: str) -> Flow[Principle]:
    """Add a human-written principle, pinned; an active one with equal text is returned instead."""
    principle = _written(text)
    (vector,) = yield from memory.embed([principle.text])
    outcome = [principle]

    def plan() -> Flow[list[Change]]:
        active = yield from memory.principles(judge)
        same = [p for p in active if p.normalised_text == principle.normalised_text]
        if same and same[0].pinned:
            outcome[:] = same[:1]
            return []
        # A human's word takes the place of the same rule distilled.
        retired = [_retired(p, principle.id) for p in same]
        return [
            Put(judge=judge, record=principle, vector=vector),
            *(Put(judge=judge, record=p) for p in retired),
        ]

    yield from memory.transact(plan)
    return outcome[0]


def edit_principle(memory: MemoryFlows, judge: str, id_: str, text: str) -> Flow[Principle]:
    """Replace a principle by a human-written one; the old one is retired, with a pointer.

    The new one keeps the old one's sources, so that forgetting them reaches it too. Where a human
    has written the same already, that one takes the old one's place.

    Raises:
        InvalidInputError: No active principle has this id.
    """
    written = _written(text)
    (vector,) = yield from memory.embed([written.text])
    outcome: list[Principle] = []

    def plan() -> Flow[list[Change]]:
        old = yield from _active(memory, judge, id_)
        active = yield from memory.principles(judge)
        same = [p for p in active if p.id != id_ and p.normalised_text == written.normalised_text]
        if same and same[0].pinned:
            outcome[:] = same[:1]
            return [Put(judge=judge, record=_retired(old, same[0].id))]
        new = written.model_copy(update={"episode_ids": old.episode_ids})
        outcome[:] = [new]
        return [
            Put(judge=judge, record=new, vector=vector),
            *(Put(judge=judge, record=_retired(p, new.id)) for p in (old, *same)),
        ]

    yield from memory.transact(plan)
    return outcome[0]


def remove_principle(memory: MemoryFlows, judge: str, id_: str, *, erase: bool) -> Flow[Principle]:
    """Retire a principle, so that it applies no more; or erase it, history included.

    Raises:
        InvalidInputError: No active principle has this id.
    """
    outcome: list[Principle] = []

    def plan() -> Flow[list[Change]]:
        old = yield from _active(memory, judge, id_)
        outcome[:] = [_retired(old, None)]
        if erase:
            everything = yield from memory.principles(judge, retired=True)
            erasing = Erase(judge=judge, kind="principle", id=id_)
            return [erasing, *without_pointers(judge, everything, to={id_})]
        return [Put(judge=judge, record=outcome[0])]

    yield from memory.transact(plan)
    return outcome[0]


def _written(text: str) -> Principle:
    if not isinstance(text, str) or not text.strip():
        raise InvalidInputError(f"principle: found {text!r:.80}; expected some text.")
    return Principle(
        id=str(uuid.uuid4()), text=text.strip(), origin="human", pinned=True, created_at=now()
    )


def _retired(principle: Principle, replaced_by: str | None) -> Principle:
    return principle.model_copy(update={"retired_at": now(), "replaced_by": replaced_by})


def _active(memory: MemoryFlows, judge: str, id_: str) -> Flow[Principle]:
    for principle in (yield from memory.principles(judge)):
        if principle.id == id_:
            return principle
    raise InvalidInputError(
        f"judge {judge!r} has no active principle {id_!r}; its principles() lists those it has."
    )
