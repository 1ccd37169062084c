"""Chat models and embeddings: named, set up, and what their replies and failures mean."""

from langchain_memalign._models.embedder import Embedder, Vector, unit
from langchain_memalign._models.failures import NO_RETRY, Retry
from langchain_memalign._models.resolve import resolve_chat_model, resolve_embeddings
from langchain_memalign._models.structured import Answer, StructuredModel

__all__ = [
    "NO_RETRY",
    "Answer",
    "Embedder",
    "Retry",
    "StructuredModel",
    "Vector",
    "resolve_chat_model",
    "resolve_embeddings",
    "unit",
]
