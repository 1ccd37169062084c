"""Which of two programs answers better, judged in both orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from typing_extensions import TypedDict

from langchain_memalign._results import is_without_outputs
from langchain_memalign.errors import ConfigurationError, InvalidInputError
from langchain_memalign.flow import Flow, arun, parallel, run
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import Case, Unscored, Verdict

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
        key: What the feedback is called: the judge's name.
        scores: Of each run, by its id (without runs: of "A" and "B"): 1 for the better one, 0 for
            the other, 0.5 for both in a tie, None where the judge abstained.
        comment: What was said in either order.
    """

    key: str
    scores: dict[Any, float | None]
    comment: str


class PairwiseEvaluator:
    """An evaluator for LangSmith's comparative experiments, `evaluate((first, second), ...)`.

    Judges prefer what they read first (or last), so each pair is judged twice, the second time in
    the other order. The winner is who wins both; where the orders disagree it is a tie, and the
    comment says so. Where either order is `Unscored`, the evaluator abstains. In async code,
    `evaluator.aevaluate` is the evaluator.

    Source of the bias and of the remedy: L. Zheng et al., Judging LLM-as-a-Judge with MT-Bench and
    Chatbot Arena, 2023, section 3.4 (https://arxiv.org/abs/2306.05685).

    Attributes:
        judge: Who judges.
    """

    def __init__(self, judge: MemAlignJudge) -> None:
        """Make an evaluator of a judge of pairs.

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
            outputs: What each of the two put out.
            reference_outputs: What they should have put out.
            runs: Their LangSmith runs, whose ids then name the scores.
            config: Callbacks, tags and the like.

        Raises:
            InvalidInputError: There are not two outputs, or nothing to judge.
            ModelError: The provider refuses access, or the case could not be embedded.
        """
        return run(self._comparison(inputs, outputs, reference_outputs, runs, config))

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
        return await arun(self._comparison(inputs, outputs, reference_outputs, runs, config))

    def _comparison(
        self,
        inputs: Any,
        outputs: Sequence[Any],
        reference_outputs: Any,
        runs: Sequence[Any] | None,
        config: RunnableConfig | None,
    ) -> Flow[ComparisonResult]:
        if isinstance(outputs, str | Mapping) or len(outputs) != 2:
            raise InvalidInputError(
                "outputs: expected a list of two, one of each program; compare more of them two "
                "at a time."
            )
        names = ["A", "B"] if runs is None else [one.id for one in runs]
        first, second = outputs
        winner, comment = None, "Unscored: one of the two has no outputs, as when it failed."
        if not any(each is None or is_without_outputs(each) for each in outputs):
            judged = yield from parallel(
                [
                    self._judgement(inputs, pair, reference_outputs, config)
                    for pair in ({"A": first, "B": second}, {"A": second, "B": first})
                ],
                limit=2,
            )
            winner, comment = _agreed(*judged)
        scores = dict(zip(names, _SCORES[winner], strict=True))
        return {"key": self.judge.spec.name, "scores": scores, "comment": comment}

    def _judgement(
        self, inputs: Any, outputs: Any, reference_outputs: Any, config: RunnableConfig | None
    ) -> Flow[Verdict | Unscored]:
        case = Case(inputs=inputs, outputs=outputs, reference_outputs=reference_outputs or None)
        return self.judge.judging(case, config)


def _agreed(straight: Verdict | Unscored, swapped: Verdict | Unscored) -> tuple[str | None, str]:
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
