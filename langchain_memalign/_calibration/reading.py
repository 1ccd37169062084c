"""The track record as a memory holds it: what experts said of what this very judge had said."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from langchain_memalign._calibration.levels import Levels
from langchain_memalign._calibration.track import Track, TrackCase
from langchain_memalign._content import canonical
from langchain_memalign._memory.records import Records
from langchain_memalign._values import JudgeSpec, ValueType
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import (
    Case,
    Episode,
    JudgeRecord,
    NearCase,
    Probabilities,
    Value,
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
    case: Case,
    *,
    value: Value | None,
    probabilities: Probabilities | None = None,
) -> JudgeRecord | None:
    """What the track record keeps of an answer; None if an expert's word on the case was shown."""
    if any(recalled.episode.case.key == case.key for recalled in memory.episodes):
        return None
    near = tuple(
        NearCase(
            episode_id=recalled.episode.id,
            similarity=round(recalled.similarity, 6),
            value=recalled.value,
        )
        for recalled in memory.episodes
        if recalled.value is not None
    )
    return JudgeRecord(said_by=said_by, value=value, probabilities=probabilities, near=near)


def track_in(records: Records, spec: JudgeSpec, said_by: str) -> Track:
    """A judge's track record; read and fitted once, then kept until an episode changes."""

    def read() -> Track:
        return track_of(records.said_by(spec.name, said_by), spec.value_type, said_by)

    return records.derived(spec.name, said_by, read)


def track_of(episodes: Iterable[Episode], value_type: ValueType, said_by: str) -> Track:
    """The track record in some episodes, which counts each case once."""
    by_case: dict[str, list[Episode]] = {}
    for episode in episodes:
        record = episode.judge_record
        if record is not None and record.said_by == said_by and episode.value is not None:
            by_case.setdefault(episode.case.key, []).append(episode)
    levels = Levels(value_type)
    cases, unscored = [], 0
    for said in sorted(by_case.values(), key=lambda said: (said[-1].created_at, said[-1].id)):
        counts = deciding(said)
        record = counts.judge_record
        if record is None or counts.value is None:
            continue
        if record.value is None:
            unscored += 1
        elif _is_one(levels, counts.value) and _is_one(levels, record.value):
            cases.append(TrackCase(counts.value, record.value, record))
    return Track(value_type, tuple(cases[-_NEWEST:]), unscored)


def _is_one(levels: Levels, value: Value) -> bool:
    """Whether a value is of the type; what was said before it was redefined may not be."""
    try:
        levels.value_type.check(value)
    except InvalidInputError:
        return False
    return True
