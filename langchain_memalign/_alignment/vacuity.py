"""Which principles say no more than the judge's instructions do.

A rule such as "give a clear and concise reply" fits any judge, and one that leans on it judges by
it. It is told by signs, all of which it has to show, since to refuse a real rule is worse: it
shares a word with the instructions and none with the remarks that it cites, it is near to the
instructions, and clearly nearer than to each of those remarks. An empty rule in other words passes.

Measured with `LocalEmbeddings` on two judges: seven empty rules were nearer to the instructions
(0.25 to 0.88) than to any remark, by 0.11 to 0.66, one ("Be kind.") was near to neither; nine real
rules without a word of the remarks were nearer to a remark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from langchain_memalign._alignment.merging import Candidate
from langchain_memalign._alignment.remarks import cited_remarks, empty_words, words_of
from langchain_memalign._models import Vector
from langchain_memalign.schema import Episode

_NEAR = 0.25
_MARGIN = 0.1


def suspects(
    candidates: Sequence[Candidate], episodes: Mapping[str, Episode], instructions: str
) -> dict[str, list[str]]:
    """New principles in words of the instructions, and in none of the remarks that they cite.

    Args:
        candidates: What was distilled.
        episodes: The records that it may cite, by id.
        instructions: What the judge is asked.

    Returns:
        The remarks that each cites, by its text.
    """
    asked = words_of(instructions) - empty_words()
    found: dict[str, list[str]] = {}
    for candidate in candidates:
        remarks = cited_remarks(candidate, episodes)
        told = words_of(candidate.text) - empty_words()
        of_its_own = told & words_of(*remarks) - asked
        if candidate.relation != "same" and remarks and told & asked and not of_its_own:
            found[candidate.text] = remarks
    return found


def is_vacuous(rule: Vector, instructions: Vector, remarks: Sequence[Vector]) -> bool:
    """Whether a rule is clearly nearer to the instructions than to each remark; of unit vectors."""
    near = max(_similarity(rule, remark) for remark in remarks)
    return _similarity(rule, instructions) >= max(_NEAR, near + _MARGIN)


def _similarity(first: Vector, second: Vector) -> float:
    return sum(x * y for x, y in zip(first, second, strict=True))
