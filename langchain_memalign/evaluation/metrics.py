"""How far a judge and the experts agree: figures, each with a 95 % bootstrap interval; pure.

A judge's value is `None` where it abstained (ended `Unscored`). What each metric does with that:

| metric | abstentions |
|---|---|
| `exact_match`, `recall_of`, `ccc`, `mae`, all kappas | set aside, see `Estimate.abstained` |
| `abstention_rate` | what it measures |
| `correct_overall` | part of the whole: of all cases, how many got the expert's value |
| `confusion_matrix` | a column of their own |

A change between two judges (`Metric.change`) is paired: over the rows that both scored, or over
all of them for the two metrics that count abstentions.

What is not defined is `None` with a note, never 0 or 1: everything without rows; a kappa where
both sides used one and the same value (chance alone explains it); a CCC where both sides are
constant and equal. If only one side is constant, kappa and CCC are 0, as their formulas say.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from langchain_memalign._values.types import ValueType, value_key
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.evaluation.resampling import (
    Estimate,
    Numbers,
    Resampling,
    Statistic,
    estimate,
    ratio,
)
from langchain_memalign.schema import Record, Value

_LARGEST = 1e150
"""Of larger numbers the squares would overflow."""
_LISTED = 20
"""Of a scale with more steps, only values that were given are listed."""


@dataclass(frozen=True)
class Rows:
    """Values side by side, and which of them the judge scored."""

    expert: Sequence[Value]
    judge: Sequence[Value | None]

    def __post_init__(self) -> None:
        if len(self.expert) != len(self.judge):
            raise InvalidInputError(
                f"found {len(self.expert)} values of experts and {len(self.judge)} of the judge; "
                "expected one of each for every case (None where the judge abstained)."
            )
        if any(value is None for value in self.expert):
            raise InvalidInputError("found a case without an expert's value; leave it out.")
        object.__setattr__(self, "expert", [plain(value) for value in self.expert])
        judge = [None if value is None else plain(value) for value in self.judge]
        object.__setattr__(self, "judge", judge)

    def every(self) -> Numbers:
        """1 for each row."""
        return np.ones(len(self.expert))

    @property
    def scored(self) -> Numbers:
        """1 where the judge gave a value, else 0."""
        return np.array([value is not None for value in self.judge], dtype=np.float64)

    @property
    def correct(self) -> Numbers:
        """1 where the judge gave the expert's value, else 0."""
        pairs = zip(self.expert, self.judge, strict=True)
        return np.array([same(expert, judge) for expert, judge in pairs], dtype=np.float64)

    def numbers(self, metric: str) -> tuple[Numbers, Numbers]:
        """Both sides as numbers, 0 where the judge abstained."""
        given = [value for value in self.judge if value is not None]
        require_numbers((*self.expert, *given), metric=metric)
        judge = [0 if value is None else value for value in self.judge]
        return np.array(self.expert, dtype=np.float64), np.array(judge, dtype=np.float64)

    def only(self, keep: Numbers) -> Rows:
        """The rows where `keep` is not 0."""
        chosen: list[int] = np.flatnonzero(keep).tolist()
        return Rows([self.expert[i] for i in chosen], [self.judge[i] for i in chosen])


