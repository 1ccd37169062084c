"""Which cases a judge is asked about, and in which ways."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from langchain_memalign._calibration.reading import record_by, valued_by_case, words_by_case
from langchain_memalign._judging.setup import JudgeSetup
from langchain_memalign._values.types import ValueType
from langchain_memalign.schema import Case, Episode, Value, WorkingMemory, deciding

_MOST_TRIES = 20


@dataclass(frozen=True)
class Question:
    """A case with what experts said of it, and the value that counts.

    Attributes:
        said: What they said with a value.
        words: All that they said of it, also remarks without a value.
        expert: The value that counts.
    """

    said: tuple[Episode, ...]
    words: tuple[Episode, ...]
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
    found = {}
    episodes = setup.records.episodes(setup.spec.name)
    words = words_by_case(episodes)
    for key, said in valued_by_case(episodes, setup.spec.value_type).items():
        if (expert := deciding(said).value) is not None:
            found[key] = Question(tuple(said), tuple(words[key]), expert)
    keys = sorted(found, key=lambda key: hashlib.sha256(f"{seed} {key}".encode()).digest())
    return [found[key] for key in keys[:sample]]


def most_calls(
    setup: JudgeSetup, questions: Sequence[Question], *, pairs: bool, principles: int, data: int
) -> int:
    """The most model calls that asking takes, but for repairs and retries.

    A judge that asks others where it is not sure takes a call of each.

    Args:
        setup: The judge.
        questions: The cases.
        pairs: Whether they are pairs.
        principles: How many principles are left out, one at a time.
        data: How many cases there are whose pass rate is wanted.
    """
    shuffled = setup.budgets.k > 1 and len(questions) > 2
    asked = len(questions) * (2 + shuffled + pairs + principles) + data
    return asked * len(setup.in_turn)


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
    """The same without one of its principles, if it is among them."""
    kept = tuple(p for p in memory.principles if p.id != id_)
    total = memory.principles_total - (len(memory.principles) - len(kept))
    return memory.model_copy(update={"principles": kept, "principles_total": total})


def compared_with(
    questions: Sequence[Question], said_by: str, *, beside: AbstractSet[str] = frozenset()
) -> str | None:
    """The digest of the judge that drift is measured against; None where nothing is on record.

    Another model, prompt or value type of which most is known; else the same judge.

    Args:
        questions: The cases.
        said_by: Digest of the judge.
        beside: Those of the judges that it asks where it is not sure: they did not come before it.
    """
    known = Counter(
        record.said_by
        for question in questions
        for record in deciding(question.said).judge_records
        if record.value is not None
    )
    others = [
        (count, digest) for digest, count in known.items() if digest not in {said_by, *beside}
    ]
    return max(others)[1] if others else (said_by if said_by in known else None)


def said_before(question: Question, digest: str) -> Value | None:
    """What the judge of a digest said of a case, before any calibration."""
    record = record_by(digest, deciding(question.said))
    return record.value if record is not None else None
