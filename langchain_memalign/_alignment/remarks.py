"""Which experts' remarks a distilled batch accounts for, and what becomes of the others.

A remark is covered when a principle cites its record, or when the reply names a known principle
that says it. A principle that cites nothing covers nothing: its sources are then only assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from langchain_memalign._alignment.merging import Candidate
from langchain_memalign._content import is_blank
from langchain_memalign.schema import Episode, Principle

FEWEST_WITHOUT_REMARK = 3
"""A pattern is seen in so many records, or it is none."""

_FEW = 5
_WORD = re.compile(r"[^\W\d_]{4,}|\d{2,}")
_STEM = 5
_SHARE = 1 / 3


def has_remark(episode: Episode) -> bool:
    """Whether the expert said why, and not only which value is right."""
    return not is_blank(episode.rationale)


def is_hasty(candidate: Candidate, episodes: Mapping[str, Episode]) -> bool:
    """Whether a new principle rests on values alone, and on too few of them.

    Args:
        candidate: What was distilled.
        episodes: The records that it may cite, by id.
    """
    cited = [episodes[id_] for id_ in candidate.sources]
    return (
        candidate.relation != "same"
        and len(cited) < FEWEST_WITHOUT_REMARK
        and not any(map(has_remark, cited))
    )


def covered_remarks(
    candidates: Iterable[Candidate],
    episodes: Sequence[Episode],
    known: Iterable[Principle],
    *,
    ignored: AbstractSet[str] | None = None,
) -> frozenset[str]:
    """Ids of the records with a remark that the candidates account for.

    Args:
        candidates: What was distilled.
        episodes: The records.
        known: The principles that a candidate may name as its target.
        ignored: Takes no citation on trust: a principle has to share words with the remark, a third
            of those that are not ignored, as a small model cites whatever it is shown. None takes
            all on trust.
    """
    texts = {principle.id: principle.text for principle in known}
    remarks = {e.id: e.rationale or "" for e in episodes if has_remark(e)}
    covered: set[str] = set()
    for candidate in candidates:
        said = f"{candidate.text} {texts.get(candidate.target, '')}"
        covered |= {
            id_
            for id_ in candidate.cited
            if id_ in remarks and (ignored is None or _says(said, remarks[id_], ignored))
        }
    return frozenset(covered)


def words_of(*texts: str) -> frozenset[str]:
    """The beginnings of the longer words and numbers of texts, by which they are compared.

    The beginning stands for all forms of a word, as far as endings make them: promise, promised.
    """
    return frozenset(word.casefold()[:_STEM] for text in texts for word in _WORD.findall(text))


def few_at_a_time(episodes: Sequence[Episode]) -> list[list[Episode]]:
    """Records to ask about again: up to five together."""
    return [list(episodes[i : i + _FEW]) for i in range(0, len(episodes), _FEW)]


def word_for_word(episode: Episode) -> Candidate:
    """A remark that no principle came of, as a principle of its own."""
    text = " ".join((episode.rationale or "").split())
    return Candidate(text=text, sources=(episode.id,))


def joined(earlier: Sequence[Candidate], later: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Candidates with those of a later reply, which may repeat or replace earlier ones.

    An earlier one is a target by its place: "#0" is the first.
    """
    together = list(earlier)
    for candidate in later:
        if not candidate.target.startswith("#"):
            together.append(candidate)
            continue
        place = int(candidate.target[1:])
        known = together[place]
        is_cited = known.is_cited or candidate.is_cited
        sources = (*(known.cited if is_cited else known.sources), *candidate.sources)
        together[place] = replace(
            known,
            text=candidate.text if candidate.relation == "replaces" else known.text,
            sources=tuple(dict.fromkeys(sources)),
            is_cited=is_cited,
        )
    return tuple(together)


def place_of(number: int) -> str:
    """How a reply that comes later names an earlier candidate as its target."""
    return f"#{number}"


def _says(text: str, remark: str, ignored: AbstractSet[str]) -> bool:
    wanted = words_of(remark) - ignored
    # Of a remark without a longer word there is nothing to compare.
    return not wanted or len(wanted & words_of(text)) >= _SHARE * len(wanted)
