"""From rows to figures: each metric for each group of rows, and its change; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from langchain_memalign._values import ValueType
from langchain_memalign.evaluation.cells import Row, Setting, Shown, Split, Teaching
from langchain_memalign.evaluation.metrics import metrics_for
from langchain_memalign.evaluation.resampling import Estimate, Resampling
from langchain_memalign.schema import Record


class Group(Record):
    """What the rows behind a figure have in common; all repeats and folds count together."""

    judge: str
    split: Split
    taught: int
    teaching: Teaching
    shown: Shown

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


def figures(
    rows: Iterable[Row], value_type: ValueType, *, resampling: Resampling | None = None
) -> list[Figures]:
    """Measure each group of rows. Cases that stand in several rows are resampled as one.

    Args:
        rows: Judgements of one experiment.
        value_type: Decides which metrics make sense.
        resampling: How intervals are drawn.
    """
    groups: dict[Group, list[Row]] = {}
    for row in rows:
        groups.setdefault(_group(row.setting, row.split), []).append(row)
    found = []
    for group, members in groups.items():
        before = _baseline(group, groups)
        paired = [row for row in members if row.id in before]
        found.append(
            Figures(
                group=group,
                estimates={
                    metric.name: metric(
                        [row.expert for row in members],
                        [row.value for row in members],
                        groups=[row.unit for row in members],
                        resampling=resampling,
                    )
                    for metric in metrics_for(value_type)
                },
                changes={
                    metric.name: metric.change(
                        [row.expert for row in paired],
                        [before[row.id].value for row in paired],
                        [row.value for row in paired],
                        groups=[row.unit for row in paired],
                        resampling=resampling,
                    )
                    for metric in (metrics_for(value_type) if paired else ())
                },
                rows=len(members),
                cases=len({row.unit for row in members}),
                repeats=len({row.setting.repeat for row in members}),
            )
        )
    return sorted(found, key=_order)


def _group(setting: Setting, split: Split) -> Group:
    return Group(
        judge=setting.judge,
        split=split,
        # Folds differ in size by one; what they were taught is all but a fold.
        taught=setting.taught,
        teaching=setting.teaching,
        shown=setting.shown,
    )


def _baseline(group: Group, groups: Mapping[Group, Sequence[Row]]) -> dict[str, Row]:
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
