"""Whether a series of measurements grows, told from its slope rather than from its ends."""

from dataclasses import dataclass
from statistics import median

WARM_UP = 0.3
"""Part of a run that is not judged: caches fill, pools start, the allocator finds its size."""


@dataclass(frozen=True, kw_only=True)
class Trend:
    """Where a series is going.

    Attributes:
        level: Median after the warm-up, in the series' own unit.
        growth: What the slope adds from the end of the warm-up to the end of the run.
        per_thousand: What the slope adds in a thousand cycles.
        limit: The growth that is still called flat.
    """

    level: float
    growth: float
    per_thousand: float
    limit: float

    @property
    def is_flat(self):
        return self.growth <= self.limit


def trend(cycles, values, *, share, least):
    """Judge a series by its Theil-Sen slope, which single spikes do not move.

    Args:
        cycles: How many cycles had run at each measurement.
        values: The measurements.
        share: Growth that is still flat, as a part of the level.
        least: Growth that is flat in any case, in the unit of the series.

    Source of the estimator: Sen, "Estimates of the Regression Coefficient Based on Kendall's Tau",
    1968, https://doi.org/10.1080/01621459.1968.10480934.
    """
    begin = cycles[0] + WARM_UP * (cycles[-1] - cycles[0])
    points = [(x, y) for x, y in zip(cycles, values, strict=True) if x >= begin]
    slopes = [
        (y2 - y1) / (x2 - x1)
        for i, (x1, y1) in enumerate(points)
        for x2, y2 in points[i + 1 :]
        if x2 > x1
    ]
    if not slopes:
        raise ValueError(f"found {len(points)} measurements after the warm-up; expected 2 or more.")
    slope = median(slopes)
    level = median(y for _, y in points)
    return Trend(
        level=level,
        growth=slope * (points[-1][0] - points[0][0]),
        per_thousand=slope * 1000,
        limit=max(least, share * level),
    )
