"""The experts' values and the judge's, side by side; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from langchain_memalign._values import ValueType, value_key
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.evaluation.resampling import Numbers
from langchain_memalign.schema import Record, Value


@dataclass(frozen=True)
class Rows:
    """Values side by side, and which of them the judge scored."""

    expert: Sequence[Value]
    judge: Sequence[Value | None]

    def __post_init__(self) -> None:
        if len(self.expert) != len(self.judge):
            raise InvalidInputError(
                f"found {len(self.expert)} values of experts and {len(self.judge)} of the judge; "
                "expected one of each for every case (None where the judge abstained)."
            )
        if any(value is None for value in self.expert):
            raise InvalidInputError("found a case without an expert's value; leave it out.")
        object.__setattr__(self, "expert", [plain(value) for value in self.expert])
        judge = [None if value is None else plain(value) for value in self.judge]
        object.__setattr__(self, "judge", judge)

    def every(self) -> Numbers:
        """1 for each row."""
        return np.ones(len(self.expert))

    @property
    def scored(self) -> Numbers:
        """1 where the judge gave a value, else 0."""
        return np.array([value is not None for value in self.judge], dtype=np.float64)

    @property
    def correct(self) -> Numbers:
        """1 where the judge gave the expert's value, else 0."""
        pairs = zip(self.expert, self.judge, strict=True)
        return np.array([same(expert, judge) for expert, judge in pairs], dtype=np.float64)

    def numbers(self, metric: str) -> tuple[Numbers, Numbers]:
        """Both sides as numbers, 0 where the judge abstained."""
        given = [value for value in self.judge if value is not None]
        require_numbers((*self.expert, *given), metric=metric)
        judge = [0 if value is None else value for value in self.judge]
        return np.array(self.expert, dtype=np.float64), np.array(judge, dtype=np.float64)

    def only(self, keep: Numbers) -> Rows:
        """The rows where `keep` is not 0."""
        chosen: list[int] = np.flatnonzero(keep).tolist()
        return Rows([self.expert[i] for i in chosen], [self.judge[i] for i in chosen])


_LARGEST = 1e150
"""Of larger numbers the squares would overflow."""
_LISTED = 20
"""Of a scale with more steps, only values that were given are listed."""


def require_numbers(values: Iterable[Value], *, metric: str) -> None:
    """Refuse what is no number.

    Raises:
        InvalidInputError: One of the values is a label, true or false, not finite, or too large.
    """
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidInputError(f"{metric}: found {value!r}; expected numbers on a scale.")
        if not abs(value) <= _LARGEST:  # nan is not, either
            found = f"{value}" if isinstance(value, float) else "a huge whole number"
            raise InvalidInputError(
                f"{metric}: found {found}; expected numbers on a scale, of at most {_LARGEST:.0e}."
            )


class Confusion(Record):
    """How often the judge gave which value where the expert gave which.

    Attributes:
        values: The values, in order.
        counts: A line for each value of the expert, a column for each of the judge.
        abstained: For each value of the expert, how often the judge abstained.
    """

    values: tuple[Value, ...]
    counts: tuple[tuple[int, ...], ...]
    abstained: tuple[int, ...]


def confusion_matrix(
    expert: Sequence[Value],
    judge: Sequence[Value | None],
    *,
    value_type: ValueType | None = None,
) -> Confusion:
    """Count the pairs of values.

    Args:
        expert: The experts' values.
        judge: The judge's values in the same order; None where it abstained.
        value_type: Lists values that nobody gave, too, unless it is a long scale.
    """
    rows = Rows(expert, judge)
    values = values_in(rows, value_type)
    places = {compared(value): place for place, value in enumerate(values)}
    counts = np.zeros((len(values), len(values) + 1), dtype=int)
    for truth, given in zip(rows.expert, rows.judge, strict=True):
        column = len(values) if given is None else places[compared(given)]
        counts[places[compared(truth)], column] += 1
    return Confusion(
        values=tuple(values),
        counts=tuple(tuple(map(int, line[:-1])) for line in counts),
        abstained=tuple(map(int, counts[:, -1])),
    )


def values_in(rows: Rows, value_type: ValueType | None) -> list[Value]:
    """The values of the type, where it lists them, and all that were given, in order."""
    values: dict[str, Value] = {}
    if value_type is not None:
        listed: Sequence[Value] = value_type.labels
        if value_type.kind == "boolean":
            listed = (False, True)
        if value_type.kind == "integer" and value_type.maximum - value_type.minimum < _LISTED:
            listed = range(int(value_type.minimum), int(value_type.maximum) + 1)
        values = {compared(value): value for value in listed}
    met = {compared(v): v for v in (*rows.expert, *rows.judge) if v is not None}
    later = [value for key, value in met.items() if key not in values]
    # Values of one type sort as such; mixed ones, which no judge gives, by type first.
    later.sort(key=lambda value: (type(value).__name__, value))
    return [*values.values(), *later]


def plain(value: Any) -> Value:
    """A value as Python has it, also where it was given as numpy's.

    Raises:
        InvalidInputError: It is none that an expert or a judge can give.
    """
    given = value.item() if isinstance(value, np.generic) else value
    # A value that is not equal to itself is nan: it would count as a wrong answer.
    if not isinstance(given, bool | int | float | str) or given != given:
        raise InvalidInputError(
            f"found {given!r:.40} as a value; expected text, true or false, or a number. Give None "
            "where the judge abstained."
        )
    return given


def compared(value: Value) -> str:
    """What a value is compared by: true, 1 and "1" are three values, 1 and 1.0 are one."""
    if isinstance(value, float) and value.is_integer():
        return value_key(int(value))
    return value_key(value)


def same(one: Value, other: Value | None) -> bool:
    """Whether both are one value."""
    return other is not None and compared(one) == compared(other)
