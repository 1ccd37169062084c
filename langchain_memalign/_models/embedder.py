"""An embedding model: how texts are put together for its calls, and what it may return."""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Self, TypeAlias

from langchain_core.embeddings import Embeddings

from langchain_memalign._concurrency import Lock
from langchain_memalign._models.failures import Retry
from langchain_memalign.errors import ModelError

Vector: TypeAlias = tuple[float, ...]

# A case has two texts: 50 cases a call, as in one batch of an alignment, unless they are long.
_PAGE = 100
_PAGE_CHARACTERS = 400_000  # about 100,000 tokens; OpenAI takes 300,000

# Providers send float32 and engines keep it: no vector's length is 1 to more digits.
_ROUNDING = 1e-6
_USUAL = (1e-100, 1e100)


class Embedder:
    """An embedding model with an identity; `model_calls.embed` calls it.

    Attributes:
        id: What a memory's fingerprint records.
        embeddings: The model.
        retry: How failing calls are repeated.
        known: What was embedded already, by text; None where it is not kept.
    """

    def __init__(self, embeddings: Embeddings, embeddings_id: str, *, retry: Retry) -> None:
        self.id = embeddings_id
        self.embeddings = embeddings
        self.retry = retry
        self.known: dict[str, Vector] | None = None
        self._pages: dict[str, Page] = {}

    def remembering(self) -> Self:
        """The same model, each text embedded once, for as long as what is returned lives."""
        other = copy.copy(self)
        other.known = {}
        return other

    def ahead(self, texts: Iterable[str]) -> Self:
        """The same model, for texts of which it is known that they will be asked for, how often.

        The first that is asked for embeds the page of those that stand near it; who asks for
        another of them meanwhile waits for that call. A vector is kept until it was asked for as
        often as it stands among `texts`.
        """
        uses = Counter(texts)
        other = copy.copy(self)
        other._pages = {}
        for of_page in _pages(uses):
            page = Page({text: uses[text] for text in of_page})
            other._pages.update(dict.fromkeys(of_page, page))
        return other

    def pages_of(self, texts: Iterable[str]) -> list[Page]:
        """The pages on which texts stand."""
        return list(dict.fromkeys(self._pages[text] for text in texts if text in self._pages))

    def checked(self, found: Sequence[Sequence[float]], expected: int) -> list[Vector]:
        """What the model returned as vectors, each of length 1 (or all zeros).

        Args:
            found: What it returned.
            expected: How many texts it was given.

        Raises:
            ModelError: It is not one vector of finite numbers a text, all of one size.
        """
        try:
            vectors = [tuple(map(float, vector)) for vector in found]
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"{self.id} returned something other than vectors: {error}; expected numbers. "
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


class Page:
    """Texts that are embedded in one call, by whoever asks for one of them first.

    Attributes:
        lock: To be held around everything else.
        vectors: By text; None before the call.
    """

    def __init__(self, uses: dict[str, int]) -> None:
        self.lock = Lock()
        self.vectors: dict[str, Vector] | None = None
        self._uses = uses

    @property
    def texts(self) -> list[str]:
        """What is on it."""
        return list(self._uses)

    def take(self, texts: Iterable[str]) -> dict[str, Vector]:
        """The vectors of those of the texts that this page still has."""
        held = self.vectors or {}
        taken = {text: held[text] for text in texts if text in held}
        for text in taken:
            self._uses[text] -= 1
            if not self._uses[text]:
                del held[text]
        return taken


def unit(vector: Vector) -> Vector:
    """The vector at length 1: itself where it has that length already, or points nowhere.

    Args:
        vector: Finite numbers.
    """
    # In C, while each pass over the numbers in Python takes ten times as long.
    length = math.hypot(*vector)
    if abs(length - 1) <= _ROUNDING or not any(vector):
        return vector
    if not _USUAL[0] < length < _USUAL[1]:
        # Scaled first: what is very large or very small leaves even a double's range.
        peak = max(map(abs, vector))
        return unit(tuple([x / peak for x in vector]))
    return tuple([x / length for x in vector])


def _pages(texts: Iterable[str]) -> Iterator[list[str]]:
    page: list[str] = []
    size = 0
    for text in texts:
        if page and (len(page) == _PAGE or size + len(text) > _PAGE_CHARACTERS):
            yield page
            page, size = [], 0
        page.append(text)
        size += len(text)
    if page:
        yield page
