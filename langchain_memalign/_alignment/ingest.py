"""Feedback becomes episodes: checked one by one, told from what is known, stored first."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from langchain_memalign._alignment.context import AlignmentContext
from langchain_memalign._alignment.recognising import Recogniser, told_of
from langchain_memalign._alignment.sight import (
    is_whole,
    shown_in,
    without_rationale,
    without_shown,
)
from langchain_memalign._alignment.superseding import returned
from langchain_memalign._alignment.unlearning import learned_anew
from langchain_memalign._content import REPLACEMENT, canonical, table_rows
from langchain_memalign._memory.convert import to_episode, to_record
from langchain_memalign._memory.definition import written_anew
from langchain_memalign._memory.records import Records
from langchain_memalign._stores.base import Selection
from langchain_memalign._values.types import JudgeSpec
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import (
    Change,
    Episode,
    Feedback,
    Principle,
    Put,
    Record,
    Rejected,
    Value,
    now,
    with_record,
)

_log = logging.getLogger(__name__)
_FIRST = 3


class Ingested(Record):
    """What became of a batch of feedback; episodes by id, except for `retired`."""

    stored: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    overwritten: tuple[str, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    retired: tuple[Principle, ...] = ()
    restored: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def listed(feedback: Iterable[Feedback | Mapping[str, Any]]) -> list[Any]:
    """The items of a batch; a DataFrame or table is taken as its rows.

    Raises:
        InvalidInputError: `feedback` is no list.
    """
    if (rows := table_rows(feedback)) is not None:
        return rows
    if isinstance(feedback, Mapping | str) or not isinstance(feedback, Iterable):
        raise InvalidInputError(
            f"feedback: found a {type(feedback).__name__}; expected a list of Feedback, or of "
            "mappings with its fields, or a DataFrame with its fields as columns."
        )
    return list(feedback)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Feedback that was read; of two with the same identity, the later one counts.

    Attributes:
        episodes: What it says, by the episode's id.
        unchanged: Ids of episodes that are there already as they are told again, which it was
            enough to look up.
        rejected: Which items could not be used, and why.
    """

    episodes: Mapping[str, Episode]
    unchanged: tuple[str, ...]
    rejected: tuple[Rejected, ...]


def read_feedback(
    records: Records, spec: JudgeSpec, feedback: Iterable[Feedback | Mapping[str, Any]]
) -> Batch:
    """Read each feedback on its own, but what was read before and is there as it is told again.

    Raises:
        InvalidInputError: `feedback` is no list, or none of its items can be used.
    """
    items = listed(feedback)
    known = Recogniser(records, spec)
    there = known.stored(items)
    episodes: dict[str, Episode] = {}
    unchanged: dict[str, None] = {}
    rejected: list[Rejected] = []
    for index, item in enumerate(items):
        if (id_ := there.get(index)) is not None:
            episodes.pop(id_, None)
            unchanged[id_] = None
            continue
        try:
            word = Feedback.of(item)
            checked = {
                name: _checked(spec, name, value)
                for name in ("value", "judge_value")
                if (value := getattr(word, name)) is not None
            }
            episode = Episode.from_feedback(spec.name, word.model_copy(update=checked))
        except InvalidInputError as error:
            rejected.append(Rejected(index, str(error)))
        else:
            episodes.pop(episode.id, None)
            unchanged.pop(episode.id, None)
            episodes[episode.id] = episode
            known.read(index, episode)
    known.remember()
    if rejected:
        first = "; ".join(f"item {r.index}: {r.reason}" for r in rejected[:_FIRST])
        said = f"{len(rejected)} of {len(items)} items of feedback cannot be used: {first}"
        said += "; ..." if len(rejected) > _FIRST else ""
        if len(rejected) == len(items):
            raise InvalidInputError(f"{said} Nothing was stored.")
        _log.warning("%s The others are stored.", said)
    return Batch(episodes=episodes, unchanged=tuple(unchanged), rejected=tuple(rejected))


def oddities(episodes: Iterable[Episode]) -> tuple[str, ...]:
    """What a person should know of feedback that was taken in, though it can be used."""
    odd = [e for e in episodes if REPLACEMENT in canonical(_words(e))]
    if not odd:
        return ()
    return (
        f"{len(odd)} of the episodes hold U+FFFD, which stands for NUL or for a character that "
        f"could not be read: {', '.join(e.id for e in odd[:_FIRST])}.",
    )


