"""A judge's question and values in words, and how a form sends them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from langchain_memalign._values.types import JudgeSpec, value_key
from langchain_memalign.reviews.wording import Wording, known_values
from langchain_memalign.schema import Value
from langchain_memalign.web import words

_FEW = 10


@dataclass(frozen=True, kw_only=True)
class Option:
    """A value that can be chosen.

    Attributes:
        key: The value as JSON text, as the form sends it.
        words: What it is called.
        hint: What it means; "" for nothing.
        digit: The key that chooses it; "" for none.
    """

    key: str
    words: str
    hint: str = ""
    digit: str = ""


@dataclass(frozen=True)
class Words:
    """A judge's words on screen.

    Attributes:
        spec: The judge's name, instructions and values.
        wording: What its file says of them.
    """

    spec: JudgeSpec
    wording: Wording

    @property
    def title(self) -> str:
        """What the judge is called."""
        name = self.spec.name.rsplit("/", 1)[-1].replace("_", " ").strip()
        return name[:1].upper() + name[1:]

    @property
    def question(self) -> str:
        """What people are asked."""
        return self.wording.question or self.spec.instructions

    @property
    def is_number(self) -> bool:
        """Whether a value is typed in, not chosen."""
        return self.spec.value_type.kind == "number" or not self.options

    @property
    def is_scale(self) -> bool:
        """Whether the values are steps or numbers in order."""
        return self.spec.value_type.is_ordered

    @property
    def is_pair(self) -> bool:
        """Whether two answers are compared."""
        return {"A", "B"} <= set(self.spec.value_type.labels)

    @property
    def options(self) -> tuple[Option, ...]:
        """What can be chosen, in order; nothing where a number is typed in."""
        known = known_values(self.spec.value_type)
        if len(known) > 101:
            return ()
        few = len(known) <= _FEW
        options = []
        for place, value in enumerate(known, 1):
            # On a scale the digit is the value itself.
            digit = str(value) if type(value) is int else str(place)
            said = self._said(value)
            options.append(
                Option(
                    key=value_key(value),
                    words=said[0],
                    hint=said[1],
                    digit=digit if few and len(digit) == 1 and digit != "0" else "",
                )
            )
        return tuple(options)

    def key(self, value: Value) -> str:
        """A value as the form sends it."""
        return f"{value:.15g}" if isinstance(value, float) else value_key(value)

    def value(self, key: str) -> Value:
        """The value of a key that `options` has."""
        found: Value = json.loads(key)
        return self.spec.value_type.check(found)

    def swapped(self, value: Value | None, swap: bool) -> str:
        """A value in words, as somebody reads it to whom A and B were shown in the other order."""
        if swap and value in ("A", "B"):
            value = "B" if value == "A" else "A"
        return self.of(value)

    def of(self, value: Value | None) -> str:
        """A value in words."""
        if value is None:
            return words.NO_ANSWER
        return self._said(value)[0]

    def _said(self, value: Value) -> tuple[str, str]:
        kind = self.spec.value_type
        said = self.wording.values.get(value_key(value))
        if said is not None:
            # A step shows its number too: it is what people speak of.
            return (f"{value} · {said[0]}", said[1]) if type(value) is int else said
        if isinstance(value, bool):
            asks = self.question.rstrip().endswith("?")
            yes, no = words.YES_NO if asks else words.PASSES_FAILS
            return (yes if value else no), ""
        if self.is_pair and str(value) in words.PAIR:
            return words.PAIR[str(value)], ""
        if kind.kind == "integer" and value in (kind.minimum, kind.maximum):
            return str(value), words.LOWEST if value == kind.minimum else words.HIGHEST
        if isinstance(value, float):
            return f"{value:.15g}", ""
        return str(value), ""
