"""What a verdict's value may be: the declared type, its JSON schema, its checks, its words."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, Self, TypeAlias

from pydantic import (
    PydanticSchemaGenerationError,
    PydanticUserError,
    TypeAdapter,
    field_validator,
)
from pydantic.errors import PydanticInvalidForJsonSchema

from langchain_memalign._content import canonical, is_blank
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Record, Text, Value

Declared: TypeAlias = Any
"""A Python type (`bool`, `Literal[...]`, `Annotated[int, Field(ge=1, le=5)]`) or a JSON schema."""

_EXPECTED = (
    "expected bool, Literal with two or more labels, Annotated[int, Field(ge=..., le=...)], "
    "Annotated[float, Field(ge=..., le=...)], or the JSON schema of one of them"
)
_ANNOTATIONS = {"title", "description", "default", "examples", "$schema"}
_YES = {"true", "yes", "y", "1", "pass"}
# Up to here a float holds every whole number exactly.
_LARGEST_BOUND = 2**53
# For whole numbers an exclusive bound is just the next one.
_WHOLE_BOUNDS: dict[str, Callable[[float], int]] = {
    "minimum": math.ceil,
    "maximum": math.floor,
    "exclusiveMinimum": lambda bound: math.floor(bound) + 1,
    "exclusiveMaximum": lambda bound: math.ceil(bound) - 1,
}
_NO = {"false", "no", "n", "0", "fail"}


class ValueType(Record):
    """The values that a judge may give.

    Attributes:
        kind: What the values are.
        labels: The labels of a `choice`: all text or all integers.
        minimum: Lowest value of an `integer` or `number` scale, included.
        maximum: Highest value, included.
    """

    kind: Literal["boolean", "choice", "integer", "number"]
    labels: tuple[str | int, ...] = ()
    minimum: float = 0
    maximum: float = 0

    @classmethod
    def parse(cls, declared: Declared) -> ValueType:
        """Read a Python type or a JSON schema.

        Raises:
            InvalidInputError: It is neither, or it describes values that no judge can give: free
                text, unbounded numbers, objects, fewer than two labels.
        """
        if isinstance(declared, ValueType):
            return declared
        schema = dict(declared) if isinstance(declared, Mapping) else _schema_of(declared)
        # An Enum class arrives as a reference to its only definition.
        match schema:
            case {"$ref": str(), "$defs": {**definitions}} if len(definitions) == 1:
                (only,) = definitions.values()
                schema = dict(only) if isinstance(only, Mapping) else {}
        rules = {key: rule for key, rule in schema.items() if key not in _ANNOTATIONS}
        found = f"found {_shown(rules)}"
        declared_type, labels = rules.pop("type", None), rules.pop("enum", None)
        if labels is not None and not rules:
            return _choice(declared_type, labels, found)
        if declared_type == "boolean" and not rules:
            return cls(kind="boolean")
        if declared_type in ("integer", "number"):
            return _scale(declared_type, rules, found)
        raise InvalidInputError(f"value type: {found}; {_EXPECTED}.")

    @property
    def json_schema(self) -> dict[str, Any]:
        """The JSON schema of one value."""
        match self.kind:
            case "boolean":
                return {"type": "boolean"}
            case "choice":
                kind = "string" if isinstance(self.labels[0], str) else "integer"
                return {"type": kind, "enum": list(self.labels)}
            case "integer":
                bounds = {"minimum": int(self.minimum), "maximum": int(self.maximum)}
                return {"type": "integer", **bounds}
            case "number":
                return {
                    "type": "number",
                    "minimum": self.minimum,
                    "maximum": self.maximum,
                }

    @property
    def is_ordered(self) -> bool:
        """Whether the values form a scale, so that some lie nearer than others."""
        return self.kind in ("integer", "number") or isinstance(next(iter(self.labels), ""), int)

    def describe(self) -> str:
        """The values in words, for a prompt or a message."""
        match self.kind:
            case "boolean":
                return "true or false"
            case "choice":
                return "one of " + ", ".join(
                    json.dumps(label, ensure_ascii=False) for label in self.labels
                )
            case "integer":
                return f"a whole number from {self.minimum:.0f} to {self.maximum:.0f}"
            case "number":
                return f"a number from {self.minimum:.15g} to {self.maximum:.15g}"

    def check(self, value: object) -> Value:
        """Return `value` if it is one of this type; strict: "yes" is not true, true is not 1.

        Raises:
            InvalidInputError: It is not.
        """
        fits = False
        match self.kind:
            case "boolean":
                fits = isinstance(value, bool)
            case "choice":
                fits = any(type(value) is type(label) and value == label for label in self.labels)
            case "integer":
                fits = type(value) is int and self.minimum <= value <= self.maximum
            case "number":
                if isinstance(value, int | float) and not isinstance(value, bool):
                    fits = self.minimum <= value <= self.maximum
        if not fits:
            raise InvalidInputError(f"value: found {_shown(value)}; expected {self.describe()}.")
        return float(value) if self.kind == "number" else value  # type: ignore[arg-type, return-value]

    def read(self, answer: object) -> Value:
        """Return the value that a human meant; lenient: "Yes", " 4 ", "GOOD" are understood.

        Raises:
            InvalidInputError: It cannot be read as a value of this type.
        """
        # An Enum's own `str` would give its name.
        text = (str.__str__(answer) if isinstance(answer, str) else _shown(answer)).strip()
        folded = text.casefold()
        candidate: object = answer
        match self.kind:
            case "boolean":
                candidate = folded in _YES if folded in _YES | _NO else answer
            case "choice":
                words = {str(label).strip().casefold(): label for label in self.labels}
                words |= {str(label).strip(): label for label in self.labels}
                candidate = words.get(text, words.get(folded, answer))
            case "integer" | "number" if not isinstance(answer, bool):
                candidate = _number(text, whole=self.kind == "integer")
        return self.check(candidate)

    def verdict_schema(self) -> dict[str, Any]:
        """The structured output of a judgement: the reasons first, then the value.

        A value that is written before its reasons cannot follow from them.
        """
        return {
            "title": "verdict",
            "description": "Your judgement of the case.",
            "type": "object",
            "properties": {
                "rationale": {
                    "type": "string",
                    "description": "Why: two or three sentences about this case.",
                },
                "relied_on": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "Ids of the principles (P1, ...) and past cases (E1, ...) that "
                    "decided it; empty if none did.",
                },
                "value": {
                    **self.json_schema,
                    "description": f"The value: {self.describe()}.",
                },
            },
            "required": ["rationale", "relied_on", "value"],
            "additionalProperties": False,
        }


class JudgeSpec(Record):
    """What makes a judge this judge; memory belongs to its name.

    Attributes:
        name: The namespace in memory; also the run's name.
        instructions: What to judge, in the words of whoever sets the judge up (trusted text).
        value_type: The values that it may give.
    """

    name: Text
    instructions: Text
    value_type: ValueType

    @field_validator("name", "instructions")
    @classmethod
    def _not_blank(cls, text: str) -> str:
        if not text.strip():
            raise InvalidInputError("found nothing; expected some text.")
        return text.strip()

    @classmethod
    def create(cls, *, name: str, instructions: str, value_type: Declared) -> Self:
        """Read a judge's description, the value type in any form that `ValueType.parse` takes."""
        parsed = ValueType.parse(value_type)
        return cls(name=name, instructions=instructions, value_type=parsed)


