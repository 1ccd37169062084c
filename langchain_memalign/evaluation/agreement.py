"""How a judge agrees with the experts in several states of its memory; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from langchain_memalign._values import ValueType
from langchain_memalign.evaluation.cells import Row
from langchain_memalign.evaluation.metrics import metrics_for
from langchain_memalign.evaluation.resampling import Estimate, Resampling
from langchain_memalign.evaluation.rows import Confusion, confusion_matrix
from langchain_memalign.schema import Record

State = Literal["without memory", "now", "taught more"]


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
    rows: tuple[Row, ...] = ()


def agreements(
    value_type: ValueType,
    found: Mapping[State, Sequence[Row]],
    resampling: Resampling | None,
) -> Iterator[Agreement]:
    """Measure each state, and its change against the one before."""
    before: Sequence[Row] | None = None
    for state, rows in found.items():
        expert, values = [row.expert for row in rows], [row.value for row in rows]
        groups = [row.unit for row in rows]
        yield Agreement(
            state=state,
            estimates={
                metric.name: metric(expert, values, groups=groups, resampling=resampling)
                for metric in metrics_for(value_type)
            },
            changes={}
            if before is None
            else {
                metric.name: metric.change(
                    expert,
                    [row.value for row in before],
                    values,
                    groups=groups,
                    resampling=resampling,
                )
                for metric in metrics_for(value_type)
            },
            confusion=None
            if value_type.kind == "number"
            else confusion_matrix(expert, values, value_type=value_type),
            rows=tuple(rows),
        )
        before = rows
