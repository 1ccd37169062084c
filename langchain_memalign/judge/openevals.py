"""A judge's prompt as openevals takes it: another's call, with this judge's memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable, RunnableLambda

from langchain_memalign._content import canonical
from langchain_memalign._judging.setup import JudgeSetup
from langchain_memalign._models import DecisionModel, StructuredModel
from langchain_memalign._prompts.judging import SCORE_REPLY, JudgePrompt
from langchain_memalign._sync import asking, judging
from langchain_memalign.judge.evaluated import with_given
from langchain_memalign.schema import Case, Value, WorkingMemory


class OpenevalsPrompt:
    """A callable prompt for openevals' `create_llm_as_judge` and agentevals' trajectory judges.

    Called with a case, it recalls what the judge's memory says of it and returns chat messages.
    openevals calls prompts synchronously, also in its async judges: there the recall holds the
    event loop; `MemAlignJudge.aevaluate` does not. openevals itself knows no abstention: where its
    model declines, its judge raises; with `judge=prompt.model` the score is then None.
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
        given = with_given(inputs, more)
        case = Case(inputs=given, outputs=outputs, reference_outputs=reference_outputs or None)
        memory = judging.recall(self._setup, case)
        is_chat = isinstance(self._setup.model, StructuredModel)
        prompt = self._setup.prompt(memory, case, reply=SCORE_REPLY if is_chat else None)
        roles = {"system": "system", "human": "user"}
        return [{"role": roles[m.type], "content": m.text} for m in prompt.messages]

    @property
    def model(self) -> BaseChatModel:
        """The judge's model, as the `judge` of `create_llm_as_judge`: it abstains with None."""
        if isinstance(self._setup.model, DecisionModel):
            return _Deciding(setup=self._setup)
        return _Abstaining(model=self._setup.model.chat_model)

    @property
    def options(self) -> dict[str, Any]:
        """The options of `create_llm_as_judge` that make its score one of the judge's values.

        Where openevals has no such score (labels that are text, numbers that do not lie from 0 to
        1), this is an `output_schema`, and its judge returns the keys `reasoning` and `score` only.
        The feedback's key is the judge's name.
        """
        value_type = self._setup.spec.value_type
        named = {"feedback_key": self._setup.spec.name}
        if value_type.kind == "boolean":
            return named
        if value_type.kind == "number" and (value_type.minimum, value_type.maximum) == (0, 1):
            return {**named, "continuous": True}
        if value_type.kind == "integer":
            scale = range(int(value_type.minimum), int(value_type.maximum) + 1)
            return {**named, "choices": [*scale]}
        if value_type.is_ordered:
            return {**named, "choices": list(value_type.labels)}
        properties = {"reasoning": {"type": "string"}, "score": value_type.json_schema}
        return {
            **named,
            "output_schema": {
                "title": "score",
                "description": "The judgement of the case.",
                "type": "object",
                "properties": properties,
                "required": list(properties),
                "additionalProperties": False,
            },
        }


class _Abstaining(BaseChatModel):
    """A chat model whose structured replies, where it gives none, say so with a score of None."""

    model: BaseChatModel

    @property
    def _llm_type(self) -> str:
        return self.model._llm_type

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        message = self.model.invoke(messages, **kwargs)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def with_structured_output(
        self, schema: Any, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[Any, Any]:
        structured = self.model.with_structured_output(schema, include_raw=True, **kwargs)
        return structured if include_raw else structured | RunnableLambda(_scored)


class _Deciding(BaseChatModel):
    """A decision model that is asked by chat messages, and replies with a score in JSON."""

    setup: Any

    @property
    def _llm_type(self) -> str:
        return "decisions"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        prompt = JudgePrompt(messages=messages, ids={}, cut_tokens=0)
        answer = asking.said_of(self.setup, prompt, WorkingMemory())
        said: dict[str, Value | None] = {"score": None, "reasoning": f"Unscored: {answer.problem}"}
        if answer.value is not None:
            said = {"score": answer.value.value, "reasoning": answer.value.rationale}
        message = AIMessage(canonical(said), usage_metadata=answer.usage)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def with_structured_output(
        self, schema: Any, *, include_raw: bool = False, **_: Any
    ) -> Runnable[Any, Any]:
        def parsed(message: AIMessage) -> dict[str, Any]:
            read: dict[str, Any] = json.loads(message.text)
            return {"raw": message, "parsed": read, "parsing_error": None} if include_raw else read

        return self | RunnableLambda(parsed)


def _scored(reply: Any) -> dict[str, Any]:
    parsed = reply["parsed"]
    if isinstance(parsed, Mapping) and parsed.get("score") is not None:
        return {"reasoning": "", **parsed}
    said = reply["raw"].text or str(reply.get("parsing_error") or "the model gave no score.")
    return {"score": None, "reasoning": f"Unscored: {said}"}