def value_key(value: Value) -> str:
    """A value as JSON text, in which 1, true and "1" differ."""
    return canonical(value)


def _schema_of(declared: Declared) -> dict[str, Any]:
    try:
        if isinstance(declared, str):  # pydantic would evaluate it as a forward reference
            raise PydanticUserError("text is not a type", code=None)
        return TypeAdapter(declared).json_schema()
    except (
        PydanticSchemaGenerationError,
        PydanticUserError,
        PydanticInvalidForJsonSchema,
    ) as error:
        raise InvalidInputError(f"value type: found {declared!r:.100}; {_EXPECTED}.") from error


def _choice(declared_type: object, labels: object, found: str) -> ValueType:
    if not isinstance(labels, list | tuple):
        raise InvalidInputError(f"value type: {found}; {_EXPECTED}.")
    kinds = {type(label) for label in labels}
    kind = {bool: "boolean", str: "string", int: "integer"}.get(kinds.pop()) if kinds else None
    usable = kind is not None and not kinds and declared_type in (None, kind)
    if usable:
        usable = 1 < len(labels) == len(set(labels)) and not any(map(is_blank, labels))
    if not usable:
        raise InvalidInputError(
            f"value type: {found}; expected two or more different labels, all text or all integers."
        )
    if kind == "boolean":
        return ValueType(kind="boolean")
    return ValueType(kind="choice", labels=tuple(labels))


def _scale(kind: Literal["integer", "number"], rules: dict[str, Any], found: str) -> ValueType:
    names = _WHOLE_BOUNDS if kind == "integer" else ("minimum", "maximum")
    bounds = {name: rules.pop(name) for name in names if name in rules}
    if not rules and all(map(_is_bound, bounds.values())):
        if kind == "integer":
            bounds = {name: _WHOLE_BOUNDS[name](bound) for name, bound in bounds.items()}
        low = max((b for name, b in bounds.items() if "inimum" in name), default=math.inf)
        high = min((b for name, b in bounds.items() if "aximum" in name), default=-math.inf)
        if low < high:
            return ValueType(kind=kind, minimum=low, maximum=high)
    raise InvalidInputError(
        f"value type: {found}; expected a scale with a finite minimum below a finite maximum, "
        "both included, such as Annotated[int, Field(ge=1, le=5)]."
    )


def _is_bound(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= _LARGEST_BOUND  # false for nan too


def _number(text: str, *, whole: bool) -> object:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if whole and number.is_integer() else number


def _shown(value: object) -> str:
    try:
        return f"{value!s:.200}" if isinstance(value, int | float) else f"{value!r:.200}"
    except (ValueError, RecursionError):  # an integer of thousands of digits, endless nesting
        return f"a {type(value).__name__} too large to show"
