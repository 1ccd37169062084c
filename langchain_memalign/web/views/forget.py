"""What would be forgotten, and what is said of it afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from langchain_memalign._content import canonical
from langchain_memalign._prompts.content import embedding_texts
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Episode, Principle
from langchain_memalign.web import words
from langchain_memalign.web.views.text import begins, day, excerpt, who


@dataclass(frozen=True)
class Conditions:
    """What is to be forgotten; all that is given must hold.

    Attributes:
        contains: A text, in any case of letters.
        by: Who said it; "-" for somebody without a name.
        before: The first day that is kept, in this machine's time.
        ids: Labels, or beginnings of ids.
    """

    contains: str = ""
    by: str = ""
    before: str = ""
    ids: tuple[str, ...] = ()

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Conditions:
        """Read a form.

        Raises:
            InvalidInputError: Nothing is given, or the day is none.
        """
        ids = tuple(part for part in form.get("ids", "").replace(",", " ").split() if part)
        found = cls(
            form.get("contains", "").strip(),
            form.get("by", ""),
            form.get("before", "").strip(),
            ids,
        )
        if not any((found.contains, found.by, found.before, found.ids)):
            raise InvalidInputError("Say what should be forgotten: at least one condition.")
        if found.before:
            try:
                date.fromisoformat(found.before)
            except ValueError:
                raise InvalidInputError(
                    f"Found {found.before!r:.30}. Give a day such as 2026-05-12."
                ) from None
        return found

    @property
    def moment(self) -> datetime | None:
        """Before when it was said."""
        if not self.before:
            return None
        return (
            datetime.combine(date.fromisoformat(self.before), time()).astimezone().astimezone(UTC)
        )

    def kinds(self) -> tuple[str, ...]:
        """Which conditions were given, and nothing of what they said."""
        given = (
            (self.contains, "contains a text"),
            (self.by, "answered by one person"),
            (self.before, "said before a day"),
            (self.ids, "named cases"),
        )
        return tuple(said for found, said in given if found)

    def fits(self, episode: Episode, labels: Mapping[str, str]) -> bool:
        """Whether a past case is to be forgotten."""
        if self.by and (episode.reviewer or "-") != self.by:
            return False
        if self.moment is not None and episode.created_at >= self.moment:
            return False
        if self.contains and found_in(episode, self.contains) is None:
            return False
        label = labels.get(episode.case.key, "")
        return not self.ids or any(
            id_ == label or (len(id_) >= 6 and episode.id.startswith(id_)) for id_ in self.ids
        )


@dataclass(frozen=True)
class Going:
    """A past case that would go."""

    id: str
    label: str
    begins: str
    found: tuple[str, str, str] | None
    in_reason: bool
    who: str
    when: str


@dataclass(frozen=True)
class Preview:
    """What would go.

    Attributes:
        digest: Of the ids; when it is another one, the preview must be looked at anew.
        anew: How many of the rules are learned anew from what remains.
        remaining: Rules written by hand that contain the text, and stay.
    """

    digest: str
    episodes: tuple[Going, ...]
    experts: int
    goes: tuple[tuple[str, str], ...]
    anew: tuple[tuple[str, str], ...]
    waiting: int
    drafts: int
    remaining: tuple[str, ...]

    @property
    def rules(self) -> int:
        """How many rules go."""
        return len(self.goes) + len(self.anew)


def preview(
    going: Sequence[Episode],
    rules: Sequence[Principle],
    conditions: Conditions,
    labels: Mapping[str, str],
    *,
    waiting: int,
    drafts: int,
    remaining: Sequence[str],
    me: str | None,
) -> Preview:
    """What would go.

    Args:
        going: The past cases that fit.
        rules: The rules that go with them.
        conditions: What was asked for.
        labels: What cases are called.
        waiting: Waiting cases that show some of it.
        drafts: Drafts and undo steps with it.
        remaining: Rules that contain the text and stay.
        me: Who looks.
    """
    ids = {episode.id for episode in going}
    goes, anew = [], []
    for rule in rules:
        mine = [id_ for id_ in rule.episode_ids if id_ in ids]
        left = len(rule.episode_ids) - len(mine)
        active = rule.retired_at is None
        if left and active:
            if not mine:
                kept = words.cases(left)
                note = (
                    "It was written while the judge was shown what goes. It is written again from "
                )
                anew.append((rule.text, f"{note}its {kept}; its words may differ."))
                continue
            gone = f"{len(mine)} of its {words.cases(len(rule.episode_ids))} goes. "
            if len(mine) != 1:
                gone = gone.replace("goes", "go")
            anew.append(
                (
                    rule.text,
                    f"{gone}The rule goes too, and is written again from the other {left}; its "
                    "words may differ.",
                )
            )
        else:
            note = f"Came from {len(mine)} of these cases and no other."
            goes.append((rule.text, note if active else "Already retired; its words go too."))
    return Preview(
        digest(going),
        tuple(_going(episode, conditions, labels, me) for episode in going),
        len({episode.reviewer for episode in going}),
        tuple(goes),
        tuple(anew),
        waiting,
        drafts,
        tuple(remaining),
    )


def digest(going: Sequence[Episode]) -> str:
    """Of what would go."""
    ids = sorted([episode.id, episode.revision] for episode in going)
    return hashlib.sha256(canonical(ids).encode()).hexdigest()[:32]


def found_in(episode: Episode, text: str) -> tuple[str, str, str] | None:
    """Where a past case contains a text: in the case, or in what was said of it."""
    for said in (*embedding_texts(episode.case), canonical(dict(episode.case))):
        if said and (found := excerpt(said, text)):
            return found
    return _in_words(episode, text)


def _in_words(episode: Episode, text: str) -> tuple[str, str, str] | None:
    for said in (episode.rationale, episode.judge_rationale, episode.reviewer):
        if said and (found := excerpt(said, text)):
            return found
    value = episode.value
    return excerpt(value, text) if isinstance(value, str) else None


def _going(
    episode: Episode, conditions: Conditions, labels: Mapping[str, str], me: str | None
) -> Going:
    found = found_in(episode, conditions.contains) if conditions.contains else None
    in_reason = bool(
        conditions.contains
        and episode.rationale
        and excerpt(episode.rationale, conditions.contains)
    )
    return Going(
        episode.id,
        labels.get(episode.case.key) or episode.id[:8],
        begins(episode.case),
        found,
        in_reason and found == excerpt(episode.rationale or "", conditions.contains),
        who(episode.reviewer, me),
        day(episode.created_at),
    )
