"""What a verdict's value may be: the declared type, its JSON schema, its checks, its words."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Self, TypeAlias

from pydantic import (
    Field,
    PydanticSchemaGenerationError,
    PydanticUserError,
    TypeAdapter,
    field_validator,
    model_validator,
)
from pydantic.errors import PydanticInvalidForJsonSchema

from langchain_memalign._content import canonical, is_blank
from langchain_memalign._values.schemas import value_schema, verdict_schema
from langchain_memalign._values.words import (
    CROSSES,
    FALSE,
    NO,
    TICKS,
    TRUE,
    YES,
    Rating,
    plain,
    read_rating,
)
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import OptionalText, Record, Text, Value

Declared: TypeAlias = Any
"""A Python type (`bool`, `Literal[...]`, `Annotated[int, Field(ge=1, le=5)]`) or a JSON schema."""

_EXPECTED = (
    "expected bool, Literal with two or more labels, Annotated[int, Field(ge=..., le=...)], "
    "Annotated[float, Field(ge=..., le=...)], the JSON schema of one of them, or in short 'bool', "
    "a scale such as '1-5' or '0.0-1.0', or a list of labels"
)
_JOINTS = re.compile(r"(?<=\w)[_-](?=\w)")
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_SCALE_TEXT = re.compile(rf"({_NUMBER})\s*(?:-|\.\.|to)\s*({_NUMBER})")
_ANNOTATIONS = {"title", "description", "default", "examples", "$schema"}
# Up to here a float holds every whole number exactly.
_LARGEST_BOUND = 2**53
# For whole numbers an exclusive bound is just the next one.
_WHOLE_BOUNDS: dict[str, Callable[[float], int]] = {
    "minimum": math.ceil,
    "maximum": math.floor,
    "exclusiveMinimum": lambda bound: math.floor(bound) + 1,
    "exclusiveMaximum": lambda bound: math.ceil(bound) - 1,
}
_MEANT = dict.fromkeys(TRUE | YES | TICKS, True) | dict.fromkeys(FALSE | NO | CROSSES, False)
# Stars are given out of five or fewer; on a longer scale nobody knows out of how many.
_MOST_STARS = 5


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
        """Read a Python type, a JSON schema, or a short form.

        Short forms are `"bool"`, a scale such as `"1-5"` (of whole numbers) or `"0.0-1.0"` (of any
        numbers), and labels as a list, `["good", "bad"]`, or as text, `"[good, bad]"`.

        Raises:
            InvalidInputError: It is neither, or it describes values that no judge can give: free
                text, unbounded numbers, objects, fewer than two labels.
        """
        if isinstance(declared, ValueType):
            return declared
        if isinstance(declared, str | list | tuple):
            declared = _short_form(declared)
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
        if not self._fits(value):
            raise InvalidInputError(f"value: found {_shown(value)}; expected {self.describe()}.")
        return float(value) if self.kind == "number" else value  # type: ignore[arg-type, return-value]

    def read(self, answer: object, *, words: Mapping[str, Value] | None = None) -> Value:
        """Return the value that a person meant, whatever they typed or clicked to say so.

        The one reader of people's values: in Python, in files, in forms and in a terminal.
        Lenient where there is one meaning: "Yes", "ja", 👍, "Bad!", " 4 ", "four", "4 stars",
        "4/5" on a scale up to 5, "3,5". What could mean two values is refused, as is a question.

        Args:
            answer: What was given.
            words: Further words that stand for a value, as `_words.plain` gives them.

        Raises:
            InvalidInputError: It cannot be read as a value of this type.
        """
        if isinstance(answer, float) and answer.is_integer() and self.kind != "number":
            answer = int(answer)  # many systems keep whole numbers, and true, as floats
        # An Enum's own `str` would give its name.
        text = str.__str__(answer) if isinstance(answer, str) else _shown(answer)
        word = plain(text)
        if isinstance(answer, str) and words and word in words:
            return words[word]
        candidate: object = answer
        match self.kind:
            case "boolean" if isinstance(answer, str | int):
                candidate = _MEANT.get(word.removesuffix(".0"), answer)
            case "choice":
                candidate = self._label(text.strip(), answer)
            case "integer" | "number" if not isinstance(answer, bool):
                candidate = self._number(text, text)
        return self.check(candidate)

    def _label(self, text: str, answer: object) -> object:
        """The one label that is spelt like `text`, the more exactly the better."""
        for spell in (str, str.casefold, _spelt):
            found = [label for label in self.labels if spell(str(label).strip()) == spell(text)]
            if len(found) == 1:
                return found[0]
        is_scale = isinstance(self.labels[0], int) and not isinstance(answer, bool)
        return self._number(text, answer) if is_scale else answer

    def _number(self, text: str, otherwise: object) -> object:
        """The one number of this type that a text may be."""
        rating = read_rating(text)
        if rating is None or not self._takes(rating):
            return otherwise
        whole = self.kind != "number"
        numbers = {int(n) if whole and n.is_integer() else n for n in rating.numbers}
        fitting = [number for number in numbers if self._fits(number)]
        return fitting[0] if len(fitting) == 1 else otherwise

    def _takes(self, rating: Rating) -> bool:
        low, high = self.minimum, self.maximum
        if self.kind == "choice":
            numbers = [int(label) for label in self.labels]
            low, high = min(numbers), max(numbers)
        if rating.in_stars and not 1 < high <= _MOST_STARS:
            return False
        return rating.top is None or (rating.top == high and low in (0, 1))

    def _fits(self, value: object) -> bool:
        match self.kind:
            case "boolean":
                return isinstance(value, bool)
            case "choice":
                return any(type(value) is type(label) and value == label for label in self.labels)
            case "integer":
                return type(value) is int and self.minimum <= value <= self.maximum
            case "number":
                return (
                    isinstance(value, int | float)
                    and not isinstance(value, bool)
                    and self.minimum <= value <= self.maximum
                )

    def verdict_schema(self, *, is_compact: bool = False) -> dict[str, Any]:
        """The structured output of a judgement; `is_compact` for a small model."""
        return verdict_schema(self._described, is_compact=is_compact)

    def value_schema(self) -> dict[str, Any]:
        """The structured output of a judgement that is the value alone."""
        return value_schema(self._described)

    @property
    def _described(self) -> dict[str, Any]:
        return {**self.json_schema, "description": f"The value: {self.describe()}."}


class JudgeSpec(Record):
    """What makes a judge this judge; memory belongs to its name.

    Attributes:
        name: The namespace in memory; also the run's name.
        instructions: What to judge, in the words of whoever sets the judge up (trusted text).
        value_type: The values that it may give.
        value_meanings: What values mean in words, by the value as `value_text` writes it.
        question: What people are asked about a case; None asks them the instructions.
    """

    name: Text
    instructions: Text
    value_type: ValueType
    value_meanings: dict[str, Text] = Field(default_factory=dict)
    question: OptionalText = None

    @field_validator("name", "instructions")
    @classmethod
    def _not_blank(cls, text: str) -> str:
        if not text.strip():
            raise InvalidInputError("found nothing; expected some text.")
        return text.strip()

    @field_validator("question")
    @classmethod
    def _stripped(cls, text: str | None) -> str | None:
        return text and text.strip()

    @model_validator(mode="after")
    def _meanings_are_of_its_values(self) -> Self:
        meanings: dict[str, str] = {}
        for key, meaning in self.value_meanings.items():
            value = self.value_type.read(key)
            if is_blank(meaning):
                raise InvalidInputError(f"value_meanings: found nothing for {key}; expected words.")
            if value_text(value) in meanings:
                raise InvalidInputError(f"value_meanings: found two meanings of {key}.")
            if self._reads_otherwise(meaning, value):
                raise InvalidInputError(
                    f"value_meanings: found {meaning!r:.80} for {key}, which people would take "
                    "for another value; expected words of its own for each value."
                )
            meanings[value_text(value)] = meaning.strip()
        if len(set(map(plain, meanings.values()))) < len(meanings):
            raise InvalidInputError(
                "value_meanings: found the same words for two values; expected words of its own "
                "for each."
            )
        # Frozen for all others; here the record is still being made.
        self.__dict__["value_meanings"] = meanings
        return self

    def _reads_otherwise(self, meaning: str, value: Value) -> bool:
        try:
            return self.value_type.read(meaning) != value
        except InvalidInputError:
            return False

    @classmethod
    def create(
        cls,
        *,
        name: str,
        instructions: str,
        value_type: Declared,
        value_meanings: Mapping[Any, str] | None = None,
        question: str | None = None,
    ) -> Self:
        """Read a judge's description, the value type in any form that `ValueType.parse` takes.

        Args:
            name: The namespace in memory.
            instructions: What to judge.
            value_type: The values that it may give.
            value_meanings: What they mean in words, by value: `{True: "appropriate"}`.
            question: What people are asked about a case.
        """
        parsed = ValueType.parse(value_type)
        if not isinstance(value_meanings, Mapping | None):
            raise InvalidInputError(
                f"value_meanings: found a {type(value_meanings).__name__}; expected a mapping from "
                'values to words, such as {True: "appropriate", False: "not appropriate"}.'
            )
        try:
            meanings = {
                value_text(parsed.read(value)): meaning
                for value, meaning in (value_meanings or {}).items()
            }
        except InvalidInputError as error:
            raise InvalidInputError(f"value_meanings: {error}") from error
        if len(meanings) < len(value_meanings or {}):
            raise InvalidInputError("value_meanings: found two meanings of one value.")
        return cls(
            name=name,
            instructions=instructions,
            value_type=parsed,
            value_meanings=meanings,
            question=question,
        )

    @property
    def asked(self) -> str:
        """What people are asked about a case."""
        return self.question or self.instructions

    def read_value(self, answer: object) -> Value:
        """Return the value that a person meant; see `ValueType.read`. Its meaning is one, too.

        Raises:
            InvalidInputError: It cannot be read as a value of this judge.
        """
        return self.value_type.read(answer, words=self.meaning_words)

    @property
    def meaning_words(self) -> dict[str, Value]:
        """The meanings as words that stand for their values, as `ValueType.read` takes them."""
        return {
            plain(meaning): self.value_type.read(key)
            for key, meaning in self.value_meanings.items()
        }

    def value_in_words(self, value: Value) -> str:
        """A value as people read it: with its meaning, where it has one."""
        written = value_text(value)
        meaning = self.value_meanings.get(written)
        return f"{meaning} ({written})" if meaning else written

    def describe_values(self) -> str:
        """The values, with their meanings, for a prompt or a question."""
        meant = [f'{key} means "{words}"' for key, words in self.value_meanings.items()]
        return ", where ".join([self.value_type.describe(), *filter(None, [" and ".join(meant)])])


def value_text(value: Value) -> str:
    """A value as people type it: a label as it is, true and numbers as JSON."""
    if isinstance(value, str):
        return value
    return f"{value:.15g}" if isinstance(value, float) else json.dumps(value)


def value_key(value: Value) -> str:
    """A value as JSON text, in which 1, true and "1" differ."""
    return canonical(value)


def _short_form(written: str | Sequence[object]) -> dict[str, Any]:
    """The JSON schema that a short form stands for."""
    if not isinstance(written, str):
        return {"enum": list(written)}
    text = written.strip()
    if text in ("bool", "boolean"):
        return {"type": "boolean"}
    if scale := _SCALE_TEXT.fullmatch(text):
        number, kind = (float, "number") if "." in scale[1] + scale[2] else (int, "integer")
        return {"type": kind, "minimum": number(scale[1]), "maximum": number(scale[2])}
    if text.startswith("[["):
        raise InvalidInputError(f"value type: found a list nested too deeply; {_EXPECTED}.")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
        if text.startswith("[") and text.endswith("]") and '"' not in text:
            found = [label.strip() for label in text[1:-1].split(",")]
    if isinstance(found, list):
        return {"enum": found}
    if isinstance(found, dict):
        return found
    raise InvalidInputError(f"value type: found {written!r:.100}; {_EXPECTED}.")


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


def _spelt(label: str) -> str:
    """A label without punctuation around it, and with blanks between its words."""
    return _JOINTS.sub(" ", plain(label))


def _shown(value: object) -> str:
    try:
        return f"{value!s:.200}" if isinstance(value, int | float) else f"{value!r:.200}"
    except (ValueError, RecursionError):  # an integer of thousands of digits, endless nesting
        return f"a {type(value).__name__} too large to show"
