"""From a judge's answers, asked in several ways, to figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from langchain_memalign._calibration.binomial import rate
from langchain_memalign._calibration.levels import Levels
from langchain_memalign._health.pass_rate import corrected
from langchain_memalign._health.questions import (
    Question,
    compared_with,
    is_pair,
    said_before,
)
from langchain_memalign._health.statistics import gap, mcnemar, slope
from langchain_memalign._prompts.content import embedding_texts
from langchain_memalign.schema import (
    Case,
    Drift,
    PassRate,
    Principle,
    PrincipleEffect,
    Rate,
    Slope,
    Value,
)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a judge says of one case, asked in several ways; None where it reached no verdict.

    Attributes:
        plain: As it judges.
        raw: What this judge itself says, before any calibration, and before another is asked.
        again: The very same asked once more.
        shuffled: With its past cases in another order, in a tuple; () where there is none.
        swapped: With the two of a pair changed, read back, in a tuple; () where it is no pair.
        without: Without each of its principles, by id.
    """

    question: Question
    plain: Value | None
    raw: Value | None
    again: Value | None
    shuffled: tuple[Value | None, ...] = ()
    swapped: tuple[Value | None, ...] = ()
    without: Mapping[str, Value | None] = field(default_factory=dict)


def figures_of(
    levels: Levels,
    answers: Sequence[Answers],
    *,
    said_by: str,
    beside: AbstractSet[str],
    principles: Sequence[Principle],
    judged: Sequence[Value | None],
) -> dict[str, Any]:
    """The fields of a `HealthReport` that come of what was asked.

    Args:
        levels: The judge's values.
        answers: What it said of cases with an expert's value.
        said_by: Digest of the judge.
        beside: Those of the judges that it asks where it is not sure.
        principles: Those that were left out.
        judged: What it said of a data set.
    """
    scored = [a for a in answers if a.plain is not None]
    agreed = [levels.agree(a.plain, a.question.expert) for a in scored if a.plain is not None]
    notes: list[str] = []
    told: dict[str, Any] = {
        "agreement": rate("agreement", sum(agreed), len(agreed)),
        "unscored": rate("unscored", len(answers) - len(scored), len(answers)),
        "flips": _flips(levels, "flips", ((a.plain, a.again) for a in answers)),
        "flips_shuffled": _flips(
            levels, "flips when shuffled", ((a.plain, s) for a in answers for s in a.shuffled)
        ),
        "flips_swapped": _flips(
            levels, "flips when swapped", ((a.plain, s) for a in answers for s in a.swapped)
        ),
        "prefers_first": _prefers_first(answers),
        "length": _by_length(levels, scored),
        "drift": _drift(levels, answers, said_by, beside),
        "principles": _effects(levels, answers, principles),
    }
    if levels.value_type.kind == "boolean":
        tpr, tnr = _share_of(scored, "TPR", True), _share_of(scored, "TNR", False)
        told |= {"tpr": tpr, "tnr": tnr, "agreeableness": gap(tpr, tnr)}
        if judged:
            told["pass_rate"] = _pass_rate(judged, tpr, tnr)
    elif judged:
        notes.append("There is a pass rate only for judges whose values are true and false.")
    if told["length"] is None and scored:
        notes.append(
            "To see how the error depends on the outputs' length, ten cases with a verdict and "
            "with different lengths are needed, and ordered values, or pairs."
        )
    if told["drift"] is None and answers:
        notes.append(
            "There is nothing to compare with, because no earlier answer of the judge is on "
            "record. Reviews, `align(probe=True)` and `calibrate()` record them."
        )
    return {name: value for name, value in told.items() if value not in (None, ())} | {
        "notes": tuple(notes)
    }


def _flips(
    levels: Levels, name: str, pairs: Iterable[tuple[Value | None, Value | None]]
) -> Rate | None:
    """How often two answers differ, of those pairs of which at least one is a verdict."""
    told = [(one, other) for one, other in pairs if not (one is None and other is None)]
    differ = [one is None or other is None or not levels.agree(one, other) for one, other in told]
    return rate(name, sum(differ), len(told)) if told else None


def _prefers_first(answers: Sequence[Answers]) -> Rate | None:
    """Of pairs: how often the one that stood first won both times, of first and second."""
    first = second = 0
    for answer in answers:
        for back in answer.swapped:
            outputs = answer.question.case.outputs
            assert isinstance(outputs, dict)
            names = tuple(outputs)
            if answer.plain in names and back in names and answer.plain != back:
                # Read back, the one that stood first the second time is the other one.
                first += answer.plain == names[0]
                second += answer.plain == names[1]
    return rate("the first wins", first, first + second) if first + second else None


