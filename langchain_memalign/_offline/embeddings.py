"""Embeddings that need no key, no network and no download."""

from __future__ import annotations

import importlib.util
import logging
import threading
from functools import cache
from pathlib import Path
from typing import Any

from langchain_core.embeddings import Embeddings

from langchain_memalign.errors import ConfigurationError

_REMEDY = "install the extra: pip install 'langchain-memalign[local]'"
_DIMENSIONS = 256

# Measured on 5 MB: in pieces 1 s and 50 MB, as a whole 6 s and 460 MB. The tokeniser holds the GIL,
# so a piece also bounds how long other threads wait (about 7 ms).
_PIECE = 10_000

_loading = threading.Lock()


class LocalEmbeddings(Embeddings):
    """WordLlama's static word vectors, averaged: 256 dimensions, well under a millisecond a text.

    They know which words go together, not what a sentence says: order and negation are lost on
    them. That is enough to find cases that resemble each other. The weights lie inside the
    `wordllama` package; they are loaded at the first text, once for the whole process.

    Every text gives a vector of length 1, a blank one too (that of a space), so that no similarity
    is ever undefined. The same text always gives the same numbers, alone or among others.

    Attributes:
        embedding_id: Names model and size; a memory made with it can be read with it only.

    Raises:
        ConfigurationError: `wordllama` is not installed.
    """

    embedding_id = f"local:wordllama-l2-supercat-{_DIMENSIONS}"

    def __init__(self) -> None:
        # Told when a memory is opened, not once feedback waits to be embedded.
        if importlib.util.find_spec("wordllama") is None:
            raise ConfigurationError(
                f"local embeddings need the package wordllama, which was not found; {_REMEDY}"
            )

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed each text."""
        return [_embed(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Embed one text, in the same way as a document."""
        return _embed(text)


def _embed(text: str) -> list[float]:
    """The mean of the vectors of a text's tokens, brought to length 1.

    WordLlama's own `embed` pads a batch to its longest text, which costs gigabytes where one is
    long, and divides by zero for an empty one.
    """
    import numpy as np

    model = _model()
    total = np.zeros(_DIMENSIONS)
    # The tokeniser takes no lone surrogates, and a text without any token has no direction.
    valid = text.encode("utf-8", errors="replace").decode("utf-8")
    valid = valid if valid.strip() else " "
    for start in range(0, len(valid), _PIECE):
        piece = valid[start : start + _PIECE]
        tokens = model.tokenizer.encode(piece, add_special_tokens=False).ids
        total += model.embedding[tokens].sum(axis=0, dtype=np.float64)
    # The mean and the sum differ in length only.
    vector: list[float] = (total / np.linalg.norm(total)).tolist()
    return vector


def _model() -> Any:
    with _loading:  # `cache` alone would let two threads load at the same time
        return _load()


@cache
def _load() -> Any:
    # WordLlama calls `logging.basicConfig` when it is imported, which would set the application's
    # root logger to INFO; that does nothing while the root logger has a handler.
    root, placeholder = logging.getLogger(), logging.NullHandler()
    root.addHandler(placeholder)
    try:
        import wordllama

        # Told to look for its files in the package itself, it opens no connection.
        package = Path(wordllama.__file__).parent
        model = wordllama.WordLlama.load(dim=_DIMENSIONS, cache_dir=package, disable_download=True)
    except (ImportError, FileNotFoundError) as error:
        raise ConfigurationError(
            f"the installed wordllama cannot be used ({error}); {_REMEDY}"
        ) from error
    finally:
        root.removeHandler(placeholder)
    # In every thread the tokenizer would keep the last 10,000 texts, of up to 256 characters: tens
    # of megabytes a thread, texts that were to be forgotten among them, and nothing gained by it.
    if resize := getattr(model.tokenizer.model, "_resize_cache", None):
        resize(0)
    return model
