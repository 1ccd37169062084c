"""Replies that vary, in DSPy's format too: an optimizer that is always told the same does not run
its course, since it learns from what was judged right beside what was judged wrong."""

import hashlib
import json
import re
from typing import NamedTuple

# How DSPy ends a prompt when it asks for no schema, and how it names each field there.
ASKED = "Respond with the corresponding output fields"
FIELD = re.compile(r"`\[\[ ## (\w+) ## \]\]`(?: \(must be formatted as a valid Python (\w+))?")
MODULE = "self"
"""DSPy's name for the only part of a program, for which SIMBA asks advice."""


class Said(NamedTuple):
    """What a reply says wherever a truth value or a text is asked for."""

    yes: bool = True
    text: str = ""


def draw(prompt, time):
    """Drawn from a prompt and from which time it is that it is asked, as by a sampling model.

    So every judgement agrees with the expert by a coin's toss, the same in each run.
    """
    digest = hashlib.sha256(f"{time} {prompt}".encode()).hexdigest()
    return Said(int(digest, 16) % 2 == 0, f"Say sorry before anything else, rule {digest[:12]}.")


def unstructured(prompt, says):
    """The reply where no schema is asked: DSPy's fields if it asks for them, else a text."""
    _, asked, fields = prompt.rpartition(ASKED)
    if not asked:
        return f"```\n{says.text}\n```"  # GEPA's reflection asks for a block
    written = {"bool": str(says.yes), "dict": json.dumps({MODULE: says.text})}
    values = {name: written.get(kind, says.text) for name, kind in FIELD.findall(fields)}
    values |= {"completed": ""}
    return "\n\n".join(f"[[ ## {name} ## ]]\n{value}" for name, value in values.items())
