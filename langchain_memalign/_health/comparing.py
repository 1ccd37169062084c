"""What of a judge's health is worse than before, beyond chance."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import ValidationError

from langchain_memalign._health.statistics import fisher, steeper
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import HealthReport, Rate

Baseline: TypeAlias = HealthReport | Mapping[str, Any] | str | os.PathLike[str]
"""An earlier report, as it is, as JSON data, or the file in which it stands as JSON."""

_ERROR = 0.05

_RISES = (
    ("flips", "Verdicts flip more often when the same is asked again"),
    ("flips_shuffled", "Verdicts flip more often when past cases are shuffled"),
    ("flips_swapped", "Verdicts on pairs follow less often when both change places"),
    ("unscored", "It reaches no verdict more often"),
)
_FALLS = (
    ("agreement", "Experts agree with it less often"),
    ("tpr", "It passes fewer of the cases that should pass"),
    ("tnr", "It fails fewer of the cases that should fail"),
)


def read_baseline(baseline: Baseline | None) -> HealthReport | None:
    """The earlier report that a user gave.

    Raises:
        InvalidInputError: It is none, or the file cannot be read.
    """
    if baseline is None or isinstance(baseline, HealthReport):
        return baseline
    if not isinstance(baseline, Mapping | str | os.PathLike):
        raise InvalidInputError(
            f"baseline: found {baseline!r:.60}; expected an earlier health report, or the file in "
            "which it stands as JSON."
        )
    where = "" if isinstance(baseline, Mapping) else f" in {os.fspath(baseline)}"
    try:
        if isinstance(baseline, Mapping):
            return HealthReport.model_validate(dict(baseline))
        return HealthReport.model_validate_json(Path(baseline).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"baseline: cannot read{where}: {error}.") from error
    except (ValidationError, ValueError) as error:
        raise InvalidInputError(
            f"baseline: found no health report{where} ({' '.join(str(error).split())[:200]}); "
            "expected one as JSON, as `memalign health --json` prints it."
        ) from error


def worse_than(now: HealthReport, before: HealthReport | None) -> tuple[str, ...]:
    """What is worse, in sentences.

    Each figure is tested one-sided; together they cry wolf in at most 5 % of the comparisons of a
    judge that did not change (S. Holm, A simple sequentially rejective multiple test procedure,
    Scandinavian Journal of Statistics 6 (1979), pages 65-70).

    Args:
        now: The report.
        before: An earlier one; None for none, then only drift counts.
    """
    tests = sorted(_tests(now, before))
    found = []
    for number, (chance, said) in enumerate(tests):
        if chance > _ERROR / (len(tests) - number):
            break
        found.append(said)
    return tuple(found)


def _tests(now: HealthReport, before: HealthReport | None) -> Iterator[tuple[float, str]]:
    if (drift := now.drift) is not None:
        lost = drift.lost > drift.gained
        said = f"{_shares(drift.before, drift.now)}, compared with {drift.since}"
        # It is two-sided: of the side that is worse, half.
        yield (
            drift.chance / 2 if lost else 1.0,
            f"Experts agree with it less often on the same cases ({said}).",
        )
    if before is None:
        return
    for names, rises in ((_RISES, True), (_FALLS, False)):
        for name, said in names:
            one, other = getattr(now, name), getattr(before, name)
            if one is None or other is None or not one.cases or not other.cases:
                continue
            chance = fisher(one, other) if rises else fisher(other, one)
            yield chance, f"{said} ({_shares(other, one)})."
    if now.length is not None and before.length is not None:
        said = f"{before.length.value:+.3f} -> {now.length.value:+.3f} a doubling"
        line = f"Its error depends more on the outputs' length ({said})."
        yield steeper(now.length, before.length), line


def _shares(before: Rate, now: Rate) -> str:
    return f"{before.value or 0.0:.3f} -> {now.value or 0.0:.3f}"
