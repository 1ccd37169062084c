"""Carrying a whole memory from one store to another: a JSONL file, one record a line.

The first line is a header with the format and the embeddings; each further line is
`{"judge", "kind", "record", "vector"}`, the vector base64 of little-endian float32, so that a
memory with the same embeddings takes it over without embedding anything.
"""

from __future__ import annotations

import base64
import json
import os
import struct
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from langchain_memalign.errors import InvalidInputError, MemoryStoreError
from langchain_memalign.flow import Flow, off_loop, parallel
from langchain_memalign.memory.flows import MemoryFlows
from langchain_memalign.memory.store import Point, Selection, Vector
from langchain_memalign.schema import Change, Episode, Principle, Put

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
    embeddings, puts = yield from off_loop(lambda: _read(Path(path)))
    if embeddings != memory.embeddings_id:
        puts = yield from _embed_anew(memory, puts)
    changes = yield from memory.transact(lambda: _newer(memory, puts))
    return len(changes)


def _newer(memory: MemoryFlows, puts: Sequence[Put]) -> Flow[Sequence[Change]]:
    wanted = tuple({put.record.id for put in puts})
    points = yield from memory.scan(Selection(ids=wanted))
    there = {point.id: point for point in points}
    changes: list[Change] = []
    for put in puts:
        point = there.get(put.record.id)
        if point is None or (isinstance(put.record, Episode) and _is_newer(put.record, point)):
            changes.append(put)
    return changes


def _is_newer(episode: Episode, point: Point) -> bool:
    return episode.updated_at > Episode.model_validate_json(point.record).updated_at


def _embed_anew(memory: MemoryFlows, puts: Sequence[Put]) -> Flow[list[Put]]:
    """Embed what had a vector; what waits to be embedded still does."""
    embedded = [put for put in puts if put.vector]
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
    return [put.model_copy(update={"vector": anew.get(put.record.id)}) for put in puts]


def _chunks(puts: Sequence[Put]) -> Iterable[Sequence[Put]]:
    for start in range(0, len(puts), _EMBED_AT_ONCE):
        yield puts[start : start + _EMBED_AT_ONCE]


def _line(point: Point) -> dict[str, Any]:
    vectors = list((point.vectors or {}).values())
    return {
        "judge": point.judge,
        "kind": point.kind,
        "record": json.loads(point.record),
        "vector": _pack(vectors[0]) if vectors else None,
    }


def _write(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise MemoryStoreError(
            f"cannot export to {path}: {error}. Choose another place."
        ) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except OSError as error:
        os.unlink(name)
        raise MemoryStoreError(
            f"cannot export to {path}: {error}. Choose another place."
        ) from error


def _read(path: Path) -> tuple[str | None, list[Put]]:
    embeddings, puts = None, []
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    data = json.loads(line)
                    if number == 1:
                        embeddings = _read_header(data)
                    elif line.strip():
                        puts.append(_read_put(data))
                except (ValueError, KeyError, TypeError, struct.error) as error:
                    raise InvalidInputError(
                        f"{path}, line {number}: {error!s:.300}; expected a record of an export by "
                        "export_jsonl. Nothing was imported."
                    ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"cannot read {path}: {error}. Nothing was imported.") from error
    return embeddings, puts


def _read_header(data: Any) -> str | None:
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise InvalidInputError(f"this is no export; expected a header with format {_FORMAT!r}")
    if data.get("version") != _VERSION:
        raise InvalidInputError(
            f"found version {data.get('version')}; expected {_VERSION}. Upgrade langchain-memalign"
        )
    return data["embeddings"]["id"] if data.get("embeddings") else None


def _read_put(data: dict[str, Any]) -> Put:
    kinds: dict[str, type[Episode] | type[Principle]] = {
        "episode": Episode,
        "principle": Principle,
    }
    record = kinds[data["kind"]].model_validate_json(json.dumps(data["record"]))
    return Put(
        judge=data["judge"],
        record=record,
        vector=_unpack(data["vector"]) if data.get("vector") else None,
    )


def _pack(vector: Vector) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")


def _unpack(text: str) -> Vector:
    packed = base64.b64decode(text, validate=True)
    return struct.unpack(f"<{len(packed) // 4}f", packed)
