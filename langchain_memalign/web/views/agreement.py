"""How often the judge had an expert's answer before it was given; no model is asked."""

from __future__ import annotations

import bisect
import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from langchain_memalign._values.types import value_key
from langchain_memalign.schema import Value
from langchain_memalign.web import words
from langchain_memalign.web.index import Entry, same
from langchain_memalign.web.wording import Option, Words

FEWEST = 20
WINDOW = 40
_TENTH = 0.1

Agrees: TypeAlias = Callable[[Value, Value], bool]


@dataclass(frozen=True)
class Share:
    """So many of so many, with the 95 % range of what is likely."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """The share; 0 of none."""
        return self.hits / self.total if self.total else 0.0

    @property
    def percent(self) -> str:
        """As a whole number of per cent."""
        return f"{round(100 * self.value)}%" if self.total else ""

    @property
    def range(self) -> tuple[float, float]:
        """Wilson's score interval (1927), which is right for few answers and near 0 and 1."""
        n, z = self.total, 1.959964
        if not n:
            return 0.0, 1.0
        middle = (self.value + z * z / (2 * n)) / (1 + z * z / n)
        spread = z / (1 + z * z / n)
        spread *= math.sqrt(self.value * (1 - self.value) / n + z * z / (4 * n * n))
        # Rounding must not leave the share outside of its own range.
        low, high = max(0.0, middle - spread), min(1.0, middle + spread)
        return min(low, self.value), max(high, self.value)

    @property
    def range_words(self) -> str:
        """The range as people say it: "71 to 93%"."""
        low, high = self.range
        return f"{round(100 * low)} to {round(100 * high)}%"


@dataclass(frozen=True)
class Point:
    """The share over the last answers, after so many."""

    after: int
    share: Share


@dataclass(frozen=True)
class Cell:
    """How often an expert said one thing and the judge another."""

    count: int
    hit: bool
    expert: str
    judge: str


@dataclass(frozen=True)
class Matrix:
    """What experts said against what the judge had said."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...], int], ...]
    abstained: int
    total: int


@dataclass(frozen=True)
class Expert:
    """One expert's figures."""

    id: str
    name: str
    answers: int
    judge: Share
    others: Share


@dataclass(frozen=True)
class Agreement:
    """All figures of the screen; `last` is None where there are too few answers.

    `uncompared` answers came where the judge had given none.
    """

    answers: int
    last: Share | None
    near: Share | None
    unseen: Share
    among: Share
    among_cases: int
    curve: tuple[Point, ...]
    events: tuple[int, ...]
    matrix: Matrix | None
    experts: tuple[Expert, ...]
    uncompared: int = 0


def measure(
    entries: Sequence[Entry],
    said: Words,
    *,
    abstained: Sequence[Value],
    learned: Sequence[datetime],
    me: str | None,
    by: str = "",
) -> Agreement:
    """Count agreement.

    Args:
        entries: The past cases, in any order.
        said: The judge's words and values.
        abstained: What experts said where the judge gave no answer, of the last ones.
        learned: When rules were learned.
        me: Who looks.
        by: Only what this expert said.
    """
    agrees = agreeing(said)
    ordered = sorted(entries, key=lambda e: (e.updated_at, e.id))
    mine = [e for e in ordered if not by or (e.reviewer or "-") == by]
    compared = [e for e in mine if e.value is not None and e.judge_value is not None]
    hits = [agrees(_known(e.value), _known(e.judge_value)) for e in compared]
    last = compared[-WINDOW:]
    among, cases = among_experts(entries, agrees)
    enough = len(compared) >= FEWEST
    return Agreement(
        len(compared),
        Share(sum(hits[-WINDOW:]), len(last)) if enough else None,
        _near(last, said) if enough else None,
        _share([e for e in compared if e.unseen], agrees),
        among,
        cases,
        tuple(_curve(hits)) if enough else (),
        tuple(sorted({_place(moment, compared) for moment in learned}) if enough else ()),
        _matrix(last, said, abstained) if enough else None,
        tuple(_experts(ordered, agrees, me)),
        sum(e.value is not None for e in mine) - len(compared),
    )


