"""How many cases of a data set would pass if experts judged it, from a judge that errs."""

from __future__ import annotations

import math

from langchain_memalign._health.statistics import Z
from langchain_memalign.schema import PassRate, Rate

_LEAST_OF_EACH = 5


def corrected(observed: Rate, tpr: Rate, tnr: Rate) -> PassRate:
    """Correct the share to which a judge says true for its errors.

    The estimate is that of W. J. Rogan and B. Gladen, Estimating prevalence from the results of a
    screening test, American Journal of Epidemiology 107 (1978), pages 71-76; the interval that of
    Z. Lang and J. Reiczigel, Confidence limits for prevalence of disease adjusted for estimated
    sensitivity and specificity, Preventive Veterinary Medicine 113 (2014), pages 13-22, which
    counts that TPR and TNR are estimates, too.

    Args:
        observed: The share to which the judge says true, of the data set.
        tpr: Of cases that experts call true, the share that the judge calls true.
        tnr: Of cases that they call false, the share that it calls false.

    Returns:
        The corrected share, between 0 and 1; refused where the judge is not known to tell true
        from false better than chance (the sum of TPR and TNR may be 1), or too few cases tell.
    """
    if observed.value is None:
        return PassRate(observed=observed, why="the judge gave no verdict on the data set.")
    if min(tpr.cases, tnr.cases) < _LEAST_OF_EACH or tpr.value is None or tnr.value is None:
        why = (
            f"experts called {tpr.cases} of the cases asked about true and {tnr.cases} false; at "
            f"least {_LEAST_OF_EACH} of each are needed to know the judge's errors."
        )
        return PassRate(observed=observed, why=why)
    youden = tpr.value + tnr.value - 1
    error = math.sqrt(sum(_variance(share) for share in (tpr, tnr)))
    if youden - Z * error <= 0:
        why = (
            f"TPR and TNR add up to {tpr.value + tnr.value:.2f} (n = {tpr.cases} and {tnr.cases}), "
            "which may as well be 1, as for a judge that guesses; so nothing can be corrected."
        )
        return PassRate(observed=observed, why=why)
    low, high = _limits(observed, tpr, tnr)
    return PassRate(
        observed=observed,
        value=_clipped((observed.value + tnr.value - 1) / youden),
        low=_clipped(low),
        high=_clipped(high),
    )


def _limits(observed: Rate, tpr: Rate, tnr: Rate) -> tuple[float, float]:
    count = observed.cases + Z**2
    seen = (observed.count + Z**2 / 2) / count
    yes, no = tpr.cases + 2, tnr.cases + 2
    hit, spared = (tpr.count + 1) / yes, (tnr.count + 1) / no
    youden = hit + spared - 1
    share = (seen + spared - 1) / youden
    of_hit, of_spared = hit * (1 - hit) / yes, spared * (1 - spared) / no
    shift = 2 * Z**2 * (share * of_hit - (1 - share) * of_spared)
    variance = seen * (1 - seen) / count + (1 - share) ** 2 * of_spared + share**2 * of_hit
    wide = Z * math.sqrt(variance) / abs(youden)
    return share + shift - wide, share + shift + wide


def _variance(share: Rate) -> float:
    """Of the share, drawn a little to the middle, so that one of all or none has some."""
    value = (share.count + 1) / (share.cases + 2)
    return value * (1 - value) / (share.cases + 2)


def _clipped(value: float) -> float:
    return min(1.0, max(0.0, value))