@dataclass(frozen=True)
class Metric:
    """One way to measure agreement; call it with the experts' values and the judge's.

    Attributes:
        name: What estimates are called.
        statistic: From rows to a statistic of weights.
        about: Which rows it is about, as 1 or 0.
        counts_abstentions: Whether cases without a verdict are counted.
        is_proportion: Whether it is a share of rows.
        undefined: Why it is not defined, where it is not.
    """

    name: str
    statistic: Callable[[Rows], Statistic]
    about: Callable[[Rows], Numbers] = Rows.every
    counts_abstentions: bool = False
    is_proportion: bool = False
    undefined: str = ""

    def __call__(
        self,
        expert: Sequence[Value],
        judge: Sequence[Value | None],
        *,
        groups: Sequence[Hashable] | None = None,
        resampling: Resampling | None = None,
    ) -> Estimate:
        """Measure a judge.

        Args:
            expert: The experts' values.
            judge: The judge's values in the same order; None where it abstained.
            groups: For each row, what it belongs to, such as the case's id where cases were
                judged several times; rows of one group are resampled together.
            resampling: How the interval is drawn.

        Raises:
            InvalidInputError: The two do not fit together, or are of a kind that this metric
                does not measure.
        """
        rows = Rows(expert, judge)
        about = self.about(rows)
        counted = about if self.counts_abstentions else about * rows.scored
        return estimate(
            self.name,
            self.statistic(rows),
            counted=counted,
            abstained=int(about.sum() - counted.sum()),
            undefined=self.undefined,
            is_proportion=self.is_proportion,
            groups=groups,
            resampling=resampling,
        )

    def each(self, expert: Sequence[Value], judge: Sequence[Value | None]) -> Numbers:
        """What it measures of each row alone."""
        return self.statistic(Rows(expert, judge))(np.eye(len(expert)))

    def change(
        self,
        expert: Sequence[Value],
        before: Sequence[Value | None],
        after: Sequence[Value | None],
        *,
        groups: Sequence[Hashable] | None = None,
        resampling: Resampling | None = None,
    ) -> Estimate:
        """How much more `after` measures than `before`, by a paired bootstrap.

        Both are measured in the same resamples of the same rows: of all, if this metric counts
        abstentions, else of those that both scored.

        Raises:
            InvalidInputError: As for a call.
        """
        first, second = Rows(expert, before), Rows(expert, after)
        about = self.about(first)
        keep = about if self.counts_abstentions else about * first.scored * second.scored
        old, new = self.statistic(first.only(keep)), self.statistic(second.only(keep))
        return estimate(
            f"{self.name}_change",
            lambda weights: new(weights) - old(weights),
            counted=keep[keep > 0],
            abstained=int(about.sum() - keep.sum()),
            undefined=self.undefined,
            groups=groups and [groups[i] for i in np.flatnonzero(keep).tolist()],
            resampling=resampling,
        )


def recall_of(value: Value) -> Metric:
    """Of the scored cases to which experts gave `value`, the share to which the judge gave it."""

    def theirs(rows: Rows) -> Numbers:
        return np.array([same(value, given) for given in rows.expert], dtype=np.float64)

    def statistic(rows: Rows) -> Statistic:
        return _share(rows.correct * theirs(rows), rows.scored * theirs(rows))

    return Metric(f"recall of {value}", statistic, about=theirs, is_proportion=True)


def closeness(value_type: ValueType) -> Metric:
    """How near the judge's values are to the experts', from 0 to 1, over all cases.

    1 for the expert's value; on a scale, less by the distance in widths of the scale; for other
    values 0. An abstention counts as a guess: better than a wrong value, worse than the right one.
    """
    ends = [float(v) for v in value_type.labels if isinstance(v, int)]
    width = max(ends) - min(ends) if ends else value_type.maximum - value_type.minimum
    match value_type.kind:
        case "number":
            guess = 2 / 3
        case "integer":
            # The mean distance of two of n values drawn at random, in widths, is (n + 1) / 3n.
            guess = 1 - (width + 2) / (3 * (width + 1))
        case _:
            guess = 1 / (len(value_type.labels) or 2)

    def statistic(rows: Rows) -> Statistic:
        near = rows.correct
        if value_type.is_ordered:
            expert, judge = rows.numbers("closeness")
            near = rows.scored * (1.0 - np.abs(expert - judge) / width)
        return _share(near + (1.0 - rows.scored) * guess, np.ones(len(rows.expert)))

    return Metric("closeness", statistic, counts_abstentions=True)


def metrics_for(value_type: ValueType) -> tuple[Metric, ...]:
    """The metrics that make sense for a judge's values, the main one first."""
    counting = (exact_match, correct_overall, abstention_rate)
    match value_type.kind:
        case "boolean":
            return (*counting, cohen_kappa, recall_of(True), recall_of(False))
        case "number":
            return (*counting, ccc, mae)
        case "choice" if not value_type.is_ordered:
            return (*counting, cohen_kappa, *map(recall_of, value_type.labels))
        case _:
            return (*counting, quadratic_kappa, cohen_kappa, ccc, mae)


_ROUNDING = 16 * np.finfo(np.float64).eps


