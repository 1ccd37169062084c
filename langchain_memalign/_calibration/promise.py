"""From which confidence on a judge agrees with experts at least so often.

Thresholds are tried from a high one downwards on a fixed grid, each by an exact binomial test of
the cases above it, and the last before the first that fails is taken. Testing in a fixed order
until the first failure keeps the chance of a wrong promise at the level of one test. Which kinds of
answers are the surest is learned from the same cases, though, so there are as many orders as kinds
of answers; the error that is allowed is shared among them, among three at most.

Sources: A. Angelopoulos and others, Learn then test (arXiv 2110.01052); J. Jung, F. Brahman and
Y. Choi, Trust or escalate: LLM judges with provable guarantees for human agreement (arXiv
2407.18370), for judges.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from langchain_memalign._calibration.binomial import (
    cases_needed,
    chance_of_at_least,
    lower_bound,
    rate,
)
from langchain_memalign.schema import Record, Threshold

_MOST_ORDERS = 3
_GRID = tuple(step / 100 for step in range(99, -1, -1))


class AtLeast(Record):
    """A promise: experts agree at least so often with what is covered by it.

    Attributes:
        agreement: How often.
        confidence: How certain the promise is to hold.
    """

    agreement: Annotated[float, Field(gt=0, lt=1)]
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95


def threshold_of(
    cases: Sequence[tuple[float, bool]], asked: AtLeast, *, kinds: int = 1, unscored: int = 0
) -> Threshold:
    """The lowest threshold from which on the promise holds.

    Args:
        cases: For each case, how sure the judge was, the case itself left out of what makes it
            sure, and whether the expert agreed.
        asked: What is to be promised.
        kinds: How many different values the judge gave.
        unscored: How many further cases had no verdict.
    """
    allowed = 1 - asked.confidence
    error = allowed / max(1, min(kinds, _MOST_ORDERS))
    needed = cases_needed(asked.agreement, error)
    total = len(cases) + unscored
    found: float | None = None
    covered = 0
    for at in _grid_from(cases, needed):
        above = [agreed for sure, agreed in cases if sure >= at]
        if chance_of_at_least(sum(above), len(above), asked.agreement) > error:
            break
        if len(above) > covered:  # where nothing is recorded, nothing is tried out, either
            found, covered = at, len(above)
    in_all = sum(agreed for _, agreed in cases)
    told = Threshold(
        agreement=asked.agreement,
        confidence=asked.confidence,
        cases=total,
        needed=needed,
        most=lower_bound(in_all, len(cases), allowed) if cases else None,
    )
    if found is None:
        return told
    above = [agreed for sure, agreed in cases if sure >= found]
    agreed = rate("agreed", sum(above), len(above), confidence=asked.confidence)
    update = {"value": found, "coverage": len(above) / total, "agreed": agreed}
    return told.model_copy(update=update)


def _grid_from(cases: Sequence[tuple[float, bool]], needed: int) -> Sequence[float]:
    """The grid from the first threshold that enough cases reach for a promise to be possible."""
    for number, at in enumerate(_GRID):
        if sum(sure >= at for sure, _ in cases) >= needed:
            return _GRID[number:]
    return ()
