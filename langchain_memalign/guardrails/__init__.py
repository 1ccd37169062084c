"""Guardrails: a judge that watches a chain or an agent, and learns from whoever overrules it."""

from typing import TYPE_CHECKING, Any

from langchain_memalign.errors import ConfigurationError, GuardrailError
from langchain_memalign.guardrails.chain import MemAlignGuardrail
from langchain_memalign.guardrails.policy import GuardrailPolicy

if TYPE_CHECKING:
    from langchain_memalign.guardrails.middleware import MemAlignMiddleware

__all__ = ["GuardrailError", "GuardrailPolicy", "MemAlignGuardrail", "MemAlignMiddleware"]


def __getattr__(name: str) -> Any:
    """Load the middleware on first use: it needs `langchain`, which the chain's side does not."""
    if name != "MemAlignMiddleware":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from langchain_memalign.guardrails.middleware import MemAlignMiddleware
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "langchain":
            raise
        raise ConfigurationError(
            "MemAlignMiddleware is for langchain's create_agent; found no package langchain. "
            "Install langchain-memalign[agents]."
        ) from error
    return MemAlignMiddleware
