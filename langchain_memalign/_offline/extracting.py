"""Principles by extraction: experts' remarks as they stand."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from langchain_memalign._offline.reading import read_remark
from langchain_memalign._values.words import says_nothing
from langchain_memalign.schema import Principle, now

_LONGEST = 300
_SENTENCE_END = re.compile(r"[.!?][\"')\]]*(?=\s)|[。！？]")  # noqa: RUF001


def extract_principles(
    records: ElementTree.Element, known: ElementTree.Element | None
) -> list[dict[str, Any]]:
    """Return a principle for each different remark, in the form of a distilling answer.

    Without a language model nothing is generalised and only equal text counts as the same rule. A
    record without a remark yields none: a value alone states no rule, nor does "ok".

    Args:
        records: The section of new records.
        known: The section of the principles that the judge has already.
    """
    targets = {
        _normalise(principle.text or ""): principle.get("id", "")
        for principle in (() if known is None else known.findall("principle"))
    }
    found: dict[str, dict[str, Any]] = {}
    for record in records.findall("record"):
        for expert in record.findall("expert"):
            text = shorten(read_remark(expert))
            if says_nothing(text):
                continue
            key = _normalise(text)
            target = targets.get(key, "")
            principle = found.setdefault(
                key,
                {
                    "text": text,
                    "sources": [],
                    "relation": "same" if target else "add",
                    "target": target,
                },
            )
            source = record.get("id", "")
            if source not in principle["sources"]:
                principle["sources"].append(source)
    return list(found.values())


def shorten(text: str) -> str:
    """Cut a text to 300 characters: after a sentence if one ends there, else between words."""
    if len(text) <= _LONGEST:
        return text
    head = text[: _LONGEST + 1]  # one more: an end counts if a space follows
    ends = [match.end() for match in _SENTENCE_END.finditer(head)]
    if ends and ends[-1] <= _LONGEST:
        return head[: ends[-1]]
    words, space, _ = head[:_LONGEST].rpartition(" ")
    return f"{words if space else head[: _LONGEST - 1]}…"


def _normalise(text: str) -> str:
    """Normalise as memory does, where equal text is the same rule."""
    if not text.strip():
        return ""
    return Principle(id="", text=text, created_at=now()).normalised_text
