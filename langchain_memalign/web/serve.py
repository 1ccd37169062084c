"""Serving the page on this machine alone, for as long as somebody works with it."""

from __future__ import annotations

import contextlib
import socket
import webbrowser
from collections.abc import Callable
from types import FrameType

import uvicorn

from langchain_memalign.errors import ConfigurationError
from langchain_memalign.web.app import Page

HOSTS = ("127.0.0.1", "localhost", "[::1]")


class _Server(uvicorn.Server):
    """Ends streams when it is told to stop: it would wait for them otherwise."""

    def __init__(self, config: uvicorn.Config, page: Page, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._page = page
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop."""
        self._page.stop_streams()
        super().handle_exit(sig, frame)


def free_port(wanted: int) -> tuple[socket.socket, int]:
    """A socket of this machine that listens on a port; on a free one where it is taken or 0.

    Raises:
        ConfigurationError: None can be had.
    """
    for port in dict.fromkeys((wanted, 0)):
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind(("127.0.0.1", port))
            found.listen()  # whoever follows the link at once waits, and is not refused
        except OSError as error:
            found.close()
            problem = error
        else:
            return found, int(found.getsockname()[1])
    raise ConfigurationError(f"cannot listen on port {wanted} of this machine: {problem}.")


def serve(page: Page, listening: socket.socket, address: str, *, opens_browser: bool) -> None:
    """Serve until it is told to stop.

    Args:
        page: The page.
        listening: Where it listens.
        address: The start link, opened in a browser.
        opens_browser: Whether to.
    """

    def ready() -> None:
        if opens_browser:
            with contextlib.suppress(webbrowser.Error):
                webbrowser.open(address)

    config = uvicorn.Config(
        page,
        log_level="warning",
        access_log=False,  # addresses hold the token
        server_header=False,
        timeout_graceful_shutdown=2,
        lifespan="on",
    )
    _Server(config, page, ready).run([listening])
