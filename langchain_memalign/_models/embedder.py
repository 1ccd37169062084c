"""Embedding calls: checked, normalised, retried."""

from __future__ import annotations

import math
from collections.abc import Sequence

from langchain_core.embeddings import Embeddings

from langchain_memalign._models.connection import called
from langchain_memalign._models.failures import Retry, as_cause, as_model_error
from langchain_memalign._models.vector import Vector, unit
from langchain_memalign.errors import ModelError
from langchain_memalign.flow import Flow, Step


class Embedder:
    """An embedding model with an identity.

    Attributes:
        id: What a memory's fingerprint records.
    """

    def __init__(self, embeddings: Embeddings, embeddings_id: str, *, retry: Retry) -> None:
        self.id = embeddings_id
        self._embeddings = embeddings
        self._retry = retry

    def embed(self, texts: Sequence[str]) -> Flow[list[Vector]]:
        """Embed texts in one call.

        Cases and queries are embedded alike, as documents: what is compared is one case with
        another, not a question with its answer.

        Returns:
            One vector a text, in order, each of length 1 (or all zeros).

        Raises:
            ModelError: The model failed, or what it returned is not usable.
        """
        wanted = list(dict.fromkeys(texts))
        if not wanted:
            return []
        found = yield from self._retry.run(lambda: self._call(wanted))
        by_text = dict(zip(wanted, self._checked(found, len(wanted)), strict=True))
        return [by_text[text] for text in texts]

    def remembering(self) -> Embedder:
        """The same model, each text embedded once, for as long as what is returned lives."""
        return _Remembering(self)

    def _call(self, texts: list[str]) -> Flow[list[list[float]]]:
        try:
            return (
                yield from called(
                    Step(
                        lambda: self._embeddings.embed_documents(texts),
                        lambda: self._embeddings.aembed_documents(texts),
                    )
                )
            )
        except Exception as error:
            what = f"embedding {len(texts)} texts with {self.id}"
            raise as_model_error(error, what) from as_cause(error)

    def _checked(self, found: Sequence[Sequence[float]], expected: int) -> list[Vector]:
        try:
            vectors = [tuple(map(float, vector)) for vector in found]
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"{self.id} returned what is no list of vectors: {error}; expected numbers. "
                "Check the embedding model."
            ) from error
        sizes = {len(vector) for vector in vectors}
        if len(vectors) != expected or len(sizes) != 1 or 0 in sizes:
            raise ModelError(
                f"{self.id} returned {len(vectors)} vectors of sizes {sorted(sizes)} for "
                f"{expected} texts; expected one for each, all of one size. "
                "Check the embedding model."
            )
        return [self._unit(vector) for vector in vectors]

    def _unit(self, vector: Vector) -> Vector:
        if not math.isfinite(math.hypot(*vector)):
            raise ModelError(
                f"{self.id} returned a vector that holds NaN or infinity; expected finite numbers. "
                "Check the embedding model."
            )
        return unit(vector)


class _Remembering(Embedder):
    def __init__(self, model: Embedder) -> None:
        self.id = model.id
        self._model = model
        self._known: dict[str, Vector] = {}

    def embed(self, texts: Sequence[str]) -> Flow[list[Vector]]:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        vectors = yield from self._model.embed(new)
        self._known.update(zip(new, vectors, strict=True))
        return [self._known[text] for text in texts]