def _by_length(levels: Levels, scored: Sequence[Answers]) -> Slope | None:
    lengths, errors = [], []
    for answer in scored:
        case, plain = answer.question.case, answer.plain
        if plain is None:
            continue
        if is_pair(levels.value_type, case):
            length = _log_ratio(case)
            error: float | None = _for_first(case, plain) - _for_first(case, answer.question.expert)
        else:
            length = _log_length(embedding_texts(case)[1])
            error = _error(levels, plain, answer.question.expert)
        if length is not None and error is not None:
            lengths.append(length)
            errors.append(error)
    return slope(lengths, errors)


def _error(levels: Levels, judge: Value, expert: Value) -> float | None:
    """How much the judge's value exceeds the expert's, as a share of the scale."""
    if levels.value_type.kind == "boolean":
        return float(judge) - float(expert)
    if not levels.value_type.is_ordered:
        return None
    return levels.place(judge) - levels.place(expert)


def _for_first(case: Case, value: Value) -> float:
    """How far a value speaks for the first of a pair: 1, or 0 for the second, a tie between."""
    assert isinstance(case.outputs, dict)
    one, other = case.outputs
    return {one: 1.0, other: 0.0}.get(value, 0.5) if isinstance(value, str) else 0.5


def _log_length(text: str | None) -> float | None:
    return math.log2(len(text)) if text else None


def _log_ratio(case: Case) -> float | None:
    """How many doublings longer the first of a pair is than the second."""
    assert isinstance(case.outputs, dict)
    one, other = (_log_length(embedding_texts(Case(outputs=o))[1]) for o in case.outputs.values())
    return None if one is None or other is None else one - other


def _share_of(scored: Sequence[Answers], name: str, value: Value) -> Rate:
    theirs = [answer for answer in scored if answer.question.expert is value]
    return rate(name, sum(answer.plain is value for answer in theirs), len(theirs))


def _pass_rate(judged: Sequence[Value | None], tpr: Rate, tnr: Rate) -> PassRate:
    told = [value for value in judged if value is not None]
    observed = rate("pass rate, as judged", sum(value is True for value in told), len(told))
    return corrected(observed, tpr, tnr)


def _drift(
    levels: Levels, answers: Sequence[Answers], said_by: str, beside: AbstractSet[str]
) -> Drift | None:
    digest = compared_with([answer.question for answer in answers], said_by, beside=beside)
    if digest is None:
        return None
    pairs = []
    for answer in answers:
        before = said_before(answer.question, digest)
        if before is not None and answer.raw is not None:
            expert = answer.question.expert
            pairs.append((_agrees(levels, before, expert), _agrees(levels, answer.raw, expert)))
    if not pairs:
        return None
    gained = sum(now and not before for before, now in pairs)
    lost = sum(before and not now for before, now in pairs)
    return Drift(
        since="itself, earlier" if digest == said_by else "the judge with another model or prompt",
        before=rate("agreement before", sum(before for before, _ in pairs), len(pairs)),
        now=rate("agreement now", sum(now for _, now in pairs), len(pairs)),
        gained=gained,
        lost=lost,
        chance=mcnemar(gained, lost),
    )


def _agrees(levels: Levels, said: Value, expert: Value) -> bool:
    # What was said with values that the judge no longer gives agrees with nothing.
    return levels.level(said) is not None and levels.agree(said, expert)


def _effects(
    levels: Levels, answers: Sequence[Answers], principles: Sequence[Principle]
) -> tuple[PrincipleEffect, ...]:
    found = []
    for principle in principles:
        told = [
            (a.plain, without, a.question.expert)
            for a in answers
            if (without := a.without.get(principle.id)) is not None and a.plain is not None
        ]
        right = [(levels.agree(w, e), levels.agree(wo, e)) for w, wo, e in told]
        effect = PrincipleEffect(
            id=principle.id,
            text=principle.text,
            cases=len(told),
            changed=sum(not levels.agree(with_it, without) for with_it, without, _ in told),
            helped=sum(with_it and not without for with_it, without in right),
            hurt=sum(without and not with_it for with_it, without in right),
        )
        found.append(effect)
    return tuple(sorted(found, key=lambda effect: (effect.helped - effect.hurt, effect.text)))
