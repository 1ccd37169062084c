"""How sure a verdict is, in words."""

from __future__ import annotations

from collections.abc import Callable

from langchain_memalign._values.types import JudgeSpec
from langchain_memalign.schema import Value, Verdict

_MOST_VALUES = 6


def confidence_in_words(spec: JudgeSpec, verdict: Verdict) -> list[str]:
    """How sure a verdict is, in sentences and in a judge's own words for its values."""
    return how_sure(verdict, spec.value_in_words)


def how_sure(verdict: Verdict, in_words: Callable[[Value], str]) -> list[str]:
    """How sure a verdict is, in sentences; none if nothing is known."""
    said = []
    if verdict.confidence is not None:
        said.append(f"Confidence that an expert agrees: {percent(verdict.confidence)}.")
    if verdict.raw_value is not None:
        said.append(f"The model itself said {in_words(verdict.raw_value)}.")
    if verdict.probabilities is not None:
        ranked = sorted(verdict.probabilities.items(), key=lambda pair: -pair[1])
        told = [f"{in_words(value)} {percent(p)}" for value, p in ranked]
        more = [f"{len(told) - _MOST_VALUES} more"] if len(told) > _MOST_VALUES else []
        said.append(f"How likely each value is: {', '.join([*told[:_MOST_VALUES], *more])}.")
    if verdict.decided_by is not None:
        said.append(f"Decided by {verdict.decided_by}.")
    if verdict.second_problem is not None:
        said.append(f"A second judge was asked and reached no verdict: {verdict.second_problem}")
    return said


def percent(probability: float) -> str:
    """A probability in percent; what is not certain is never called so."""
    if 0 < probability < 0.01:
        return "under 1 %"
    if 0.99 < probability < 1:
        return "over 99 %"
    return f"{probability:.0%}".replace("%", " %")
