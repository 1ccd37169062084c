"""The precedent model: a chat model without a language model, for judging by precedent."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field

from langchain_memalign._offline.extracting import extract_principles, shorten
from langchain_memalign._offline.pure import PureChatModel
from langchain_memalign._offline.reading import (
    Precedent,
    UnreadablePromptError,
    parse,
    read_precedents,
    section,
)
from langchain_memalign._offline.voting import Outcome, vote
from langchain_memalign._prompts.distilling import DISTIL_SCHEMA, RECONCILE_SCHEMA
from langchain_memalign._prompts.superseding import SUPERSEDE_SCHEMA
from langchain_memalign._values.types import ValueType
from langchain_memalign.errors import InvalidInputError

CLOSENESS_FLOOR = 0.3
"""Least similarity at which a past case counts as a precedent, for `LocalEmbeddings`.

Chosen on the seven labelled data sets of this project, of 50 past cases each: the past case
nearest to one of *another* data set has a similarity of 0.15 in the median and of 0.28 at the 95th
percentile; 3.5 % reach 0.3. Within the data sets, the nearest reaches it in 97 % of the cases where
all turn around one field (questions on one disease, one kind of puzzle) and in 7 to 35 % where
topics are mixed: there most cases have no precedent.
"""

_VERDICT = "verdict"
# The tools that ask for a judgement, a judge's own and openevals', each with what it calls the
# reason and the value.
_JUDGEMENTS = {_VERDICT: ("rationale", "value"), "score": ("reasoning", "score")}
_ABOUT = (
    "This is the precedent model of langchain-memalign, not a language model. It answers three "
    "prompts only, as tool calls: a judgement (by a vote of the recalled past cases), distilling "
    "(by taking over experts' remarks as they stand) and reconciling (never finds anything)."
)


class PrecedentModel(PureChatModel):
    """Judges by a similarity-weighted vote of the episodes in its prompt; opens no connection.

    It understands the prompts of this package and no other text. A judgement follows the experts'
    values on the nearest past cases; principles and the case itself are not read, as that takes a
    language model. Where no past case is near, or the nearest ones are evenly split, it refuses, so
    that the judge reports `Unscored` and never a guess. Distilling takes over each remark as a
    principle.

    Use it to try things out without a key, as a deterministic double in tests, and as the baseline
    "memory without a language model" in evaluations. Its rationale says what it is.

    Attributes:
        closeness_floor: A past case less similar than this is no precedent. The default fits
            `LocalEmbeddings`; other embeddings have other similarities.
    """

    closeness_floor: float = Field(default=CLOSENESS_FLOOR, ge=-1, le=1)

    @property
    def _llm_type(self) -> str:
        return "precedent"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": "precedent", "closeness_floor": self.closeness_floor}

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind the tool whose call is wanted; its name tells which prompt is to be answered."""
        bound = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=bound, tool_choice=tool_choice, **kwargs)

    def answer(self, messages: Sequence[BaseMessage], **options: Any) -> AIMessage:
        """Answer a prompt by the tool that is bound."""
        return _answer(messages, options.get("tools") or (), self.closeness_floor)


def _answer(
    messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]], floor: float
) -> AIMessage:
    """Answer a prompt by the tool that is bound."""
    functions = {f["name"]: f for tool in tools if (f := tool.get("function"))}
    try:
        if name := next((name for name in _JUDGEMENTS if name in functions), None):
            return _judge(messages, name, functions[name].get("parameters") or {}, floor)
        if DISTIL_SCHEMA["title"] in functions:
            prompt = parse(messages)
            found = extract_principles(section(prompt, "records"), prompt.find("principles"))
            return _call(DISTIL_SCHEMA["title"], {"principles": found})
    except (UnreadablePromptError, InvalidInputError) as error:
        return _refuse(f"{_ABOUT} This one it cannot read: {str(error).rstrip('.')}.")
    if RECONCILE_SCHEMA["title"] in functions:
        # What repetition it could see, equal text, is merged without any model.
        return _call(RECONCILE_SCHEMA["title"], {"decisions": []})
    if SUPERSEDE_SCHEMA["title"] in functions:
        # Nor does it know which words contradict others.
        return _call(SUPERSEDE_SCHEMA["title"], {"superseded": []})
    return _refuse(_ABOUT) if functions else AIMessage(_ABOUT)


def _judge(
    messages: Sequence[BaseMessage], name: str, parameters: dict[str, Any], floor: float
) -> AIMessage:
    reason, value = _JUDGEMENTS[name]
    episodes = section(parse(messages), "episodes")
    value_type = _value_type(parameters.get("properties", {}).get(value))
    precedents = read_precedents(episodes, value_type)
    if not precedents and (whole := _as_whole_numbers(value_type)):
        value_type = whole
        precedents = read_precedents(episodes, value_type)
    close = [p for p in precedents if p.similarity >= floor]
    outcome = vote(close, value_type) if close else None
    if outcome is None:
        return _refuse(_why_not(precedents, close, floor))
    judgement: dict[str, Any] = {reason: _rationale(outcome), value: outcome.value}
    if name == _VERDICT:
        relied_on = dict.fromkeys(ballot.precedent.id for ballot in outcome.carried_by)
        judgement["relied_on"] = list(relied_on)
    return _call(name, judgement)


def _value_type(schema: Any) -> ValueType:
    match schema:
        case {"type": "number", "enum": labels}:  # openevals' choices, also of whole numbers
            return ValueType.parse({"enum": labels})
        case {"type": "number", **rest} if "minimum" not in rest:  # openevals' continuous score
            return ValueType.parse({"type": "number", "minimum": 0, "maximum": 1})
    return ValueType.parse(schema)


def _as_whole_numbers(value_type: ValueType) -> ValueType | None:
    """The labels as whole numbers, where a schema that knows labels as text only says them so."""
    try:
        return ValueType.parse({"enum": [int(label) for label in value_type.labels]})
    except (ValueError, InvalidInputError):
        return None


def _why_not(precedents: Sequence[Precedent], close: Sequence[Precedent], floor: float) -> str:
    if not precedents:
        return "No close precedent: no past case with an expert's value has been recalled."
    nearest = precedents[0]
    if not close:
        return (
            f"No close precedent: the nearest past case with an expert's value, {nearest.id}, has "
            f"similarity {nearest.similarity:.2f}; at least {floor:.2f} is needed without a "
            "language model."
        )
    return (
        f"No clear precedent: the experts' values on the nearest past cases ({nearest.id}, "
        f"similarity {nearest.similarity:.2f}) are evenly split."
    )


def _rationale(outcome: Outcome) -> str:
    deciding = outcome.carried_by[0]
    nearest = deciding.precedent
    said = (
        f'the expert said: "{shorten(deciding.remark)}"'
        if deciding.remark
        else "the expert left no remark."
    )
    cases = "1 close past case" if outcome.voters == 1 else f"{outcome.voters} close past cases"
    return (
        f"Precedent vote without a language model over {cases}; {outcome.manner}. Deciding "
        f"precedent: {nearest.id}, similarity {nearest.similarity:.2f}, given "
        f"{json.dumps(deciding.value, ensure_ascii=False)}; {said}"
    )


def _call(name: str, arguments: dict[str, Any]) -> AIMessage:
    call = {"name": name, "args": arguments, "id": f"precedent_{name}"}
    return AIMessage("", tool_calls=[call], response_metadata={"model_name": "precedent"})


def _refuse(reason: str) -> AIMessage:
    return AIMessage(
        reason,
        additional_kwargs={"refusal": reason},
        response_metadata={"model_name": "precedent"},
    )
