"""What the judge said of waiting cases, and what it had before it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from pydantic import AwareDatetime, Field

from langchain_memalign.reviews.file import ReviewFile
from langchain_memalign.schema import Record, Unscored, Value, Verdict, WorkingMemory, now

Asked: TypeAlias = Literal["asked", "spot", "sure"]
"""Whether people are asked about a case: for a reason, drawn at random, or not."""


class Reading(Record):
    """The judge's answer to a waiting case.

    Attributes:
        why: Why the judge is not sure, as `graph.policy.Doubt` names it; empty where it is.
        stale: Whether the memory has changed since in what it rests on.
    """

    case_id: str
    case_key: str
    outcome: Verdict | Unscored
    memory: WorkingMemory
    why: tuple[str, ...] = ()
    stale: bool = False
    at: AwareDatetime = Field(default_factory=now)

    @property
    def value(self) -> Value | None:
        """The judge's value; None where it gave none."""
        return self.outcome.value if isinstance(self.outcome, Verdict) else None


class Readings:
    """The readings of one judge in a review file."""

    def __init__(self, file: ReviewFile, judge: str) -> None:
        self._file = file
        self._judge = judge

    def get(self, case_id: str) -> Reading | None:
        """The judge's answer to a case; None where there is none yet."""
        rows = self._file.rows(
            "SELECT record, stale FROM memalign_readings WHERE judge = ? AND case_id = ?",
            self._judge,
            case_id,
        )
        return _read(*rows[0]) if rows else None

    def put(self, reading: Reading) -> None:
        """Keep one, over the case's former."""
        self._file.write(
            "INSERT OR REPLACE INTO memalign_readings VALUES (?, ?, ?, ?, ?, ?)",
            self._judge,
            reading.case_id,
            reading.case_key,
            int(reading.stale),
            " ".join(reading.why),
            reading.model_dump_json(),
        )

    def all(self, case_ids: Iterable[str]) -> list[Reading]:
        """The readings there are of some cases."""
        return [reading for id_ in case_ids if (reading := self.get(id_)) is not None]

    def states(self) -> dict[str, tuple[bool, tuple[str, ...]]]:
        """By case: whether its reading is stale, and why the judge is not sure."""
        rows = self._file.rows(
            "SELECT case_id, stale, selected FROM memalign_readings WHERE judge = ?", self._judge
        )
        return {str(id_): (bool(stale), tuple(why.split())) for id_, stale, why in rows}

    def mark_stale(self, case_ids: Iterable[str]) -> None:
        """Say that these have to be judged again before they are shown."""
        with self._file.writing() as connection:
            connection.executemany(
                "UPDATE memalign_readings SET stale = 1 WHERE judge = ? AND case_id = ?",
                [(self._judge, id_) for id_ in case_ids],
            )

    def drop(self, case_id: str) -> None:
        """Forget what the judge said of a case."""
        self._file.write(
            "DELETE FROM memalign_readings WHERE judge = ? AND case_id = ?", self._judge, case_id
        )


def _read(record: str, stale: int) -> Reading:
    return Reading.model_validate_json(record).model_copy(update={"stale": bool(stale)})
