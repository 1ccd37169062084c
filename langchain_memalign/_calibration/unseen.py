"""The cases of which it is not known what a judge says unseen, and what it says of them then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from langchain_memalign._calibration.reading import record_by, valued_by_case, words_by_case
from langchain_memalign._memory.records import Records
from langchain_memalign._values.types import JudgeSpec, value_key
from langchain_memalign.schema import (
    Change,
    Episode,
    JudgeRecord,
    Put,
    WorkingMemory,
    with_record,
)


@dataclass(frozen=True)
class Unasked:
    """A case to ask about.

    Attributes:
        said: What experts said of it, each with a value.
        words: All that they said of it, also remarks without a value.
        known: What the judge said of it unseen, where only some of these episodes tell.
    """

    said: tuple[Episode, ...]
    words: tuple[Episode, ...]
    known: JudgeRecord | None = None


def unasked_in(records: Records, spec: JudgeSpec, said_by: str) -> list[Unasked]:
    """The cases with an expert's value whose track record lacks this very judge, oldest first."""
    found = []
    episodes = records.episodes(spec.name)
    words = words_by_case(episodes)
    for key, said in valued_by_case(episodes, spec.value_type).items():
        told = [record_by(said_by, episode) for episode in said]
        if None in told:
            known = next((record for record in told if record is not None), None)
            found.append(Unasked(tuple(said), tuple(words[key]), known))
    return found


def without(words: Sequence[Episode], memory: WorkingMemory) -> WorkingMemory:
    """What would be before the judge if experts had said nothing of a case.

    Their words are not recalled already. Principles that rest on them alone are left out, too, and
    their values are not counted. Principles that also rest on other cases stay.

    Args:
        words: All that experts said of the case.
        memory: What would be before the judge, these words not recalled.
    """
    ids = {episode.id for episode in words}
    principles = [p for p in memory.principles if not p.episode_ids or set(p.episode_ids) - ids]
    counts = dict(memory.value_counts)
    for episode in words:
        if episode.value is None or episode.is_superseded():
            continue
        if (key := value_key(episode.value)) in counts:
            counts[key] -= 1
    left_out = len(memory.principles) - len(principles)
    return memory.model_copy(
        update={
            "principles": tuple(principles),
            "principles_total": memory.principles_total - left_out,
            "value_counts": {key: count for key, count in counts.items() if count},
        }
    )


def noted(
    records: Records, judge: str, told: Iterable[tuple[Unasked, JudgeRecord]]
) -> tuple[list[Change], None]:
    """Keep what the judge said with the episodes that are still there and say the same."""
    by_id = {episode.id: (episode, record) for one, record in told for episode in one.said}
    if not by_id:
        return [], None
    near = {case.episode_id for _, record in by_id.values() for case in record.near}
    there = records.existing(near)
    changes: list[Change] = []
    for now in records.episodes(judge, ids=sorted(by_id)):
        before, record = by_id[now.id]
        if now.revision == before.revision:
            kept = tuple(case for case in record.near if case.episode_id in there)
            record = record.model_copy(update={"near": kept})
            told_now = with_record(now.judge_records, record)
            changes.append(
                Put(judge=judge, record=now.model_copy(update={"judge_records": told_now}))
            )
    return changes, None
