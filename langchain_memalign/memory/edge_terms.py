"""Points, filters and settings in the terms of Qdrant Edge."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import qdrant_edge as qe

from langchain_memalign.errors import MemoryCorruptError
from langchain_memalign.memory.batch import OWN_POINT, known_ids
from langchain_memalign.memory.store import (
    CASE_VECTOR,
    RULE_VECTOR,
    Fingerprint,
    Point,
    Selection,
)

RESTORE = "close the memory, restore its directory from a backup or an export, and open it again."
"""What to do when stored data cannot be read."""

_SEARCH_THREADS = 2


def shard_config(fingerprint: Fingerprint | None) -> qe.EdgeConfig:
    """How a shard is made: its vectors, once their sizes are known."""
    if fingerprint is None:
        # The engine insists on some vector; sizes of dense ones are not known yet.
        placeholder = {"none": qe.EdgeSparseVectorParams()}
        return qe.EdgeConfig(sparse_vectors=placeholder, max_search_threads=_SEARCH_THREADS)
    cosine = qe.Distance.Cosine
    vectors = {
        CASE_VECTOR: qe.EdgeVectorParams(2 * fingerprint.size, cosine),
        RULE_VECTOR: qe.EdgeVectorParams(fingerprint.size, cosine),
    }
    return qe.EdgeConfig(vectors=vectors, max_search_threads=_SEARCH_THREADS)


def own_point(fingerprint: Fingerprint | None) -> qe.Point:
    """The point in which a shard keeps the fingerprint; it is there even before there is one."""
    said = fingerprint and {"embeddings": fingerprint.embeddings, "size": fingerprint.size}
    return qe.Point(OWN_POINT, {}, {"kind": "meta", "record": json.dumps(said)})


def read_own_point(own: qe.Record, path: Path) -> Fingerprint | None:
    """The fingerprint that `own_point` keeps."""
    try:
        said = json.loads((own.payload or {})["record"])
        return said and Fingerprint(embeddings=str(said["embeddings"]), size=int(said["size"]))
    except (KeyError, TypeError, ValueError) as error:
        raise MemoryCorruptError(
            f"found no readable fingerprint of the embeddings at {path}, expected one: " + RESTORE
        ) from error


def to_filter(selection: Selection) -> qe.Filter:
    """What the engine filters by; never lets the own point through."""
    kinds = [selection.kind] if selection.kind else ["episode", "principle"]
    wanted: dict[str, list[str]] = {"kind": list(kinds)}
    must: list[Any] = []
    if selection.judge is not None:
        wanted["judge"] = [selection.judge]
    for conditions in (wanted, selection.fields):
        for name, values in conditions.items():
            must.append(qe.FieldCondition(key=name, match=qe.MatchAny(list(values))))
    if selection.ids is not None:
        must.append(qe.HasIdCondition({uuid.UUID(id_) for id_ in known_ids(selection.ids)}))
    return qe.Filter(must=must)


def to_engine(point: Point) -> qe.Point:
    """A point for the engine; its payload is flat, as deep ones made shards unreadable."""
    fields = {k: list(v) if isinstance(v, tuple) else v for k, v in point.fields.items()}
    payload = {**fields, "judge": point.judge, "kind": point.kind, "record": point.record}
    vectors: dict[str, Any] = {name: list(v) for name, v in (point.vectors or {}).items()}
    return qe.Point(point.id, vectors, payload)


def from_engine(found: qe.Record | qe.ScoredPoint, *, vectors: bool = False) -> Point:
    """A point from the engine; with what vectors it has, if any were asked for."""
    payload: Mapping[str, Any] = dict(found.payload or {})
    named: Any = found.vector or {}
    try:
        return Point(
            id=str(found.id),
            kind=payload["kind"],
            judge=payload["judge"],
            record=payload["record"],
            fields={
                name: tuple(value) if isinstance(value, list) else value
                for name, value in payload.items()
                if name not in ("kind", "judge", "record")
            },
            vectors={name: tuple(v) for name, v in named.items()} if vectors else None,
        )
    except (KeyError, TypeError) as error:
        raise MemoryCorruptError(
            f"found point {found.id} without its {error}, expected a whole record: " + RESTORE
        ) from error
