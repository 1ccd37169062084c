"""The server as a process, and what a test can do to it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path


class RestServer:
    """A server in a process of its own, on a directory and a port that stay when it restarts."""

    def __init__(self, *, api_key=None, version="1.20.0"):
        self._api_key = api_key
        self._version = version
        # In memory where that is possible: making a collection syncs to disk a dozen times.
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self._directory = tempfile.mkdtemp(prefix="qdrant-rest-", dir=base)
        self._port = 0
        self._process = None
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._port}"

    def start(self):
        environment = {**os.environ, "REST_API_KEY": self._api_key or ""}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "qdrant_rest", self._directory, str(self._port), self._version],
            cwd=Path(__file__).parent.parent,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._port = int(self._process.stdout.readline())

    def stop(self):
        """End the process; what it stored stays."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process.stdin.close()
            self._process.stdout.close()
            self._process = None

    def restart(self, *, empty=False):
        self.stop()
        if empty:
            shutil.rmtree(self._directory)
            Path(self._directory).mkdir()
        self.start()

    def close(self):
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    # Faults

    def fault(self, *rules, **rule):
        """Put faults in force, in place of those before; see `faults.Fault`."""
        self._control("faults", [*rules, *([rule] if rule else [])])

    def heal(self):
        """No more faults; requests that were held are dropped."""
        self._control("faults", [])

    def release(self):
        self._control("release")

    def wait_until_held(self, timeout=30):
        assert self._control("held", timeout), "no request met the fault in time"

    def hits(self):
        """How many requests have met a fault since the last `fault`."""
        return self._control("hits")

    def requests(self):
        """The requests since the last call, as "METHOD /path"."""
        return self._control("requests")

    def wipe(self):
        self._control("wipe")

    def drop(self, collection):
        """Remove a collection, as an administrator would."""
        self.ask("DELETE", f"/collections/{collection}")

    def ask(self, method, path, body=None):
        """The result of a request, made without the client."""
        headers = {"api-key": self._api_key or ""}
        request = urllib.request.Request(
            self.url + path, json.dumps(body or {}).encode(), method=method, headers=headers
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["result"]

    def _control(self, name, body=None):
        return self.ask("POST", f"/_test/{name}", {"value": body})
