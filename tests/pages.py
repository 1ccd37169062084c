"""Pages whose examples are run: every python block is followed by a text block, its output."""

import contextlib
import io
import itertools
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


# LangSmith gives each experiment a name of its own.
_RANDOM = "Starting evaluation of experiment"


def without_random_names(printed):
    """What was printed, without the lines that differ from run to run."""
    return "".join(line for line in printed.splitlines(True) if not line.startswith(_RANDOM))


def read(name):
    """A page of this project."""
    return (ROOT / name).read_text(encoding="utf-8")


def check_examples(page, name):
    """Run a page's python blocks one after the other, in one namespace; compare what they print.

    Returns:
        The namespace.
    """
    namespace = {}
    ran = 0
    for (language, code), (following, expected) in itertools.pairwise(BLOCK.findall(page)):
        if language != "python":
            continue
        printed = io.StringIO()
        # In a thread of its own, where no event loop of another test is running.
        with contextlib.redirect_stdout(printed), ThreadPoolExecutor(1) as thread:
            thread.submit(exec, compile(code, name, "exec"), namespace).result()
        assert following == "text", "each example is followed by its output"
        assert without_random_names(printed.getvalue()) == expected
        ran += 1
    assert ran == len(re.findall(r"^```python$", page, re.MULTILINE)) > 0
    return namespace
