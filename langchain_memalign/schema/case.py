"""What is judged, and what an expert says about it."""

from __future__ import annotations

import hashlib
from typing import Any, Self

from pydantic import Field, StrictBool, field_validator, model_validator

from langchain_memalign._content import canonical, is_blank, is_missing, normalise
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema.judge_record import JudgeRecord
from langchain_memalign.schema.record import (
    OptionalName,
    OptionalText,
    OptionalValue,
    Record,
    Text,
    Time,
    now,
)


class Case(Record):
    """What is judged. Each field is text, a mapping, or messages; pairs are `{"A": ..., "B": ...}`.

    Messages, also inside mappings, are kept in one plain form, and objects as their content.
    Missing fields may be None, nan, or pandas' NaT or NA.
    """

    inputs: Any = None
    outputs: Any = None
    reference_outputs: Any = None

    @field_validator("inputs", "outputs", "reference_outputs", mode="before")
    @classmethod
    def _plain(cls, value: object, info: Any) -> object:
        plain = None if is_missing(value) else normalise(value, where=info.field_name)
        if plain is not None and not isinstance(plain, str | dict | list):
            raise InvalidInputError(
                f"{info.field_name} is a bare {type(value).__name__}; expected text, a mapping or "
                f"messages, such as {{'value': {plain!r}}}."
            )
        return plain

    @model_validator(mode="after")
    def _something_to_judge(self) -> Self:
        if is_blank(self.inputs) and is_blank(self.outputs):
            raise InvalidInputError("the case is empty: expected inputs, outputs or both.")
        return self

    @property
    def key(self) -> str:
        """Hex digest of the case's content; equal for equal cases, whatever the order of keys."""
        fields = [self.inputs, self.outputs, self.reference_outputs]
        return hashlib.sha256(canonical(fields).encode()).hexdigest()[:32]


class Feedback(Case):
    """What an expert says about a case: a value, a rationale, or both.

    Attributes:
        id: Your own id; later feedback with the same id replaces this.
        source_id: Its id in the system it was collected in, for `judge.forget(source_ids=[...])`;
            by default the same as `id`.
        value: What the expert says the value is.
        rationale: Why, in the expert's words.
        reviewer: Who says so. Several reviewers of one case make several episodes.
        judge_value: What the judge had said, if known; learning starts from the difference.
        judge_rationale: Why the judge had said so.
        judge_sight: Ids of the episodes and principles that the judge was shown then, such as
            `Verdict.sight`. With them, forgetting one of these also reaches that rationale. None
            if not known.
        judge_records: What the judge had said unseen, for its track record: `Verdict.records`.
        unseen: Whether the reviewer answered before seeing the judge's answer.
    """

    id: OptionalName = None
    source_id: OptionalName = None
    value: OptionalValue = None
    rationale: OptionalText = None
    reviewer: OptionalName = None
    created_at: Time = Field(default_factory=now)
    judge_value: OptionalValue = None
    judge_rationale: OptionalText = None
    judge_sight: tuple[Text, ...] | None = None
    judge_records: tuple[JudgeRecord, ...] = ()
    unseen: StrictBool = False

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.value is None and self.rationale is None:
            raise InvalidInputError("expected a value, a rationale, or both; found neither.")
        return self

    @property
    def case(self) -> Case:
        """The case that was judged."""
        # Already normalised, so there is nothing left to validate.
        return Case.model_construct(
            inputs=self.inputs,
            outputs=self.outputs,
            reference_outputs=self.reference_outputs,
        )
