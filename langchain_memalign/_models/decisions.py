"""Decision models: asked one typed question, they answer with the probability of each value.

LangChain has two interfaces of the kind: `langchain_core.decisions.BaseDecisionModel`, whose
questions are Noul, Choice and Score, and `langchain_openai.decisions.OpenAIDecisions`, which has
Predicate, Choice and Score.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.decisions import BaseDecisionModel, Choice, Noul, NoulCriteria, Score
from langchain_core.messages.ai import UsageMetadata
from langchain_core.runnables import Runnable

from langchain_memalign._models.failures import Retry
from langchain_memalign._prompts.deciding import Decision, label_of
from langchain_memalign.schema import Value

_QUESTION = "value"
# Providers round what they tell.
_ROUNDING = 0.02


@dataclass(frozen=True, kw_only=True)
class DecisionModel:
    """A decision model that `model_calls.decide` asks.

    Attributes:
        runnable: The model itself.
        retry: How failing calls are repeated.
    """

    runnable: Runnable[Any, Any]
    retry: Retry


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What came of one question.

    Attributes:
        probabilities: How likely each value is; None where the answer does not tell.
        chosen: The label that the model itself chose, where it chooses.
        problem: Why there are none; None if there are.
        raw: The answer as text.
        calls: How many times the model was called.
        usage: Tokens, or None where the model does not tell.
    """

    probabilities: dict[Value, float] | None
    chosen: Value | None
    problem: str | None
    raw: str
    calls: int
    usage: UsageMetadata | None


def is_decision_model(model: object) -> bool:
    """Whether it is a decision model of either interface."""
    return isinstance(model, BaseDecisionModel) or _is_of_openai(model)


def _is_of_openai(model: object) -> bool:
    # Whoever has one has imported it; nobody else should wait for it.
    openai = sys.modules.get("langchain_openai.decisions.base")
    return openai is not None and isinstance(model, openai.OpenAIDecisions)


def request_of(model: Runnable[Any, Any], decision: Decision) -> dict[str, Any]:
    """A question as the model's interface takes it."""
    if _is_of_openai(model):
        return {"input": decision.state, "questions": {_QUESTION: _openai_question(decision)}}
    return {"state": decision.state, "questions": {_QUESTION: _core_question(decision)}}


def _described(decision: Decision) -> dict[str, str | None]:
    """Each value's label with what it means."""
    return {label_of(v): decision.meanings.get(label_of(v)) for v in decision.values}


def _core_question(decision: Decision) -> Noul | Choice | Score:
    described, instructions = _described(decision), decision.instructions
    match decision.form:
        case "noul":
            criteria = NoulCriteria(true=described["true"], false=described["false"])
            told = criteria if any(described.values()) else None
            return Noul(instructions=instructions, criteria=told)
        case "choice":
            return Choice(instructions=instructions, criteria=dict(described))
        case "score":
            levels = [f"{label}: {words}" if words else label for label, words in described.items()]
            return Score(instructions=instructions, criteria=list(levels))


def _openai_question(decision: Decision) -> Any:
    from langchain_openai import decisions

    described, instructions = _described(decision), decision.instructions
    match decision.form:
        case "noul":
            return decisions.Predicate(instructions=instructions)
        case "choice":
            return decisions.Choice(instructions=instructions, choices=dict(described))
        case "score":
            levels = [decisions.Level(label=label, description=d) for label, d in described.items()]
            return decisions.Score(instructions=instructions, levels=list(levels))


def read_decision(response: Any, decision: Decision, *, calls: int) -> Decided:
    """Read the answer to a question.

    Probabilities that make nearly 1 together are brought to it; others are none.
    """
    answer = response.answers.get(_QUESTION)
    told: dict[Value, float] | None = None
    chosen: Value | None = None
    problem: str | None = None
    match getattr(answer, "type", None):
        case "noul" | "predicate":
            yes = answer.noul if answer.type == "noul" else answer.probability
            told = {True: yes, False: 1 - yes}
        case "choice":
            values = {label_of(value): value for value in decision.values}
            told, problem = _told(values, answer.probabilities)
            chosen = values.get(answer.choice)
        case "score":
            told, problem = _told(dict(enumerate(decision.values)), answer.probabilities)
        case "refusal":
            problem = "the model declined to answer."
        case kind:
            found = "no answer" if kind is None else f"an answer of the kind {kind!r:.40}"
            problem = f"found {found}; expected one of the kind {decision.form!r}."
    return Decided(
        probabilities=told,
        chosen=chosen,
        problem=problem,
        raw="" if answer is None else answer.model_dump_json(),
        calls=calls,
        usage=_usage(response.usage),
    )


def _told(
    values: Mapping[Any, Value], given: Mapping[Any, float]
) -> tuple[dict[Value, float] | None, str | None]:
    total = math.fsum(given.values())
    if unknown := [key for key in given if key not in values]:
        return None, f"found a probability of {unknown[0]!r:.80}, which is no value of the judge."
    if not all(p >= 0 for p in given.values()) or not abs(total - 1) <= _ROUNDING:
        return None, f"found probabilities that make {total:.4g} together; expected 1."
    return {value: given.get(key, 0.0) / total for key, value in values.items()}, None


def _usage(told: Any) -> UsageMetadata | None:
    """Tokens as LangChain counts them; OpenAI's class has two counts, either of which may lack."""
    if not hasattr(told, "input_tokens"):
        counted: UsageMetadata | None = told
        return counted
    if told.input_tokens is None and told.output_tokens is None:
        return None
    given, made = told.input_tokens or 0, told.output_tokens or 0
    return UsageMetadata(input_tokens=given, output_tokens=made, total_tokens=given + made)
