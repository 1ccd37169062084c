"""Carrying a whole memory from one store to another: a JSONL file, one record a line.

The first line is a header with the format and the embeddings; each further line is
`{"judge", "kind", "record", "vector"}`, the vector base64 of little-endian float32, so that a
memory with the same embeddings takes it over without embedding anything.
"""

from __future__ import annotations

import json
import math
import os
import struct
import uuid
from collections.abc import Sequence
from typing import Any

from langchain_memalign._files import replacing
from langchain_memalign._memory.convert import to_definition, to_episode, to_principle
from langchain_memalign._memory.records import Records
from langchain_memalign._stores.base import Fingerprint, Point, Selection
from langchain_memalign._stores.payload import pack_vector, unpack_vector
from langchain_memalign.errors import InvalidInputError, MemoryStoreError
from langchain_memalign.schema import Episode, JudgeDefinition, Principle, Put

_FORMAT = "langchain-memalign"
_VERSION = 1


def export_jsonl(records: Records, path: str | os.PathLike[str]) -> int:
    """Write all records to `path`, which is replaced only once the new file is whole."""
    points = records.scan(Selection(), vectors=True)
    held = records.fingerprint()
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "embeddings": held and {"id": held.embeddings, "size": held.size},
    }
    lines = [header, *map(_line, points)]
    try:
        with replacing(path) as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    except OSError as error:
        raise MemoryStoreError(
            f"cannot export to {path}: {error}. Choose another place."
        ) from error
    return sum(point.kind != "judge" for point in points)


def read_export(path: str | os.PathLike[str]) -> tuple[Fingerprint | None, list[Put]]:
    """Which embeddings an export was made with, and its records.

    Raises:
        InvalidInputError: It is no export; names the line.
    """
    made_with: Fingerprint | None = None
    puts: dict[str, Put] = {}
    number = 1
    try:
        with open(path, encoding="utf-8") as file:
            made_with = _read_header(json.loads(next(file, "null")))
            for line in file:
                number += 1
                if line.strip():
                    put = _read_put(json.loads(line), made_with)
                    if put.record.id in puts:
                        raise InvalidInputError(f"the record {put.record.id} is there twice")
                    puts[put.record.id] = put
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"cannot read {path}: {error}. Nothing was imported.") from error
    except (ValueError, KeyError, TypeError, RecursionError, struct.error) as error:
        raise InvalidInputError(
            f"{path}, line {number}: {error!s:.300}; expected a record of an export by "
            "export_jsonl. Nothing was imported."
        ) from error
    return made_with, list(puts.values())


def newer(records: Records, puts: Sequence[Put]) -> list[Put]:
    """Those of which the memory has nothing, or something older."""
    wanted = tuple({put.record.id for put in puts})
    there = {point.id: point for point in records.scan(Selection(ids=wanted))}
    return [
        put
        for put in puts
        if (point := there.get(put.record.id)) is None or _is_newer(put.record, point)
    ]


def needs_embedding(records: Records, made_with: Fingerprint | None) -> bool:
    """Whether vectors of other embeddings must be made anew to be imported."""
    held = records.fingerprint()
    is_same_model = made_with is not None and made_with.embeddings == records.embedder.id
    return not is_same_model or (held is not None and held != made_with)


def was_embedded(put: Put) -> bool:
    """Whether a record was embedded, also where the model found nothing; what waits is not."""
    record = put.record
    waits = isinstance(record, Episode) and record.status == "pending"
    return bool(put.vector) or not (waits or isinstance(record, JudgeDefinition))


def _is_newer(record: Episode | Principle | JudgeDefinition, point: Point) -> bool:
    if isinstance(record, Episode):
        there = to_episode(point)
        if record.updated_at != there.updated_at:
            return record.updated_at > there.updated_at
        # The same word: a change of mind may have reached it since.
        return record.is_superseded() and not there.is_superseded()
    if isinstance(record, JudgeDefinition):
        return record.updated_at > to_definition(point).updated_at
    # A principle's text never changes; all that happens to it is that it is retired.
    return not record.is_active() and to_principle(point).is_active()


def _line(point: Point) -> dict[str, Any]:
    vectors = list((point.vectors or {}).values())
    return {
        "judge": point.judge,
        "kind": point.kind,
        "record": json.loads(point.record),
        "vector": pack_vector(vectors[0]) if vectors else None,
    }


def _read_header(data: Any) -> Fingerprint | None:
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise InvalidInputError(f"this is no export; expected a header with format {_FORMAT!r}")
    if data.get("version") != _VERSION:
        raise InvalidInputError(
            f"found version {data.get('version')}; expected {_VERSION}. Upgrade langchain-memalign"
        )
    held = data["embeddings"]
    return held and Fingerprint(embeddings=held["id"], size=held["size"])


def _read_put(data: dict[str, Any], made_with: Fingerprint | None) -> Put:
    kinds: dict[str, type[Episode] | type[Principle] | type[JudgeDefinition]] = {
        "episode": Episode,
        "principle": Principle,
        "judge": JudgeDefinition,
    }
    record = kinds[data["kind"]].model_validate_json(json.dumps(data["record"]))
    uuid.UUID(record.id)
    vector = unpack_vector(data["vector"]) if data["vector"] else ()
    size = made_with.size * (2 if isinstance(record, Episode) else 1) if made_with else 0
    if vector and (len(vector) != size or not all(map(math.isfinite, vector))):
        raise InvalidInputError(f"its vector is not one of {size} finite numbers")
    return Put(judge=data["judge"], record=record, vector=vector)
