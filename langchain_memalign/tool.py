"""The judge as a tool that an agent can call."""

from __future__ import annotations

import re
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, ToolException
from pydantic import BaseModel, Field

from langchain_memalign._content import canonical
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.judge import MemAlignJudge
from langchain_memalign.schema import Case, Unscored, Verdict

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 64


class JudgeToolInput(BaseModel):
    """What an agent passes to a `JudgeTool`."""

    inputs: str | dict[str, Any] = Field(
        default="", description="What the reply or work answers: the question, task or request."
    )
    outputs: str | dict[str, Any] = Field(description="The reply or work to judge.")
    reference_outputs: str | dict[str, Any] | None = Field(
        default=None, description="A known good reply, where there is one."
    )


class JudgeTool(BaseTool):
    """Lets an agent ask a judge, for example about its own draft.

    The tool message holds the verdict and its reasons as JSON; its `artifact` is the `Verdict` or
    the `Unscored`. A call without anything to judge gets an answer that says so; the
    agent goes on.

    Attributes:
        judge: Who is asked.
    """

    judge: MemAlignJudge
    name: str = ""
    description: str = ""
    args_schema: type[BaseModel] = JudgeToolInput
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    handle_tool_error: Any = True

    def __init__(self, *, judge: MemAlignJudge, **options: Any) -> None:
        """Make a tool from a judge.

        Args:
            judge: Who is asked.
            options: Fields of `BaseTool`. By default the name is "judge_" with the judge's name,
                and the description is its instructions and scale.
        """
        spec = judge.spec
        named = {
            "name": f"judge_{_NOT_IN_A_NAME.sub('_', spec.name)}"[:_LONGEST_NAME],
            "description": f"Judges a reply or a piece of work. {spec.instructions} "
            f"The value is {spec.describe_values()}.",
        }
        super().__init__(judge=judge, **{**named, **options})

    def _run(
        self,
        inputs: Any = "",
        outputs: Any = None,
        reference_outputs: Any = None,
        *,
        config: RunnableConfig,
    ) -> tuple[str, Verdict | Unscored]:
        return _answer(self.judge.invoke(_case(inputs, outputs, reference_outputs), config))

    async def _arun(
        self,
        inputs: Any = "",
        outputs: Any = None,
        reference_outputs: Any = None,
        *,
        config: RunnableConfig,
    ) -> tuple[str, Verdict | Unscored]:
        case = _case(inputs, outputs, reference_outputs)
        return _answer(await self.judge.ainvoke(case, config))


def _case(inputs: Any, outputs: Any, reference_outputs: Any) -> Case:
    try:
        return Case(inputs=inputs, outputs=outputs, reference_outputs=reference_outputs)
    except InvalidInputError as error:
        raise ToolException(str(error)) from error


def _answer(outcome: Verdict | Unscored) -> tuple[str, Verdict | Unscored]:
    if isinstance(outcome, Unscored):
        return canonical({"value": None, "unscored": outcome.reason}), outcome
    return canonical({"value": outcome.value, "rationale": outcome.rationale}), outcome
