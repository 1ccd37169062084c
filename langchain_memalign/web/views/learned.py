"""What the judge learned from an answer: a diff of rules, and of waiting cases."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from langchain_memalign.reviews import Answer
from langchain_memalign.schema import Principle
from langchain_memalign.web import words
from langchain_memalign.web.wording import Words

_ALIKE = 0.4


@dataclass(frozen=True)
class Stretch:
    """Words of a rule that stayed, came or went."""

    text: str
    kind: Literal["same", "ins", "del"] = "same"


@dataclass(frozen=True)
class Change:
    """What became of a rule.

    Attributes:
        id: The rule that it is about now; the former one of a retired rule.
        former: The id of the rule that it replaced; "" for none.
        active: Whether it still applies.
    """

    kind: Literal["added", "reworded", "confirmed", "retired"]
    id: str
    text: tuple[Stretch, ...]
    plain: str
    meta: str
    former: str = ""
    active: bool = True


TAGS = {
    "added": ("Added", "added"),
    "reworded": ("Reworded", "changed"),
    "confirmed": ("Confirmed", "same"),
    "retired": ("Retired", "gone"),
}


def changes(
    answer: Answer, before: Mapping[str, Principle], now: Mapping[str, Principle]
) -> list[Change]:
    """What an answer did to the rules, in the order that a person reads it.

    Args:
        answer: The answer.
        before: Rules as they were before it, by id, where that is known.
        now: All rules as they are now, retired ones too, by id.
    """
    report = answer.report
    if report is None:
        return []
    arrived = {p.id: p for p in (*report.principles_added, *report.principles_merged)}
    reworded: dict[str, Principle] = {}
    retired = []
    for gone in report.principles_retired:
        heir = arrived.get(gone.replaced_by or "")
        if heir is not None and heir.id not in reworded and alike(gone.text, heir.text) >= _ALIKE:
            reworded[heir.id] = gone
        else:
            retired.append(gone)
    found = []
    for rule in report.principles_added:
        if rule.id in reworded:
            continue
        found.append(_change("added", rule, "From this case", now))
    for id_, gone in reworded.items():
        heir = arrived[id_]
        meta = f"Now from {words.cases(len(heir.episode_ids))}, this one among them. The wording "
        found.append(
            Change(
                "reworded",
                id_,
                word_diff(gone.text, heir.text),
                heir.text,
                meta + "before is kept in its history.",
                former=gone.id,
                active=_is_active(id_, now),
            )
        )
    for rule in report.principles_merged:
        if rule.id in reworded:
            continue
        count = len(rule.episode_ids)
        meta = "Known already."
        if rule.id in before and len(before[rule.id].episode_ids) != count:
            meta += f" Now from {words.cases(count)} instead of {len(before[rule.id].episode_ids)}."
        elif count:
            meta += f" From {words.cases(count)}."
        found.append(_change("confirmed", rule, meta, now))
    for gone in retired:
        heir = arrived.get(gone.replaced_by or "")
        meta = "It no longer applies."
        if heir is not None:
            place = "added above" if heir in report.principles_added else "confirmed above"
            meta = f"Replaced by the rule {place}."
        meta += f" It came from {words.cases(len(gone.episode_ids))}."
        change = Change(
            "retired",
            gone.id,
            (Stretch(gone.text, "del"),),
            gone.text,
            meta,
            active=_is_active(gone.id, now),
        )
        found.append(change)
    return found


def alike(one: str, other: str) -> float:
    """How much of the words two texts share, in order, from 0 to 1."""
    return difflib.SequenceMatcher(None, _words(one), _words(other), autojunk=False).ratio()


def word_diff(before: str, after: str) -> tuple[Stretch, ...]:
    """A text by what stayed, went and came, word for word."""
    old, new = _tokens(before), _tokens(after)
    found: list[Stretch] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(Stretch("".join(new[c:d])))
            continue
        if b > a:
            found.append(Stretch("".join(old[a:b]), "del"))
        if d > c:
            found.append(Stretch("".join(new[c:d]), "ins"))
    return tuple(found)


def title(answer: Answer) -> str:
    """The heading of the screen."""
    if answer.state in ("undoing", "undone"):
        return "Your answer was taken back"
    if answer.state != "learned":
        return "Your answer is saved"
    return "What the judge learned from your answer"


def not_exact(answer: Answer | None) -> words.State | None:
    """Why an answer could not simply be taken back; None where it could."""
    if answer is None or not (answer.problem or "").startswith("not_exact"):
        return None
    count = (answer.problem or "").partition(":")[2]
    number = int(count) if count.isdigit() else 1
    state = words.STATES["not_exact"]
    later = words.counted(number, "later answer", "later answers")
    return words.State(state.first.format(count=later), state.then)


def said_line(answer: Answer, said: Words, *, swap: bool = False) -> str:
    """What the person said, in words; `swap` where the two of a pair had changed places."""
    return said.swapped(answer.value, swap) if answer.value is not None else ""


def undo_lines(answer: Answer, found: Sequence[Change]) -> list[str]:
    """What undo takes back."""
    lines = [
        f"Your answer leaves the past cases, and {answer.label} waits again with your words "
        "filled in."
    ]
    kinds = {change.kind for change in found}
    back = []
    if "added" in kinds:
        back.append("the added rule goes")
    returning = [kind for kind in ("reworded", "confirmed", "retired") if kind in kinds]
    if returning:
        verb = "returns as it was" if len(returning) == 1 else "return as they were"
        back.append(f"the {' and the '.join(returning)} one {verb}")
    if back:
        line = ", ".join(back)
        lines.append(f"{line[:1].upper()}{line[1:]}.")
    lines.append("Answers that others gave in the meantime stay.")
    return lines


def looked_line(answer: Answer) -> str:
    """How many waiting cases were looked at."""
    looked = answer.looked
    if looked is None or not looked.total:
        return ""
    left = looked.total - looked.judged
    line = f"All {looked.total} that had been read were checked: {looked.judged} judged again"
    if left:
        line += f", {left} unchanged because nothing they rest on changed"
    return f"{line}."


def _change(
    kind: Literal["added", "confirmed"], rule: Principle, meta: str, now: Mapping[str, Principle]
) -> Change:
    active = _is_active(rule.id, now)
    return Change(kind, rule.id, (Stretch(rule.text),), rule.text, meta, active=active)


def _is_active(id_: str, now: Mapping[str, Principle]) -> bool:
    return id_ in now and now[id_].retired_at is None


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _tokens(text: str) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", text)
