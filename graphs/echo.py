"""A chat model for trying an agent out without a key: it repeats what it is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult


class EchoModel(BaseChatModel):
    """Repeats the user's last message, and says that it is no language model."""

    @property
    def _llm_type(self) -> str:
        return "echo"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        reply = AIMessage(_echo(messages), response_metadata={"model_name": "echo"})
        return ChatResult(generations=[ChatGeneration(message=reply)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        # Pure and short: a thread would cost more than the answer.
        return self._generate(messages)


def _echo(messages: Sequence[BaseMessage]) -> str:
    said = [str(message.text) for message in messages if isinstance(message, HumanMessage)]
    return (
        f"You said: {said[-1] if said else ''}\n\n"
        "(This is the offline echo model, not a language model. Name another as agent_model.)"
    )
