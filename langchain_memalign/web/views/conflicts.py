"""Cases that experts answered differently, and which answer counts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_memalign._content import canonical
from langchain_memalign._values.types import value_key
from langchain_memalign.reviews import Answer, Settled
from langchain_memalign.schema import Episode, Value, deciding
from langchain_memalign.web.index import Entry
from langchain_memalign.web.views.text import day, on_day, short_name, who
from langchain_memalign.web.wording import Words


@dataclass(frozen=True)
class Entered:
    """A conflict in the list."""

    key: str
    begins: str
    meta: str
    current: bool


@dataclass(frozen=True)
class Side:
    """One answer of a conflict.

    Attributes:
        digit: The key that says it is right.
        counts: Why it counts at present; "" if it does not.
        key: Its value, as the form sends it.
    """

    id: str
    digit: str
    value: str
    key: str
    reason: str
    who: str
    when: str
    judge: str
    counts: str
    label: str


def digest(entries: Sequence[Entry]) -> str:
    """Of what was said: other words make a settled conflict an open one."""
    said = sorted([e.id, e.updated_at.isoformat()] for e in entries)
    return hashlib.sha256(canonical(said).encode()).hexdigest()[:16]


def open_and_settled(
    conflicts: Mapping[str, Sequence[Entry]], settled: Mapping[str, Settled]
) -> tuple[list[str], list[str]]:
    """Which conflicts are open, and which are settled, oldest first."""
    done = [k for k, es in conflicts.items() if k in settled and settled[k].said == digest(es)]
    return [key for key in conflicts if key not in done], done


def meta(entries: Sequence[Entry], me: str | None) -> str:
    """Who differs, and how many against how many."""
    names = list(dict.fromkeys(short_name(who(e.reviewer, me)) for e in entries))
    names = [names[0], *(n if n != "You" else "you" for n in names[1:])]
    people = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    votes = Counter(value_key(e.value) for e in entries if e.value is not None)
    numbers = sorted(votes.values(), reverse=True)
    if len(set(numbers)) > 1:
        return f"{people} · {' to '.join(map(str, numbers))}"
    return f"{people} · open since {day(max(e.created_at for e in entries))}"


def as_saved(episodes: Sequence[Episode], answers: Sequence[Answer]) -> list[Episode]:
    """What was said of a case, with answers that are saved and being learned still."""
    found = {e.reviewer: e for e in episodes}
    for answer in answers:
        before = found.get(answer.reviewer)
        changed: dict[str, Any] = {"value": answer.value, "rationale": answer.reason}
        if before is None:
            changed |= {"id": f"saved-{answer.n}", "reviewer": answer.reviewer}
            changed |= {"created_at": answer.said_at, "judge_value": answer.judge_value}
        changed["updated_at"] = answer.said_at
        found[answer.reviewer] = (before or episodes[0]).model_copy(update=changed)
    return [*found.values()]


def sides(episodes: Sequence[Episode], said: Words, *, me: str | None) -> list[Side]:
    """The answers to a case, oldest first, with which of them counts and why.

    Which one counts is `deciding`'s to say.
    """
    with_value = [e for e in episodes if e.value is not None]
    ordered = sorted(with_value, key=lambda e: (e.created_at, e.id))
    chosen = deciding(ordered)
    votes: Counter[str] = Counter(value_key(_value(e)) for e in ordered)
    most = votes[value_key(_value(chosen))]
    rivals = sorted((n for k, n in votes.items() if k != value_key(_value(chosen))), reverse=True)
    why = "counts now, being newer"
    if rivals and rivals[0] < most:
        why = f"counts now, {most} to {rivals[0]}"
    found = []
    for place, episode in enumerate(ordered, 1):
        person = who(episode.reviewer, me)
        counts = why if episode.id == chosen.id else ""
        mine = "Your answer" if person == "You" else f"{short_name(person)}’s answer"
        found.append(
            Side(
                episode.id,
                str(place) if place < 10 else "",
                said.of(episode.value),
                said.key(_value(episode)),
                episode.rationale or "",
                person,
                day(episode.updated_at),
                said.of(episode.judge_value) if episode.judge_value is not None else "",
                counts,
                mine + (", which counts at present" if counts else ""),
            )
        )
    return found


def after_settling(episodes: Sequence[Episode], mine: Value, me: str | None) -> str:
    """What is said once somebody has said that a value is right."""
    votes = Counter(value_key(_value(e)) for e in episodes if e.value is not None)
    if not votes:
        return "Saved."
    own = votes[value_key(mine)]
    rivals = sorted((n for k, n in votes.items() if k != value_key(mine)), reverse=True)
    if not rivals:
        return "Saved. All agree now."
    chosen = deciding([e for e in episodes if e.value is not None])
    counts = "yours counts" if value_key(_value(chosen)) == value_key(mine) else "theirs counts"
    newer = ", being newer" if own == rivals[0] else ""
    return f"Saved. {own} to {rivals[0]} now; {counts}{newer}."


def settled_line(settled: Settled) -> str:
    """How a conflict was settled."""
    return f"{settled.how}, by {settled.by}, {on_day(settled.at)}"


def _value(episode: Episode) -> Value:
    assert episode.value is not None
    return episode.value
