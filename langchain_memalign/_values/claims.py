"""What the words of a text say of a value, and what they can mean together."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from langchain_memalign._content import clean_text
from langchain_memalign._values.types import JudgeSpec
from langchain_memalign._values.words import (
    ASSENT,
    CONTRASTS,
    CORRECT,
    CROSSES,
    DISSENT,
    FILLERS,
    MODIFIERS,
    TICKS,
    VAGUE,
    WRONG,
    is_sentence,
    read_rating,
    tokens,
)
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Value

_LONGEST_PHRASE = 6
# What is longer than this is a sentence, whatever its words.
_MOST_WORDS = 8
_LONGEST = 200
_CLAUSE = re.compile(
    r"([.!:;,]+\s|\s[-\u2013\u2014]+\s|\n|\s(?=(?:because|since|weil)\b))\s*", re.IGNORECASE
)


@dataclass(frozen=True)
class Is:
    """The value is this one."""

    value: Value | None


Alternative: TypeAlias = "Is | Literal['approve', 'reject', 'any']"
Claim: TypeAlias = "Set[Alternative]"
"""What a word may mean; "any" if it may mean nothing."""
Outcome: TypeAlias = "Is | Literal['other', 'any']"
"""What is said of the value: which it is, that it is not the judge's, or nothing."""


@dataclass(frozen=True)
class Text:
    """What a text says.

    Attributes:
        text: The text; None where there is none.
        claims: What its words, or the first of them, say of the value.
        rest: The text after those first words, where there are any.
        is_said_in_full: Whether it has no other words, and so is no remark.
        trouble: Why nobody can tell what it means, whatever stands beside it.
        is_negated: Whether its words turn, or weaken, one another.
    """

    text: str | None = None
    claims: tuple[Claim, ...] = ()
    rest: str | None = None
    is_said_in_full: bool = False
    trouble: str | None = None
    is_negated: bool = False

    @classmethod
    def read(cls, text: Any, spec: JudgeSpec, *, may_be_consent: bool) -> Text:
        """Read a text; `may_be_consent` says whether yes and no may be values, too."""
        if text is None:
            return cls()
        if not isinstance(text, str):
            raise InvalidInputError(
                f"rationale: found {text!r:.60}; expected text, in your own words."
            )
        text = clean_text(text, where="rationale")
        found = _vocabulary(text, spec, may_be_consent=may_be_consent)
        return found or cls(text, *_head_and_rest(text, spec, may_be_consent=may_be_consent))

    @property
    def without_claims(self) -> Text:
        """The text as a remark and nothing else."""
        return Text(self.text)

    def remark(self, *, is_alone: bool) -> str | None:
        """The text as a remark; None if it says no more than a value, or is no sentence but alone.

        Beside a value, a word may be reason enough.
        """
        if self.text is None or self.is_said_in_full:
            return None
        return self.rest or (self.text if is_sentence(self.text) or not is_alone else None)


def _vocabulary(text: str, spec: JudgeSpec, *, may_be_consent: bool) -> Text | None:
    """Read a text that has only words for values and decisions, and those that go with them."""
    if len(text) > _LONGEST or len(words := tokens(text)) > _MOST_WORDS:
        return None
    claims: list[Claim] = []
    trouble = "a question is no answer" if "?" in text else None
    is_negated = False
    at = 0
    while at < len(words):
        for end in range(min(at + _LONGEST_PHRASE, len(words)), at, -1):
            phrase = " ".join(words[at:end])
            if claim := _claim(phrase, spec, may_be_consent=may_be_consent):
                claims.append(claim)
            elif phrase in MODIFIERS:
                is_negated = True
            elif read_rating(phrase) is not None:
                trouble = trouble or "that is no value of this scale"
            elif phrase not in VAGUE | CORRECT | WRONG:
                continue
            at = end
            break
        else:
            return None
    told = tuple(claim for claim in claims if claim != {"any"})
    if trouble or is_negated:
        told = ()
    return Text(text, told, is_said_in_full=True, trouble=trouble, is_negated=is_negated)


def _head_and_rest(
    text: str, spec: JudgeSpec, *, may_be_consent: bool
) -> tuple[tuple[Claim, ...], str | None]:
    """What a remark begins with, before it says why: "4: too slow", "No. Say sorry first."."""
    parts = _CLAUSE.split(text.strip(), maxsplit=1)
    if len(parts) < 3 or not is_sentence(parts[2]) or tokens(parts[2])[0] in CONTRASTS:
        return (), None
    head = _vocabulary(parts[0], spec, may_be_consent=may_be_consent)
    if head is None or not head.claims:
        return (), None
    if parts[1].strip() == "," and not all(map(_is_value, head.claims)):
        return (), None  # "Fine, ...", "True, ...": a way to begin a sentence
    return head.claims, parts[2]


def _is_value(claim: Claim) -> bool:
    return all(isinstance(a, Is) and not isinstance(a.value, bool) for a in claim)


def _claim(phrase: str, spec: JudgeSpec, *, may_be_consent: bool) -> Claim:
    """What words say of the value; empty if nothing, or if it is not known."""
    is_boolean = spec.value_type.kind == "boolean"
    claim: set[Alternative] = set()
    if phrase in ASSENT or (phrase in CORRECT and not is_boolean):
        claim.add("approve")
    if phrase in DISSENT or (phrase in WRONG and not is_boolean):
        claim.add("reject")
    is_mark = is_boolean and phrase in TICKS | CROSSES
    if not claim or (may_be_consent and not is_mark):
        with suppress(InvalidInputError):
            claim.add(Is(spec.read_value(phrase)))
    if phrase in FILLERS:
        claim.add("any")
    return claim


def outcomes(claims: Sequence[Claim], spec: JudgeSpec, judged: Value | None) -> set[Outcome]:
    """What all claims can mean together: one thing, or several, or none."""
    reached: set[Outcome] = {"any"}
    for claim in claims:
        meant = [_meaning(alternative, spec, judged) for alternative in claim]
        met = (_met(one, other, judged) for one in reached for other in meant)
        reached = {outcome for outcome in met if outcome is not None}
    if len(reached) > 1:
        reached.discard("any")
    if len(reached) > 1 and Is(judged) not in reached:
        reached.discard("other")  # the value says which
    return reached


def _meaning(alternative: Alternative, spec: JudgeSpec, judged: Value | None) -> Outcome:
    match alternative:
        case "approve":
            return "any" if judged is None else Is(judged)
        case "reject" if isinstance(judged, bool) and spec.value_type.kind == "boolean":
            return Is(not judged)
        case "reject":
            return "other"
    return alternative


def _met(one: Outcome, other: Outcome, judged: Value | None) -> Outcome | None:
    if one == "any" or one == other:
        return other
    if other == "any":
        return one
    values = [outcome for outcome in (one, other) if isinstance(outcome, Is)]
    return values[0] if len(values) == 1 and values[0] != Is(judged) else None
