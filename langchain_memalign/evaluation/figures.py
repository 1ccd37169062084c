"""From judgements to figures: each metric for each group of them, and its change; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from langchain_memalign._values.types import ValueType
from langchain_memalign.evaluation.metrics import Confusion, confusion_matrix, metrics_for
from langchain_memalign.evaluation.resampling import Estimate, Resampling
from langchain_memalign.evaluation.trials import (
    Condition,
    Judgement,
    MemoryUsed,
    Split,
    Teaching,
)
from langchain_memalign.schema import Record

State = Literal["without memory", "now", "taught more"]


class Group(Record):
    """What the rows behind a figure have in common; all repeats and folds count together."""

    judge: str
    split: Split
    taught: int
    teaching: Teaching
    shown: MemoryUsed

    @property
    def is_baseline(self) -> bool:
        """Whether nothing learned was shown."""
        return self.taught == 0 or self.shown == "none"


class Figures(Record):
    """What was measured of one group.

    Attributes:
        estimates: By metric.
        changes: By metric, against the same cases without anything learned; empty for those
            cases themselves, and where they were not asked.
        rows: Judgements.
        cases: Different cases.
        repeats: Runs with other samples.
    """

    group: Group
    estimates: Mapping[str, Estimate]
    changes: Mapping[str, Estimate] = {}
    rows: int = 0
    cases: int = 0
    repeats: int = 1


class Agreement(Record):
    """How a judge in one state agrees with the experts.

    Attributes:
        estimates: By metric, the main one first.
        changes: By metric, against the state before; empty for the first.
        confusion: Which values it gives where experts give which; None for numbers.
    """

    state: State
    estimates: Mapping[str, Estimate]
    changes: Mapping[str, Estimate] = {}
    confusion: Confusion | None = None
    rows: tuple[Judgement, ...] = ()


def figures(
    rows: Iterable[Judgement], value_type: ValueType, *, resampling: Resampling | None = None
) -> list[Figures]:
    """Measure each group of rows. Cases that stand in several rows are resampled as one.

    Args:
        rows: Judgements of one experiment.
        value_type: Decides which metrics make sense.
        resampling: How intervals are drawn.
    """
    groups: dict[Group, list[Judgement]] = {}
    for row in rows:
        groups.setdefault(_group(row.setting, row.split), []).append(row)
    found = []
    for group, members in groups.items():
        before = _baseline(group, groups)
        paired = [row for row in members if row.id in before]
        found.append(
            Figures(
                group=group,
                estimates=_estimates(value_type, members, resampling),
                changes=_changes(value_type, [before[r.id] for r in paired], paired, resampling),
                rows=len(members),
                cases=len({row.unit for row in members}),
                repeats=len({row.setting.repeat for row in members}),
            )
        )
    return sorted(found, key=_order)


def agreements(
    value_type: ValueType,
    found: Mapping[State, Sequence[Judgement]],
    resampling: Resampling | None,
) -> Iterator[Agreement]:
    """Measure each state, and its change against the one before."""
    before: Sequence[Judgement] = ()
    for state, rows in found.items():
        expert, judge = [row.expert for row in rows], [row.value for row in rows]
        yield Agreement(
            state=state,
            estimates=_estimates(value_type, rows, resampling),
            changes=_changes(value_type, before, rows, resampling),
            confusion=None
            if value_type.kind == "number"
            else confusion_matrix(expert, judge, value_type=value_type),
            rows=tuple(rows),
        )
        before = rows


def _estimates(
    value_type: ValueType, rows: Sequence[Judgement], resampling: Resampling | None
) -> dict[str, Estimate]:
    return {
        metric.name: metric(
            [row.expert for row in rows],
            [row.value for row in rows],
            groups=[row.unit for row in rows],
            resampling=resampling,
        )
        for metric in metrics_for(value_type)
    }


def _changes(
    value_type: ValueType,
    before: Sequence[Judgement],
    after: Sequence[Judgement],
    resampling: Resampling | None,
) -> dict[str, Estimate]:
    """The change of each metric over the same cases in one order; none without a before."""
    return {
        metric.name: metric.change(
            [row.expert for row in after],
            [row.value for row in before],
            [row.value for row in after],
            groups=[row.unit for row in after],
            resampling=resampling,
        )
        for metric in (metrics_for(value_type) if before else ())
    }


def _group(condition: Condition, split: Split) -> Group:
    return Group(
        judge=condition.judge,
        split=split,
        # Folds differ in size by one; what they were taught is all but a fold.
        taught=condition.taught,
        teaching=condition.teaching,
        shown=condition.shown,
    )


def _baseline(group: Group, groups: Mapping[Group, Sequence[Judgement]]) -> dict[str, Judgement]:
    """Rows of the same judge and cases without anything learned, by case."""
    if group.is_baseline:
        return {}
    return {
        row.id: row
        for other, rows in groups.items()
        if other.is_baseline and (other.judge, other.split) == (group.judge, group.split)
        for row in rows
    }


def _order(found: Figures) -> tuple[object, ...]:
    group = found.group
    shown = ("none", "semantic", "episodic", "both").index(group.shown)
    return (group.judge, group.split, group.taught, group.teaching, shown)
