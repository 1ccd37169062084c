"""Points, filters and settings in the terms of Qdrant Edge."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import qdrant_edge as qe

from langchain_memalign._stores.base import (
    CASE_VECTOR,
    RULE_VECTOR,
    Fingerprint,
    Point,
    Selection,
)
from langchain_memalign._stores.payload import (
    conditions,
    exclusions,
    fingerprint_text,
    from_payload,
    read_fingerprint,
    to_payload,
    to_vectors,
)
from langchain_memalign._stores.write_batch import OWN_POINT, known_ids

RESTORE = "close the memory, restore its directory from a backup or an export, and open it again."
"""What to do when stored data cannot be read."""

_SEARCH_THREADS = 2

# Anything else fills the holes of its files when they are opened: of 13 MB on a RAM disk, a small
# memory became 147. What is searched is in the system's cache all the same.
PLACEMENT = qe.Memory.Cold
"""How the engine holds vectors and indexes."""

# By codes four times as many are found as wanted; of these the nearest by their numbers are taken.
SEARCH = qe.SearchParams(quantization=qe.QuantizationSearchParams(rescore=True, oversampling=4.0))
"""How the nearest are searched for; without an index, which is never built, nothing is skipped."""


def shard_config(fingerprint: Fingerprint | None, *, indexed: bool) -> qe.EdgeConfig:
    """How a shard is made: its vectors, once their sizes are known.

    Args:
        fingerprint: Tells their sizes; None if these are not known yet.
        indexed: Whether the vectors to search have codes.
    """
    if fingerprint is None:
        # The engine insists on some vector; sizes of dense ones are not known yet.
        placeholder = {"none": qe.EdgeSparseVectorParams()}
        return qe.EdgeConfig(sparse_vectors=placeholder, max_search_threads=_SEARCH_THREADS)
    cosine = qe.Distance.Cosine
    # A search reads every code, and so waits for memory: codes of a byte a number, beside the
    # numbers of four, are read in a third of the time.
    bits = qe.TurboQuantBitSize.Bits8
    codes = qe.TurboQuantQuantizationConfig(bits=bits, memory=PLACEMENT) if indexed else None
    vectors = {
        CASE_VECTOR: qe.EdgeVectorParams(
            2 * fingerprint.size, cosine, quantization_config=codes, memory=PLACEMENT
        ),
        RULE_VECTOR: qe.EdgeVectorParams(fingerprint.size, cosine, memory=PLACEMENT),
    }
    return qe.EdgeConfig(vectors=vectors, max_search_threads=_SEARCH_THREADS)


def own_point(fingerprint: Fingerprint | None) -> qe.Point:
    """The point in which a shard keeps the fingerprint; it is there even before there is one."""
    return qe.Point(OWN_POINT, {}, {"kind": "meta", "record": fingerprint_text(fingerprint)})


def read_own_point(own: qe.Record, path: Path) -> Fingerprint | None:
    """The fingerprint that `own_point` keeps."""
    return read_fingerprint(own.payload, where=path, remedy=RESTORE)


def to_filter(selection: Selection) -> qe.Filter:
    """What the engine filters by; never lets the own point through."""
    must = _must(selection, conditions(selection))
    return qe.Filter(must=must, must_not=_each(exclusions(selection)) or None)


def to_search_filter(selection: Selection) -> qe.Filter | None:
    """What the engine filters by when it searches by a vector, which the own point has not."""
    wanted = conditions(selection)
    if selection.kind is None:
        del wanted[0]  # episodes and principles: all but the own point
    must = _must(selection, wanted)
    must_not = _each(exclusions(selection))
    # A filter without conditions is checked against each point all the same.
    return qe.Filter(must=must or None, must_not=must_not or None) if must or must_not else None


def _must(selection: Selection, wanted: Sequence[tuple[str, list[str]]]) -> list[Any]:
    must = _each(wanted)
    if selection.ids is not None:
        must.append(qe.HasIdCondition({uuid.UUID(id_) for id_ in known_ids(selection.ids)}))
    return must


def _each(wanted: Sequence[tuple[str, list[str]]]) -> list[Any]:
    # Each condition costs a search over 100,000 points milliseconds, a list of values even more.
    return [
        qe.FieldCondition(
            key=name,
            match=qe.MatchValue(values[0]) if len(values) == 1 else qe.MatchAny(values),
        )
        for name, values in wanted
    ]


def to_engine(point: Point) -> qe.Point:
    """A point for the engine."""
    vectors: dict[str, Any] = dict(to_vectors(point))
    return qe.Point(point.id, vectors, to_payload(point))


def from_engine(found: qe.Record | qe.ScoredPoint, *, vectors: bool = False) -> Point:
    """A point from the engine; with what vectors it has, if any were asked for."""
    named: Any = (found.vector or {}) if vectors else None
    return from_payload(str(found.id), found.payload, named, remedy=RESTORE)
