"""Which cases wait for a person, in which order, and why they are asked about."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from langchain_memalign.reviews import DeskSettings
from langchain_memalign.web.waiting import WaitingCase


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is known of all waiting cases at one moment.

    Attributes:
        given: By case: who has answered it.
        readings: By case: whether the judge's answer is stale, and why the judge is not sure.
        elsewhere: What the person has answered in the terminal.
        undone: What the person took back.
    """

    settings: DeskSettings
    given: Mapping[str, AbstractSet[str]]
    readings: Mapping[str, tuple[bool, tuple[str, ...]]]
    marks: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    reserved: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    elsewhere: AbstractSet[str] = frozenset()
    undone: AbstractSet[str] = frozenset()

    def has(self, kind: str, case_id: str, person: str) -> float | None:
        """When something was noted of a person and a case; None if it was not."""
        return self.marks.get(kind, {}).get(case_id, {}).get(person)


def order(cases: Sequence[WaitingCase], person: str, standing: Standing) -> list[WaitingCase]:
    """The cases that wait for a person: taken back first, then asked again, skipped ones last."""
    waiting = [case for case in cases if waits(case, person, standing)]
    places = {case.id: place for place, case in enumerate(waiting)}

    def rank(case: WaitingCase) -> tuple[int, float]:
        if case.id in standing.undone:
            return 0, places[case.id]
        skipped = standing.has("skipped", case.id, person)
        if skipped is not None:
            return 4, skipped
        if standing.has("asked_again", case.id, person) is not None:
            return 1, places[case.id]
        if standing.settings.policy == "uncertain" and case.id not in standing.readings:
            return 3, places[case.id]  # it may turn out that nobody need be asked
        return 2, places[case.id]

    return sorted(waiting, key=rank)


def waits(case: WaitingCase, person: str, standing: Standing) -> bool:
    """Whether a case waits for a person."""
    if standing.has("asked_again", case.id, person) is not None:
        return True
    given = standing.given.get(case.id, frozenset())
    needed = standing.settings.needed
    if person in given or case.id in standing.elsewhere or (needed and len(given) >= needed):
        return False
    if standing.has("left", case.id, person) is not None or standing.marks.get(
        "left_by_all", {}
    ).get(case.id):
        return False
    if case.id in standing.undone or standing.has("open", case.id, person) is not None:
        return True
    return asked(case, standing) is not None


def is_free(case: WaitingCase, person: str, standing: Standing) -> bool:
    """Whether nobody else is at a case; one that a person is asked about again is theirs anyway."""
    holder, _ = standing.reserved.get(case.id, (person, ""))
    return holder == person or standing.has("asked_again", case.id, person) is not None


def asked(case: WaitingCase, standing: Standing) -> str | None:
    """Why people are asked about a case, as a key of `words.WHY`; None if they are not."""
    policy = standing.settings.policy
    if policy == "never":
        return None
    reading = standing.readings.get(case.id)
    if reading is None:
        return "all" if policy == "always" else "unread"
    _, why = reading
    if why:
        return why[0]
    if policy == "always":
        return "all"
    return "spot" if is_spot(case.id, standing.settings.spot) else None


def is_spot(case_id: str, one_of: int) -> bool:
    """Whether a case is drawn; the same for as long as the share is."""
    if one_of < 1:
        return False
    drawn = hashlib.sha256(f"spot:{case_id}".encode()).digest()
    return int.from_bytes(drawn[:8]) % one_of == 0


def reasons(waiting: Sequence[WaitingCase], standing: Standing) -> Counter[str]:
    """How many wait for which reason, for the filter of the list."""
    return Counter(asked(case, standing) or "own" for case in waiting)


def is_swapped(person: str, case_id: str) -> bool:
    """Whether a person sees the two of a pair in the other order, when blind."""
    return hashlib.sha256(f"pair:{person}:{case_id}".encode()).digest()[0] % 2 == 1