def _words(episode: Episode) -> list[Any]:
    case = episode.case
    said = [case.inputs, case.outputs, case.reference_outputs]
    return [*said, episode.rationale, episode.reviewer]


def plan_ingest(context: AlignmentContext, batch: Batch) -> tuple[list[Change], Ingested]:
    """Store episodes as pending.

    What is known already changes nothing. Changed feedback overwrites its episode; the principles
    distilled from its former words are retired, and their other sources are learned anew.
    Principles that a human wrote stay. What the judge had said in sight of something that was
    forgotten since, as while a human thought about it, is not stored.
    """
    records, judge = context.records, context.judge
    episodes = without_forgotten_words(judge, records, batch.episodes)
    there, known_as = records.episodes_and_definition(judge, sorted(episodes))
    new = [e for e in episodes.values() if e.id not in there]
    same: list[str] = []
    changed: list[tuple[Episode, Episode]] = []
    sourced: list[Episode] = []
    for episode in episodes.values():
        if (point := there.get(episode.id)) is None:
            continue
        revision, source_id = told_of(point)
        if revision != episode.revision:
            changed.append((to_episode(point), episode))
            continue
        same.append(episode.id)
        # A word that is told again may say for the first time where it comes from.
        if episode.source_id not in (None, source_id):
            sourced.append(episode)
    changed_ids = {old.id for old, _ in changed}
    fed = records.principles(judge, citing=changed_ids)
    lost = [principle for principle in fed if not principle.pinned]
    retired = [principle.model_copy(update={"retired_at": now()}) for principle in lost]
    changes: list[Change] = [Put(judge=judge, record=e) for e in new]
    for old, episode in changed:
        source_id = episode.source_id or old.source_id
        kept: dict[str, Any] = {"created_at": old.created_at, "source_id": source_id}
        same_case = old.case.key == episode.case.key
        if same_case and episode.judge_value is None:
            kept |= {
                "judge_value": old.judge_value,
                "judge_rationale": old.judge_rationale,
                "judge_sight": old.judge_sight,
            }
        if same_case:
            told = episode.judge_records
            kept["judge_records"] = reduce(with_record, told, old.judge_records)
        record = episode.model_copy(update=kept)
        changes.append(Put(judge=judge, record=record, vector=None if same_case else ()))
    changes += [Put(judge=judge, record=principle) for principle in retired]
    if episodes or batch.unchanged:
        changes += written_anew(judge, known_as, context.definition)
    again = learned_anew(records, judge, lost, without=changed_ids)
    written = {change.record.id for change in (*changes, *again) if isinstance(change, Put)}
    back = returned(records, judge, {p.id for p in lost}, apart_from=written)
    others = {put.record.id: put.record for put in (*again, *back)}
    for episode in sourced:
        known = others.get(episode.id) or to_episode(there[episode.id])
        others[episode.id] = known.model_copy(update={"source_id": episode.source_id})
    changes += [Put(judge=judge, record=record) for record in others.values()]
    return changes, Ingested(
        stored=tuple(e.id for e in new),
        unchanged=(*batch.unchanged, *same),
        overwritten=tuple(old.id for old, _ in changed),
        rejected=batch.rejected,
        retired=tuple(retired),
        restored=tuple(put.record.id for put in back),
        warnings=oddities([*new, *(episode for _, episode in changed)]),
    )


def without_forgotten_words(
    judge: str, records: Records, episodes: Mapping[str, Episode]
) -> Mapping[str, Episode]:
    """Episodes without what the judge had said of them in sight of what was forgotten since."""
    seen = {id_ for episode in episodes.values() for id_ in episode.judge_sight or ()}
    near = {id_ for episode in episodes.values() for id_ in shown_in(episode)}
    if not seen | near:
        return episodes
    there = records.scan(Selection(judge=judge, ids=tuple(seen | near)))
    whole = {point.id for point in there if is_whole(to_record(point))}
    gone = near - {point.id for point in there}
    return {
        id_: without_shown(
            episode if whole.issuperset(episode.judge_sight or ()) else without_rationale(episode),
            gone,
        )
        for id_, episode in episodes.items()
    }


def _checked(spec: JudgeSpec, field: str, value: Value) -> Value:
    if isinstance(value, float) and value.is_integer() and spec.value_type.kind != "number":
        value = int(value)  # a column of whole numbers with gaps is one of floats
    try:
        return spec.value_type.read(value)
    except InvalidInputError as error:
        raise InvalidInputError(f"{field}{str(error).removeprefix('value')}") from error
