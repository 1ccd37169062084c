"""How a judge's question, values and fields are called on screen; never part of a prompt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field

from langchain_memalign._values.types import ValueType, value_key
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Record, Value


class Wording(Record):
    """The words on screen that a judge file gives.

    Attributes:
        question: The question that people answer; None for the judge's instructions.
        values: Words for a value, or a pair of words and a hint, by the value as text.
        titles: Headings for `inputs`, `outputs`, `reference_outputs`, and for keys in them.
    """

    question: str | None = None
    values: dict[str, tuple[str, str]] = Field(default_factory=dict)
    titles: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def create(
        cls,
        value_type: ValueType,
        *,
        question: str | None = None,
        values: Any = None,
        titles: Mapping[str, str] | None = None,
    ) -> Self:
        """Read the three keys of a judge file.

        Args:
            value_type: The values that the judge may give.
            question: The question, in the words of those who answer it.
            values: A mapping from values to words, or to `[words, hint]`; or a list of words, one
                for each label or step, in order.
            titles: Headings by field or key.

        Raises:
            InvalidInputError: A value is not one of the judge's, or has no words.
        """
        known = known_values(value_type)
        if isinstance(values, list | tuple):
            if len(values) != len(known):
                raise InvalidInputError(
                    f"values: found {len(values)} words; expected {len(known)}, one for each of "
                    f"{value_type.describe()}."
                )
            values = dict(zip(map(value_key, known), values, strict=True))
        named: dict[str, tuple[str, str]] = {}
        for written, said in dict(values or {}).items():
            key = _key(written, known, value_type)
            pair = [said] if isinstance(said, str) else said
            if not isinstance(pair, list | tuple) or not 1 <= len(pair) <= 2 or not all(pair):
                raise InvalidInputError(
                    f"values: found {said!r:.80} for {written!r}; expected words, or words and a "
                    "hint."
                )
            named[key] = (str(pair[0]), str(pair[1]) if len(pair) == 2 else "")
        return cls(question=question or None, values=named, titles=dict(titles or {}))


def known_values(value_type: ValueType) -> tuple[Value, ...]:
    """All values in order; nothing where there are as many as numbers."""
    match value_type.kind:
        case "boolean":
            return (True, False)
        case "choice":
            return value_type.labels
        case "integer":
            return tuple(range(int(value_type.minimum), int(value_type.maximum) + 1))
        case _:
            return ()


def _key(written: Any, known: tuple[Value, ...], value_type: ValueType) -> str:
    for value in known:
        if value_key(value) == written or value_key(value) == json.dumps(written):
            return value_key(value)
    for value in known:
        if str(value).casefold() == str(written).casefold():
            return value_key(value)
    raise InvalidInputError(
        f"values: found the value {written!r}; expected some of {value_type.describe()}."
    )
