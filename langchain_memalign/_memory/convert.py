"""Episodes and principles as points of a store, and back."""

from __future__ import annotations

from pydantic import ValidationError

from langchain_memalign._models import Vector, unit
from langchain_memalign._stores.base import CASE_VECTOR, RULE_VECTOR, Point
from langchain_memalign._values import value_key
from langchain_memalign.errors import MemoryCorruptError
from langchain_memalign.schema import Episode, Principle, Put


def to_point(put: Put) -> Point:
    """The point that a `Put` writes."""
    record = put.record
    fields: dict[str, str | tuple[str, ...]]
    if isinstance(record, Episode):
        kind, vector_name = "episode", CASE_VECTOR
        fields = {"status": record.status, "case_key": record.case.key}
        if record.value is not None:
            fields["value"] = value_key(record.value)
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


def to_episode(point: Point) -> Episode:
    """The episode that a point holds."""
    try:
        return Episode.model_validate_json(point.record)
    except (ValidationError, ValueError) as error:
        raise _unreadable(point, error) from error


def to_principle(point: Point) -> Principle:
    """The principle that a point holds."""
    try:
        return Principle.model_validate_json(point.record)
    except (ValidationError, ValueError) as error:
        raise _unreadable(point, error) from error


def to_record(point: Point) -> Episode | Principle:
    """The record that a point holds."""
    return to_episode(point) if point.kind == "episode" else to_principle(point)


def to_put(point: Point) -> Put:
    """The `Put` that writes what a point holds, vectors included if it was read with them."""
    vectors = tuple((point.vectors or {}).values())
    return Put(judge=point.judge, record=to_record(point), vector=vectors[0] if vectors else None)


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


def _named(name: str, vector: Vector) -> dict[str, Vector]:
    """The vector under its name; none where nothing was embedded, or it points nowhere."""
    return {name: vector} if any(vector) else {}


def _unreadable(point: Point, error: Exception) -> MemoryCorruptError:
    said = " ".join(str(error).split())[:300]
    return MemoryCorruptError(
        f"the {point.kind} {point.id} of judge {point.judge!r} cannot be read: {said}. "
        "It may come from a newer version: upgrade langchain-memalign, or restore an export."
    )
