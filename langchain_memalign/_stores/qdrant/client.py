"""The clients of a Qdrant server: a blocking one, and an awaitable one for each event loop."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any
from weakref import WeakKeyDictionary

from langchain_memalign._models.failures import as_cause, without_secrets
from langchain_memalign._stores.qdrant.options import Server
from langchain_memalign.errors import ConfigurationError, MemoryStoreError, MemoryUnavailableError


class _Client:
    """A client, and how many requests of it are under way."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.requests = 0


class Clients:
    """Makes requests; after `close` no more, while those under way come to their end.

    An awaitable client keeps connections, and these belong to the loop that they were made on. A
    client is closed by whoever uses it last: under a request, it would leave a connection open.

    Attributes:
        is_closed: Whether `close` was called.
    """

    def __init__(self, server: Server) -> None:
        from qdrant_client import QdrantClient

        self._server = server
        self._options: dict[str, Any] = {
            "url": server.url,
            "timeout": server.timeout,
            "prefer_grpc": server.prefer_grpc,
            "grpc_port": server.grpc_port,
            # As a header: as `api_key` it would warn of plain http also on this very machine.
            "headers": {"api-key": server.api_key} if server.api_key else None,
            # Checked by us, and not by a thread that outlives the call.
            "check_compatibility": False,
        }
        self._guard = threading.Lock()
        self.is_closed = False
        self._pid = os.getpid()
        try:
            self._blocking = _Client(QdrantClient(**self._options))
        except Exception as error:
            said = without_secrets(str(error), server.api_key)
            raise ConfigurationError(
                f"found an address that the Qdrant client does not take, {server.url}: "
                f"{said:.200}; expected one such as 'http://localhost:6333'."
            ) from as_cause(error, server.api_key)
        self._awaitable: WeakKeyDictionary[asyncio.AbstractEventLoop, _Client] = WeakKeyDictionary()

    def check_open(self) -> None:
        """Refuse to go on after `close`, or in a forked child.

        Raises:
            MemoryUnavailableError: It was called.
            MemoryStoreError: The store was opened before a fork.
        """
        if os.getpid() != self._pid:
            # The child would send its requests through its parent's connections, in its name.
            raise MemoryStoreError(
                f"found the memory at {self._server.place} used in process {os.getpid()}; expected "
                f"process {self._pid}, which opened it before a fork: open it in the child."
            )
        if self.is_closed:
            raise MemoryUnavailableError(
                f"found the memory at {self._server.place} closed; expected it open: open it again."
            )

    def request(self, method: str, arguments: dict[str, Any]) -> Any:
        """Call a method of the blocking client."""
        with self._guard:
            self.check_open()
            self._blocking.requests += 1
        try:
            return getattr(self._blocking.client, method)(**arguments)
        finally:
            if self._was_last(self._blocking):
                self._blocking.client.close()

    async def arequest(self, method: str, arguments: dict[str, Any]) -> Any:
        """Call a method of the running loop's awaitable client."""
        from qdrant_client import AsyncQdrantClient

        with self._guard:
            self.check_open()
            loop = asyncio.get_running_loop()
            if loop not in self._awaitable:
                self._awaitable[loop] = _Client(AsyncQdrantClient(**self._options))
            of_loop = self._awaitable[loop]
            of_loop.requests += 1
        try:
            return await getattr(of_loop.client, method)(**arguments)
        finally:
            if self._was_last(of_loop):
                await of_loop.client.close()

    def close(self) -> None:
        """Close all connections that are not in use; harmless when called again."""
        for loop, client in self._idle():
            if loop is None:
                client.close()
            elif loop.is_running():
                asyncio.run_coroutine_threadsafe(client.close(), loop)

    async def aclose(self) -> None:
        """As `close`, but those of the running loop are closed when this returns."""
        for loop, client in self._idle():
            if loop is None:
                client.close()
            elif loop is asyncio.get_running_loop():
                await client.close()
            elif loop.is_running():
                asyncio.run_coroutine_threadsafe(client.close(), loop)

    def _idle(self) -> list[tuple[asyncio.AbstractEventLoop | None, Any]]:
        """Refuse further requests; the clients that nobody uses, each with its loop."""
        with self._guard:
            if self.is_closed or os.getpid() != self._pid:
                return []
            self.is_closed = True
            clients = [(None, self._blocking), *self._awaitable.items()]
            return [(loop, c.client) for loop, c in clients if not c.requests]

    def _was_last(self, client: _Client) -> bool:
        with self._guard:
            client.requests -= 1
            return self.is_closed and not client.requests
