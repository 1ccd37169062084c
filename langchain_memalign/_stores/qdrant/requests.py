"""Asking a Qdrant server: each request in both forms, repeated where it helps, errors of ours."""

from __future__ import annotations

import time
from typing import Any

from langchain_memalign._models.failures import Retry, as_cause
from langchain_memalign._stores.qdrant.client import Clients
from langchain_memalign._stores.qdrant.failures import Failure, read_failure
from langchain_memalign._stores.qdrant.options import Server
from langchain_memalign.errors import MemAlignError, MemoryUnavailableError, ModelError
from langchain_memalign.flow import Flow, Step, pause, perform

RETRY = Retry(attempts=4, first_wait=0.2, longest_wait=2.0)
"""How failing requests are repeated, as far as `timeout` allows."""


class Calls:
    """Requests to a server, of one collection.

    Attributes:
        server: The server.
        is_replicated: Whether points have several copies, which may differ for a moment.
        is_reachable: Whether the last request was answered at all.

    All requests that are made here may be repeated: reading anyway, writing because every write
    says what shall be there afterwards, or under which condition.
    """

    def __init__(self, server: Server, retry: Retry) -> None:
        self.server = server
        self._clients = Clients(server)
        self._retry = retry
        self.is_replicated = False
        self.is_reachable = True

    def ask(self, method: str, *, tolerate: tuple[int, ...] = (), **arguments: Any) -> Flow[Any]:
        """Call a method of the client, which has the same name in both forms.

        Args:
            method: Its name.
            tolerate: Statuses that are answered by None instead of an error.
            arguments: Passed on.

        Raises:
            MemoryUnavailableError: The store is closed; or the server is gone, does not answer in
                time, fails, or refuses access.
            MemoryStoreError: The server refuses the request itself.
        """
        began, attempt = time.monotonic(), 1
        while True:
            try:
                answer = yield from self._once(method, arguments)
                self.is_reachable = True
                return answer
            except MemAlignError:
                raise
            except Exception as error:
                self.check_open()  # closed meanwhile: that is the reason, whatever it looks like
                failure = read_failure(error, self.server)
                self.is_reachable = failure.is_answer
                if failure.status in tolerate:
                    return None
                seconds = self._wait(attempt, failure)
                left = began + self.server.timeout - time.monotonic()
                if seconds is None or seconds > left:
                    raise failure.error from as_cause(error, self.server.api_key)
            yield from pause(seconds)
            attempt += 1

    def of_collection(
        self, method: str, *, tolerate: tuple[int, ...] = (), **arguments: Any
    ) -> Flow[Any]:
        """As `ask`, of this collection."""
        name = self.server.collection
        return self.ask(method, tolerate=tolerate, collection_name=name, **arguments)

    def read(self, method: str, **arguments: Any) -> Flow[Any]:
        """Read from the collection, and from as many copies as make up a majority."""
        from qdrant_client import models

        majority = models.ReadConsistencyType.MAJORITY if self.is_replicated else None
        return self.of_collection(method, consistency=majority, **arguments)

    def write(self, method: str, **arguments: Any) -> Flow[None]:
        """Write to the collection, in the same order on all its copies, and wait for it."""
        from qdrant_client import models

        result = yield from self.of_collection(
            method, wait=True, ordering=models.WriteOrdering.STRONG, **arguments
        )
        for done in result if isinstance(result, list) else [result]:
            if done.status != models.UpdateStatus.COMPLETED:
                raise MemoryUnavailableError(
                    f"the Qdrant server at {self.server.url} did not finish a write in time "
                    f"({done.status}); expected it to: see its load, or pass a longer timeout=. "
                    "Repeating what failed is harmless."
                )

    def close(self) -> None:
        """Close the connections; harmless when called again."""
        self._clients.close()

    async def aclose(self) -> None:
        """Async `close`."""
        await self._clients.aclose()

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._clients.is_closed

    def check_open(self) -> None:
        """Refuse to go on after `close`.

        Raises:
            MemoryUnavailableError: It was called.
        """
        self._clients.check_open()

    def _once(self, method: str, arguments: dict[str, Any]) -> Flow[Any]:
        clients = self._clients
        return perform(
            Step(
                lambda: clients.request(method, arguments),
                lambda: clients.arequest(method, arguments),
            )
        )

    def _wait(self, attempt: int, failure: Failure) -> float | None:
        asking = ModelError("", transient=failure.transient, retry_after=failure.retry_after)
        return self._retry.wait(attempt, asking)
