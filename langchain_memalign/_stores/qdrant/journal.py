"""A write as text, so that whoever finds it can carry it out, and again and again to no harm.

Compressed: vectors as little-endian float32, which is what engines keep of them anyway.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_memalign._models import Vector
from langchain_memalign._stores.base import Point
from langchain_memalign.errors import MemoryCorruptError

_FORMAT = 1
_FAST = 1  # the level of compression; most of the text are vectors, which hardly shrink


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What shall be there, and what shall not.

    Attributes:
        points: Whole, their vectors included.
        erased: Ids.
    """

    points: Sequence[Point]
    erased: Sequence[str]

    def text(self) -> str:
        """The entry as ASCII text without quotes, which JSON does not make any longer."""
        said = {
            "format": _FORMAT,
            "points": [_pack(point) for point in self.points],
            "erased": list(self.erased),
        }
        packed = zlib.compress(json.dumps(said, ensure_ascii=False).encode(), _FAST)
        return base64.b64encode(packed).decode("ascii")

    @classmethod
    def read(cls, text: str, *, remedy: str) -> Entry:
        """The entry that `text` wrote.

        Raises:
            MemoryCorruptError: It is not one.
        """
        try:
            said = json.loads(zlib.decompress(base64.b64decode(text, validate=True)))
            if said["format"] != _FORMAT:
                raise ValueError(f"it has format {said['format']}")
            points = [_unpack(item) for item in said["points"]]
            return cls(points=points, erased=[str(id_) for id_ in said["erased"]])
        except (ValueError, KeyError, TypeError, zlib.error, struct.error) as error:
            raise MemoryCorruptError(
                f"found a recorded write that cannot be read ({error!s:.200}); expected one of "
                f"format {_FORMAT}: upgrade langchain-memalign, or {remedy}"
            ) from error


def _pack(point: Point) -> dict[str, Any]:
    return {
        "id": point.id,
        "kind": point.kind,
        "judge": point.judge,
        "record": point.record,
        "fields": {k: list(v) if isinstance(v, tuple) else v for k, v in point.fields.items()},
        "vectors": {name: _pack_vector(v) for name, v in (point.vectors or {}).items()},
    }


def _unpack(item: dict[str, Any]) -> Point:
    fields = {k: tuple(v) if isinstance(v, list) else v for k, v in item["fields"].items()}
    vectors = {name: _unpack_vector(text) for name, text in item["vectors"].items()}
    return Point(
        id=item["id"],
        kind=item["kind"],
        judge=item["judge"],
        record=item["record"],
        fields=fields,
        vectors=vectors,
    )


def _pack_vector(vector: Vector) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")


def _unpack_vector(text: str) -> Vector:
    packed = base64.b64decode(text, validate=True)
    return struct.unpack(f"<{len(packed) // 4}f", packed)
