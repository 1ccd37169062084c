"""How a judge evaluates: called as LangSmith, openevals and agentevals call an evaluator."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from langchain_core.runnables import RunnableConfig

from langchain_memalign._results import EvaluatorResult, evaluator_result, is_without_outputs
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.flow import Flow, Step, arun, perform, run
from langchain_memalign.judge.flows import JudgeFlows
from langchain_memalign.judge.openevals_prompt import OpenevalsPrompt
from langchain_memalign.memory import Memory
from langchain_memalign.schema import Case, Unscored, Verdict

NO_OUTPUTS = Unscored(reason="there are no outputs to judge, as when what is evaluated failed.")


class Evaluating:
    """The half of a judge that is an evaluator.

    Attributes:
        memory: Where the judge remembers.
        flows: The judge's operations as flows, for code that serves sync and async callers alike.
    """

    memory: Memory
    flows: JudgeFlows

    @abstractmethod
    def invoke(self, input: Any, config: RunnableConfig | None = None) -> Verdict | Unscored:
        """Judge a case."""

    @abstractmethod
    async def ainvoke(self, input: Any, config: RunnableConfig | None = None) -> Verdict | Unscored:
        """Async `invoke`."""

    def judging(self, case: Case, config: RunnableConfig | None = None) -> Flow[Verdict | Unscored]:
        """`invoke` or `ainvoke`, as the flow's driver calls for: a traced run of the judge."""
        return perform(Step(lambda: self.invoke(case, config), lambda: self.ainvoke(case, config)))

    def evaluate(
        self,
        *,
        inputs: Any = None,
        outputs: Any = None,
        reference_outputs: Any = None,
        config: RunnableConfig | None = None,
        **more: Any,
    ) -> EvaluatorResult:
        """Judge what a program put out, as an evaluator does.

        Args:
            inputs: What the program was given: text, a mapping, or messages.
            outputs: What it put out: the same, such as a trajectory of messages with tool calls.
                Without any ({} or {"output": None}, as LangSmith shows a program that failed),
                the judge abstains.
            reference_outputs: What it should have put out.
            config: Callbacks, tags and the like.
            more: `run` and `example` of LangSmith, from which what is not given is taken.

        Returns:
            The verdict as feedback: truth values and numbers as `score`, labels as `value`, the
            evidence in `metadata`. The judge abstains with a `score` of None and says why.

        Raises:
            InvalidInputError: There is nothing to judge, or something that the judge cannot read.
            ModelError: The provider refuses access, or the case could not be embedded.
        """
        return run(self._evaluation(inputs, outputs, reference_outputs, config, more))

    __call__ = evaluate

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
        return await arun(self._evaluation(inputs, outputs, reference_outputs, config, more))

    def as_openevals_prompt(self) -> OpenevalsPrompt:
        """This judge's prompt, with its memory, for the judges that openevals and agentevals make.

        `create_llm_as_judge(prompt=prompt, judge=model, **prompt.options)` then asks `model` with
        what this judge remembers of the case.
        """
        return OpenevalsPrompt(self.flows)

    def _evaluation(
        self,
        inputs: Any,
        outputs: Any,
        reference_outputs: Any,
        config: RunnableConfig | None,
        more: Mapping[str, Any],
    ) -> Flow[EvaluatorResult]:
        ran, example = _langsmith(more)
        if ran is not None and outputs is None:
            outputs = ran.outputs or {}
        if example is not None:
            inputs = example.inputs if inputs is None else inputs
            reference_outputs = reference_outputs or example.outputs
        # LangSmith writes {} for what there is not.
        fields = {"inputs": inputs, "reference_outputs": reference_outputs or None}
        if is_without_outputs(outputs):
            return evaluator_result(self.flows.spec.name, NO_OUTPUTS)
        case = Case(outputs=outputs, **fields)
        outcome = yield from self.judging(case, config)
        return evaluator_result(self.flows.spec.name, outcome)


def _langsmith(more: Mapping[str, Any]) -> tuple[Any, Any]:
    """The run and the example among further arguments.

    Raises:
        InvalidInputError: There are others, which would go unseen.
    """
    unread = [name for name in more if name not in ("run", "example") and more[name]]
    if unread:
        raise InvalidInputError(
            f"found {', '.join(sorted(unread))}; a judge reads inputs, outputs and "
            "reference_outputs only: put what it should see into one of these."
        )
    return more.get("run"), more.get("example")
