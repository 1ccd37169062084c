"""What every engine of Qdrant keeps of a point, besides its id and vectors: a flat payload.

The filter fields lie beside the record, which is one JSON text: payloads that were nested deeply
made shards unreadable, and other types came back changed.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping
from typing import Any, get_args

from langchain_memalign._models import Vector
from langchain_memalign._stores.base import Fingerprint, Kind, Point, Selection
from langchain_memalign.errors import MemoryCorruptError

_OWN = ("kind", "judge", "record")


def to_payload(point: Point) -> dict[str, Any]:
    """The payload of a point."""
    fields = {k: list(v) if isinstance(v, tuple) else v for k, v in point.fields.items()}
    return {**fields, "judge": point.judge, "kind": point.kind, "record": point.record}


def to_vectors(point: Point) -> dict[str, list[float]]:
    """The vectors of a point, as the engines take them."""
    return {name: list(vector) for name, vector in (point.vectors or {}).items()}


def from_payload(
    id_: str,
    payload: Mapping[str, Any] | None,
    vectors: Mapping[str, Any] | None,
    *,
    remedy: str,
) -> Point:
    """The point that an engine gave back.

    Args:
        id_: Its id.
        payload: What `to_payload` made.
        vectors: Its vectors by name; None if they were not asked for.
        remedy: What to do if it cannot be read, for the message.

    Raises:
        MemoryCorruptError: Something is missing.
    """
    stored = payload or {}
    try:
        return Point(
            id=id_,
            kind=stored["kind"],
            judge=stored["judge"],
            record=stored["record"],
            fields={
                name: tuple(value) if isinstance(value, list) else value
                for name, value in stored.items()
                if name not in _OWN
            },
            vectors=None if vectors is None else {n: tuple(v) for n, v in vectors.items()},
        )
    except (KeyError, TypeError) as error:
        raise MemoryCorruptError(
            f"found point {id_} without its {error}, expected a whole record: {remedy}"
        ) from error


def conditions(selection: Selection) -> list[tuple[str, list[str]]]:
    """Fields and the values that they may have; the first keeps out an engine's own points."""
    found: list[tuple[str, list[str]]] = [
        ("kind", [selection.kind] if selection.kind else list(get_args(Kind)))
    ]
    if selection.judge is not None:
        found.append(("judge", [selection.judge]))
    # Not a mapping: `fields` may name these two as well, and then both must hold.
    return [*found, *((name, list(values)) for name, values in selection.fields.items())]


def exclusions(selection: Selection) -> list[tuple[str, list[str]]]:
    """Fields and the values that they must not have."""
    return [(name, list(values)) for name, values in selection.without.items() if values]


def fingerprint_text(fingerprint: Fingerprint | None) -> str:
    """A fingerprint as the record of an engine's own point."""
    said = fingerprint and {"embeddings": fingerprint.embeddings, "size": fingerprint.size}
    return json.dumps(said)


def read_fingerprint(
    payload: Mapping[str, Any] | None, *, where: object, remedy: str
) -> Fingerprint | None:
    """The fingerprint that the payload of an engine's own point holds.

    Raises:
        MemoryCorruptError: It cannot be read.
    """
    try:
        said = json.loads((payload or {})["record"])
        return said and Fingerprint(embeddings=str(said["embeddings"]), size=int(said["size"]))
    except (KeyError, TypeError, ValueError) as error:
        raise MemoryCorruptError(
            f"found no readable fingerprint of the embeddings at {where}, expected one: {remedy}"
        ) from error


def pack_vector(vector: Vector) -> str:
    """A vector as text: base64 of little-endian float32, which is what engines keep of it."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")


def unpack_vector(text: str) -> Vector:
    """The vector that `pack_vector` wrote.

    Raises:
        ValueError: It is no base64.
        struct.error: It is cut.
    """
    packed = base64.b64decode(text, validate=True)
    return struct.unpack(f"<{len(packed) // 4}f", packed)
