"""Which cases a judge is asked about, and in which ways."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from langchain_memalign._calibration.levels import Levels
from langchain_memalign._calibration.reading import record_by, valued_by_case
from langchain_memalign._setup import JudgeSetup
from langchain_memalign._values import ValueType
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Case, Episode, Value, WorkingMemory, deciding

_MOST_TRIES = 20


@dataclass(frozen=True)
class Question:
    """A case with what experts said of it, and the value that counts."""

    said: tuple[Episode, ...]
    expert: Value

    @property
    def case(self) -> Case:
        """The case."""
        return self.said[0].case


def questions_in(setup: JudgeSetup, *, sample: int | None, seed: int) -> list[Question]:
    """The cases with an expert's value that a judge can be asked about.

    Which ones are in a sample depends on each case alone, so that one that is drawn later, from a
    memory that has grown, is mostly the same.

    Args:
        setup: The judge.
        sample: Most cases; None for all.
        seed: Draws another sample.
    """
    levels = Levels(setup.spec.value_type)
    found = {}
    for key, said in valued_by_case(setup.records.episodes(setup.spec.name)).items():
        expert = deciding(said).value
        if expert is not None and _is_one(levels.value_type, expert):
            found[key] = Question(tuple(said), expert)
    keys = sorted(found, key=lambda key: hashlib.sha256(f"{seed} {key}".encode()).digest())
    return [found[key] for key in keys[:sample]]


def most_calls(
    setup: JudgeSetup, questions: Sequence[Question], *, pairs: bool, principles: int, data: int
) -> int:
    """The most model calls that asking takes, but for repairs and retries.

    Args:
        setup: The judge.
        questions: The cases.
        pairs: Whether they are pairs.
        principles: How many principles are left out, one at a time.
        data: How many cases there are whose pass rate is wanted.
    """
    shuffled = setup.budgets.k > 1 and len(questions) > 2
    return len(questions) * (2 + shuffled + pairs + principles) + data


def is_pair(value_type: ValueType, case: Case) -> bool:
    """Whether a case is a pair of outputs of which the value names the better one."""
    outputs = case.outputs
    return (
        isinstance(outputs, dict) and len(outputs) == 2 and set(outputs) <= set(value_type.labels)
    )


def swapped(case: Case) -> Case:
    """A pair with both outputs in each other's place."""
    assert isinstance(case.outputs, dict)
    (one, first), (other, second) = case.outputs.items()
    return case.model_copy(update={"outputs": {one: second, other: first}})


def swapped_back(case: Case, value: Value) -> Value:
    """What a value that was given to the swapped pair says of the pair itself."""
    assert isinstance(case.outputs, dict)
    one, other = case.outputs
    return {one: other, other: one}.get(value, value) if isinstance(value, str) else value


def shuffled(memory: WorkingMemory, seed: str) -> WorkingMemory | None:
    """The same with its past cases in another order; None where there is no other."""
    if len(memory.episodes) < 2:
        return None
    order, drawn = list(memory.episodes), random.Random(seed)
    for _ in range(_MOST_TRIES):
        drawn.shuffle(order)
        if tuple(order) != memory.episodes:
            break
    return memory.model_copy(update={"episodes": tuple(order)})


def without_principle(memory: WorkingMemory, id_: str) -> WorkingMemory:
    """The same without one of its principles."""
    kept = tuple(p for p in memory.principles if p.id != id_)
    return memory.model_copy(
        update={"principles": kept, "principles_total": memory.principles_total - 1}
    )


def compared_with(questions: Sequence[Question], said_by: str) -> str | None:
    """The digest of the judge that drift is measured against; None where nothing is on record.

    Another model, prompt or value type of which most is known; else the same judge.
    """
    known = Counter(
        record.said_by
        for question in questions
        for record in deciding(question.said).judge_records
        if record.value is not None
    )
    others = [(count, digest) for digest, count in known.items() if digest != said_by]
    return max(others)[1] if others else (said_by if said_by in known else None)


def said_before(question: Question, digest: str) -> Value | None:
    """What the judge of a digest said of a case, before any calibration."""
    record = record_by(digest, deciding(question.said))
    return record.value if record is not None else None


def _is_one(value_type: ValueType, value: Value) -> bool:
    """Whether a value is of the type; what was said before it was redefined may not be."""
    try:
        value_type.check(value)
    except InvalidInputError:
        return False
    return True
