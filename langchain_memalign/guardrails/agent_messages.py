"""What guardrails read in an agent's messages, and what they leave there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
)

from langchain_memalign.guardrails.messages import AgentGuard
from langchain_memalign.guardrails.policy import Judged

STATE = "memalign_guardrails"
"""The key under which guardrails keep notes in an agent's state."""

MARK = "memalign_guardrail"
"""In the metadata of a reply that a guardrail has put in the place of another."""


def noted(guard: AgentGuard, state: Mapping[str, Any]) -> dict[str, Any]:
    """What a guardrail has noted of the run: the turn, its retries, the ids that it refused."""
    kept = (state.get(STATE) or {}).get(guard.name) or {}
    return {"turn": None, "retries": 0, "refused": [], **kept}


def instead_of(guard: AgentGuard, reply: BaseMessage | None, judged: Judged) -> BaseMessage:
    """The message that stands in for a reply; it keeps the reply's id."""
    given = guard.checkpoint.policy.replacement(judged.outcome)
    content = given.content if isinstance(given, BaseMessage) else str(given)
    mark = {MARK: guard.name}
    if isinstance(reply, ToolMessage):
        return reply.model_copy(update={"content": content, "response_metadata": mark})
    return AIMessage(content, id=reply and reply.id, response_metadata=mark)


def is_bound(message: BaseMessage) -> bool:
    """Whether a message is half of a tool call and must stay with the other half."""
    return isinstance(message, ToolMessage) or bool(getattr(message, "tool_calls", None))


def said_last(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """What was said since the last reply, in whatever role; the agent reads all of it.

    Where all messages are replies, none of them can be the agent's own: they are what was said.
    """
    said: list[AnyMessage] = []
    for message in reversed(messages):
        if not isinstance(message, AIMessage | ToolMessage):
            said.insert(0, message)
        elif isinstance(message, AIMessage) and said:
            break
    return said or list(messages)


def turn_of(messages: Sequence[AnyMessage], notes: Sequence[str]) -> str | None:
    """The id of what the user said last."""
    said = (m for m in reversed(messages) if isinstance(m, HumanMessage) and m.id not in notes)
    return next((message.id for message in said), None)
