"""A chat model for trying an agent out without a key: it repeats what it is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from langchain_memalign._offline import PureChatModel


class EchoModel(PureChatModel):
    """Repeats the user's last message, and says that it is no language model."""

    @property
    def _llm_type(self) -> str:
        return "echo"

    def answer(self, messages: Sequence[BaseMessage], **options: Any) -> AIMessage:
        """Repeat what the user said last."""
        return AIMessage(_echo(messages), response_metadata={"model_name": "echo"})


def _echo(messages: Sequence[BaseMessage]) -> str:
    said = [str(message.text) for message in messages if isinstance(message, HumanMessage)]
    return (
        f"You said: {said[-1] if said else ''}\n\n"
        "(This is the offline echo model, not a language model. Name another as agent_model.)"
    )
