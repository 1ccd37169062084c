"""What an importer finds in a source: experts' words, and what it had to leave there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from langchain_memalign._values import ValueType
from langchain_memalign.errors import InvalidInputError


@dataclass(frozen=True)
class Remark:
    """An expert's word.

    Attributes:
        where: Its place in the source, for people: a run, a trace, a line.
        fields: The fields of a `Feedback`; values as the source writes them.
    """

    where: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Skipped:
    """Something in the source that is no expert's word, or cannot be used, and why.

    Attributes:
        where: Its place in the source.
        reason: Why it was left there.
        is_unusable: Whether an expert's word is there that has to be corrected to be learned;
            false where there simply is none.
    """

    where: str
    reason: str
    is_unusable: bool = False


Found: TypeAlias = Remark | Skipped


def with_values(fields: Mapping[str, Any], value_type: ValueType) -> dict[str, Any]:
    """The fields with values of the judge's type, read as generously as a reviewer's answer.

    "Yes", "GOOD", " 4 " and a score of 1.0 for true are understood.

    Raises:
        InvalidInputError: A value cannot be read.
    """
    read = dict(fields)
    for name in ("value", "judge_value"):
        given = read.get(name)
        if given is not None and given != "":
            # Scores are numbers in many systems: true is 1.0 there.
            whole = isinstance(given, float) and given.is_integer()
            try:
                read[name] = value_type.read(int(given) if whole else given)
            except InvalidInputError:
                if name == "value":
                    raise
                # A judge of another scale may have been at work; the expert's word stands alone.
                read[name] = read["judge_rationale"] = None
    return read