def _share(some: Numbers, all_: Numbers) -> Statistic:
    return lambda weights: ratio(weights @ some, weights @ all_)


def _mae(rows: Rows) -> Statistic:
    expert, judge = rows.numbers("mae")
    return _share(rows.scored * np.abs(expert - judge), rows.scored)


def _ccc(rows: Rows) -> Statistic:
    x, y = rows.numbers("ccc")
    kept = rows.scored
    # About a point near both means, in widths of the spread: squares of large numbers would swallow
    # small differences, and those of small ones would vanish.
    largest = np.abs([x * kept, y * kept]).max(initial=0.0)
    middle = float((x * kept).sum() / kept.sum()) if kept.any() else 0.0
    x, y = (x - middle) * kept, (y - middle) * kept
    width = np.abs([x, y]).max(initial=0.0)
    # What rounding leaves of an exact 0 must not pass for a spread.
    x, y = (x / width, y / width) if width > _ROUNDING * largest else (0.0 * x, 0.0 * y)

    def statistic(weights: Numbers) -> Numbers:
        n = weights @ kept
        mean_x, mean_y = ratio(weights @ x, n), ratio(weights @ y, n)
        covariance = ratio(weights @ (x * y), n) - mean_x * mean_y
        variances = ratio(weights @ (x * x + y * y), n) - mean_x**2 - mean_y**2
        below = variances + (mean_x - mean_y) ** 2
        return ratio(2 * covariance, np.where(below > 1e-12, below, 0.0))

    return statistic


def _kappa(distance: Callable[[Numbers], Numbers] | None, name: str) -> Callable[[Rows], Statistic]:
    def statistic_of(rows: Rows) -> Statistic:
        values = values_in(rows, None)
        places = {compared(value): place for place, value in enumerate(values)}
        apart = 1.0 - np.eye(len(values))
        if distance is not None:
            rows.numbers(name)
            at = np.array(values, dtype=np.float64)
            apart = np.abs(at[:, None] - at[None, :])
            # In widths of the whole, which cancel out: squares of large numbers would overflow.
            apart = distance(apart / apart.max(initial=1e-300))
        given = np.zeros((2, len(rows.expert), len(values)))
        for number, (expert, judge) in enumerate(zip(rows.expert, rows.judge, strict=True)):
            if judge is not None:
                given[0, number, places[compared(expert)]] = 1.0
                given[1, number, places[compared(judge)]] = 1.0
        observed = np.einsum("ni,nj,ij->n", given[0], given[1], apart)

        def statistic(weights: Numbers) -> Numbers:
            theirs, its = weights @ given[0], weights @ given[1]
            expected = np.einsum("ri,rj,ij->r", theirs, its, apart)
            return 1.0 - ratio((weights @ observed) * (weights @ rows.scored), expected)

        return statistic

    return statistic_of


_ONE_VALUE = "both sides used one and the same value: chance alone explains it"

exact_match = Metric(
    "exact_match", lambda rows: _share(rows.correct, rows.scored), is_proportion=True
)
"""The share of scored cases to which the judge gave the expert's value."""

correct_overall = Metric(
    "correct_overall",
    lambda rows: _share(rows.correct, np.ones(len(rows.expert))),
    counts_abstentions=True,
    is_proportion=True,
)
"""The share of all cases to which the judge gave the expert's value; an abstention gives none."""

abstention_rate = Metric(
    "abstention_rate",
    lambda rows: _share(1.0 - rows.scored, np.ones(len(rows.expert))),
    counts_abstentions=True,
    is_proportion=True,
)
"""The share of cases that the judge left unscored."""

mae = Metric("mae", _mae)
"""Mean absolute error on a scale, in the scale's units."""

ccc = Metric("ccc", _ccc, undefined="both sides are constant and equal: there is no spread")
"""Lin's concordance correlation coefficient, with variances over n.

Source: L. Lin, A concordance correlation coefficient to evaluate reproducibility, Biometrics 45
(1989), pages 255-268.
"""

cohen_kappa = Metric("cohen_kappa", _kappa(None, "cohen_kappa"), undefined=_ONE_VALUE)
"""Agreement beyond chance; all disagreements weigh the same.

Source: J. Cohen, A coefficient of agreement for nominal scales, Educational and Psychological
Measurement 20 (1960), pages 37-46.
"""

