"""Past cases: a page of a list, and one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from langchain_memalign.schema import Episode
from langchain_memalign.web import words
from langchain_memalign.web.index import Entry
from langchain_memalign.web.views.text import begins, day, who
from langchain_memalign.web.wording import Words

PAGE = 25

SHOWS = {
    "": "All",
    "differs": "The judge said otherwise",
    "contested": "Experts differ",
    "pending": "Still to be learned",
    "unseen": "Answered unseen",
    "aside": "Set aside by a newer rule",
}


@dataclass(frozen=True)
class Row:
    """A past case in the list."""

    id: str
    label: str
    begins: str
    value: str
    judge: str
    who: str
    when: str
    pending: bool
    learned: str
    aside: bool = False


@dataclass(frozen=True)
class Range:
    """Which part of a list is shown."""

    first: int
    last: int
    total: int
    older: str
    newer: str


def select(
    entries: Sequence[Entry],
    *,
    by: str = "",
    show: str = "",
    value: str = "",
    judge: str = "",
    contested: frozenset[str] = frozenset(),
    ids: frozenset[str] | None = None,
) -> list[Entry]:
    """The past cases that fit filters.

    Args:
        entries: All of them, newest first.
        by: Who answered.
        show: A key of `SHOWS`.
        value: The expert's value, as JSON text.
        judge: The judge's value, as JSON text.
        contested: The cases on which experts differ.
        ids: Only these, where a text was searched for.
    """
    from langchain_memalign._values.types import value_key

    def fits(entry: Entry) -> bool:
        if by and (entry.reviewer or "") != ("" if by == "-" else by):
            return False
        if ids is not None and entry.id not in ids:
            return False
        if value and (entry.value is None or value_key(entry.value) != value):
            return False
        if judge and (entry.judge_value is None or value_key(entry.judge_value) != judge):
            return False
        return {
            "differs": entry.differs,
            "contested": entry.case_key in contested,
            "pending": entry.is_pending,
            "unseen": entry.unseen,
            "aside": entry.is_superseded,
        }.get(show, True)

    return [entry for entry in entries if fits(entry)]


def page(entries: Sequence[Entry], after: str = "") -> tuple[list[Entry], Range]:
    """A page of entries, after the one of an id.

    What comes in meanwhile stands before it and moves nothing.
    """
    ids = [entry.id for entry in entries]
    start = ids.index(after) + 1 if after in ids else 0
    shown = list(entries[start : start + PAGE])
    end = start + len(shown)
    older = shown[-1].id if shown and end < len(entries) else ""
    newer = ids[start - PAGE - 1] if start - PAGE - 1 >= 0 else ("-" if start else "")
    return shown, Range(start + 1 if shown else 0, end, len(entries), older, newer)


def rows(
    episodes: Sequence[Episode],
    said: Words,
    labels: Mapping[str, str],
    *,
    me: str | None,
    taught: Mapping[str, int],
    abstained: frozenset[str] = frozenset(),
) -> list[Row]:
    """Past cases as rows.

    Args:
        episodes: In order.
        said: The judge's words.
        labels: What cases are called.
        me: Who looks.
        taught: How many rules came of each.
        abstained: Cases to which the judge gave no answer.
    """
    found = []
    for e in episodes:
        count = taught.get(e.id, 0)
        judge = ""
        if e.judge_value is not None:
            judge = said.of(e.judge_value)
        elif e.case.key in abstained:
            judge = words.NO_ANSWER.lower()
        found.append(
            Row(
                e.id,
                labels.get(e.case.key) or e.id[:8],
                begins(e.case),
                said.of(e.value) if e.value is not None else "A reason only",
                judge,
                who(e.reviewer, me),
                day(e.updated_at, clock=True),
                e.status == "pending",
                f"Learned, {words.rules(count)}" if count else "Learned",
                e.is_superseded(),
            )
        )
    return found


@dataclass(frozen=True)
class Said:
    """What somebody said of a case."""

    id: str
    who: str
    when: str
    value: str
    reason: str
    judge: str
    mine: bool
    pending: bool
    aside: bool = False
    aside_why: str = ""


def answers_to(
    episodes: Sequence[Episode], said: Words, *, me: str | None, swap: bool = False
) -> list[Said]:
    """Everybody's answers to one case, newest first.

    Args:
        episodes: The answers.
        said: The judge's words.
        me: Who looks.
        swap: Whether A and B were shown in the other order.
    """
    return [
        Said(
            e.id,
            who(e.reviewer, me),
            day(e.updated_at, clock=True),
            said.swapped(e.value, swap) if e.value is not None else "A reason only",
            e.rationale or "",
            said.swapped(e.judge_value, swap) if e.judge_value is not None else "",
            (e.reviewer or None) == me,
            e.status == "pending",
            e.is_superseded(),
            e.superseded_reason or "",
        )
        for e in sorted(episodes, key=lambda e: e.updated_at, reverse=True)
    ]
