"""A collection on a Qdrant server, opened again and again as different processes would."""

import json
import os
import urllib.request

from langchain_memalign import Memory
from langchain_memalign._models.failures import Retry
from langchain_memalign._stores.qdrant.store import QdrantStore

AT_ONCE = Retry(attempts=3, first_wait=0.01, longest_wait=0.05)
"""Retries that do not make a test wait."""


class Deployment:
    """Where a test's memory is, and what was opened there."""

    def __init__(self, url, api_key, collection, *, rest=None):
        self.url = url
        self.collection = collection
        self.rest = rest
        self._api_key = api_key
        self._opened = []

    @property
    def options(self):
        said = {"api_key": self._api_key, "collection": self.collection}
        port = os.environ.get("QDRANT_GRPC_PORT")
        if self.rest is None and port:
            said |= {"prefer_grpc": True, "grpc_port": int(port)}
        return said

    def open(self, **options):
        """A store, as another process would open it."""
        store = QdrantStore.open(self.url, **{"retry": AT_ONCE, **self.options, **options})
        self._opened.append(store)
        return store

    def open_memory(self, embeddings, **options):
        memory = Memory.open(
            self.url, embeddings=embeddings, retry=AT_ONCE, **{**self.options, **options}
        )
        self._opened.append(memory)
        return memory

    def discard(self):
        for opened in self._opened:
            opened.close()
        # A scrubbed memory has a collection of another name, which its own is an alias of.
        meant = {a["alias_name"]: a["collection_name"] for a in self._ask("GET", "/aliases")}
        self._ask("DELETE", f"/collections/{meant.get(self.collection, self.collection)}")

    def _ask(self, method, path):
        headers = {"api-key": self._api_key} if self._api_key else {}
        request = urllib.request.Request(self.url + path, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            result = json.load(answer)["result"]
        return result["aliases"] if path == "/aliases" else result
