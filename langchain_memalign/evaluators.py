"""Evaluators around a judge: which of two programs is better, how far judge and experts agree.

The judge itself is an evaluator: `langsmith.evaluate(target, data=..., evaluators=[judge])`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from langchain_core.runnables import RunnableConfig
from typing_extensions import TypedDict

from langchain_memalign._concurrency import aboth, both
from langchain_memalign._judging.results import EvaluatorResult, is_without_outputs
from langchain_memalign._values.types import ValueType
from langchain_memalign.errors import ConfigurationError, InvalidInputError
from langchain_memalign.evaluation import metrics
from langchain_memalign.evaluation.metrics import Metric
from langchain_memalign.importers import with_values
from langchain_memalign.judge import MemAlignJudge, Outcome
from langchain_memalign.schema import Case, Unscored, Verdict

__all__ = [
    "ComparisonResult",
    "EvaluatorResult",
    "PairwiseEvaluator",
    "SummaryEvaluator",
    "agreement",
    "ccc",
    "cohens_kappa",
    "summary_evaluator",
]

SummaryEvaluator: TypeAlias = Callable[[Sequence[Any], Sequence[Any]], EvaluatorResult]
"""From what was judged, and the experts' values, to how far they agree."""

_TRUTH = ValueType(kind="boolean")
_WRAPPERS = ("value", "score", "output")
_SWAPPED = {"A": "B", "B": "A", "tie": "tie"}
_SCORES: Mapping[str | None, tuple[float | None, float | None]] = {
    "A": (1, 0),
    "B": (0, 1),
    "tie": (0.5, 0.5),
    None: (None, None),
}


class ComparisonResult(TypedDict):
    """What a comparative evaluator returns.

    Attributes:
        key: The name of the feedback, which is the judge's name.
        scores: The score of each run, by its id (without runs: of "A" and "B"): 1 for the better
            one, 0 for the other, 0.5 for both in a tie, None if the judge abstained.
        comment: What the judge said in either order.
    """

    key: str
    scores: dict[Any, float | None]
    comment: str


class PairwiseEvaluator:
    """An evaluator for LangSmith's comparative experiments, `evaluate((first, second), ...)`.

    Judges prefer what they read first (or last), so each pair is judged twice, the second time in
    the other order. What wins both times has won. If the orders disagree it is a tie, and the
    comment says so. If either order is `Unscored`, the evaluator abstains. In async code, pass
    `evaluator.aevaluate`.

    Source of the bias and of the remedy: L. Zheng et al., Judging LLM-as-a-Judge with MT-Bench and
    Chatbot Arena, 2023, section 3.4 (https://arxiv.org/abs/2306.05685).

    Attributes:
        judge: The judge.
    """

    def __init__(self, judge: MemAlignJudge) -> None:
        """Make an evaluator from a judge of pairs.

        Args:
            judge: Its values are "A" and "B", and "tie" if there may be one.

        Raises:
            ConfigurationError: It has other values.
        """
        labels = set(judge.spec.value_type.labels)
        if not {"A", "B"} <= labels <= set(_SWAPPED):
            raise ConfigurationError(
                f"judge: found one whose value is {judge.spec.value_type.describe()}; expected one "
                'of pairs: build it with value_type=Literal["A", "B", "tie"].'
            )
        self.judge = judge

    def __call__(
        self,
        inputs: Any,
        outputs: Sequence[Any],
        reference_outputs: Any = None,
        runs: Sequence[Any] | None = None,
        *,
        config: RunnableConfig | None = None,
    ) -> ComparisonResult:
        """Compare two outputs for the same inputs.

        Args:
            inputs: What both programs were given.
            outputs: What each of the two answered.
            reference_outputs: What they should have answered.
            runs: Their LangSmith runs, whose ids then name the scores.
            config: Callbacks, tags and the like.

        Raises:
            InvalidInputError: There are not two outputs, or nothing to judge.
            ModelError: The provider refuses access, or the case could not be embedded.
        """
        cases = _both_orders(inputs, outputs, reference_outputs)
        if cases is None:
            return self._compared(None, runs)
        one, other = (partial(self.judge.invoke, case, config) for case in cases)
        return self._compared(both(one, other), runs)

    async def aevaluate(
        self,
        inputs: Any,
        outputs: Sequence[Any],
        reference_outputs: Any = None,
        runs: Sequence[Any] | None = None,
        *,
        config: RunnableConfig | None = None,
    ) -> ComparisonResult:
        """Async call; itself an evaluator for async code."""
        cases = _both_orders(inputs, outputs, reference_outputs)
        if cases is None:
            return self._compared(None, runs)
        one, other = (partial(self.judge.ainvoke, case, config) for case in cases)
        return self._compared(await aboth(one, other), runs)

    def _compared(
        self, judged: tuple[Outcome, Outcome] | None, runs: Sequence[Any] | None
    ) -> ComparisonResult:
        winner, comment = None, "Unscored: one of the two has no outputs, as when it failed."
        if judged is not None:
            winner, comment = _agreed(*judged)
        names = ["A", "B"] if runs is None else [one.id for one in runs]
        scores = dict(zip(names, _SCORES[winner], strict=True))
        return {"key": self.judge.spec.name, "scores": scores, "comment": comment}


def _both_orders(
    inputs: Any, outputs: Sequence[Any], reference_outputs: Any
) -> tuple[Case, Case] | None:
    """The case in the given order and in the swapped one; None where an output is missing."""
    if isinstance(outputs, str | Mapping) or len(outputs) != 2:
        raise InvalidInputError(
            "outputs: expected a list of two, one of each program; compare more of them two "
            "at a time."
        )
    if any(each is None or is_without_outputs(each) for each in outputs):
        return None
    first, second = outputs
    straight = Case(
        inputs=inputs,
        outputs={"A": first, "B": second},
        reference_outputs=reference_outputs or None,
    )
    return straight, straight.model_copy(update={"outputs": {"A": second, "B": first}})


def _agreed(straight: Outcome, swapped: Outcome) -> tuple[str | None, str]:
    """The winner by the names of the first order, and what was said; None where it is unknown."""
    if isinstance(straight, Unscored):
        return None, f"Unscored in the given order: {straight.reason}"
    if isinstance(swapped, Unscored):
        return None, f"Unscored in the swapped order: {swapped.reason}"
    one, other = str(straight.value), _SWAPPED[str(swapped.value)]
    said = (
        f"In the given order ({straight.value}): {straight.rationale} "
        f"In the swapped order ({swapped.value}): {swapped.rationale}"
    )
    if one == other:
        return one, said
    return "tie", f"A tie, as the two orders disagree. {said}"


def summary_evaluator(
    metric: Metric, *, key: str | None = None, field: str = "value"
) -> SummaryEvaluator:
    """Make a summary evaluator for LangSmith from a metric.

    It takes the judge's outcomes and the experts' values, as lists of outputs or of LangSmith's
    runs and examples. The value is found under `field`, `score` or `output`, or in a `Verdict`.
    An `Unscored` counts as an abstention. Cases without an expert's value are left out.

    Args:
        metric: The metric, such as `langchain_memalign.evaluation.metrics.quadratic_kappa`.
        key: The name of the feedback. The default is the metric's name.
        field: The name under which the values are found.
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
        read = with_values({"value": value}, _TRUTH)["value"]
    except InvalidInputError:
        return value
    return value if read is None else read


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
