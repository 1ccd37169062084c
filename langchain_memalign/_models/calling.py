"""Calling a model's client: on the event loop where it can be, else in a thread.

A thread of its own, not one of the loop's few: those may all be taken by blocking calls that wait
for the very task that calls the model. The blocking forms just call.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackManager
from langchain_core.decisions import BaseDecisionModel
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config

from langchain_memalign._concurrency import in_model_thread

# The loop whose connections the async clients of this process may hold. They are shared: LangChain
# gives all models of a provider the same one.
_home: weakref.ref[asyncio.AbstractEventLoop] | None = None


def invoked(
    asked: Runnable[Any, Any],
    input: Any,
    config: RunnableConfig | None,
    *,
    model: Runnable[Any, Any],
) -> Any:
    """Invoke what `model` was made into.

    Args:
        asked: The model, perhaps with options bound to it.
        input: What it is asked.
        config: Callbacks, tags and the like.
        model: The model itself.
    """
    return asked.invoke(input, config)


async def ainvoked(
    asked: Runnable[Any, Any],
    input: Any,
    config: RunnableConfig | None,
    *,
    model: Runnable[Any, Any],
) -> Any:
    """Awaitable `invoked`."""
    if (_blocks(model) or _is_elsewhere(model)) and not _is_heard_on_loop(config):
        return await in_model_thread(asked.invoke, input, config)
    return await asked.ainvoke(input, config)


def embedded(embeddings: Embeddings, texts: list[str]) -> list[list[float]]:
    """Embed texts as documents."""
    return embeddings.embed_documents(texts)


async def aembedded(embeddings: Embeddings, texts: list[str]) -> list[list[float]]:
    """Awaitable `embedded`."""
    blocks = type(embeddings).aembed_documents is Embeddings.aembed_documents
    if blocks or _is_elsewhere(embeddings):
        return await in_model_thread(embeddings.embed_documents, texts)
    return await embeddings.aembed_documents(texts)


def _blocks(model: Runnable[Any, Any]) -> bool:
    """Whether the model's awaitable form is only its blocking one in a thread."""
    kind = type(model)
    if issubclass(kind, BaseChatModel):
        return (
            kind._agenerate is BaseChatModel._agenerate and kind._astream is BaseChatModel._astream
        )
    if issubclass(kind, BaseDecisionModel):
        return kind._aclassify is BaseDecisionModel._aclassify
    return False


def _is_elsewhere(model: Any) -> bool:
    """Whether the model's async client may hold connections of another loop than this one.

    Such a connection takes a request, and loses the answer: each would be paid twice.
    """
    global _home
    if not any("async_client" in name for name in dir(type(model)) + list(_fields(model))):
        return False
    here = asyncio.get_running_loop()
    if _home is None:
        _home = weakref.ref(here)
    return _home() is not here


def _fields(model: Any) -> tuple[str, ...]:
    return tuple(getattr(type(model), "model_fields", ()))


def _is_heard_on_loop(config: RunnableConfig | None) -> bool:
    """Whether somebody listens whose callbacks must be run on this loop."""
    callbacks = ensure_config(config).get("callbacks")
    handlers = callbacks.handlers if isinstance(callbacks, BaseCallbackManager) else callbacks
    return any(isinstance(handler, AsyncCallbackHandler) for handler in handlers or ())
