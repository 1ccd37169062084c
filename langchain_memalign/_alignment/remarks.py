"""Which experts' remarks a distilled batch accounts for, and what becomes of the others.

A remark is covered when a principle cites its record, or when the reply names a known principle
that says it. A small model is not taken at its word: it cites whatever it is shown, or nothing.
What states no rule, such as "ok", is no remark: the model is shown it, but is not asked for a rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from langchain_memalign._alignment.merging import Candidate
from langchain_memalign._content import is_blank
from langchain_memalign._values.types import value_text
from langchain_memalign._values.words import plain, says_nothing
from langchain_memalign.schema import Episode, Principle

FEWEST_WITHOUT_REMARK = 3
"""A pattern is seen in so many records, or it is none."""

_FEW = 5
# Scripts of which a few characters make a word, mostly without blanks between words: South-East
# Asian, Chinese, Japanese and Korean ones. There each two characters stand for a word.
_DENSE = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
)
# Of other scripts some write vowels as marks, which count as letters.
_WORD = re.compile(r"(?:[^\W\d_]|[\u0300-\u036f\u0900-\u0dff]){4,}|\d{2,}")
_STEM = 5
_SHARE = 1 / 3
# They join words and tell nothing. In languages other than English such words count.
_JOINING = (
    "about after also always been before both cannot could does each even ever every from have "
    "here into just less like many more most must never only other over shall should some such "
    "than that their them then there these they this those unless until very were what when where "
    "which while will with without would your"
)


def has_remark(episode: Episode) -> bool:
    """Whether the expert said something, and not only which value is right."""
    return not is_blank(episode.rationale)


def may_state_a_rule(episode: Episode) -> bool:
    """Whether the expert said more than which value is right, or "ok"."""
    said = episode.rationale or ""
    repeats = episode.value is not None and plain(said) == plain(value_text(episode.value))
    return not repeats and not says_nothing(said)


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
        episodes: The records; those whose remark states no rule lack none.
        known: The principles that a candidate may name as its target.
        ignored: For a small model: a principle has to name the record, and to share words with
            its remark, a third of those that are not ignored. None takes citations on trust; a
            principle that cites nothing accounts for the remarks whose words it shares.
    """
    texts = {principle.id: principle.text for principle in known}
    remarks = {e.id: e.rationale or "" for e in episodes if may_state_a_rule(e)}
    covered: set[str] = set()
    for candidate in candidates:
        if ignored is None and candidate.is_cited:
            covered |= remarks.keys() & set(candidate.cited)
            continue
        said = words_of(candidate.text, texts.get(candidate.target, ""))
        cited = remarks.keys() & set(candidate.sources if ignored is None else candidate.cited)
        wanted = {id_: words_of(remarks[id_]) - (ignored or frozenset()) for id_ in cited}
        covered |= {id_ for id_, words in wanted.items() if _says(said, words)}
    return frozenset(covered)


def is_unfounded(
    candidate: Candidate, episodes: Mapping[str, Episode], ignored: AbstractSet[str]
) -> bool:
    """Whether a small model's new principle holds nothing of the remarks that it cites.

    Args:
        candidate: What was distilled.
        episodes: The records that it may cite, by id.
        ignored: Words that tell nothing.
    """
    cited = (episodes[id_] for id_ in candidate.sources)
    remarks = [e.rationale or "" for e in cited if may_state_a_rule(e)]
    said = words_of(candidate.text)
    return (
        candidate.relation != "same"
        and bool(remarks)
        and not any(_says(said, words_of(remark) - ignored) for remark in remarks)
    )


def borne_out(
    candidates: Iterable[Candidate],
    episodes: Mapping[str, Episode],
    known: Iterable[Principle],
    ignored: AbstractSet[str],
) -> tuple[Candidate, ...]:
    """What a small model says of known principles, as far as words bear it out.

    It copies what it is shown, cites any record for it, and has it replace what it has nothing in
    common with: a principle would be retired, and cases be superseded, for nothing.

    Args:
        candidates: What was distilled.
        episodes: The records that it may cite, by id.
        known: The principles that it was shown.
        ignored: Words that tell nothing.

    Returns:
        A copy as the principle that it is a copy of, for those records alone whose remark it says,
        or not at all; and what replaces another only where the two share a word.
    """
    texts = {principle.id: principle.text for principle in known}
    copied = {words: id_ for id_, text in texts.items() if (words := plain(text))}
    found = []
    for candidate in candidates:
        if (original := copied.get(plain(candidate.text))) is not None:
            candidate = replace(candidate, relation="same", target=original)
        said = words_of(candidate.text)
        old = words_of(texts.get(candidate.target, ""))
        if candidate.relation == "same":
            told = (e for e in map(episodes.__getitem__, candidate.sources) if may_state_a_rule(e))
            held = tuple(
                e.id for e in told if _says(said | old, words_of(e.rationale or "") - ignored)
            )
            if not held:
                continue
            candidate = replace(candidate, sources=held)
        elif candidate.relation == "replaces" and not (said & old) - ignored:
            candidate = replace(candidate, relation="add", target="")
        found.append(candidate)
    return tuple(found)


def cited_remarks(candidate: Candidate, episodes: Mapping[str, Episode]) -> list[str]:
    """The remarks of the sources of a candidate, each once."""
    cited = (episodes[id_] for id_ in candidate.sources)
    return list(dict.fromkeys(e.rationale or "" for e in cited if has_remark(e)))


def empty_words(*texts: str) -> frozenset[str]:
    """Words that tell nothing of a remark: those that join others, and those of these texts."""
    return words_of(_JOINING, *texts)


def words_of(*texts: str) -> frozenset[str]:
    """The beginnings of the longer words and numbers of texts, by which they are compared.

    The beginning stands for all forms of a word, as far as endings make them: promise, promised.
    """
    together = " ".join(texts)
    words = (word.casefold()[:_STEM] for word in _WORD.findall(_DENSE.sub(" ", together)))
    pairs = (run[i : i + 2] for run in _DENSE.findall(together) for i in range(len(run) - 1))
    return frozenset((*words, *pairs))


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


def _says(said: AbstractSet[str], wanted: AbstractSet[str]) -> bool:
    # Of a remark without a longer word there is nothing to compare.
    return not wanted or len(wanted & said) >= _SHARE * len(wanted)
