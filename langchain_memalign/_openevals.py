"""A judge's prompt as openevals takes it: another's call, with this judge's memory."""

from __future__ import annotations

from typing import Any

from langchain_memalign._prompts.judging import SCORE_REPLY
from langchain_memalign._setup import JudgeSetup
from langchain_memalign._sync import judging
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Case


class OpenevalsPrompt:
    """A callable prompt for openevals' `create_llm_as_judge` and agentevals' trajectory judges.

    Called with a case, it recalls what the judge's memory says of it and returns chat messages.
    openevals calls prompts synchronously, also in its async judges: there the recall holds the
    event loop; `MemAlignJudge.aevaluate` does not. openevals knows no abstention: where the model
    declines, its judge raises.
    """

    def __init__(self, setup: JudgeSetup) -> None:
        self._setup = setup

    def __call__(
        self,
        *,
        inputs: Any = None,
        outputs: Any = None,
        reference_outputs: Any = None,
        **more: Any,
    ) -> list[dict[str, Any]]:
        """Render the prompt that judges a case.

        Raises:
            InvalidInputError: There is nothing to judge, or an argument that would go unseen.
        """
        if unread := sorted(name for name, value in more.items() if value):
            raise InvalidInputError(
                f"found {', '.join(unread)}; expected inputs, outputs and reference_outputs only: "
                "put what the judge should see into one of these."
            )
        case = Case(inputs=inputs, outputs=outputs, reference_outputs=reference_outputs or None)
        prompt = self._setup.prompt(judging.recall(self._setup, case), case, reply=SCORE_REPLY)
        roles = {"system": "system", "human": "user"}
        return [{"role": roles[m.type], "content": m.text} for m in prompt.messages]

    @property
    def options(self) -> dict[str, Any]:
        """The options of `create_llm_as_judge` that make its score one of the judge's values.

        Where openevals has no such score (labels that are text, numbers that do not lie from 0 to
        1), this is an `output_schema`, and its judge returns the keys `reasoning` and `score` only.
        """
        value_type = self._setup.spec.value_type
        if value_type.kind == "boolean":
            return {}
        if value_type.kind == "number" and (value_type.minimum, value_type.maximum) == (0, 1):
            return {"continuous": True}
        if value_type.kind == "integer":
            return {"choices": [*range(int(value_type.minimum), int(value_type.maximum) + 1)]}
        if value_type.is_ordered:
            return {"choices": list(value_type.labels)}
        properties = {"reasoning": {"type": "string"}, "score": value_type.json_schema}
        return {
            "output_schema": {
                "title": "score",
                "description": "The judgement of the case.",
                "type": "object",
                "properties": properties,
                "required": list(properties),
                "additionalProperties": False,
            }
        }
