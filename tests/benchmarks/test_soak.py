"""The soak at its smallest: it runs, judges what it measured, and leaves a result file."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FLAT = range(2)
"""0: all is flat. 1: something grows, as short runs may seem to while they warm up."""


def test_a_few_cycles_are_measured_and_written_down(tmp_path):
    out = tmp_path / "soak.json"
    ran = subprocess.run(
        [sys.executable, "benchmarks/soak.py", "--cycles", "6", "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode in FLAT, ran.stderr
    assert "Traceback" not in ran.stderr
    result = json.loads(out.read_text())
    assert result["cycles"] == 6
    assert {"command", "machine", "versions"} <= set(result)
    assert set(result["trends"]) == set(result["series"])
    assert "open files" in ran.stdout
