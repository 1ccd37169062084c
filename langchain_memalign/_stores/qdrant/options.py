"""Which Qdrant server a memory is on, and how it is reached: checked options."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, TypedDict
from urllib.parse import urlsplit

from pydantic import SecretStr

from langchain_memalign.errors import ConfigurationError

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class ServerOptions(TypedDict, total=False):
    """What can be said about a Qdrant server besides its address; see `Memory.open`."""

    api_key: str | SecretStr | None
    timeout: float
    collection: str
    prefer_grpc: bool
    grpc_port: int
    shard_number: int | None
    replication_factor: int | None
    write_consistency_factor: int | None
    lease_seconds: float
    lease_wait: float


@dataclass(frozen=True, kw_only=True)
class Server:
    """A Qdrant server or cluster, and a collection on it.

    Attributes:
        url: Its address.
        api_key: Never shown.
        timeout: Longest wait for an answer, in seconds.
        collection: The collection that is the memory.
        prefer_grpc: Whether points travel by gRPC.
        shard_number: Into how many shards a new collection is divided; None for the server's own.
        replication_factor: How many copies a new collection has; None for the server's own.
        write_consistency_factor: How many of them must have taken a write; None likewise.
        lease_seconds: After so long without a sign of life a writer's lease may be taken over.
        lease_wait: Longest wait for a lease that another process holds.
    """

    url: str
    api_key: str | None = field(default=None, repr=False)
    timeout: float = 10.0
    collection: str = "memalign"
    prefer_grpc: bool = False
    grpc_port: int = 6334
    shard_number: int | None = None
    replication_factor: int | None = None
    write_consistency_factor: int | None = None
    lease_seconds: float = 20.0
    lease_wait: float = 60.0

    @classmethod
    def checked(cls, url: str, **options: Any) -> Server:
        """The server at an address.

        Args:
            url: `http://` or `https://`, host, port (6333 if there is none), perhaps a path.
            options: `ServerOptions`.

        Raises:
            ConfigurationError: The address or an option cannot be used. No secret is repeated.
        """
        key = options.get("api_key")
        options["api_key"] = key.get_secret_value() if isinstance(key, SecretStr) else key or None
        unknown = sorted(set(options) - set(ServerOptions.__annotations__))
        if unknown:
            raise ConfigurationError(
                f"found option {unknown[0]!r} for a Qdrant server; expected some of "
                f"{', '.join(ServerOptions.__annotations__)}."
            )
        server = cls(url=url, **options)
        server._check()
        return server

    @property
    def place(self) -> str:
        """The address with the collection, for messages."""
        return f"{self.url} (collection {self.collection!r})"

    def _check(self) -> None:
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname)
            private = bool(parts.username or parts.password or parts.query or parts.fragment)
            _ = parts.port
        except ValueError:
            usable, private, parts = False, False, urlsplit("")
        if private:
            # Not repeated: what stands there is often a key.
            raise ConfigurationError(
                "found a user, a query or a fragment in the address of a Qdrant server; expected "
                "only scheme, host, port and path: pass the key as api_key=."
            )
        if not usable:
            raise ConfigurationError(
                f"found the address {self.url!r}; expected one such as 'http://localhost:6333'."
            )
        for name in ("timeout", "lease_seconds", "lease_wait"):
            seconds = getattr(self, name)
            if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
                raise ConfigurationError(f"found {name} {seconds!r}; expected seconds, above 0.")
        if not isinstance(self.collection, str) or not self.collection.strip("./ "):
            raise ConfigurationError(
                f"found collection {self.collection!r}; expected its name, such as 'memalign'."
            )
        if self.api_key is None:
            return
        if not (self.api_key.isascii() and self.api_key.isprintable()) or " " in self.api_key:
            raise ConfigurationError(
                "found an api_key with spaces, line breaks or other characters that no key has "
                "(it is not repeated here); expected only printable ASCII: check how it was read."
            )
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            warnings.warn(
                f"the API key travels unencrypted to {self.url}: use https:// if others can read "
                "that network.",
                stacklevel=6,
            )
