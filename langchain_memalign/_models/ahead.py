"""Embedding texts that will be asked for before they are: many in one call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from langchain_memalign._models.embedder import Embedder
from langchain_memalign._models.vector import Vector
from langchain_memalign.errors import ModelError
from langchain_memalign.flow import Flow, Lease

# A case has two texts: 50 cases a call, as in one batch of an alignment, unless they are long.
_PAGE = 100
_PAGE_CHARACTERS = 400_000  # about 100,000 tokens; OpenAI takes 300,000


class EmbedderAhead(Embedder):
    """The same model, for texts of which it is known that they will be asked for, and how often.

    The first that is asked for embeds the page of those that stand near it; who asks for another of
    them meanwhile waits for that call. A vector is kept until it was asked for as often as said.
    """

    def __init__(self, model: Embedder, texts: Iterable[str]) -> None:
        self.id = model.id
        self._model = model
        uses = Counter(texts)
        self._pages: dict[str, _Page] = {}
        for of_page in _pages(uses):
            page = _Page(model, {text: uses[text] for text in of_page})
            self._pages.update(dict.fromkeys(of_page, page))

    def embed(self, texts: Sequence[str]) -> Flow[list[Vector]]:
        """As `Embedder.embed`, with the calls of whole pages.

        A page that was rejected fails nobody: its texts are then embedded as they are asked for.
        """
        found: dict[str, Vector] = {}
        for page in dict.fromkeys(self._pages[text] for text in texts if text in self._pages):
            found |= yield from page.take(texts)
        alone = [text for text in texts if text not in found]
        found |= zip(alone, (yield from self._model.embed(alone)), strict=True)
        return [found[text] for text in texts]


class _Page:
    def __init__(self, model: Embedder, uses: dict[str, int]) -> None:
        self._model = model
        self._uses = uses
        self._vectors: dict[str, Vector] | None = None
        self._lease = Lease()

    def take(self, texts: Sequence[str]) -> Flow[dict[str, Vector]]:
        """The vectors of those of the texts that this page still has."""
        yield from self._lease.acquire()
        try:
            if self._vectors is None:
                self._vectors = yield from self._embedded()
            taken = {text: self._vectors[text] for text in texts if text in self._vectors}
            for text in taken:
                self._uses[text] -= 1
                if not self._uses[text]:
                    del self._vectors[text]
        finally:
            self._lease.release()
        return taken

    def _embedded(self) -> Flow[dict[str, Vector]]:
        texts = list(self._uses)
        try:
            return dict(zip(texts, (yield from self._model.embed(texts)), strict=True))
        except ModelError as error:
            if error.is_refused_access:
                raise
            return {}


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