def last_compared(entries: Sequence[Entry], *, by: str = "") -> list[Entry]:
    """The last answers that the figures are of, newest first.

    Args:
        entries: All, newest first.
        by: Only what this expert said.
    """
    compared = (
        e
        for e in entries
        if e.value is not None
        and e.judge_value is not None
        and (not by or (e.reviewer or "-") == by)
    )
    return list(itertools.islice(compared, WINDOW))


def agreeing(said: Words) -> Agrees:
    """When two values agree: if they are one; numbers, if they are within a tenth of the scale."""
    kind = said.spec.value_type
    if kind.kind != "number":
        return same
    most = _TENTH * (kind.maximum - kind.minimum) + 1e-12
    return lambda one, other: abs(float(one) - float(other)) <= most


def among_experts(entries: Sequence[Entry], agrees: Agrees) -> tuple[Share, int]:
    """How many pairs of experts agree on a case that both answered, and on how many cases."""
    by_case: defaultdict[str, list[Value]] = defaultdict(list)
    for entry in entries:
        if entry.value is not None:
            by_case[entry.case_key].append(entry.value)
    several = [values for values in by_case.values() if len(values) > 1]
    pairs = [agrees(a, b) for values in several for a, b in itertools.combinations(values, 2)]
    return Share(sum(pairs), len(pairs)), len(several)


def _known(value: Value | None) -> Value:
    assert value is not None
    return value


def _share(entries: Sequence[Entry], agrees: Agrees) -> Share:
    hits = [agrees(_known(e.value), _known(e.judge_value)) for e in entries]
    return Share(sum(hits), len(hits))


