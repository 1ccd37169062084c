"""How likely each value is: a mapping that no-one changes, and its form as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, SerializationInfo
from pydantic_core import CoreSchema, core_schema

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema.record import Record, Value

_ROUNDING = 1e-6


class ValueProbability(Record):
    """One value and its probability, as they stand in JSON.

    A list of these keeps what is true, 1 and "1" apart, which the keys of a JSON object cannot.
    """

    value: Value
    probability: Annotated[float, Field(ge=0, le=1)]


class Probabilities(Mapping[Value, float]):
    """Each value that a judge may give, in the order of its value type, to its probability.

    A mapping in Python, `{True: 0.9, False: 0.1}`; in JSON a list,
    `[{"value": true, "probability": 0.9}, {"value": false, "probability": 0.1}]`.

    Raises:
        InvalidInputError: There are fewer than two values, one stands twice or has no probability,
            or together they do not make 1.
    """

    __slots__ = ("_of",)

    def __init__(self, of: Mapping[Value, float] | tuple[ValueProbability, ...]) -> None:
        rows = of if isinstance(of, tuple) else _rows(of)
        self._of = {row.value: row.probability for row in rows}
        if len(self._of) < 2 or len(self._of) < len(rows):
            raise InvalidInputError(
                f"probabilities: found {[row.value for row in rows]}; expected two or more values, "
                "each once."
            )
        if abs((total := math.fsum(self._of.values())) - 1) > _ROUNDING:
            raise InvalidInputError(
                f"probabilities: found {total:.6g} together; expected 1: divide each by their sum."
            )

    def __getitem__(self, value: Value) -> float:
        return self._of[value]

    def __iter__(self) -> Iterator[Value]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)

    def __hash__(self) -> int:
        return hash(frozenset(self._of.items()))

    def __repr__(self) -> str:
        return f"Probabilities({self._of!r})"

    @property
    def as_json(self) -> list[dict[str, Any]]:
        """The list that stands for it in JSON."""
        return [{"value": value, "probability": p} for value, p in self._of.items()]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        rows = handler.generate_schema(tuple[ValueProbability, ...])
        return core_schema.no_info_before_validator_function(
            lambda given: _rows(given) if isinstance(given, Mapping) else given,
            core_schema.no_info_after_validator_function(cls, rows),
            serialization=core_schema.plain_serializer_function_ser_schema(
                _dumped, info_arg=True, return_schema=core_schema.any_schema()
            ),
        )


def _rows(of: Mapping[Value, float]) -> tuple[ValueProbability, ...]:
    return tuple(ValueProbability(value=value, probability=p) for value, p in of.items())


def _dumped(of: Probabilities, info: SerializationInfo) -> Any:
    return of.as_json if info.mode == "json" else dict(of)
