"""How far what was judged agrees with the experts, over a whole experiment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from langchain_memalign._results import EvaluatorResult
from langchain_memalign._values import ValueType
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.evaluation import metrics
from langchain_memalign.evaluation.metrics import Metric
from langchain_memalign.importers import with_values
from langchain_memalign.schema import Unscored, Verdict

SummaryEvaluator: TypeAlias = Callable[[Sequence[Any], Sequence[Any]], EvaluatorResult]

_TRUTH = ValueType(kind="boolean")
_WRAPPERS = ("value", "score", "output")


def summary_evaluator(
    metric: Metric, *, key: str | None = None, field: str = "value"
) -> SummaryEvaluator:
    """Make a summary evaluator for LangSmith of a metric.

    It takes what was judged and the experts' values, as lists of outputs or of LangSmith's runs
    and examples. A value stands there under `field`, or as `score` or `output`, or is a `Verdict`.
    What is `Unscored` counts as abstained. Cases without an expert's value are left out.

    Args:
        metric: Which, such as `langchain_memalign.evaluation.metrics.quadratic_kappa`.
        key: What the feedback is called; by default, the metric's name.
        field: Where the values stand.
    """

    def evaluate(outputs: Sequence[Any], reference_outputs: Sequence[Any]) -> EvaluatorResult:
        if len(outputs) != len(reference_outputs):
            raise InvalidInputError(
                f"found {len(outputs)} outputs and {len(reference_outputs)} reference outputs; "
                "expected one of each for every case."
            )
        pairs = [
            (expert, _value(judged, field, "outputs"))
            for judged, reference in zip(outputs, reference_outputs, strict=True)
            if (expert := _value(reference, field, "reference outputs")) is not None
            and expert == expert  # not a number: an empty cell of a table
        ]
        measured = metric(*_alike([e for e, _ in pairs], [judged for _, judged in pairs]))
        figure = "not defined" if measured.value is None else str(measured)
        notes = [f"{figure} over {measured.n} cases"]
        if measured.abstained:
            notes.append(f"{measured.abstained} abstained")
        if left_out := len(outputs) - len(pairs):
            notes.append(f"{left_out} without an expert's value")
        if measured.note:
            notes.append(measured.note)
        return {
            "key": key or metric.name,
            "score": measured.value,
            "comment": "; ".join(notes),
            "metadata": measured.model_dump(mode="json"),
        }

    evaluate.__name__ = key or metric.name
    return evaluate


agreement = summary_evaluator(metrics.exact_match, key="agreement")
"""The share of scored cases with the expert's value."""

cohens_kappa = summary_evaluator(metrics.cohen_kappa, key="cohens_kappa")
"""Agreement beyond chance (Cohen 1960)."""

ccc = summary_evaluator(metrics.ccc)
"""Concordance correlation of numbers (Lin 1989)."""


def _alike(experts: list[Any], judged: list[Any]) -> tuple[list[Any], list[Any]]:
    """Both sides in one form, as the importers read them: 1.0 for true, "Good" for "good"."""
    if any(isinstance(value, bool) for value in (*experts, *judged)):
        return [_as_truth(value) for value in experts], [_as_truth(value) for value in judged]
    forms = {value.strip().casefold(): value for value in judged if isinstance(value, str)}
    known = set(forms.values())
    return [
        forms.get(value.strip().casefold(), value)
        if isinstance(value, str) and value not in known
        else value
        for value in experts
    ], judged


def _as_truth(value: Any) -> Any:
    try:
        return with_values({"value": value}, _TRUTH)["value"]
    except InvalidInputError:
        return value


def _value(said: Any, field: str, where: str) -> Any:
    """The value in what was said of a case; None where there is none."""
    if not isinstance(said, Mapping | Verdict | Unscored) and hasattr(said, "outputs"):
        said = said.outputs  # of a LangSmith run or example
    match said:
        case Verdict():
            return said.value
        case Mapping():
            for name in (field, *_WRAPPERS):
                if said.get(name) is not None:
                    return _value(said[name], field, where)
            # A verdict that could not be reached, as JSON or as feedback; a program that failed.
            if not said or "reason" in said or {field, *_WRAPPERS} & said.keys():
                return None
            raise InvalidInputError(
                f"{where}: found the keys {', '.join(map(str, said))}; expected the value under "
                f"{field!r}. Name another with summary_evaluator(metric, field=...)."
            )
        case None | Unscored():
            return None
    return said
