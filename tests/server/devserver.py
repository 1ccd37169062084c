"""A real `langgraph dev` in a directory of its own, started and stopped by a test."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from langgraph_sdk import get_sync_client

ROOT = Path(__file__).parent.parent.parent
READY_WITHIN = 60
STOPPED_WITHIN = 20


class DevServer:
    """The project's graphs, served offline from a directory; may be stopped and started again.

    Attributes:
        directory: Where it runs: its configuration, its threads, and the judges' memory.
        url: Where it listens while it runs.
        client: What talks to it while it runs.
    """

    def __init__(self, directory, *, settings=None, environment=None):
        """Lay out its directory.

        Args:
            directory: An empty one.
            settings: What langgraph.json says besides.
            environment: Variables of its environment.
        """
        self.directory = directory
        self.url = self.client = None
        self._environment = environment or {}
        self._log = directory / "server.log"
        self._calls = directory / "calls.log"
        self._calls.touch()
        self._process = None
        told = json.loads((ROOT / "langgraph.json").read_text("utf-8")) | (settings or {})
        (directory / "langgraph.json").write_text(json.dumps(told), "utf-8")
        for folder in ("graphs", "examples"):
            shutil.copytree(ROOT / folder, directory / folder)

    def start(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--port", str(port), "--n-jobs-per-worker", "5"],
                cwd=self.directory,
                env=_environment() | self._environment | {"MEMALIGN_CALLS": str(self._calls)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.url = f"http://127.0.0.1:{port}"
        try:
            self._until_ready(self.url)
        except BaseException:
            self.stop()
            raise
        self.client = get_sync_client(url=self.url, api_key=None)

    def stop(self):
        """End the process group that `start` began; politely, so that threads are kept."""
        if self._process is None:
            return
        if self.client is not None:
            self.client.close()
            self.client = None
        process, self._process = self._process, None
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise

    def restart(self):
        self.stop()
        self.start()

    def log(self):
        """What the server logged so far: a dict for each line that is JSON, text otherwise."""
        return [_read(line) for line in self._log.read_text("utf-8").splitlines() if line.strip()]

    def calls(self):
        """The hosts outside this machine that the server looked up or connected to."""
        return self._calls.read_text("utf-8").splitlines()

    def _until_ready(self, url):
        deadline = time.monotonic() + READY_WITHIN
        while not _answers(f"{url}/ok"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server did not start:\n{self._log.read_text('utf-8')}")
            time.sleep(0.05)


def _environment():
    # Neither keys nor settings of whoever runs the tests.
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LANGSMITH_", "LANGCHAIN_", "LANGGRAPH_"))
        and not name.endswith("_API_KEY")
    }
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "watched"), str(ROOT)]),
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
        "LANGGRAPH_NO_VERSION_CHECK": "true",
        "LANGSMITH_TRACING": "false",
        "LOG_JSON": "true",
    }


def _answers(url):
    try:
        with urllib.request.urlopen(url, timeout=1) as reply:
            return reply.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _read(line):
    try:
        return json.loads(line)
    except ValueError:
        return line
