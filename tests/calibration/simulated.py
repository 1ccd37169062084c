"""The simulated judges of the benchmarks, for tests."""

import sys

from pages import ROOT

sys.path.append(str(ROOT / "benchmarks"))

from simulated_judges import (
    LABELS,
    SHARE,
    STARS,
    case,
    generous,
    habits,
    labels_right,
    noise,
    overconfident,
    track,
    with_precedents,
)

__all__ = [
    "LABELS",
    "SHARE",
    "STARS",
    "case",
    "generous",
    "habits",
    "labels_right",
    "noise",
    "overconfident",
    "track",
    "with_precedents",
]
