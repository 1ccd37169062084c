"""Examples print what their closing comment says."""

import os
import subprocess
import sys

import pytest
from pages import ROOT, without_random_names
from qdrant_rest.process import RestServer

NO_SCRIPTS = {"auth"}  # the server's tests run it
NO_OUTPUT = {"demo"}  # a table as wide as the terminal; shown by `make demo`
EXAMPLES = [path for path in sorted(ROOT.glob("examples/*.py")) if path.stem not in NO_SCRIPTS]
ALLOWED_LINES = 60

each_example = pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)


@pytest.fixture
def environment(request, tmp_path):
    """Nobody's keys; for the example of a server, a server."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    kept |= {"PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"}
    if request.getfixturevalue("path").stem != "tenants":
        yield kept
        return
    request.getfixturevalue("socket_enabled")
    server = RestServer(api_key="key-of-the-example")
    yield kept | {"QDRANT_URL": server.url, "QDRANT_API_KEY": "key-of-the-example"}
    server.close()


@each_example
def test_it_prints_what_it_says(path, environment, tmp_path):
    source = path.read_text(encoding="utf-8")
    _, _, told = source.partition("\n# Output:\n")
    expected = [line.removeprefix("#").removeprefix(" ") for line in told.splitlines()]
    ran = subprocess.run(
        [sys.executable, str(path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    printed = without_random_names(ran.stdout).splitlines()
    assert printed == expected != [] or path.stem in NO_OUTPUT


@each_example
def test_it_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < ALLOWED_LINES
