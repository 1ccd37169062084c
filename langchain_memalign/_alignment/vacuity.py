"""Which principles say no more than the judge's instructions do.

A rule such as "give a clear and concise reply" fits any judge, and one that leans on it judges by
it. It is told by signs, all of which it has to show, since to refuse a real rule is worse: it
shares no word with the remarks that it cites, it is near to the instructions, and clearly nearer
than to each of those remarks.

Measured with `LocalEmbeddings` on two judges: seven empty rules were nearer to the instructions
(0.25 to 0.88) than to any remark, by 0.11 to 0.66, one ("Be kind.") was near to neither; nine real
rules without a word of the remarks were nearer to a remark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from langchain_memalign._alignment.merging import Candidate
from langchain_memalign._alignment.remarks import has_remark, words_of
from langchain_memalign._models import Vector
from langchain_memalign.schema import Episode

_FEWEST_WORDS = 2  # of one word there is too little to compare
_NEAR = 0.25
_MARGIN = 0.1


def suspects(
    candidates: Sequence[Candidate], episodes: Mapping[str, Episode], ignored: AbstractSet[str]
) -> dict[str, list[str]]:
    """New principles that share no word with a remark that they cite, each with those remarks.

    Args:
        candidates: What was distilled.
        episodes: The records that it may cite, by id.
        ignored: Words that tell nothing, such as those of the instructions.
    """
    found: dict[str, list[str]] = {}
    for candidate in candidates:
        cited = (episodes[id_] for id_ in candidate.sources)
        remarks = [episode.rationale or "" for episode in cited if has_remark(episode)]
        told = words_of(candidate.text)
        shared = (told & words_of(*remarks)) - ignored
        if candidate.relation != "same" and remarks and len(told) >= _FEWEST_WORDS and not shared:
            found[candidate.text] = list(dict.fromkeys(remarks))
    return found


def is_vacuous(rule: Vector, instructions: Vector, remarks: Sequence[Vector]) -> bool:
    """Whether a rule is clearly nearer to the instructions than to each remark; of unit vectors."""
    near = max(_similarity(rule, remark) for remark in remarks)
    return _similarity(rule, instructions) >= max(_NEAR, near + _MARGIN)


def _similarity(first: Vector, second: Vector) -> float:
    return sum(x * y for x, y in zip(first, second, strict=True))