def _curve(hits: Sequence[bool]) -> list[Point]:
    """The share over the last `WINDOW` answers, after each from the twentieth on."""
    points = []
    sums = [0, *itertools.accumulate(hits)]
    for after in range(FEWEST, len(hits) + 1):
        start = max(0, after - WINDOW)
        points.append(Point(after, Share(sums[after] - sums[start], after - start)))
    # More points than pixels tell nothing.
    step = max(1, len(points) // 200)
    return [p for n, p in enumerate(points) if n % step == 0 or n == len(points) - 1]


def _place(moment: datetime, compared: Sequence[Entry]) -> int:
    return max(FEWEST, bisect.bisect_right(compared, moment, key=lambda e: e.updated_at))


def _near(entries: Sequence[Entry], said: Words) -> Share | None:
    """Within one step, on a scale of steps."""
    if not said.is_scale or said.spec.value_type.kind == "number":
        return None
    hits = [abs(int(_known(e.value)) - int(_known(e.judge_value))) <= 1 for e in entries]
    return Share(sum(hits), len(hits))


def _matrix(entries: Sequence[Entry], said: Words, abstained: Sequence[Value]) -> Matrix | None:
    options: tuple[Option, ...] = said.options
    if not 2 <= len(options) <= 10:
        return None
    counts = Counter(
        (value_key(_known(e.value)), value_key(_known(e.judge_value))) for e in entries
    )
    none = Counter(map(value_key, abstained))
    rows = tuple(
        (
            one.words,
            tuple(
                Cell(counts[one.key, other.key], one.key == other.key, one.key, other.key)
                for other in options
            ),
            none[one.key],
        )
        for one in options
    )
    heads = tuple(option.words for option in options)
    return Matrix(heads, rows, sum(none.values()), len(entries))


def _experts(entries: Sequence[Entry], agrees: Agrees, me: str | None) -> list[Expert]:
    by_expert: defaultdict[str | None, list[Entry]] = defaultdict(list)
    by_case: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.value is not None:
            by_expert[entry.reviewer].append(entry)
            by_case[entry.case_key].append(entry)
    found = []
    for reviewer, theirs in by_expert.items():
        pairs = [
            agrees(_known(mine.value), _known(other.value))
            for mine in theirs
            for other in by_case[mine.case_key]
            if other.id != mine.id
        ]
        name = words.YOU if me and reviewer == me else reviewer or words.SOMEBODY
        judged = [e for e in theirs if e.judge_value is not None]
        found.append(
            Expert(
                reviewer or "-",
                name,
                len(theirs),
                _share(judged, agrees),
                Share(sum(pairs), len(pairs)),
            )
        )
    return sorted(found, key=lambda e: (-e.answers, e.name))


@dataclass(frozen=True)
class Chart:
    """The curve as coordinates of a drawing 1100 wide and 290 high."""

    line: str
    band: str
    end: tuple[float, float]
    percent: str
    grid: tuple[tuple[float, str], ...]
    ticks: tuple[tuple[float, str, str], ...]
    ceiling: tuple[float, str] | None
    events: tuple[float, ...]
    description: str


_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 1080.0, 20.0, 260.0


def chart(found: Agreement) -> Chart | None:
    """The curve to be drawn; None where there are too few answers."""
    points = found.curve
    if not points:
        return None
    first, last = points[0].after, points[-1].after
    lowest = min(p.share.range[0] for p in points)
    if found.among.total:
        lowest = min(lowest, found.among.value)
    floor = max(0.0, min(0.8, math.floor(lowest * 5) / 5))

    def x(after: int) -> float:
        return (
            _RIGHT if last == first else _LEFT + (_RIGHT - _LEFT) * (after - first) / (last - first)
        )

    def y(share: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * (share - floor) / (1 - floor)

    line = " ".join(f"{x(p.after):.1f},{y(p.share.value):.1f}" for p in points)
    high = [f"{x(p.after):.1f},{y(p.share.range[1]):.1f}" for p in points]
    low = [f"{x(p.after):.1f},{y(p.share.range[0]):.1f}" for p in reversed(points)]
    steps = [floor + 0.2 * n for n in range(round((1 - floor) / 0.2) + 1)]
    middle = [first + round((last - first) * part) for part in (1 / 3, 2 / 3)]
    ticks = [(x(first), f"after {first} answers", "start")]
    if last - first >= 20:
        ticks += [(x(after), str(after), "middle") for after in middle]
    if last > first:
        ticks.append((x(last), f"{last}, today", "end"))
    among = found.among
    description = (
        f"It goes from {points[0].share.percent} after the first {first} answers to "
        f"{points[-1].share.percent} over the last {points[-1].share.total} of {last}. "
    )
    if among.total:
        description += f"Experts agree with one another in {among.percent}. "
    return Chart(
        line,
        " ".join((*high, *low)),
        (x(last), y(points[-1].share.value)),
        points[-1].share.percent,
        tuple((y(step), f"{round(100 * step)}%") for step in steps),
        tuple(ticks),
        (y(among.value), among.percent) if among.total else None,
        tuple(x(min(after, last)) for after in found.events),
        description + "The table below has the same figures.",
    )


def too_few(found: Agreement) -> str:
    """How many answers there are, where they are too few for figures."""
    said = words.STATES["too_few"].then.format(count=words.answers(found.answers))
    if not found.uncompared:
        return said
    more = words.counted(found.uncompared, "answer", "answers")
    return f"{said} {more} cannot be compared: the judge had none to those cases."


def spots_line(spots: Sequence[tuple[Value | None, Value | None]]) -> str:
    """How the judge did where a case was drawn at random; "" where none was."""
    both = [(said, judge) for said, judge in spots if said is not None and judge is not None]
    if not both:
        return ""
    hits = sum(same(said, judge) for said, judge in both)
    checks = words.counted(
        len(both), "spot check among them stands", "spot checks among them stand"
    )
    return f"The {checks} for all cases: the judge had {hits} of {len(both)}."


def lenient_line(found: Agreement) -> str:
    """Whether misses are to one side, where there are two values, in a sentence."""
    matrix = found.matrix
    if matrix is None or len(matrix.heads) != 2:
        return ""
    misses = [row[1][1 - n].count for n, row in enumerate(matrix.rows)]
    total = sum(misses)
    if total < 3 or max(misses) < 2 * min(misses) or max(misses) * 3 < total * 2:
        return ""
    side = misses.index(max(misses))
    return (
        f"In {max(misses)} of its {total} misses it said {matrix.heads[1 - side]} where you said "
        f"{matrix.heads[side]}."
    )