linear_kappa = Metric("linear_kappa", _kappa(lambda d: d, "linear_kappa"), undefined=_ONE_VALUE)
"""Agreement beyond chance on a scale; a disagreement weighs as much as it is wide.

Source: J. Cohen, Weighted kappa, Psychological Bulletin 70 (1968), pages 213-220.
"""

quadratic_kappa = Metric(
    "quadratic_kappa", _kappa(lambda d: d**2, "quadratic_kappa"), undefined=_ONE_VALUE
)
"""Agreement beyond chance on a scale; a disagreement weighs as much as its square is wide."""


def require_numbers(values: Iterable[Value], *, metric: str) -> None:
    """Refuse what is no number.

    Raises:
        InvalidInputError: One of the values is a label, true or false, not finite, or too large.
    """
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidInputError(f"{metric}: found {value!r}; expected numbers on a scale.")
        if not abs(value) <= _LARGEST:  # nan is not, either
            found = f"{value}" if isinstance(value, float) else "a huge whole number"
            raise InvalidInputError(
                f"{metric}: found {found}; expected numbers on a scale, of at most {_LARGEST:.0e}."
            )


class Confusion(Record):
    """How often the judge gave which value where the expert gave which.

    Attributes:
        values: The values, in order.
        counts: A line for each value of the expert, a column for each of the judge.
        abstained: For each value of the expert, how often the judge abstained.
    """

    values: tuple[Value, ...]
    counts: tuple[tuple[int, ...], ...]
    abstained: tuple[int, ...]


def confusion_matrix(
    expert: Sequence[Value],
    judge: Sequence[Value | None],
    *,
    value_type: ValueType | None = None,
) -> Confusion:
    """Count the pairs of values.

    Args:
        expert: The experts' values.
        judge: The judge's values in the same order; None where it abstained.
        value_type: Lists values that nobody gave, too, unless it is a long scale.
    """
    rows = Rows(expert, judge)
    values = values_in(rows, value_type)
    places = {compared(value): place for place, value in enumerate(values)}
    counts = np.zeros((len(values), len(values) + 1), dtype=int)
    for truth, given in zip(rows.expert, rows.judge, strict=True):
        column = len(values) if given is None else places[compared(given)]
        counts[places[compared(truth)], column] += 1
    return Confusion(
        values=tuple(values),
        counts=tuple(tuple(map(int, line[:-1])) for line in counts),
        abstained=tuple(map(int, counts[:, -1])),
    )


def values_in(rows: Rows, value_type: ValueType | None) -> list[Value]:
    """The values of the type, where it lists them, and all that were given, in order."""
    values: dict[str, Value] = {}
    if value_type is not None:
        listed: Sequence[Value] = value_type.labels
        if value_type.kind == "boolean":
            listed = (False, True)
        if value_type.kind == "integer" and value_type.maximum - value_type.minimum < _LISTED:
            listed = range(int(value_type.minimum), int(value_type.maximum) + 1)
        values = {compared(value): value for value in listed}
    met = {compared(v): v for v in (*rows.expert, *rows.judge) if v is not None}
    later = [value for key, value in met.items() if key not in values]
    # Values of one type sort as such; mixed ones, which no judge gives, by type first.
    later.sort(key=lambda value: (type(value).__name__, value))
    return [*values.values(), *later]


def plain(value: Any) -> Value:
    """A value as Python has it, also where it was given as numpy's.

    Raises:
        InvalidInputError: It is none that an expert or a judge can give.
    """
    given = value.item() if isinstance(value, np.generic) else value
    # A value that is not equal to itself is nan: it would count as a wrong answer.
    if not isinstance(given, bool | int | float | str) or given != given:
        raise InvalidInputError(
            f"found {given!r:.40} as a value; expected text, true or false, or a number. Give None "
            "where the judge abstained."
        )
    return given


def compared(value: Value) -> str:
    """What a value is compared by: true, 1 and "1" are three values, 1 and 1.0 are one."""
    if isinstance(value, float) and value.is_integer():
        return value_key(int(value))
    return value_key(value)


def same(one: Value, other: Value | None) -> bool:
    """Whether both are one value."""
    return other is not None and compared(one) == compared(other)
