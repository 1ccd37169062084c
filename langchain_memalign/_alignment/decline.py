"""Whether a judge agrees less with its experts since it last learned.

It costs no model call: what the judge had said of a case before its expert spoke is known in
reviews, and wherever feedback brings it along. Of a batch, that is what the judge said as the last
alignments had left it.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import comb

from langchain_memalign.schema import Episode

FEWEST_KNOWN = 4
"""With fewer cases nothing can be told."""

_CHANCE = 0.05


def decline_among(earlier: Iterable[Episode], new: Iterable[Episode]) -> str | None:
    """A warning with the figures, if the judge agreed clearly less on the new cases.

    Told by Fisher's exact test of one side: where nothing has changed, a batch is warned of with a
    chance of at most 1 in 20.

    Args:
        earlier: What the judge had learned from before.
        new: What it is told now.
    """
    before, after = _agreements(earlier), _agreements(new)
    if min(len(before), len(after)) < FEWEST_KNOWN:
        return None
    if _chance(sum(before), len(before), sum(after), len(after)) > _CHANCE:
        return None
    return (
        f"the judge agreed with the experts on {sum(after)} of {len(after)} new cases, and on "
        f"{sum(before)} of {len(before)} before: what it learned last may have made it worse."
    )


def is_known(episode: Episode) -> bool:
    """Whether both the judge's own value and the expert's are known."""
    return episode.judge_value is not None and episode.value is not None


def _agreements(episodes: Iterable[Episode]) -> list[bool]:
    return [e.judge_value == e.value for e in episodes if is_known(e)]


def _chance(before: int, of_before: int, after: int, of_after: int) -> float:
    """How likely so few or fewer agree after, if it were as likely there as before."""
    agreeing, cases = before + after, of_before + of_after
    fewest = max(0, agreeing - of_before)
    ways = sum(comb(of_after, n) * comb(of_before, agreeing - n) for n in range(fewest, after + 1))
    return ways / comb(cases, agreeing)
