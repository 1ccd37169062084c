"""What was written in sight of something, and so may hold its words.

A judge's rationale on one case may quote the expert's remark on another that it was shown; so may
a principle that was distilled beside it. Each such text remembers the ids of what it was written
in sight of, and these lead to all that a forgotten word may have reached, over any number of steps.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from langchain_memalign._content import canonical
from langchain_memalign.schema import Episode, JudgeDefinition, Principle

FOLLOWED = (
    "Also gone is what the judge wrote while it was shown the forgotten text, directly or through "
    "other texts: its rationales on other cases, and principles, which are learned again. If it is "
    "not known what the judge was shown (for rationales that were handed in without `judge_sight`, "
    "and principles of an earlier version), a text is gone if it has a word of four letters or "
    "more, or in scripts without spaces a few characters in a row, that stood only in what is "
    "forgotten. What people wrote themselves stays."
)
"""What forgetting does about words that were repeated elsewhere in the memory."""

_WORD = re.compile(r"\w{4,}")
# Where words are not set apart, or take endings: two signs of Chinese, Japanese and Korean, four of
# Thai, Lao, Burmese and Khmer.
_SIGNS = re.compile(
    r"(?=([\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]{2}"
    r"|[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]{4}))"
)


def written_in_sight(
    gone: AbstractSet[str], episodes: Sequence[Episode], principles: Sequence[Principle]
) -> set[str]:
    """Ids of the principles, and of the episodes whose judge's rationale, may repeat what is gone.

    Args:
        gone: Ids of the episodes and principles that go.
        episodes: All of the judge's.
        principles: All of the judge's, retired ones included.

    Returns:
        The ids, those that go anyway not among them. What was distilled from an episode, or in
        sight of one, also saw what the judge had said of it.
    """
    seen_by: defaultdict[str, list[str]] = defaultdict(list)
    for principle in principles:
        for id_ in (*principle.episode_ids, *(principle.sight or ())):
            seen_by[id_].append(principle.id)
    for episode in episodes:
        for id_ in _sight(episode):
            seen_by[id_].append(episode.id)
    reached = _reached(gone, seen_by)
    told = _of_unknown_sight(episodes, principles)
    unknown = {id_: text for id_, text in told if id_ not in reached}
    if unknown:
        lost = set(_words(_said(episodes, principles, reached, gone)))
        lost -= set(_words(_kept(episodes, gone)))
        quoting = {id_ for id_, text in unknown.items() if not lost.isdisjoint(_words([text]))}
        reached = _reached(reached | quoting, seen_by)
    return reached - gone


def without_rationale(episode: Episode) -> Episode:
    """The episode with an erased judge's rationale; which value the judge had given stays.

    Erased, not absent: a judgement that is under way may have been shown it before.
    """
    return episode.model_copy(update={"judge_rationale": "", "judge_sight": None})


def shown_in(episode: Episode) -> set[str]:
    """Ids of the episodes whose values the track record keeps with this one."""
    return {case.episode_id for record in episode.judge_records for case in record.near}


def without_shown(episode: Episode, gone: AbstractSet[str]) -> Episode:
    """The episode without what its track record holds of episodes that are forgotten."""
    if gone.isdisjoint(shown_in(episode)):
        return episode
    records = []
    for record in episode.judge_records:
        kept = tuple(case for case in record.near if case.episode_id not in gone)
        records.append(record.model_copy(update={"near": kept}))
    return episode.model_copy(update={"judge_records": tuple(records)})


def is_whole(record: Episode | Principle | JudgeDefinition) -> bool:
    """Whether nothing was erased of a record since it was first seen."""
    return not isinstance(record, Episode) or record.judge_rationale != ""


def unlinked(principle: Principle, erased: Principle) -> Principle:
    """A principle that no longer names an erased one, but remembers what that one came from."""
    changed: dict[str, Any] = {}
    if principle.replaced_by == erased.id:
        changed["replaced_by"] = None
    if erased.id in (seen := principle.sight or ()):
        inherited = (*seen, *erased.episode_ids, *(erased.sight or ()))
        without = dict.fromkeys(id_ for id_ in inherited if id_ not in (erased.id, principle.id))
        changed["sight"] = tuple(without)
    return principle.model_copy(update=changed) if changed else principle


def _sight(episode: Episode) -> tuple[str, ...]:
    return episode.judge_sight or () if episode.judge_rationale is not None else ()


def _reached(start: AbstractSet[str], seen_by: dict[str, list[str]]) -> set[str]:
    reached, waiting = set(start), list(start)
    while waiting:
        for id_ in seen_by.get(waiting.pop(), ()):
            if id_ not in reached:
                reached.add(id_)
                waiting.append(id_)
    return reached


def _of_unknown_sight(
    episodes: Sequence[Episode], principles: Sequence[Principle]
) -> Iterator[tuple[str, str]]:
    for episode in episodes:
        if episode.judge_rationale is not None and episode.judge_sight is None:
            yield episode.id, episode.judge_rationale
    for principle in principles:
        if principle.origin == "distilled" and principle.sight is None:
            yield principle.id, principle.text


def _said(
    episodes: Sequence[Episode],
    principles: Sequence[Principle],
    reached: AbstractSet[str],
    gone: AbstractSet[str],
) -> Iterator[str]:
    """The texts that are forgotten; what judges had said merely repeats them."""
    for episode in episodes:
        if episode.id in gone:
            yield from _texts(episode)
    yield from (principle.text for principle in principles if principle.id in reached)


def _kept(episodes: Sequence[Episode], gone: AbstractSet[str]) -> Iterator[str]:
    for episode in episodes:
        if episode.id not in gone:
            yield from _texts(episode)


def _texts(episode: Episode) -> tuple[str, ...]:
    case = episode.case
    content = canonical([case.inputs, case.outputs, case.reference_outputs])
    return content, episode.rationale or "", episode.reviewer or ""


def _words(texts: Iterable[str]) -> Iterator[str]:
    for text in map(str.casefold, texts):
        yield from _WORD.findall(text)
        yield from _SIGNS.findall(text)
