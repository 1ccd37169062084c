"""Carrying a whole memory from one store to another: a JSONL file, one record a line.

The first line is a header with the format and the embeddings; each further line is
`{"judge", "kind", "record", "vector"}`, the vector base64 of little-endian float32, so that a
memory with the same embeddings takes it over without embedding anything.
"""

from __future__ import annotations

import json
import os
from typing import Any

from langchain_memalign._files import replacing
from langchain_memalign._memory.records import Records
from langchain_memalign._stores.base import Point, Selection
from langchain_memalign._stores.payload import pack_vector
from langchain_memalign.errors import MemoryStoreError

FORMAT = "langchain-memalign"
VERSION = 1


def export_jsonl(records: Records, path: str | os.PathLike[str]) -> int:
    """Write all records to `path`, which is replaced only once the new file is whole."""
    points = records.scan(Selection(), vectors=True)
    held = records.fingerprint()
    header = {
        "format": FORMAT,
        "version": VERSION,
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


def _line(point: Point) -> dict[str, Any]:
    vectors = list((point.vectors or {}).values())
    return {
        "judge": point.judge,
        "kind": point.kind,
        "record": json.loads(point.record),
        "vector": pack_vector(vectors[0]) if vectors else None,
    }
