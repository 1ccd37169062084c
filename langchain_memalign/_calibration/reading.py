"""The track record as a memory holds it: what experts said of what this very judge had said."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from langchain_memalign._calibration.agreement import agreement_of
from langchain_memalign._calibration.track import Track, TrackCase
from langchain_memalign._content import canonical
from langchain_memalign._memory.records import Records
from langchain_memalign._values.types import JudgeSpec, ValueType, value_key
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import (
    AgreementReport,
    Case,
    Episode,
    JudgeRecord,
    NearCase,
    Probabilities,
    Value,
    Verdict,
    WorkingMemory,
    deciding,
)

_NEWEST = 1000
"""So many of the newest cases are fitted: more tell little more, and a judge changes."""


def digest(*parts: Any) -> str:
    """What tells a judge, with its model, prompt and values, from another."""
    return hashlib.sha256(canonical(list(parts)).encode()).hexdigest()[:32]


def record_of(
    said_by: str,
    memory: WorkingMemory,
    value: Value | None,
    probabilities: Mapping[Value, float] | None = None,
) -> JudgeRecord:
    """What the track record keeps of an answer that was given with this before the judge."""
    near = tuple(
        NearCase(episode_id=r.episode.id, similarity=round(r.similarity, 6), value=r.value)
        for r in memory.episodes
        if r.value is not None
    )
    told = None if probabilities is None else Probabilities(dict(probabilities))
    return JudgeRecord(said_by=said_by, value=value, probabilities=told, near=near)


def is_unseen(memory: WorkingMemory, case: Case) -> bool:
    """Whether it is known that no expert's word on this very case was before the judge.

    Where past cases could not be looked up, a principle may come from one. Without them the judge
    does not answer as it otherwise would, either.
    """
    if memory.recall_problem is not None:
        return False
    return all(r.episode.case.key != case.key for r in memory.episodes)


def calibrated(track: Track, verdict: Verdict, record: JudgeRecord) -> Verdict:
    """A verdict with what the track record makes of it."""
    found = track.says(verdict.value, record)
    changed: dict[str, Any] = {"probabilities": found.probabilities, "confidence": found.confidence}
    if value_key(found.value) != value_key(verdict.value):
        raw = verdict.value if verdict.raw_value is None else verdict.raw_value
        changed |= {"value": found.value, "raw_value": raw}
    return verdict.model_copy(update=changed)


def track_in(records: Records, spec: JudgeSpec, said_by: str, *, is_current: bool = False) -> Track:
    """A judge's track record; read and fitted once, then kept until an episode changes.

    Args:
        records: What the judge remembers.
        spec: The judge.
        said_by: What tells it, with its model and prompt, from another one.
        is_current: Whether to look first what other processes changed.
    """

    def read() -> Track:
        return track_of(records.said_by(spec.name, said_by), spec.value_type, said_by)

    return records.derived(spec.name, said_by, read, is_current=is_current)


def track_of(episodes: Iterable[Episode], value_type: ValueType, said_by: str) -> Track:
    """The track record in some episodes, which counts each case once."""
    by_case = {
        key: [episode for episode in said if record_by(said_by, episode)]
        for key, said in valued_by_case(episodes, value_type).items()
    }
    cases, unscored = [], 0
    for said in filter(None, by_case.values()):
        counts = deciding(said)
        record = record_by(said_by, counts)
        if record is None or counts.value is None:
            continue
        if record.value is None:
            unscored += 1
        elif _is_one(value_type, record.value):
            cases.append(TrackCase(counts.value, record.value, record))
    return Track(value_type, tuple(cases[-_NEWEST:]), unscored)


def valued_by_case(episodes: Iterable[Episode], value_type: ValueType) -> dict[str, list[Episode]]:
    """The episodes whose value counts, by case; the cases and their episodes oldest first.

    Superseded ones are left out: experts go by them no more. So are values that the judge does not
    give, from before it was redefined.
    """
    by_case: dict[str, list[Episode]] = {}
    for episode in episodes:
        if _is_one(value_type, episode.value) and not episode.is_superseded():
            by_case.setdefault(episode.case.key, []).append(episode)
    return by_case


def words_by_case(episodes: Iterable[Episode]) -> dict[str, list[Episode]]:
    """All episodes by case: also the remarks without a value, and what is superseded."""
    by_case: dict[str, list[Episode]] = {}
    for episode in episodes:
        by_case.setdefault(episode.case.key, []).append(episode)
    return by_case


def record_by(said_by: str, episode: Episode) -> JudgeRecord | None:
    """What this very judge said of an episode's case unseen; None where that is not known."""
    return next((r for r in episode.judge_records if r.said_by == said_by), None)


def agreement_in(
    records: Records, spec: JudgeSpec, said_by: str, confidence: float
) -> AgreementReport:
    """How far a judge agrees with experts; reads all of its episodes."""
    by_case = valued_by_case(records.episodes(spec.name), spec.value_type)
    unasked = [e for e in by_case.values() if not any(record_by(said_by, one) for one in e)]
    return agreement_of(
        track_in(records, spec, said_by, is_current=True),
        confidence=confidence,
        unasked=len(unasked),
        outdated=sum(any(one.judge_records for one in said) for said in unasked),
    )


def _is_one(value_type: ValueType, value: Value | None) -> bool:
    """Whether a value is of the type; what was said before it was redefined may not be."""
    try:
        value_type.check(value)
    except InvalidInputError:
        return False
    return True
