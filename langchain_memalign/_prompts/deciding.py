"""What a decision model is asked: the judge's prompt, with a question in place of a reply's form.

The instructions hold what the judge's owner wrote, and nothing else; principles, past cases and
the case, which others wrote, are the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from langchain_core.messages import HumanMessage

from langchain_memalign._prompts.judging import JudgePrompt
from langchain_memalign._values.levels import levels_of
from langchain_memalign._values.types import JudgeSpec, value_text
from langchain_memalign.schema import Value

# OpenAI takes no more, nor do others.
MOST_LEVELS = 10
"""Of a scale; a longer one is asked for by some of its values."""

DecisionForm: TypeAlias = Literal["noul", "choice", "score"]

_ASKED: dict[DecisionForm, str] = {
    "noul": "The question: is the value of the <case> true{meaning}?",
    "choice": "The question: which of the values does the <case> have?",
    "score": "The question: which level of the scale does the <case> have? The levels are named "
    "by their values, lowest first.",
}


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One question to a decision model.

    Attributes:
        form: Whether it is about true or false, about labels, or about the levels of a scale.
        instructions: Trusted text: what to judge, and how to read the state.
        state: Untrusted text: principles, past cases, the case.
        values: What may be decided, in order.
        meanings: What values mean in words, by the value as `value_text` writes it.
    """

    form: DecisionForm
    instructions: str
    state: str | HumanMessage
    values: tuple[Value, ...]
    meanings: Mapping[str, str]


def decision_form(spec: JudgeSpec) -> DecisionForm:
    """The form of the question that asks for the values of a judge."""
    value_type = spec.value_type
    if value_type.kind == "boolean":
        return "noul"
    if value_type.kind == "choice":
        fits = value_type.is_ordered and len(value_type.labels) <= MOST_LEVELS
        return "score" if fits else "choice"
    return "score"


def decision_question(spec: JudgeSpec) -> str:
    """What stands where a chat model is told the form of its reply."""
    meaning = spec.value_meanings.get("true")
    asked = _ASKED[decision_form(spec)]
    return asked.replace("{meaning}", f", that is: {meaning}" if meaning else "")


def decision_of(spec: JudgeSpec, prompt: JudgePrompt) -> Decision:
    """The question that a prompt puts, which was rendered with `decision_question`."""
    system, human = prompt.messages
    text = human.content
    return Decision(
        form=decision_form(spec),
        instructions=system.text,
        state=text if isinstance(text, str) else HumanMessage(text),
        values=levels_of(spec.value_type, MOST_LEVELS),
        meanings=spec.value_meanings,
    )


def label_of(value: Value) -> str:
    """A value as the label by which it is asked for."""
    return value_text(value)
