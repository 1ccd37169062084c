"""A real Chromium before a real server, with everything that must not happen written down."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from pathlib import Path

import uvicorn

from .desk import TOKEN, Bench, until

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Served:
    """A bench on a port of this machine."""

    def __init__(self, folder, **options):
        self.bench = Bench(folder, **options)
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(
            self.bench.page, log_level="error", lifespan="off", timeout_graceful_shutdown=2
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listening],), daemon=True)
        self._thread.start()
        until(lambda: self._server.started, "the server did not start")

    @property
    def link(self):
        return f"{self.address}/?token={TOKEN}"

    def close(self):
        self.bench.page.stop_streams()
        self._server.should_exit = True
        self._thread.join(20)
        self.bench.close()


class Visit:
    """A tab; `complaints` are what a browser found wrong with us."""

    def __init__(self, browser, served, *, refused=(), **options):
        self.served = served
        self.context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, **options}
        )
        self.context.set_default_timeout(60_000)
        self.tab = self.context.new_page()
        self.complaints = []
        self._refused = refused
        self.tab.on("console", self._console)
        self.tab.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.tab.on("request", self._request)
        self.tab.goto(served.link)

    def go(self, path):
        self.tab.goto(self.served.address + path)
        return self.tab

    def press(self, *keys):
        for key in keys:
            self.tab.keyboard.press(key)

    def type(self, text):
        self.tab.keyboard.type(text)

    def says(self, text):
        """Wait until a text can be seen."""
        self.tab.get_by_text(text).first.wait_for()

    def shot(self, path):
        # To hide the caret, it would add a style, which the page's policy forbids.
        self.tab.screenshot(path=path, full_page=True, caret="initial")

    def violations(self):
        """What axe-core finds wrong with the page as it is."""
        self.tab.evaluate(AXE)
        found = self.tab.evaluate(
            "(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}})", RULES
        )
        assert len(found["passes"]) > 10, "axe looked at nothing"
        return [
            f"{self.tab.url}: {rule['id']}: {rule['help']}: {node['target']}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]

    def sideways(self):
        """Whether the page as a whole has to be scrolled sideways."""
        return self.tab.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )

    def close(self):
        self.context.close()

    def _console(self, message):
        if not any(status in message.text for status in self._refused):
            self.complaints.append(f"console: {message.text}")

    def _request(self, request):
        if not request.url.startswith((self.served.address, "data:", "blob:")):
            self.complaints.append(f"request to {request.url}")
