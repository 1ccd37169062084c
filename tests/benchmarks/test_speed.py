"""The benchmark of speed at its smallest, without what it compares with."""

import json
import os
import subprocess
import sys
import urllib.request

import pytest
from pages import ROOT

SPEED = ROOT / "benchmarks" / "speed"


@pytest.fixture
def endpoint(socket_enabled):
    command = [sys.executable, str(SPEED / "endpoint.py"), "0", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.terminate()


def ours(what, directory, endpoint):
    urllib.request.urlopen(f"{endpoint}/reset", b"").close()
    given = {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": f"{endpoint}/v1"}
    ran = subprocess.run(
        [sys.executable, "ours.py", what, str(directory), "5", "0"],
        cwd=SPEED,
        env=os.environ | given | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    with urllib.request.urlopen(f"{endpoint}/counts") as counts:
        return json.loads(ran.stdout.partition("FIGURES ")[2]), json.load(counts)


def test_our_side_does_the_work(endpoint, tmp_path):
    figures, _ = ours("align", tmp_path, endpoint)
    assert figures["align"] > 0
    figures, counts = ours("one_more", tmp_path, endpoint)
    assert counts["chat_calls"] == 1
    assert figures["embedded"] <= 3  # inputs and outputs, and the new principle
    figures, counts = ours("first_verdict", tmp_path, endpoint)
    assert (counts["chat_calls"], counts["embedding_calls"], counts["embedded"]) == (1, 1, 2)
