"""What a model's answer is taken for: a value, the reasons, and how likely each value is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from langchain_memalign._judging.setup import JudgeSetup
from langchain_memalign._models import Answer
from langchain_memalign._models.decisions import Decided
from langchain_memalign._prompts.judging import JudgePrompt
from langchain_memalign._values.levels import aggregated
from langchain_memalign._values.types import ValueType
from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Recalled, Value, WorkingMemory

_MOST_CASES = 3
_MOST_RULES = 5
_SHORT = 8
_NO_REASONS = (
    "No reasons: the model's reply could not be used, and it was asked again for the value alone."
)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a model said of a case.

    Attributes:
        value: The value.
        rationale: Why.
        relied_on: The ids of what it names as its grounds.
        probabilities: How likely each value is; None where nothing tells.
        raw_value: What it said itself, where its probabilities made another value of it.
    """

    value: Value
    rationale: str
    relied_on: tuple[str, ...] = ()
    probabilities: Mapping[Value, float] | None = None
    raw_value: Value | None = None


def verdict_reader(
    value_type: ValueType, prompt: JudgePrompt
) -> Callable[[dict[str, Any]], tuple[Said | None, str | None]]:
    """Make the reader of a model's verdict on a prompt."""

    def read(data: dict[str, Any]) -> tuple[Said | None, str | None]:
        rationale, cited = data.get("rationale"), data.get("relied_on", [])
        if not isinstance(rationale, str) or not isinstance(cited, list):
            return None, "expected a text 'rationale', a list 'relied_on' and a 'value'."
        if "value" not in data:
            return None, f"it has no 'value'; expected {value_type.describe()}."
        try:
            value = value_type.check(data["value"])
        except InvalidInputError as error:
            return None, str(error)
        # Ids that were not shown are inventions of the model.
        names = dict.fromkeys(name for name in cited if isinstance(name, str))
        relied_on = tuple(id_ for name in names for id_ in prompt.ids.get(name, ()))
        return Said(value=value, rationale=storable(rationale), relied_on=relied_on), None

    return read


def value_reader(
    value_type: ValueType,
) -> Callable[[dict[str, Any]], tuple[Said | None, str | None]]:
    """Make the reader of a reply that is asked for the value alone."""

    def read(data: dict[str, Any]) -> tuple[Said | None, str | None]:
        if "value" not in data:
            return None, f"it has no 'value'; expected {value_type.describe()}."
        try:
            return Said(value=value_type.check(data["value"]), rationale=_NO_REASONS), None
        except InvalidInputError as error:
            return None, str(error)

    return read


def storable(text: str) -> str:
    """The text without halves of characters, which models also write and nothing can store."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def by_probabilities(
    setup: JudgeSetup, said: Said, probabilities: Mapping[Value, float] | None
) -> Said:
    """What a chat model said, with the value that its probabilities make; pure."""
    if probabilities is None:
        return said
    value = aggregated(probabilities, setup.spec.value_type, setup.value_by, said=said.value)
    if value is None or value == said.value:
        return replace(said, probabilities=probabilities)
    return replace(said, value=value, probabilities=probabilities, raw_value=said.value)


def decided(setup: JudgeSetup, memory: WorkingMemory, answer: Decided) -> Answer[Said]:
    """What a decision model's answer says; pure."""
    said, problem, told = None, answer.problem, answer.probabilities
    if told is not None:
        value = aggregated(told, setup.spec.value_type, setup.value_by, said=answer.chosen)
        if value is None:
            problem = "the model finds several values equally likely."
        else:
            said = Said(value=value, rationale=_grounds(setup, memory), probabilities=told)
    return Answer(
        value=said, problem=problem, raw=answer.raw, calls=answer.calls, usage=answer.usage
    )


def _grounds(setup: JudgeSetup, memory: WorkingMemory) -> str:
    """What a verdict without reasons rests on: ids, and what was said of the nearest cases."""
    parts = ["The model gives probabilities, not reasons."]
    if memory.principles:
        rules = [principle.id[:_SHORT] for principle in memory.principles]
        more = [f"{len(rules) - _MOST_RULES} more"] if len(rules) > _MOST_RULES else []
        parts.append(f"Principles shown: {', '.join([*rules[:_MOST_RULES], *more])}.")
    if memory.episodes:
        near = [_near(setup, recalled) for recalled in memory.episodes[:_MOST_CASES]]
        parts.append(f"What experts said of the nearest past cases: {'; '.join(near)}.")
    if len(parts) == 1:
        parts.append("No expert's answer was known.")
    return " ".join(parts)


def _near(setup: JudgeSetup, recalled: Recalled) -> str:
    value = "a remark" if recalled.value is None else setup.spec.value_in_words(recalled.value)
    return f"{value} ({recalled.episode.id[:_SHORT]}, similarity {recalled.similarity:.2f})"
