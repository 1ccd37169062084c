"""What a memory's location says: a directory, a temporary one, or the address of a server."""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from dataclasses import dataclass
from typing import Any

from langchain_memalign.errors import ConfigurationError

MEMORY = ":memory:"

_URL = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.IGNORECASE | re.DOTALL)
_SCHEMES = {"http": "http", "https": "https", "grpc": "http", "grpcs": "https"}
# A scheme whose slashes were lost, as `Path("http://...")` loses one of them.
_BROKEN_URL = re.compile(r"(https?|grpcs?|s3|gs):(?!//)[/\\]*(?P<rest>.*)", re.IGNORECASE)
_WINDOWS = re.compile(r"[a-z]:([\\/]|$)|\\\\", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"/{0,2}(?P<host>\[[0-9a-f:.]+\]|[\w.-]+):(?P<port>\d+)(/.*)?", re.I)
# Ports below are reserved, and so small a number after a colon may well belong to a name: "run:1".
_FIRST_PORT, _LAST_PORT = 1024, 65535
_SECRET = re.compile("[@?]")  # what comes before or after may be a password or a key
_SECRETIVE = "a location with '@' or '?'"
_REST_PORT, _GRPC_PORT = 6333, 6334


@dataclass(frozen=True)
class ServerAddress:
    """Where a Qdrant server is.

    Attributes:
        url: With the scheme `http` or `https`.
        grpc_port: The port that the location names for gRPC; None if it names none.
    """

    url: str
    grpc_port: int | None = None

    def options(self, given: dict[str, Any]) -> dict[str, Any]:
        """Options of the server, with those that the location says.

        Raises:
            ConfigurationError: They contradict the location.
        """
        if self.grpc_port is None:
            return given
        told = {"prefer_grpc": True, "grpc_port": self.grpc_port}
        for name, value in told.items():
            if given.get(name, value) != value:
                raise ConfigurationError(
                    f"found {name}={given[name]!r} with an address that begins with grpc and says "
                    f"{value!r}; expected one of the two: give {self.url!r} with prefer_grpc and "
                    "grpc_port."
                )
        return {**given, **told}


def server_at(location: str | os.PathLike[str]) -> ServerAddress | None:
    """The server that a location names; None for a directory and for ":memory:".

    `host:port` is `http://host:port`, and `grpc://host:port` is that server with gRPC at the port.
    A name with a colon that is a directory already stays one, and a `Path` is always one.

    Raises:
        ConfigurationError: It is an address of something else, or may be both. No secret is
            repeated.
    """
    if (named := os.fsdecode(location)) == MEMORY:
        return None
    text = named.strip()
    if found := _URL.fullmatch(text):
        return _of_url(found[1].lower(), found[2])
    shown = _SECRETIVE if _SECRET.search(text) else repr(text)
    if broken := _BROKEN_URL.fullmatch(text):
        raise _refused(shown, f"both slashes of an address, as in {_example(broken['rest'])!r}")
    if sys.platform != "win32" and _WINDOWS.match(text):
        raise _refused(
            f"{shown}, a path of Windows, on {sys.platform}",
            "a path of this system, such as './memory' or, in the Windows Subsystem for Linux, "
            "'/mnt/c/memory'",
        )
    if text.strip(":").lower() == MEMORY.strip(":") and ":" in text:
        raise _refused(shown, f"{MEMORY!r} for a memory that is gone on close")
    if isinstance(location, os.PathLike):
        return None  # it says by itself that it is a path
    if address := _HOST_AND_PORT.fullmatch(text):
        return _of_host_and_port(text, address)
    _check_is_path(text, shown)
    return None


def _of_url(scheme: str, rest: str) -> ServerAddress:
    if scheme not in _SCHEMES:
        if scheme == "file":
            raise _refused("an address that begins with file://", "the path alone")
        raise _refused(
            f"an address that begins with {scheme}://",
            "the directory of a memory, or a Qdrant server as 'http://localhost:6333'. Copy what "
            "is kept elsewhere into a directory first",
        )
    url = f"{_SCHEMES[scheme]}://{rest}"
    if scheme in ("http", "https"):
        return ServerAddress(url)
    address = re.fullmatch(r"(\[[0-9a-f:.]+\]|[\w.-]+)(?::(\d+))?/?", rest, re.IGNORECASE)
    port = int(address[2] or _GRPC_PORT) if address else 0
    if address is None or not 0 < port <= _LAST_PORT or port == _REST_PORT:
        raise _refused(
            f"an address that begins with {scheme}:// and cannot be used",
            f"host and gRPC port alone, such as '{scheme}://localhost:{_GRPC_PORT}'; the server's "
            f"REST port is taken to be {_REST_PORT}, and for another give 'http://host:port' with "
            "prefer_grpc and grpc_port",
        )
    return ServerAddress(f"{_SCHEMES[scheme]}://{address[1]}:{_REST_PORT}", port)


def _of_host_and_port(text: str, address: re.Match[str]) -> ServerAddress:
    is_port = _FIRST_PORT <= int(address["port"]) <= _LAST_PORT
    if not is_port or text.startswith("/") or os.path.isdir(text):
        raise _both(repr(text), text, _example(text))
    return ServerAddress(f"http://{text}")


def _check_is_path(text: str, shown: str) -> None:
    """Refuse a name that may be meant for a host, or for a path of Windows, and is no directory."""
    if sys.platform == "win32" or os.path.isdir(text):
        return
    first, _, _ = text.partition("/")
    if first and (":" in first or _is_host(first)):
        raise _both(shown, text, _example(text))
    if "\\" in text:
        raise _refused(
            f"{shown}, with the backslashes of Windows, on {sys.platform}",
            f"slashes: {text.replace(chr(92), '/')!r}",
        )


def _is_host(name: str) -> bool:
    """Whether a name without a port is plainly that of a machine."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return name.lower() == "localhost" or name.lower().endswith(".cloud.qdrant.io")
    return True


def _example(text: str) -> str:
    """An address as it should be written, made of what was; general where it may hold a secret."""
    found = re.fullmatch(r"/*([\w.-]+)(?::(\d*))?(?:[:/].*)?", text, re.DOTALL)
    if found is None or _SECRET.search(text):
        return f"http://localhost:{_REST_PORT}"
    port = int(found[2] or _REST_PORT)
    return f"http://{found[1]}:{port if port <= _LAST_PORT else _REST_PORT}"


def _both(shown: str, text: str, url: str) -> ConfigurationError:
    if shown == _SECRETIVE:
        text = "..."
    directory = f"/{text.lstrip('/')}" if text.startswith("/") else f"./{text}"
    return _refused(
        f"{shown}, which may be a server or a directory",
        f"{url!r} for a server, or {directory!r} for a directory",
    )


def _refused(found: str, expected: str) -> ConfigurationError:
    return ConfigurationError(f"found {found}; expected {expected}.")
