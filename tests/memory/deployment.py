"""A collection on a Qdrant server, opened again and again as different processes would."""

import asyncio
import threading
import urllib.error
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
        return {"api_key": self._api_key, "collection": self.collection}

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
        url = f"{self.url}/collections/{self.collection}"
        headers = {"api-key": self._api_key} if self._api_key else {}
        request = urllib.request.Request(url, method="DELETE", headers=headers)
        try:
            urllib.request.urlopen(request, timeout=30).close()
        except urllib.error.HTTPError as error:
            error.close()


class Awaited:
    """A store of which only the awaitable half is used, on an event loop in another thread."""

    def __init__(self, store):
        self._store = store
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def __getattr__(self, name):
        found = getattr(self._store, name)
        awaitable = getattr(self._store, f"a{name}", None)
        if awaitable is None:
            return found
        return lambda *args, **kwargs: self._wait(awaitable(*args, **kwargs))

    def stop(self):
        """End the event loop; nothing can be asked any more."""
        self._wait(self._store.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)
