"""A judge as an evaluator for LangSmith, openevals and agentevals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.runnables import RunnableConfig

from langchain_memalign._judging.results import EvaluatorResult, evaluator_result
from langchain_memalign.judge.base import JudgeBase
from langchain_memalign.judge.evaluated import evaluated
from langchain_memalign.judge.openevals import OpenevalsPrompt
from langchain_memalign.schema import Case

if TYPE_CHECKING:
    from langsmith.evaluation import EvaluationResult


class EvaluatingJudge(JudgeBase):
    """A judge that is called as evaluators are."""

    def evaluate(
        self,
        *,
        inputs: Any = None,
        outputs: Any = None,
        reference_outputs: Any = None,
        config: RunnableConfig | None = None,
        **more: Any,
    ) -> EvaluatorResult:
        """Judge a program's output, as an evaluator does.

        Args:
            inputs: What the program was given: text, a mapping, or messages.
            outputs: What it answered: the same, or a trajectory of messages with tool calls.
                Without any ({} or {"output": None}, as LangSmith shows a program that failed),
                the judge abstains.
            reference_outputs: What it should have answered.
            config: Callbacks, tags and the like.
            more: `run` and `example` of LangSmith, which supply whatever is not given; `context`
                and `plan` of openevals, which become keys of the case's inputs.

        Returns:
            The verdict as feedback: true, false and numbers as `score`, labels as `value`, and the
            evidence in `metadata`. If the judge abstains, `score` is None and `comment` says why.

        Raises:
            InvalidInputError: There is nothing to judge, or nothing that the judge can read.
            ModelError: The provider refuses access, or the case could not be embedded.
        """
        case = evaluated(inputs, outputs, reference_outputs, more)
        outcome = self.invoke(case, config) if isinstance(case, Case) else case
        return evaluator_result(self.spec.name, outcome)

    def __call__(
        self,
        run: Any = None,
        example: Any = None,
        *,
        inputs: Any = None,
        outputs: Any = None,
        reference_outputs: Any = None,
        config: RunnableConfig | None = None,
        **more: Any,
    ) -> EvaluatorResult:
        """`evaluate`, called with fields by name, or as LangSmith's `(run, example)`."""
        fields = {"inputs": inputs, "outputs": outputs, "reference_outputs": reference_outputs}
        return self.evaluate(**fields, config=config, run=run, example=example, **more)

    def evaluate_run(self, run: Any, example: Any = None, **_: Any) -> EvaluationResult:
        """`evaluate`, as LangSmith's `client.evaluate_run(run, judge)` calls an evaluator."""
        return _langsmith_result(self.evaluate(run=run, example=example))

    async def aevaluate_run(self, run: Any, example: Any = None, **_: Any) -> EvaluationResult:
        """Async `evaluate_run`."""
        return _langsmith_result(await self.aevaluate(run=run, example=example))

    async def aevaluate(
        self,
        *,
        inputs: Any = None,
        outputs: Any = None,
        reference_outputs: Any = None,
        config: RunnableConfig | None = None,
        **more: Any,
    ) -> EvaluatorResult:
        """Async `evaluate`; itself an evaluator for async code."""
        case = evaluated(inputs, outputs, reference_outputs, more)
        outcome = await self.ainvoke(case, config) if isinstance(case, Case) else case
        return evaluator_result(self.spec.name, outcome)

    def as_openevals_prompt(self) -> OpenevalsPrompt:
        """This judge's prompt and memory, for evaluators of openevals and agentevals.

        `create_llm_as_judge(prompt=prompt, judge=model, **prompt.options)` then asks `model` with
        what this judge remembers of the case.
        """
        return OpenevalsPrompt(self.setup)


def _langsmith_result(result: EvaluatorResult) -> EvaluationResult:
    from langsmith.evaluation import EvaluationResult

    return EvaluationResult(**result)
