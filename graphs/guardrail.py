"""A chat agent with a guardrail: what the judge refuses, a human releases or withholds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import SystemMessage

from graphs.context import GUARDRAIL, GuardrailContext, configured_judge
from graphs.echo import EchoModel
from graphs.served import served
from langchain_memalign._models import resolve_chat_model
from langchain_memalign.guardrails import MemAlignMiddleware

Request = ModelRequest[GuardrailContext]


class ConfiguredModel(AgentMiddleware[Any, GuardrailContext, Any]):
    """Calls the model, with the prompt, that the run's context names."""

    def wrap_model_call(
        self, request: Request, handler: Callable[[Request], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Call it."""
        return handler(_configured(request))

    async def awrap_model_call(
        self, request: Request, handler: Callable[[Request], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        """Call it; looking a provider up may read files."""
        return await handler(await asyncio.to_thread(_configured, request))


def _configured(request: Request) -> Request:
    context = request.runtime.context or GuardrailContext()
    return request.override(
        model=_model(context.agent_model), system_message=SystemMessage(context.agent_prompt)
    )


@lru_cache(maxsize=16)
def _model(name: str) -> BaseChatModel:
    return EchoModel() if name == "echo" else resolve_chat_model(name)


graph = create_agent(
    EchoModel(),
    middleware=[
        ConfiguredModel(),
        MemAlignMiddleware(configured_judge, name=GUARDRAIL, on_fail="review"),
    ],
    context_schema=GuardrailContext,
    name="guardrail",
)
serve = served(graph, GuardrailContext)
