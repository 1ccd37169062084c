"""What a guardrail takes for the case, and what it says to a chain or an agent that must retry."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_origin

from langchain_core.load import dumps
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage
from langchain_core.prompt_values import PromptValue
from pydantic import BaseModel

from langchain_memalign.errors import ConfigurationError
from langchain_memalign.guardrails.checkpoint import Checkpoint
from langchain_memalign.judge import CaseLike
from langchain_memalign.schema import Record, Unscored, Verdict

MakeCase: TypeAlias = Callable[[Any, Any], CaseLike]
"""From what was asked, and what was answered (None before there is an answer), to the case."""

RetryInput: TypeAlias = Callable[[Any, Any, Verdict | Unscored], Any]
"""From a chain's input, its refused output and the verdict to the input of a retry."""


_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ChainGuard:
    """What watches a chain.

    Attributes:
        name: What tells it from others in the same node.
        on: Whether its input or its output is judged.
        checkpoint: Judge and policy.
        case: Makes the case of the chain's input and output.
        retry_input: Makes the input of a retry.
        output_type: What the chain gives, as far as it says so.
    """

    name: str
    on: Literal["input", "output"]
    checkpoint: Checkpoint
    case: MakeCase
    retry_input: RetryInput
    output_type: Any = Any


@dataclass(frozen=True, kw_only=True)
class AgentGuard:
    """What watches an agent.

    Attributes:
        name: Unique for each judge.
        checkpoint: Judge and policy.
        case: Makes the case of the messages before a reply, and the reply.
    """

    name: str
    checkpoint: Checkpoint
    case: MakeCase


def traits(guard: ChainGuard, input: Any, place: Sequence[str]) -> tuple[Any, ...]:
    """What tells a visit to a chain's guardrail from others in the same node, in each of its runs.

    The input has to be the same whenever the node is run again, as LangGraph expects of all that
    comes before an interrupt; a human is asked anew about the answer to another.
    """
    return guard.name, guard.on, list(place), dumps(input)


_NOTE = (
    "Your last answer was not accepted. The reviewer says:\n{why}\n"
    "Answer the request again, so that this no longer holds. Do not mention the review."
)


def plain_case(inputs: Any, outputs: Any) -> CaseLike:
    """The case of an input and an answer; a lone message counts as its text."""
    return {"inputs": plain(inputs), "outputs": plain(outputs)}


def plain(content: Any) -> Any:
    """What a chain takes or gives, as a case holds it.

    A lone message of text becomes that text, so that it is the same case as the text itself; with
    tool calls, images or files, and of more than one, messages stay messages.
    """
    if isinstance(content, PromptValue):
        content = content.to_messages()
    if isinstance(content, Mapping) and content.keys() == {"messages"}:
        content = content["messages"]
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], BaseMessage):
        (content,) = content
    if isinstance(content, BaseMessage):
        return str(content.text) if is_text(content) else [content]
    if isinstance(content, BaseModel) and not isinstance(content, Record):
        return content.model_dump(mode="json")
    return {"value": content} if isinstance(content, bool | int | float) else content


def is_text(message: BaseMessage) -> bool:
    """Whether all that a reader of the message sees is its text."""
    return all(block["type"] in ("text", "reasoning") for block in message.content_blocks)


def retry_note(outcome: Verdict | Unscored) -> str:
    """What is said to whoever must answer again."""
    why = outcome.rationale if isinstance(outcome, Verdict) else outcome.reason
    return _NOTE.format(why=why)


def with_feedback(given: Any, answer: Any, outcome: Verdict | Unscored) -> Any:
    """The input of a retry: what was given, the answer to it, and why it was refused.

    Raises:
        ConfigurationError: The input is neither text nor messages.
    """
    note = retry_note(outcome)
    if isinstance(given, PromptValue):
        given = given.to_messages()
    if isinstance(given, str):
        return f"{given}\n\nYour last answer was:\n{_text(answer)}\n\n{note}"
    if isinstance(given, BaseMessage):
        given = [given]
    if isinstance(given, Sequence):
        return [*given, AIMessage(_text(answer)), HumanMessage(note)]
    if isinstance(given, Mapping) and "messages" in given:
        return {**given, "messages": with_feedback(given["messages"], answer, outcome)}
    raise ConfigurationError(
        f"on_fail='retry': found an input of type {type(given).__name__}; expected text, messages, "
        "or a mapping with messages. Give retry_input, a function of (input, answer, verdict) that "
        "returns the input of the retry."
    )


def in_place_of(answer: Any, replacement: Any) -> Any:
    """A replacement in the form of the answer that it stands in for.

    A text takes the place of the one text or message of the answer. Where there are several parts,
    nobody can know which of them are to be withheld: the text alone is given, with a warning.
    """
    if not isinstance(replacement, str):
        return replacement
    if (shaped := _shaped(answer, replacement)) is None:
        _log.warning(
            "a guardrail put a text in the place of a %s, as it cannot tell which of its parts to "
            "replace; give message=, a mapping or a function of the verdict, for the whole answer.",
            type(answer).__name__,
        )
        return replacement
    return shaped


def in_place_of_output(output_type: Any, replacement: Any) -> Any:
    """A replacement in the form of the answers of a chain that did not run."""
    of_messages = output_type is AnyMessage or (
        isinstance(output_type, type) and issubclass(output_type, BaseMessage)
    )
    return AIMessage(replacement) if of_messages and isinstance(replacement, str) else replacement


def is_structured(output_type: Any) -> bool:
    """Whether answers of a type have parts, as those of mappings and objects do."""
    kind = get_origin(output_type) or output_type
    return is_object(kind) or (isinstance(kind, type) and issubclass(kind, Mapping | list | tuple))


def is_object(output_type: Any) -> bool:
    """Whether answers of a type are objects with fields, of which none can be a bare text."""
    is_class = isinstance(output_type, type)
    return (
        is_class and issubclass(output_type, BaseModel) and not issubclass(output_type, BaseMessage)
    )


def _shaped(answer: Any, text: str) -> Any:
    """A text in the form of an answer; None where the answer has more parts than one."""
    if answer is None or isinstance(answer, str):
        return text
    if isinstance(answer, BaseMessage):
        return AIMessage(text, id=answer.id)
    if isinstance(answer, Mapping) and len(answer) == 1:
        ((key, part),) = answer.items()
        if key == "messages" and isinstance(part, list) and part:
            part = part[-1:]  # whatever their number, it is one conversation that is withheld
        shaped = _shaped(part, text)
        return None if shaped is None else {key: shaped}
    if isinstance(answer, list) and len(answer) == 1:
        shaped = _shaped(answer[0], text)
        return None if shaped is None else [shaped]
    return None


def _text(answer: Any) -> str:
    return str(answer.text) if isinstance(answer, BaseMessage) else str(answer)


def joined(chunks: Sequence[Any]) -> Any:
    """Chunks as one output; as LangChain does, the last where they cannot be added."""
    joined = chunks[0] if chunks else None
    for chunk in chunks[1:]:
        try:
            joined = joined + chunk
        except TypeError:
            joined = chunk
    return joined
