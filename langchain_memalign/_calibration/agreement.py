"""How far a judge agrees with experts, in figures, from its track record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from langchain_memalign._calibration.binomial import rate
from langchain_memalign._calibration.promise import AtLeast, threshold_of
from langchain_memalign._calibration.track import Track
from langchain_memalign._values.types import value_key, value_text
from langchain_memalign.schema import AgreementReport, CalibrationReport, Rate, Threshold, Value

_FEW_KINDS = 2

Pair = tuple[Value, Value]
"""What the expert said, and what the judge said."""


def agreement_of(
    track: Track, *, confidence: float = 0.95, unasked: int = 0, outdated: int = 0
) -> AgreementReport:
    """The figures of a track record.

    Args:
        track: The track record.
        confidence: The level of the intervals.
        unasked: On how many further cases it is not known what the judge says unseen.
        outdated: Of how many of these it is known of the judge as it was before.
    """
    expert = [case.value for case in track.cases]
    judge = [given.value for given in track.without_each]
    pairs = list(zip(expert, judge, strict=True))
    as_said = list(zip(expert, (case.said for case in track.cases), strict=True))
    is_boolean = track.value_type.kind == "boolean"
    always_yes = [(value, True) for value in expert] if is_boolean else []
    return AgreementReport(
        agreement=_agreeing(track, "agreement", pairs, confidence),
        confidence=confidence,
        kappa=None if track.levels.is_cut else _kappa(pairs),
        by_value=() if track.levels.is_cut else _by_value(track, pairs, confidence),
        always_yes=_agreeing(track, "always yes", always_yes, confidence) if is_boolean else None,
        majority=_majority(track, expert, confidence),
        is_calibrated=track.is_calibrated,
        as_said=_agreeing(track, "as said", as_said, confidence),
        unscored=track.unscored,
        unasked=unasked,
        outdated=outdated,
    )


def promised(track: Track, asked: AtLeast) -> Threshold:
    """From which confidence on a promise holds for the judge of a track record; found once."""
    if (found := track.promises.get(asked)) is not None:
        return found
    kinds = len({track.levels.level(given.value) for given in track.without_each})
    given = track.without_each
    if kinds <= _FEW_KINDS and not track.is_calibrated:
        # Then confidence only says which of two kinds is the surer, and each order has its share
        # of the error. Left out, a case would rank before its kind just where experts differed.
        given = tuple(track.says(case.said, case.record) for case in track.cases)
    cases = [
        (made.confidence or 0.0, track.levels.agree(made.value, case.value))
        for made, case in zip(given, track.cases, strict=True)
    ]
    found = threshold_of(cases, asked, kinds=kinds, unscored=track.unscored)
    track.promises[asked] = found
    return found


def calibration_of(track: Track) -> CalibrationReport:
    """Whether the map from a judge's answers to experts' is used, and on what evidence."""
    told = CalibrationReport(cases=len(track.cases), unscored=track.unscored)
    found = track.evidence
    if found is None:
        why = f"found {len(track.cases)} cases; a map takes at least {track.least_cases}."
        return told.model_copy(update={"why": why})
    if found.pays:
        why = "it lowers the log loss by more than its standard error."
    else:
        why = "it does not lower the log loss by more than its standard error."
    update = {
        "is_used": found.pays,
        "log_loss_before": found.before,
        "log_loss_after": found.after,
        "gain": found.gain,
        "standard_error": found.standard_error,
        "why": why,
    }
    return told.model_copy(update=update)


def _agreeing(track: Track, name: str, pairs: Sequence[Pair], confidence: float) -> Rate:
    agreed = sum(track.levels.agree(expert, judge) for expert, judge in pairs)
    return rate(name, agreed, len(pairs), confidence=confidence)


def _by_value(track: Track, pairs: Sequence[Pair], confidence: float) -> tuple[Rate, ...]:
    names = {"true": "TPR", "false": "TNR"} if track.value_type.kind == "boolean" else {}
    found = []
    for value in track.levels.values:
        theirs = [pair for pair in pairs if value_key(pair[0]) == value_key(value)]
        name = names.get(value_text(value), f"recall of {value_text(value)}")
        found.append(_agreeing(track, name, theirs, confidence))
    return tuple(found)


def _majority(track: Track, expert: Sequence[Value], confidence: float) -> Rate:
    counts = Counter(map(track.levels.level, expert))
    if not counts:
        return rate("always the majority", 0, 0)
    # Of equally frequent values the first in the order of the value type, so that none is chance.
    level = min(counts, key=lambda number: (-counts[number], number or 0))
    value = track.levels.values[level or 0]
    pairs = [(given, value) for given in expert]
    return _agreeing(track, f"always {value_text(value)}", pairs, confidence)


def _kappa(pairs: Sequence[Pair]) -> float | None:
    """Cohen's kappa; None where both sides used one and the same value only.

    Source: J. Cohen, A coefficient of agreement for nominal scales, Educational and Psychological
    Measurement 20 (1960), pages 37-46.
    """
    count = len(pairs)
    if not count:
        return None
    keys = [(value_key(expert), value_key(judge)) for expert, judge in pairs]
    observed = sum(expert == judge for expert, judge in keys) / count
    theirs, its = Counter(e for e, _ in keys), Counter(j for _, j in keys)
    expected = sum(theirs[key] * its[key] for key in theirs) / count**2
    return None if expected == 1 else (observed - expected) / (1 - expected)
