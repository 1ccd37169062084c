"""Examples print what their closing comment says."""

import os
import subprocess
import sys

import pytest
from pages import ROOT

EXAMPLES = sorted(ROOT.glob("examples/guardrail_*.py"))
ALLOWED_LINES = 60


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_prints_what_it_says(path, tmp_path):
    source = path.read_text(encoding="utf-8")
    _, _, told = source.partition("\n# Output:\n")
    expected = [line.removeprefix("#").removeprefix(" ") for line in told.splitlines()]
    ran = subprocess.run(
        [sys.executable, str(path)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == expected != []
    assert len(source.splitlines()) < ALLOWED_LINES
