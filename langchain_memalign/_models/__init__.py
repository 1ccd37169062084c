"""Chat models and embeddings: named, set up, and what their replies and failures mean."""

from langchain_memalign._models.decisions import DecisionModel, is_decision_model
from langchain_memalign._models.embedder import Embedder, Vector, unit
from langchain_memalign._models.failures import NO_RETRY, Retry
from langchain_memalign._models.resolve import (
    DECISIONS,
    model_id,
    models_of,
    resolve_chat_model,
    resolve_embeddings,
    resolve_model,
)
from langchain_memalign._models.structured import Answer, StructuredModel

__all__ = [
    "DECISIONS",
    "NO_RETRY",
    "Answer",
    "DecisionModel",
    "Embedder",
    "Retry",
    "StructuredModel",
    "Vector",
    "is_decision_model",
    "model_id",
    "models_of",
    "resolve_chat_model",
    "resolve_embeddings",
    "resolve_model",
    "unit",
]
