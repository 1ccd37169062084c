"""Rules, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from langchain_memalign.schema import Episode, Principle, Value
from langchain_memalign.web import words
from langchain_memalign.web.views.text import begins, day, on_day, who
from langchain_memalign.web.wording import Words

PAGE = 25


@dataclass(frozen=True)
class Line:
    """A rule in the list."""

    id: str
    text: str
    meta: str
    pinned: bool
    active: bool
    has_sources: bool
    replaced_by: str = ""


@dataclass(frozen=True)
class Listing:
    """A page of rules."""

    lines: tuple[Line, ...]
    total: int
    shown: int
    more: str
    in_force: int
    retired: int


@dataclass(frozen=True)
class Source:
    """An answer that a rule came from."""

    id: str
    reason: str
    meta: str
    label: str
    begins: str
    value: str


def listing(
    rules: Sequence[Principle],
    *,
    retired: bool,
    find: str = "",
    after: str = "",
    dates: Mapping[str, datetime],
    authors: Mapping[str, str],
) -> Listing:
    """A page of rules: pinned ones first, then the newest.

    Args:
        rules: All of them, retired ones too.
        retired: Whether those that apply no more are wanted.
        find: Only those with this text.
        after: The id of the last rule shown before.
        dates: When past cases were said, by id.
        authors: Who wrote a rule on the page, by the rule's id.
    """
    active = [r for r in rules if r.retired_at is None]
    gone = [r for r in rules if r.retired_at is not None]
    wanted = gone if retired else active
    wanted = sorted(wanted, key=lambda r: (not r.pinned, -_newest(r, dates).timestamp(), r.id))
    if find.strip():
        wanted = [r for r in wanted if find.strip().casefold() in r.text.casefold()]
    ids = [r.id for r in wanted]
    start = ids.index(after) + 1 if after in ids else 0
    page = wanted[start : start + PAGE]
    by_id = {r.id: r for r in rules}
    more = page[-1].id if page and start + len(page) < len(wanted) else ""
    return Listing(
        tuple(line(r, dates, by_id, authors) for r in page),
        len(wanted),
        start + len(page),
        more,
        len(active),
        len(gone),
    )


def line(
    rule: Principle,
    dates: Mapping[str, datetime],
    by_id: Mapping[str, Principle],
    authors: Mapping[str, str],
) -> Line:
    """One rule."""
    heir = by_id.get(rule.replaced_by or "")
    return Line(
        rule.id,
        rule.text,
        _origin(rule, dates, authors.get(rule.id, "hand")),
        rule.pinned,
        rule.retired_at is None,
        bool(rule.episode_ids),
        heir.text if heir is not None else "",
    )


def sources(
    episodes: Sequence[Episode], said: Words, labels: Mapping[str, str], *, me: str | None
) -> list[Source]:
    """The answers that a rule came from, newest first."""
    return [
        Source(
            e.id,
            e.rationale or "",
            f"{who(e.reviewer, me)}, {day(e.updated_at)}, on ",
            labels.get(e.case.key) or e.id[:8],
            begins(e.case),
            value_of(e.value, said),
        )
        for e in sorted(episodes, key=lambda e: e.updated_at, reverse=True)
    ]


def value_of(value: Value | None, said: Words) -> str:
    """An expert's value in words; "" for a reason alone."""
    return said.of(value) if value is not None else ""


def _origin(rule: Principle, dates: Mapping[str, datetime], author: str) -> str:
    if rule.retired_at is not None:
        return f"Retired {on_day(rule.retired_at)}"
    if rule.origin == "human":
        said = f"Written by {author} {on_day(rule.created_at)}"
        if rule.episode_ids:
            said += f", after {words.cases(len(rule.episode_ids))}"
        return said
    last = _newest(rule, dates)
    return f"Learned from {words.cases(len(rule.episode_ids))}, last {on_day(last)}"


def _newest(rule: Principle, dates: Mapping[str, datetime]) -> datetime:
    return max((dates[id_] for id_ in rule.episode_ids if id_ in dates), default=rule.created_at)
