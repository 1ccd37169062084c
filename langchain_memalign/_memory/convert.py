"""Episodes and principles as points of a store, and back; changes checked before they are made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from langchain_memalign._models import Vector, unit
from langchain_memalign._stores.base import CASE_VECTOR, RULE_VECTOR, Fingerprint, Kind, Point
from langchain_memalign._values.types import value_key
from langchain_memalign.errors import InvalidInputError, MemoryCorruptError
from langchain_memalign.schema import (
    Case,
    Change,
    Episode,
    Erase,
    JudgeDefinition,
    Principle,
    Put,
)

R = TypeVar("R", Episode, Principle)

Owner = tuple[str, str]
"""A record's judge and kind."""


SUPERSEDED = "superseded"
"""A further status of the episodes that are not recalled, because experts changed their mind."""


def to_point(put: Put) -> Point:
    """The point that a `Put` writes."""
    record = put.record
    fields: dict[str, str | tuple[str, ...]]
    if isinstance(record, JudgeDefinition):
        text = record.model_dump_json()
        return Point(id=record.id, kind="judge", judge=put.judge, record=text, vectors={})
    if isinstance(record, Episode):
        kind, vector_name = "episode", CASE_VECTOR
        fields = {
            "status": (record.status, SUPERSEDED) if record.is_superseded() else record.status,
            "case_key": record.case.key,
            "revision": record.revision,
        }
        if record.source_id is not None:
            fields["source_id"] = record.source_id
        if record.value is not None:
            fields["value"] = value_key(record.value)
        if record.judge_records:
            fields |= said_by_field(*(said.said_by for said in record.judge_records))
    else:
        kind, vector_name = "principle", RULE_VECTOR
        fields = {"status": "active" if record.is_active() else "retired"}
        if record.episode_ids:
            fields["episode_ids"] = record.episode_ids
    return Point(
        id=record.id,
        kind=kind,  # type: ignore[arg-type]
        judge=put.judge,
        fields=fields,
        record=record.model_dump_json(),
        vectors=None if put.vector is None else _named(vector_name, put.vector),
    )


def said_by_field(*said_by: str) -> dict[str, tuple[str, ...]]:
    """The field by which the episodes are found that keep what a judge said unseen.

    It shares a field that only principles use otherwise: with an index more, memories that were
    made without it could not be opened.
    """
    return {"episode_ids": tuple(f"said by {name}" for name in said_by)}


def kind_of(record: Episode | Principle | JudgeDefinition) -> Kind:
    """What a record is, in the words of a store."""
    if isinstance(record, Episode):
        return "episode"
    return "principle" if isinstance(record, Principle) else "judge"


def to_episode(point: Point) -> Episode:
    """The episode that a point holds."""
    try:
        said = json.loads(point.record)
        return Episode(**{**said, "case": _stored_case(said["case"])})
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(point, error) from error


def _stored_case(fields: Any) -> Any:
    """A case as it is: it was brought into its one form before it was stored, which takes long."""
    if isinstance(fields, dict) and fields.keys() <= Case.model_fields.keys():
        return Case.model_construct(**fields)
    return fields


def to_principle(point: Point) -> Principle:
    """The principle that a point holds."""
    try:
        return Principle.model_validate_json(point.record)
    except (ValidationError, ValueError) as error:
        raise _unreadable(point, error) from error


def to_definition(point: Point) -> JudgeDefinition:
    """The judge's definition that a point holds."""
    try:
        return JudgeDefinition.model_validate_json(point.record)
    except (ValidationError, ValueError) as error:
        raise _unreadable(point, error) from error


def to_record(point: Point) -> Episode | Principle | JudgeDefinition:
    """The record that a point holds."""
    match point.kind:
        case "episode":
            return to_episode(point)
        case "principle":
            return to_principle(point)
        case "judge":
            return to_definition(point)


def to_put(point: Point) -> Put:
    """The `Put` that writes what a point holds, vectors included if it was read with them."""
    vectors = tuple((point.vectors or {}).values())
    return Put(judge=point.judge, record=to_record(point), vector=vectors[0] if vectors else None)


def in_order(records: Iterable[R]) -> list[R]:
    """Records as they came about, oldest first.

    By numbers: to compare moments that were read with their time zones takes ten times as long,
    during which no other thread runs.
    """
    return sorted(records, key=lambda record: (record.created_at.timestamp(), record.id))


def case_vector(inputs: Vector | None, outputs: Vector | None) -> Vector:
    """Join the embeddings of a case's inputs and outputs into one vector of length 1.

    The cosine of two such vectors is the mean of the cosines of both parts, which tells two answers
    to one long question apart where one embedding of the joined text does not. A missing one
    counts as zeros; where both are missing, so is the vector: ().
    """
    blank = (0.0,) * len(inputs or outputs or ())
    return unit((inputs or blank) + (outputs or blank))


def rule_query(case: Vector) -> Vector:
    """The vector by which principles near to a case are found: its inputs' and outputs' sum."""
    size = len(case) // 2
    return tuple(a + b for a, b in zip(case[:size], case[size:], strict=True))


def owners(changes: Sequence[Change]) -> dict[str, Owner]:
    """Whose the changes say that each record is, by the record's id.

    Raises:
        InvalidInputError: One is no change, or two name the same record.
    """
    named: dict[str, Owner] = {}
    for change in changes:
        if not isinstance(change, Put | Erase):
            raise InvalidInputError(
                f"changes hold a {type(change).__name__}; expected Put and Erase."
            )
        record_id, owner = _target(change)
        if record_id in named:
            raise InvalidInputError(
                f"changes name the record {record_id} twice; expected one change a record."
            )
        named[record_id] = owner
    return named


def check_owners(named: dict[str, Owner], stored: Iterable[Point]) -> None:
    """Refuse changes to records that are another judge's, or of another kind.

    Raises:
        InvalidInputError: One of the stored records is not whose the changes say.
    """
    for point in stored:
        judge, kind = named[point.id]
        if (judge, kind) != (point.judge, point.kind):
            raise InvalidInputError(
                f"{point.id} is a record of kind {point.kind!r} of judge {point.judge!r}; "
                f"found a change that takes it for {kind!r} of {judge!r}. Nothing was changed."
            )


def fingerprint_of(puts: Iterable[Put], embeddings: str) -> Fingerprint | None:
    """What the vectors among the changes come from; None where there are none.

    Raises:
        InvalidInputError: They are of different sizes.
    """
    sizes = {
        # A case's vector is that of its inputs joined with that of its outputs.
        len(put.vector) // (2 if isinstance(put.record, Episode) else 1)
        for put in puts
        if put.vector
    }
    if len(sizes) > 1:
        raise InvalidInputError(f"changes hold embeddings of sizes {sorted(sizes)}; expected one.")
    return Fingerprint(embeddings=embeddings, size=sizes.pop()) if sizes else None


def _named(name: str, vector: Vector) -> dict[str, Vector]:
    """The vector under its name; none where nothing was embedded, or it points nowhere."""
    return {name: vector} if any(vector) else {}


def _unreadable(point: Point, error: Exception) -> MemoryCorruptError:
    said = " ".join(str(error).split())[:300]
    return MemoryCorruptError(
        f"the {point.kind} {point.id} of judge {point.judge!r} cannot be read: {said}. "
        "It may come from a newer version: upgrade langchain-memalign, or restore an export."
    )


def _target(change: Change) -> tuple[str, Owner]:
    if isinstance(change, Erase):
        return change.id, (change.judge, change.kind)
    return change.record.id, (change.judge, kind_of(change.record))
