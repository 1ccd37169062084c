"""Untrusted text in Markdown: shown as it is, marking nothing up."""

from __future__ import annotations

import re
from collections.abc import Iterable

from langchain_memalign._prompts.text import shorten, visible
from langchain_memalign.graph.passages import Passage

# What may begin emphasis, code, links, HTML, tables, formulas or entities, wherever it stands; an
# underscore within a word marks nothing up.
_MARKS = re.compile(r"[\\`*\[<|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
# What may begin a heading, a list, a quote, or a line below a text that makes it a heading.
_STARTS = re.compile(r"[-+=#>:]|\d+(?=[.)])")
_ANY_MARK = re.compile(r"[\\`*\[\]<>|~$#_]+|&(?=#?\w+;)")


def unmarked(text: str) -> str:
    """Text in one line, without the characters that mark up: plain also where it is shown raw."""
    return " ".join(_ANY_MARK.sub(" ", visible(text)).split())


def escaped(text: str) -> str:
    """Text that marks nothing up, in one line."""
    return _line(" ".join(visible(text).split()))


def inline(text: str) -> str:
    """As `escaped`, for a text before which something else stands in its line."""
    return _MARKS.sub(r"\\\g<0>", " ".join(visible(text).split()))


def quote(passages: Iterable[Passage], tokens: int) -> str:
    """Passages as a block quote, each cut to so many tokens; a cut says so."""
    lines: list[str] = []
    for passage in passages:
        head, cut, tail = shorten(visible(passage.text), tokens)
        text = f"{head}\n[… {cut} tokens left out …]\n{tail}" if cut else head
        label = f"**{escaped(passage.label)}:** " if passage.label else ""
        first, *rest = (_line(line) for line in text.split("\n"))
        lines += ["", label + first if label or first else first, *rest]
    return "\n".join(f"> {line}".rstrip() + ("  " if line else "") for line in lines[1:])


def _line(line: str) -> str:
    line = line.rstrip()
    body = line.lstrip(" \t")
    # Markdown would drop an indent, or make code of it.
    indent = line[: len(line) - len(body)].replace("\t", "    ").replace(" ", "\u00a0")
    marked = _MARKS.sub(r"\\\g<0>", body)
    if start := _STARTS.match(marked):
        end = start.end() if start[0][0].isdigit() else 0
        marked = f"{marked[:end]}\\{marked[end:]}"
    return indent + marked
