"""What went wrong when a Qdrant server was asked, in our own errors, without any secret."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from langchain_memalign._models.secrets import without_secrets
from langchain_memalign._stores.base import INDEXED_FIELDS
from langchain_memalign._stores.qdrant.options import Server
from langchain_memalign.errors import MemoryStoreError, MemoryUnavailableError

_TIMED_OUT = 504
_UNREACHABLE = 503

# What the TLS libraries of Python and gRPC say, as far as it tells what the other side is.
_UNTRUSTED = (
    r"certificate.verify.failed|self.signed|hostname mismatch|unable to get (local )?issuer"
)
_PLAIN = r"wrong.version.number|record layer failure|http_request"
_TLS = r"illegal request line|illegal status line|trying to connect an http1.x server"


class RequestTooLargeError(MemoryStoreError):
    """A server takes fewer points in one request."""


class ExactForbiddenError(MemoryStoreError):
    """A server does not search or count point by point."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A failed request.

    Attributes:
        error: What to raise.
        status: The HTTP status, or the one that comes nearest.
        transient: Whether the same request may succeed soon.
        retry_after: Seconds that the server asked to wait.
        is_answer: Whether it came from the server, or would have, had the client waited.
    """

    error: MemoryStoreError
    status: int | None = None
    transient: bool = False
    retry_after: float | None = None
    is_answer: bool = True


def read_failure(
    error: Exception, server: Server, *, waited: float, told: float | None = None
) -> Failure:
    """What an exception of the Qdrant client means.

    Args:
        error: The exception.
        server: The server.
        waited: After how many seconds it came.
        told: Within how many seconds the server was told to answer, if it was.
    """
    failure = _read(error, server)
    # Of some requests, by gRPC of all, the client waits no longer than the server was told to take,
    # and so goes before it hears that a copy kept silent: that may have been the answer.
    # What it is told are whole seconds: as many as the timeout has are the timeout.
    is_silent = failure.status == _TIMED_OUT and not failure.is_answer
    seconds = server.timeout if told is None else told
    if is_silent and seconds < int(server.timeout) and waited < (seconds + server.timeout) / 2:
        failure = _timed_out(server, seconds, is_answer=True)
    if failure.is_answer or failure.status == _TIMED_OUT:
        failure.error.status = failure.status
    return failure


def with_status(error: MemoryUnavailableError, status: int | None) -> MemoryUnavailableError:
    """An error, with the status of the answer that it tells of."""
    error.status = status
    return error


def _read(error: Exception, server: Server) -> Failure:
    import httpx
    from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    cause = error.source if isinstance(error, ResponseHandlingException) else error
    if isinstance(cause, httpx.TimeoutException):
        return _timed_out(server, server.timeout)
    if isinstance(cause, httpx.TransportError | OSError):
        return _no_connection(server, str(cause))
    if isinstance(cause, UnexpectedResponse):
        said = _said(cause.content)
        return _answered(server, cause.status_code or 500, said, cause.headers.get("retry-after"))
    if isinstance(cause, ResourceExhaustedResponse):
        return _answered(server, 429, str(cause), cause.retry_after_s)
    if callable(getattr(cause, "code", None)):  # grpc.RpcError, which ships no types
        return _from_grpc(server, cause)
    return Failure(
        error=MemoryUnavailableError(
            f"found something at {server.url} that does not answer as Qdrant does "
            f"({type(cause).__name__}); expected a Qdrant server: check the address."
        )
    )


def _timed_out(server: Server, seconds: float, *, is_answer: bool = False) -> Failure:
    return Failure(
        error=MemoryUnavailableError(
            f"found no answer from the Qdrant server at {server.url} within {seconds:g} s; "
            "expected one: check its load and the network, or pass a longer timeout=. Repeating "
            "what failed is harmless."
        ),
        status=_TIMED_OUT,
        is_answer=is_answer,
    )


def _no_connection(server: Server, said: str) -> Failure:
    """No connection, or one that was not understood: told apart by what the other side is."""
    shown = _shown(said, server)
    if server.url.startswith("https:") and re.search(_UNTRUSTED, said, re.IGNORECASE):
        variable = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH" if server.prefer_grpc else "SSL_CERT_FILE"
        return Failure(
            error=MemoryUnavailableError(
                f"found a certificate at {server.url} that is not trusted here ({shown}); expected "
                "one that a known authority signed for this name: let the environment variable "
                f"{variable} name a file with the authority's certificate, and check the host."
            ),
            status=_UNREACHABLE,
            is_answer=False,
        )
    if server.url.startswith("https:") and re.search(_PLAIN, said, re.IGNORECASE):
        return _other_scheme(server, shown, "plain http", "http://")
    if server.url.startswith("http:") and re.search(_TLS, said, re.IGNORECASE):
        return _other_scheme(server, shown, "TLS", "https://")
    return Failure(
        error=MemoryUnavailableError(
            f"found no Qdrant server at {server.url} ({shown}); expected one: "
            "start it (docker run -p 6333:6333 qdrant/qdrant) or correct the address. Repeating "
            "what failed is harmless."
        ),
        status=_UNREACHABLE,
        transient=True,
        is_answer=False,
    )


def _other_scheme(server: Server, shown: str, speaks: str, expected: str) -> Failure:
    return Failure(
        error=MemoryUnavailableError(
            f"found a server at {server.url} that speaks {speaks} ({shown}); expected what the "
            f"address says: write {expected} in it, or give the port that speaks the other."
        ),
        status=_UNREACHABLE,
        is_answer=False,
    )


def _answered(server: Server, status: int, said: str, retry_after: Any = None) -> Failure:
    shown = f"{status}: {_shown(said, server)}"
    transient = status in (408, 429) or status >= 500
    if status == 429 and "split your request" in said:
        # No patience helps: it is more at once than a minute allows.
        return Failure(
            error=RequestTooLargeError(
                f"the Qdrant server at {server.url} takes fewer points at once ({shown}); expected "
                "it to take one at least: raise write_rate_limit in the collection's strict mode."
            ),
            status=status,
        )
    error: MemoryStoreError
    if status == 403 and re.search("Global (manage )?access is required", said):
        error = MemoryUnavailableError(
            f"the Qdrant server at {server.url} does not let the given api_key manage collections "
            f"({shown}); expected one that may: who makes, learns into or scrubs the memory "
            f"{server.collection!r} renames its aliases. Judging needs no such key."
        )
    elif status in (401, 403):
        given = "the given api_key" if server.api_key else "no api_key"
        error = MemoryUnavailableError(
            f"the Qdrant server at {server.url} refused {given} ({shown}); expected a key that may "
            f"read and write {server.collection!r}: pass it as api_key=, and if the server names "
            "a limit or an index, see the collection's strict mode."
        )
    elif status == 404:
        error = vanished(server)
    elif status == 408:
        error = MemoryUnavailableError(
            f"the Qdrant server at {server.url} was too busy to answer in time ({shown}); expected "
            "it to: see its load, or repeat later. Repeating what failed is harmless."
        )
    elif transient:
        error = MemoryUnavailableError(
            f"the Qdrant server at {server.url} failed ({shown}); expected it to answer: see its "
            "log, and repeat later. Repeating what failed is harmless."
        )
    elif "Exact search disabled" in said:
        error = ExactForbiddenError(
            f"the Qdrant server at {server.url} forbids exact searches ({shown}); expected it to "
            "answer without."
        )
    elif "maximum number of payload indices" in said:
        error = MemoryStoreError(
            f"the Qdrant server at {server.url} allows fewer indexes than a memory needs "
            f"({shown}); expected {len(INDEXED_FIELDS)}: raise max_payload_index_count in the "
            f"strict mode of {server.collection!r}."
        )
    else:
        error = MemoryStoreError(
            f"the Qdrant server at {server.url} refused a request ({shown}); expected Qdrant 1.18 "
            "or newer with its usual limits: see the server's log and configuration."
        )
    return Failure(
        error=error, status=status, transient=transient, retry_after=_seconds(retry_after)
    )


def vanished(server: Server) -> MemoryUnavailableError:
    """The error for a memory that was there and is gone."""
    return MemoryUnavailableError(
        f"found no memory any more at {server.place}; expected the one that was opened: the "
        "collection was deleted or replaced, or the server came up without its data. Nothing was "
        "written. Restore a snapshot of the collection, or open the memory again to begin a new "
        "one there."
    )


def _from_grpc(server: Server, error: Any) -> Failure:
    name, said = error.code().name, error.details() or ""
    if name == "DEADLINE_EXCEEDED":
        return _timed_out(server, server.timeout)
    if name == "UNAVAILABLE":
        return _no_connection(server, said)
    status = {
        "UNAUTHENTICATED": 401,
        "PERMISSION_DENIED": 403,
        "NOT_FOUND": 404,
        "ALREADY_EXISTS": 409,
        "RESOURCE_EXHAUSTED": 429,
        "INVALID_ARGUMENT": 400,
        "FAILED_PRECONDITION": 400,
        "OUT_OF_RANGE": 400,
        "UNIMPLEMENTED": 400,
    }.get(name, 500)
    return _answered(server, status, said)


def _said(content: bytes) -> str:
    """What the server says in the body of an error."""
    try:
        return str(json.loads(content)["status"]["error"])
    except (ValueError, KeyError, TypeError):
        return content.decode("utf-8", "replace")


def _shown(said: str, server: Server) -> str:
    """A foreign text, shortened, without the key that it may repeat."""
    return without_secrets(" ".join(said.split()), server.api_key)[:300] or "no reason given"


def _seconds(retry_after: Any) -> float | None:
    try:
        return max(0.0, float(retry_after))
    except (TypeError, ValueError):
        return None
