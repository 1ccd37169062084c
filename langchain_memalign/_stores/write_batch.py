"""What one write asks for, checked whole before an engine sees any of it.

Engines do not roll back: one that refuses the third point has already taken the first two. So
everything that can be refused is refused here.
"""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from langchain_memalign._models import Vector, unit
from langchain_memalign._stores.base import (
    CASE_VECTOR,
    INDEXED_FIELDS,
    RULE_VECTOR,
    TOLD_FIELDS,
    Fingerprint,
    Kind,
    Point,
    Selection,
)
from langchain_memalign.errors import EmbeddingMismatchError, InvalidInputError

OWN_POINT = str(uuid.uuid5(uuid.NAMESPACE_URL, "urn:langchain-memalign:fingerprint"))
"""Id of the point in which an engine keeps the fingerprint; no record may have it."""

# Other spellings of the same UUID would come back from the engine under another name.
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_POINT_FIELDS = frozenset((*INDEXED_FIELDS, *TOLD_FIELDS)) - {"judge", "kind"}


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A write that can be carried out.

    Attributes:
        points: Their vectors have length 1.
        erased: Ids to erase.
        fingerprint: The memory's, once this is written; None while it has no vectors.
    """

    points: tuple[Point, ...]
    erased: frozenset[str]
    fingerprint: Fingerprint | None

    @classmethod
    def checked(
        cls,
        points: Sequence[Point],
        erased: Sequence[str],
        fingerprint: Fingerprint | None,
        *,
        stored: Fingerprint | None,
    ) -> Batch:
        """Check a call of `MemoryStore.write`.

        Args:
            points: As passed to `write`.
            erased: As passed to `write`.
            fingerprint: As passed to `write`.
            stored: The fingerprint of the memory so far.

        Raises:
            InvalidInputError: Something cannot be stored.
            EmbeddingMismatchError: Vectors or fingerprint are not those of the memory.
        """
        for id_ in erased:
            _check_id(id_)
        seen = set(erased)
        for point in points:
            _check_point(point)
            if point.id in seen:
                raise InvalidInputError(
                    f"found {point.id} twice in one write, or both written and erased; "
                    "expected each id once: split the write in two."
                )
            seen.add(point.id)
        if fingerprint is not None:
            _check_fingerprint(fingerprint, stored)
        known = stored or fingerprint
        units = tuple(_with_units(point, known) for point in points)
        has_vectors = any(point.vectors for point in units)
        return cls(
            points=units,
            erased=frozenset(erased),
            fingerprint=known if has_vectors else stored,
        )

    def text_size(self) -> int:
        """Roughly how many bytes of disk the points need."""
        numbers = sum(len(v) for p in self.points for v in (p.vectors or {}).values())
        return sum(len(point.record) for point in self.points) + 4 * numbers


def checked_query(vector: Vector, using: str, fingerprint: Fingerprint) -> Vector | None:
    """The vector to search with, of length 1; None if it is zero and so is near to nothing.

    Raises:
        InvalidInputError: There is no such vector, or a number is not finite.
        EmbeddingMismatchError: The vector has another size than the memory's.
    """
    _check_vector(using, vector, fingerprint, "the query")
    return unit(vector) if any(vector) else None


def check_field(name: str) -> None:
    """Refuse a field that no engine indexes.

    Raises:
        InvalidInputError: `name` is not in `INDEXED_FIELDS`.
    """
    if name not in INDEXED_FIELDS:
        raise InvalidInputError(
            f"found field {name!r}, expected one of {', '.join(INDEXED_FIELDS)}: "
            "only these can be filtered or counted by."
        )


def selects_nothing(selection: Selection) -> bool:
    """Whether a selection is empty whatever is stored: it has a condition that allows no value.

    Raises:
        InvalidInputError: It names a field that is not indexed.
    """
    for name in (*selection.fields, *selection.without):
        check_field(name)
    if selection.ids is not None and not known_ids(selection.ids):
        return True
    return not all(selection.fields.values())


def known_ids(ids: Iterable[str]) -> list[str]:
    """Those ids that a point could have, sorted, each once."""
    return sorted({id_ for id_ in ids if _is_uuid(id_)})


def in_parts(selection: Selection, most: int) -> Iterator[Selection]:
    """The selection as several, none of which lists more than `most` values for anything.

    A point that fits one part fits the selection; one with several values may fit several parts.
    """
    if selection.ids is not None and len(selection.ids) > most:
        ids = known_ids(selection.ids)
        for start in range(0, len(ids), most):
            yield from in_parts(replace(selection, ids=tuple(ids[start : start + most])), most)
        return
    for name, values in selection.fields.items():
        if len(values) > most:
            for start in range(0, len(values), most):
                fewer = {**selection.fields, name: values[start : start + most]}
                yield from in_parts(replace(selection, fields=fewer), most)
            return
    yield selection


def _is_uuid(text: object) -> bool:
    return isinstance(text, str) and _UUID.fullmatch(text) is not None


def _check_id(id_: str) -> None:
    if not _is_uuid(id_) or id_ == OWN_POINT:
        raise InvalidInputError(
            f"found id {id_!r}, expected a UUID in its usual form, "
            "such as '6f1c5a0e-6d0b-4a53-9f0c-0c6d2e0f7a11': use uuid4 or uuid5."
        )


def _check_point(point: Point) -> None:
    _check_id(point.id)
    if point.kind not in get_args(Kind):
        raise InvalidInputError(
            f"found kind {point.kind!r} in {point.id}, expected one of {', '.join(get_args(Kind))}."
        )
    _check_text(point, "judge", point.judge)
    _check_text(point, "record", point.record)
    for name, value in point.fields.items():
        if name not in _POINT_FIELDS:
            raise InvalidInputError(
                f"found field {name!r} in {point.id}, expected one of "
                f"{', '.join(sorted(_POINT_FIELDS))}: what need not be filtered by goes into "
                "the record."
            )
        for text in value if isinstance(value, tuple) else (value,):
            _check_text(point, name, text)


def _check_text(point: Point, name: str, text: object) -> None:
    try:
        encodable = isinstance(text, str) and text.encode() is not None
    except UnicodeEncodeError:
        encodable = False
    if not encodable:
        raise InvalidInputError(
            f"found {text!r:.80} as {name} of {point.id}, expected text that can be written as "
            "UTF-8: drop lone surrogates, convert what is not a string."
        )


def _check_fingerprint(fingerprint: Fingerprint, stored: Fingerprint | None) -> None:
    if stored is not None and fingerprint != stored:
        raise EmbeddingMismatchError(
            f"found a memory made with embeddings {stored.embeddings!r} of size {stored.size}, "
            f"expected {fingerprint.embeddings!r} of size {fingerprint.size}: use the embeddings "
            "it was made with, or export the memory and import it into a new one."
        )
    if not isinstance(fingerprint.embeddings, str) or fingerprint.size < 1:
        raise InvalidInputError(
            f"found fingerprint {fingerprint!r}, expected the embeddings' id as text and a size "
            "of at least 1."
        )


def _with_units(point: Point, fingerprint: Fingerprint | None) -> Point:
    """The point with vectors of length 1, which no engine's float32 can over- or underflow."""
    if not point.vectors:
        return point
    if fingerprint is None:
        raise InvalidInputError(
            f"found vectors in {point.id} but no fingerprint, expected one with the first "
            "vectors of a memory: pass `fingerprint`."
        )
    for name, vector in point.vectors.items():
        _check_vector(name, vector, fingerprint, point.id)
        if not any(vector):
            raise InvalidInputError(
                f"found only zeros as vector {name!r} of {point.id}, expected a direction: "
                "leave the vector out when there is nothing to embed."
            )
    return replace(point, vectors={name: unit(v) for name, v in point.vectors.items()})


def _check_vector(name: str, vector: Vector, fingerprint: Fingerprint, where: str) -> None:
    sizes: Mapping[str, int] = {
        CASE_VECTOR: 2 * fingerprint.size,
        RULE_VECTOR: fingerprint.size,
    }
    if name not in sizes:
        raise InvalidInputError(
            f"found vector {name!r} in {where}, expected {' or '.join(map(repr, sizes))}."
        )
    if len(vector) != sizes[name]:
        raise EmbeddingMismatchError(
            f"found {len(vector)} numbers in vector {name!r} of {where}, expected {sizes[name]} "
            f"as embeddings {fingerprint.embeddings!r} give: use the embeddings this memory was "
            "made with, or export the memory and import it into a new one."
        )
    try:
        # A length that overflows says nothing yet of the numbers; else it tells of all at once.
        finite = math.isfinite(math.hypot(*vector)) or all(map(math.isfinite, vector))
    except (TypeError, OverflowError):
        finite = False
    if not finite:
        raise InvalidInputError(
            f"found a value in vector {name!r} of {where} that is not a finite number, "
            "expected only such: check what the embedding model returned."
        )
