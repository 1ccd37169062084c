"""The server as a process, and what a test can do to it."""

import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from .states import NOW, VARIABLE


class RestServer:
    """A server in a process of its own, on a directory and a port that stay when it restarts.

    Args:
        api_key: A key that may do everything; without one, everybody may.
        read_key: A key that may only read.
        token: A collection's name and a key that may read and write it, and manage nothing.
        version: What it calls its version.
        peers: How many nodes it plays, all behind one address; without it, one, or what the
            environment variable MEMALIGN_QDRANT_STATE says, see `states.STATES`.
        certificate: A file with a private key and its certificate: it speaks TLS then.
    """

    def __init__(
        self,
        *,
        api_key=None,
        read_key=None,
        token=None,
        version="1.20.0",
        peers=None,
        certificate=None,
    ):
        self._api_key = api_key
        self._keys = {
            "REST_API_KEY": api_key or "",
            "REST_READ_KEY": read_key or "",
            "REST_TOKEN": ":".join(token or ()),
            "REST_CERTIFICATE": str(certificate or ""),
            "REST_STATE": os.environ.get(VARIABLE, "") if peers is None else "",
        }
        self._arguments = [version, str(peers or 1)]
        self._scheme = "https" if certificate else "http"
        # In memory where that is possible: making a collection syncs to disk a dozen times.
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self._directory = tempfile.mkdtemp(prefix="qdrant-rest-", dir=base)
        self._port = 0
        self._process = None
        self.start()

    @property
    def url(self):
        return f"{self._scheme}://127.0.0.1:{self._port}"

    @property
    def directory(self):
        """Where its files are."""
        return Path(self._directory)

    def start(self):
        where = [self._directory, str(self._port)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "qdrant_rest", *where, *self._arguments],
            cwd=Path(__file__).parent.parent,
            env={**os.environ, **self._keys},
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

    def is_held(self):
        """Whether a request is held by a fault at the moment."""
        return self._control("held", 0)

    def find(self, text):
        """The files of the server that contain a text."""
        sought = text.encode()
        files = [path for path in self.directory.rglob("*") if path.is_file()]
        return [path.name for path in files if sought in path.read_bytes()]

    def hits(self):
        """How many requests have met a fault since the last `fault`."""
        return self._control("hits")

    def requests(self):
        """The requests since the last call, as "METHOD /path"."""
        return self._control("requests")

    def wipe(self):
        self._control("wipe")

    def drop(self, collection):
        """Remove a collection, as an administrator would, also one that is known by an alias."""
        aliases = self.ask("GET", "/aliases")["aliases"]
        meant = {a["alias_name"]: a["collection_name"] for a in aliases}
        self.ask("DELETE", f"/collections/{meant.get(collection, collection)}")

    # Nodes

    def kill(self, *peers, through=None):
        """Let peers be dead and all others live; those that were dead catch up.

        Args:
            peers: Their ids, which count from 1.
            through: The peer that requests come to; the living one with the lowest id if None.
        """
        self._control("peers", {"dead": peers, "through": through})

    @contextmanager
    def all_living(self):
        """Let all nodes live for a while, also those that are down in the state of this run."""
        self.kill()
        try:
            yield
        finally:
            self.kill(*NOW.dead)

    def come_back_behind(self):
        """Let all peers live; those that were dead lack what they missed, and nobody knows."""
        self._control("peers", {"dead": [], "behind": True})

    def come_back_when_idle(self, seconds):
        """Let all peers live; those that were dead catch up once leases were still for so long."""
        self._control("peers", {"dead": [], "idle": seconds})

    def come_to(self, peer):
        """Let requests come to another peer."""
        self._control("peers", {"dead": [], "through": peer})

    def crash(self):
        """Come back after a crash with indexes that lack what was written before it."""
        self._control("crash")

    def crash_after(self, write):
        """Crash after every `upsert`, `set_payload`, `delete` or `batch`; after None no more."""
        self._control("crash_after", write)

    def approximate_from(self, points):
        """From how many points on searches are approximate, as they are for a large collection."""
        self._control("approximate", points)

    def ask(self, method, path, body=None, *, key=None):
        """The result of a request, made without the client; with the key that may do everything."""
        headers = {"api-key": key or self._api_key or ""}
        # Its certificate is made for the test, and nobody vouches for it.
        trusting = ssl._create_unverified_context() if self._scheme == "https" else None
        request = urllib.request.Request(
            self.url + path, json.dumps(body or {}).encode(), method=method, headers=headers
        )
        with urllib.request.urlopen(request, timeout=60, context=trusting) as answer:
            return json.load(answer)["result"]

    def _control(self, name, body=None):
        return self.ask("POST", f"/_test/{name}", {"value": body})
