"""Rows of JSONL, each on its own: one that cannot be read does not hide the others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from langchain_memalign.importers.rows import BadRow, Row


def read_jsonl(lines: Iterable[bytes]) -> Iterator[Row | BadRow]:
    """Read lines of UTF-8 JSON; blank ones are passed over."""
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            if not text.strip():
                continue
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            yield BadRow(number, f"found no JSON ({reason:.120}); expected one object a line.")
            continue
        if isinstance(data, dict):
            yield Row(number, data)
        else:
            yield BadRow(
                number,
                f"found a JSON {_kind(data)}; expected one object a line, with the fields of a "
                "case or feedback.",
            )


def _kind(data: object) -> str:
    names = {list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(data), "number")
