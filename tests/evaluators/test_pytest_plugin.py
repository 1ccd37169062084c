"""The judge in tests of LangSmith's pytest plugin, as the page on evaluating shows it."""

import os
import re
import subprocess
import sys

import pytest
from pages import ROOT, read

(EXAMPLE,) = re.findall(r"^```python (\S+)\n(.*?)^```$", read("docs/evaluating.md"), re.S | re.M)


@pytest.mark.parametrize(
    ("said", "passes"), [("We are sorry.", True), ("No idea.", False)], ids=["kind", "cold"]
)
def test_the_pages_test_runs_with_tracking_off(tmp_path, said, passes):
    name, source = EXAMPLE
    taught = '"outputs": "We are sorry.", "value": True}'
    cold = ', {"inputs": "Where is it?", "outputs": "No idea.", "value": False}'
    source = source.replace(taught, taught + cold)
    asked = source.replace('"Where is my parcel?", "We are sorry."', f'"Where is it?", "{said}"')
    assert asked.count(said) >= 1
    (tmp_path / name).write_text(asked, "utf-8")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LANGSMITH", "LANGCHAIN"))}

    ran = subprocess.run(
        # Sockets are off: nothing can be sent.
        [sys.executable, "-m", "pytest", "-q", "--disable-socket", "-p", "no:xdist", name],
        cwd=tmp_path,
        env=kept | {"LANGSMITH_TEST_TRACKING": "false", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ("1 passed" in ran.stdout) is passes, ran.stdout + ran.stderr
    assert ("1 failed" in ran.stdout) is not passes
    assert "SocketBlockedError" not in ran.stdout
