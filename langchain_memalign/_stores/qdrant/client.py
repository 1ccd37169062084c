"""Asking a Qdrant server: one client for all threads, requests repeated where it helps."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from langchain_memalign._concurrency import pause
from langchain_memalign._models.failures import Retry, as_cause, without_secrets
from langchain_memalign._stores.qdrant.failures import Failure, read_failure
from langchain_memalign._stores.qdrant.options import Server
from langchain_memalign.errors import (
    ConfigurationError,
    MemAlignError,
    MemoryStoreError,
    MemoryUnavailableError,
    ModelError,
)

RETRY = Retry(attempts=4, first_wait=0.2, longest_wait=2.0)
"""How failing requests are repeated, as far as `timeout` allows."""


class Requests:
    """Requests to a server, of one collection; from any number of threads.

    After `close` no more are made, while those under way come to their end: the client is closed by
    whoever uses it last, since under a request it would leave a connection open.

    Attributes:
        server: The server.
        is_replicated: Whether points have several copies, which may differ for a moment.
        is_reachable: Whether the last request was answered at all.
        is_closed: Whether `close` was called.

    All requests that are made here may be repeated: reading anyway, writing because every write
    says what shall be there afterwards, or under which condition.
    """

    def __init__(self, server: Server, retry: Retry) -> None:
        self.server = server
        self.is_replicated = False
        self.is_reachable = True
        self.is_closed = False
        self._retry = retry
        self._client = _made(server)
        self._under_way = 0
        self._guard = threading.Lock()
        self._pid = os.getpid()

    def ask(self, method: str, *, tolerate: tuple[int, ...] = (), **arguments: Any) -> Any:
        """Call a method of the client.

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
                answer = self._once(method, arguments)
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
            pause(seconds)
            attempt += 1

    def of_collection(
        self, method: str, *, tolerate: tuple[int, ...] = (), **arguments: Any
    ) -> Any:
        """As `ask`, of this collection."""
        name = self.server.collection
        return self.ask(method, tolerate=tolerate, collection_name=name, **arguments)

    def read(self, method: str, **arguments: Any) -> Any:
        """Read from the collection, and from as many copies as make up a majority."""
        from qdrant_client import models

        majority = models.ReadConsistencyType.MAJORITY if self.is_replicated else None
        return self.of_collection(method, consistency=majority, **arguments)

    def write(self, method: str, **arguments: Any) -> None:
        """Write to the collection, in the same order on all its copies, and wait for it."""
        from qdrant_client import models

        result = self.of_collection(
            method, wait=True, ordering=models.WriteOrdering.STRONG, **arguments
        )
        for done in result if isinstance(result, list) else [result]:
            if done.status != models.UpdateStatus.COMPLETED:
                raise MemoryUnavailableError(
                    f"the Qdrant server at {self.server.url} did not finish a write in time "
                    f"({done.status}); expected it to: see its load, or pass a longer timeout=. "
                    "Repeating what failed is harmless."
                )

    def check_open(self) -> None:
        """Refuse to go on after `close`, or in a forked child.

        Raises:
            MemoryUnavailableError: It was called.
            MemoryStoreError: The store was opened before a fork.
        """
        if os.getpid() != self._pid:
            # The child would send its requests through its parent's connections, in its name.
            raise MemoryStoreError(
                f"found the memory at {self.server.place} used in process {os.getpid()}; expected "
                f"process {self._pid}, which opened it before a fork: open it in the child."
            )
        if self.is_closed:
            raise MemoryUnavailableError(
                f"found the memory at {self.server.place} closed; expected it open: open it again."
            )

    def close(self) -> None:
        """Close the connections as soon as none is in use; harmless when called again."""
        with self._guard:
            if self.is_closed or os.getpid() != self._pid:
                return
            self.is_closed = True
            is_idle = not self._under_way
        if is_idle:
            self._client.close()

    def _once(self, method: str, arguments: dict[str, Any]) -> Any:
        with self._guard:
            self.check_open()
            self._under_way += 1
        try:
            return getattr(self._client, method)(**arguments)
        finally:
            with self._guard:
                self._under_way -= 1
                was_last = self.is_closed and not self._under_way
            if was_last:
                self._client.close()

    def _wait(self, attempt: int, failure: Failure) -> float | None:
        asking = ModelError("", transient=failure.transient, retry_after=failure.retry_after)
        return self._retry.wait(attempt, asking)


def _made(server: Server) -> Any:
    from qdrant_client import QdrantClient

    try:
        return QdrantClient(
            url=server.url,
            timeout=server.timeout,  # type: ignore[arg-type]
            prefer_grpc=server.prefer_grpc,
            grpc_port=server.grpc_port,
            # As a header: as `api_key` it would warn of plain http also on this very machine.
            headers={"api-key": server.api_key} if server.api_key else None,
            # Checked by us, and not by a thread that outlives the call.
            check_compatibility=False,
        )
    except Exception as error:
        said = without_secrets(str(error), server.api_key)
        raise ConfigurationError(
            f"found an address that the Qdrant client does not take, {server.url}: "
            f"{said:.200}; expected one such as 'http://localhost:6333'."
        ) from as_cause(error, server.api_key)
