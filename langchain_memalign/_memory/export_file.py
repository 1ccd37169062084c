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
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from langchain_memalign._files import replacing
from langchain_memalign._memory.convert import to_episode, to_principle
from langchain_memalign._memory.records import MemoryFlows
from langchain_memalign._stores.base import Fingerprint, Point, Selection
from langchain_memalign._stores.payload import pack_vector, unpack_vector
from langchain_memalign.errors import InvalidInputError, MemoryStoreError
from langchain_memalign.flow import Flow, off_loop, parallel
from langchain_memalign.schema import Episode, Principle, Put

_FORMAT = "langchain-memalign"
_VERSION = 1
_EMBED_AT_ONCE = 128
_CONCURRENT_CALLS = 8


def export_jsonl(memory: MemoryFlows, path: str | os.PathLike[str]) -> Flow[int]:
    """Write all records to `path`, which is replaced only once the new file is whole."""
    points = yield from memory.scan(Selection(), vectors=True)
    held = memory.fingerprint()
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "embeddings": held and {"id": held.embeddings, "size": held.size},
    }
    lines = [header, *map(_line, points)]
    yield from off_loop(lambda: _write(Path(path), lines))
    return len(points)


def import_jsonl(memory: MemoryFlows, path: str | os.PathLike[str]) -> Flow[int]:
    """Add the records of `path` to the memory."""
    made_with, puts = yield from off_loop(lambda: _read(Path(path)))
    held = memory.fingerprint()
    is_same_model = made_with is not None and made_with.embeddings == memory.embeddings_id
    if not is_same_model or (held is not None and held != made_with):
        # Only what will be written is worth an embedding.
        puts = yield from _embed_anew(memory, (yield from _newer(memory, puts)))

    def plan() -> Flow[tuple[Sequence[Put], int]]:
        changes = yield from _newer(memory, puts)
        return changes, len(changes)

    return (yield from memory.transact(plan))


def _newer(memory: MemoryFlows, puts: Sequence[Put]) -> Flow[Sequence[Put]]:
    """Those of which the memory has nothing, or something older."""
    wanted = tuple({put.record.id for put in puts})
    points = yield from memory.scan(Selection(ids=wanted))
    there = {point.id: point for point in points}
    return [
        put
        for put in puts
        if (point := there.get(put.record.id)) is None or _is_newer(put.record, point)
    ]


def _is_newer(record: Episode | Principle, point: Point) -> bool:
    if isinstance(record, Episode):
        return record.updated_at > to_episode(point).updated_at
    # A principle's text never changes; all that happens to it is that it is retired.
    return not record.is_active() and to_principle(point).is_active()


def _embed_anew(memory: MemoryFlows, puts: Sequence[Put]) -> Flow[list[Put]]:
    """Embed what was embedded, also where the former model found nothing; what waits still does."""
    embedded = [put for put in puts if put.vector or not _waits(put.record)]
    cases = [put for put in embedded if isinstance(put.record, Episode)]
    rules = [put for put in embedded if isinstance(put.record, Principle)]
    flows = [
        *(memory.embed_cases([p.record.case for p in chunk]) for chunk in _chunks(cases)),  # type: ignore[union-attr]
        *(memory.embed([p.record.text for p in chunk]) for chunk in _chunks(rules)),  # type: ignore[union-attr]
    ]
    vectors = yield from parallel(flows, limit=_CONCURRENT_CALLS)
    anew = {
        put.record.id: vector
        for put, vector in zip([*cases, *rules], (v for vs in vectors for v in vs), strict=True)
    }
    return [put.model_copy(update={"vector": anew.get(put.record.id, ())}) for put in puts]


def _waits(record: Episode | Principle) -> bool:
    return isinstance(record, Episode) and record.status == "pending"


def _chunks(puts: Sequence[Put]) -> Iterable[Sequence[Put]]:
    for start in range(0, len(puts), _EMBED_AT_ONCE):
        yield puts[start : start + _EMBED_AT_ONCE]


def _line(point: Point) -> dict[str, Any]:
    vectors = list((point.vectors or {}).values())
    return {
        "judge": point.judge,
        "kind": point.kind,
        "record": json.loads(point.record),
        "vector": pack_vector(vectors[0]) if vectors else None,
    }


def _write(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    try:
        with replacing(path) as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    except OSError as error:
        raise MemoryStoreError(
            f"cannot export to {path}: {error}. Choose another place."
        ) from error


def _read(path: Path) -> tuple[Fingerprint | None, list[Put]]:
    made_with: Fingerprint | None = None
    puts: dict[str, Put] = {}
    number = 1
    try:
        with path.open(encoding="utf-8") as file:
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
    kinds: dict[str, type[Episode] | type[Principle]] = {
        "episode": Episode,
        "principle": Principle,
    }
    record = kinds[data["kind"]].model_validate_json(json.dumps(data["record"]))
    uuid.UUID(record.id)
    vector = unpack_vector(data["vector"]) if data["vector"] else ()
    size = made_with.size * (2 if isinstance(record, Episode) else 1) if made_with else 0
    if vector and (len(vector) != size or not all(map(math.isfinite, vector))):
        raise InvalidInputError(f"its vector is not one of {size} finite numbers")
    return Put(judge=data["judge"], record=record, vector=vector)
