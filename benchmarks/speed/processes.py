"""The endpoint and the two sides' work as processes of their own."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
CHAT_MS, EMBEDDING_MS = 200, 20
SCRIPTS = {"ours": "ours.py", "mlflow": "reference.py", "optimizer": "optimizers.py"}
IMPORTS = {
    "ours": "from langchain_memalign import MemAlignJudge, Memory",
    "mlflow": "from mlflow.genai.judges import make_judge; "
    "from mlflow.genai.judges.optimizers import MemAlignOptimizer",
}


class Endpoint:
    """The simulated endpoint as a process."""

    def __init__(self, process, chat_ms):
        self.url = f"http://127.0.0.1:{process.stdout.readline().strip()}"
        self.chat_ms = chat_ms

    def ask(self, path, data=None):
        with urllib.request.urlopen(f"{self.url}/{path}", data) as reply:
            return json.load(reply)


@contextmanager
def endpoint(chat_ms=CHAT_MS, embedding_ms=EMBEDDING_MS):
    command = [sys.executable, str(HERE / "endpoint.py"), str(chat_ms), str(embedding_ms)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield Endpoint(process, chat_ms)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def run(side, what, directory, n, at, *, attempt=0, under="v1"):
    """One side's work in a process of its own: its figures, and what the endpoint counted.

    Args:
        side: Whose script.
        what: Which of its functions.
        directory: Where it keeps what it has learned.
        n: How many records that is about.
        at: The endpoint.
        attempt: Which repetition this is.
        under: Which of the endpoint's ways to reply (see there).
    """
    at.ask("reset", b"")
    given = (directory, n, at.chat_ms / 1000, attempt)
    with tempfile.TemporaryDirectory() as cache:
        ran = subprocess.run(
            [sys.executable, SCRIPTS[side], what, *map(str, given)],
            cwd=HERE,
            env=os.environ
            | {
                "PYTHONPATH": str(HERE.parent.parent),
                "OPENAI_API_KEY": "none",
                # DSPy keeps replies on disk; what one process asked must not be free for the next.
                "DSPY_CACHEDIR": cache,
                "OPENAI_BASE_URL": f"{at.url}/{under}",
                "OPENAI_API_BASE": f"{at.url}/{under}",
            },
            capture_output=True,
            text=True,
            check=False,
        )
    if ran.returncode:
        raise SystemExit(f"{side} {what} at {n} failed:\n{ran.stderr[-3000:]}")
    figures = next(line for line in ran.stdout.splitlines() if line.startswith("FIGURES "))
    return json.loads(figures.removeprefix("FIGURES ")) | {"counts": at.ask("counts")}


def cold_import(side, times=5):
    """Seconds and megabytes of importing what judges, in the median."""
    code = (
        f"import resource, time; t = time.perf_counter(); {IMPORTS[side]}; "
        "print(time.perf_counter() - t, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    env = os.environ | {"PYTHONPATH": str(HERE.parent.parent)}
    told = [
        subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        ).stdout.split()[-2:]
        for _ in range(times)
    ]
    return [statistics.median(float(row[place]) for row in told) for place in (0, 1)]
