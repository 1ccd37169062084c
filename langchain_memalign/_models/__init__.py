"""Chat models and embeddings: named, called, and what their failures mean."""

from langchain_memalign._models.ahead import EmbedderAhead
from langchain_memalign._models.embedder import Embedder
from langchain_memalign._models.failures import NO_RETRY, Retry
from langchain_memalign._models.resolve import resolve_chat_model, resolve_embeddings
from langchain_memalign._models.structured import Answer, StructuredModel
from langchain_memalign._models.vector import Vector, unit

__all__ = [
    "NO_RETRY",
    "Answer",
    "Embedder",
    "EmbedderAhead",
    "Retry",
    "StructuredModel",
    "Vector",
    "resolve_chat_model",
    "resolve_embeddings",
    "unit",
]
