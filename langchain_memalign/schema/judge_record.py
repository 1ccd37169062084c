"""What a judge said of a case before it had seen the expert's word on it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from langchain_memalign.schema.probabilities import Probabilities
from langchain_memalign.schema.record import Record, Value


class NearCase(Record):
    """A past case that the judge had before it: whose word it was, how near, and its value."""

    episode_id: str
    similarity: float
    value: Value


_MOST_JUDGES = 4


class JudgeRecord(Record):
    """What a judge said of a case without having seen the expert's word on it.

    Kept with the episode, so that it goes when the episode is forgotten.

    Attributes:
        said_by: Digest of the judge, its model, its prompt and its values. What another one said
            tells nothing of this one.
        value: What the model said, before any calibration; None if it reached no verdict.
        probabilities: How likely the model thought each value; None where it does not tell.
        near: The experts' values on the past cases that it was shown.
    """

    said_by: Annotated[str, Field(min_length=1)]
    value: Value | None = None
    probabilities: Probabilities | None = None
    near: tuple[NearCase, ...] = ()


def with_record(records: tuple[JudgeRecord, ...], new: JudgeRecord) -> tuple[JudgeRecord, ...]:
    """The records with a new one, in the place of that of the same judge; the oldest may go."""
    others = (record for record in records if record.said_by != new.said_by)
    return (*others, new)[-_MOST_JUDGES:]
