"""The base of all records, and the types of their fields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Self, TypeAlias

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
)

from langchain_memalign._content import MAX_INT, clean_text, is_missing, scalar
from langchain_memalign.errors import InvalidInputError


def now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def _now_if_missing(value: object) -> object:
    return now() if is_missing(value) else value


def _text(value: str) -> str:
    return clean_text(value, where="text")


def _blank_to_none(value: object) -> object:
    return None if is_missing(value) or (isinstance(value, str) and not value.strip()) else value


def _name(value: object) -> object:
    """An id or a name as text; tables have them as numbers, and as 7.0 where some are missing."""
    held = scalar(value)
    if isinstance(held, float) and held.is_integer():
        held = int(held)
    return str(held) if isinstance(held, int) and not isinstance(held, bool) else held


def _scalar(value: object) -> object:
    value = scalar(value)
    if not isinstance(value, bool | int | float | str | None):
        raise InvalidInputError(
            f"found a {type(value).__name__}; expected true or false, a number, or a label."
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInputError(f"found {value}; expected a finite number.")
    if isinstance(value, int) and abs(value) > MAX_INT:
        raise InvalidInputError("found an integer beyond 64 bits; expected a value on the scale.")
    return _text(value) if isinstance(value, str) else value


Text: TypeAlias = Annotated[StrictStr, AfterValidator(_text)]
OptionalText: TypeAlias = Annotated[Text | None, BeforeValidator(_blank_to_none)]
OptionalName: TypeAlias = Annotated[OptionalText, BeforeValidator(_name)]
"""An id or a name: text, or a whole number as its text."""
Value: TypeAlias = Annotated[StrictBool | StrictInt | StrictFloat | Text, BeforeValidator(_scalar)]
"""A judgement's value: true or false, a whole number, a number, or a label."""
Time: TypeAlias = Annotated[AwareDatetime, BeforeValidator(_now_if_missing)]
"""A moment with its time zone; now, where it is missing."""
OptionalValue: TypeAlias = Annotated[Value | None, BeforeValidator(_blank_to_none)]


class Record(BaseModel):
    """Base of all records: frozen, no unknown fields, one kind of error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, /, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise _invalid(type(self), error) from error

    @classmethod
    def of(cls, value: Self | Mapping[str, Any]) -> Self:
        """Return `value` itself, or the record that a mapping of its fields describes.

        Raises:
            InvalidInputError: Neither of the two, or a field is missing, unknown or wrong.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            return cls(**value)
        raise InvalidInputError(
            f"found a {type(value).__name__}; expected a {cls.__name__} or a mapping with the "
            f"fields {', '.join(cls.model_fields)}."
        )


def _invalid(record: type[Record], error: ValidationError) -> InvalidInputError:
    problems = []
    for problem in error.errors(include_url=False, include_input=False):
        field = ".".join(str(part) for part in problem["loc"]) or "the record"
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = f"unknown field; expected only {', '.join(record.model_fields)}"
        problems.append(f"{field}: {message}")
    return InvalidInputError(
        f"{record.__name__} is not usable: {'; '.join(dict.fromkeys(problems))}"
    )
