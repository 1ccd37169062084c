"""From what users name to the objects that do the work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable

from langchain_memalign._models.decisions import DecisionModel, is_decision_model
from langchain_memalign._models.failures import Retry, as_cause, said_by
from langchain_memalign._models.structured import StructuredModel
from langchain_memalign.errors import ConfigurationError

_REQUEST_SECONDS = 120
DECISIONS = "openai-decisions"
"""The provider by which a decision model of OpenAI is named."""


def resolve_model(model: Any) -> BaseChatModel | Runnable[Any, Any]:
    """Return a chat model or a decision model.

    Args:
        model: One of either kind, "openai-decisions:name", or what `resolve_chat_model` takes.

    Raises:
        ConfigurationError: The name is unknown, its package is missing, or it has no key.
    """
    if is_decision_model(model):
        made: Runnable[Any, Any] = model
        return made
    provider, _, name = model.partition(":") if isinstance(model, str) else ("", "", "")
    if provider != DECISIONS:
        return resolve_chat_model(model)
    try:
        from langchain_openai.decisions import OpenAIDecisions

        # Retries are counted and reported here, not hidden in the client.
        return OpenAIDecisions(model=name, max_retries=0, timeout=_REQUEST_SECONDS)
    except Exception as error:
        raise _unusable("model", model, f"{DECISIONS}:gpt-6-luna", error) from as_cause(error)


def models_of(
    model: BaseChatModel | Runnable[Any, Any],
    *,
    distiller: str | BaseChatModel | None,
    options: Mapping[str, Any] | None,
    retry: Retry,
    logprobs: bool,
) -> tuple[StructuredModel | DecisionModel, StructuredModel | None]:
    """Who is asked to judge, and who to learn.

    Args:
        model: A chat model or a decision model.
        distiller: The chat model that learns, if it is one of its own.
        options: Of structured output, of the only or the judging chat model.
        retry: How failing calls are repeated.
        logprobs: Whether the judging chat model is asked for log probabilities.

    Raises:
        ConfigurationError: The distiller cannot be used.
    """
    own = None
    chats = isinstance(model, BaseChatModel)
    if distiller is not None:
        own = StructuredModel(
            resolve_chat_model(distiller, what="distiller"),
            options=None if chats else options,
            retry=retry,
        )
    if not isinstance(model, BaseChatModel):
        return DecisionModel(runnable=model, retry=retry), own
    judging = StructuredModel(model, options=options, retry=retry, logprobs=logprobs)
    if own is None:
        own = StructuredModel(model, options=options, retry=retry) if logprobs else judging
    return judging, own


def resolve_chat_model(model: str | BaseChatModel, *, what: str = "model") -> BaseChatModel:
    """Return a chat model.

    Args:
        model: A chat model; "precedent", the offline model; or "provider:name", as LangChain's
            `init_chat_model` takes it. Providers other than openai need the extra `providers`.
        what: What it is called in messages.

    Raises:
        ConfigurationError: The name is unknown, its package is missing, or it has no key.
    """
    if isinstance(model, BaseChatModel):
        return model
    if not isinstance(model, str):
        raise ConfigurationError(
            f"{what}: found a {type(model).__name__}; expected a LangChain chat model or a string "
            "such as 'openai:gpt-4.1-mini' or 'precedent'. Bind options on the model itself."
        )
    if model == "precedent":
        from langchain_memalign._offline import PrecedentModel

        return PrecedentModel()
    provider, _, name = model.partition(":")
    try:
        if provider == "openai" and name:
            from langchain_openai import ChatOpenAI

            # Retries are counted and reported here, not hidden in the client.
            return ChatOpenAI(model=name, max_retries=0, timeout=_REQUEST_SECONDS)
        from langchain.chat_models import init_chat_model

        resolved: Any = init_chat_model(model)
        if isinstance(resolved, BaseChatModel):
            return resolved
        # Without a name LangChain makes a model that waits to be told which one it is.
        raise ValueError("it names no model.")
    except Exception as error:
        raise _unusable(what, model, "openai:gpt-4.1-mini", error) from as_cause(error)


def resolve_embeddings(
    embeddings: str | Embeddings, embeddings_id: str | None = None
) -> tuple[Embeddings, str]:
    """Return an embedding model and the id by which a memory remembers it.

    Args:
        embeddings: An `Embeddings`; "local", the offline ones; or "provider:name", as LangChain's
            `init_embeddings` takes it. Providers other than openai need the extra `providers`.
        embeddings_id: The id to use; without it, the string itself, or the object's class and
            model name.

    Raises:
        ConfigurationError: The name is unknown, its package is missing, or it has no key.
    """
    if isinstance(embeddings, Embeddings):
        return embeddings, embeddings_id or model_id(embeddings)
    if not isinstance(embeddings, str):
        raise ConfigurationError(
            f"embeddings: found a {type(embeddings).__name__}; expected LangChain Embeddings or a "
            "string such as 'openai:text-embedding-3-small' or 'local'."
        )
    resolved: Any
    if embeddings == "local":
        from langchain_memalign._offline import LocalEmbeddings

        resolved = LocalEmbeddings()
        return resolved, embeddings_id or model_id(resolved)
    provider, _, name = embeddings.partition(":")
    try:
        if provider == "openai" and name:
            from langchain_openai import OpenAIEmbeddings

            # Texts come cut to size; counting their tokens would download a tokeniser.
            resolved = OpenAIEmbeddings(
                model=name,
                max_retries=0,
                request_timeout=_REQUEST_SECONDS,
                check_embedding_ctx_length=False,
            )
        else:
            from langchain.embeddings import init_embeddings

            resolved = init_embeddings(embeddings)
    except Exception as error:
        example = "openai:text-embedding-3-small"
        raise _unusable("embeddings", embeddings, example, error) from as_cause(error)
    return resolved, embeddings_id or embeddings


def model_id(model: Any) -> str:
    """What tells a model from others: what it calls itself, or its class and the name it is given.

    Args:
        model: Embeddings, a chat model or a decision model.
    """
    declared = getattr(model, "embedding_id", None)
    if isinstance(declared, str):
        return declared
    kind = type(model)
    for name in ("model", "model_name", "model_id"):
        if isinstance(given := getattr(model, name, None), str):
            return f"{kind.__module__}.{kind.__qualname__}:{given}"
    return f"{kind.__module__}.{kind.__qualname__}"


def _unusable(what: str, name: str, example: str, error: Exception) -> ConfigurationError:
    remedy = (
        "Install langchain-memalign[providers] and the provider's package."
        if isinstance(error, ImportError)
        else "Set the provider's key in the environment, or pass the object itself."
    )
    said = said_by(error).rstrip(".")
    return ConfigurationError(
        f"{what} {name!r} cannot be used: {said}. Expected 'provider:name', such as {example!r}, "
        f"of a provider that LangChain knows. {remedy}"
    )
