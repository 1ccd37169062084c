"""The table of faults cannot drift: every row names tests, and every test named exists."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (TESTS / "faults" / "README.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ")
][1:]
NAMED = re.compile(r"`([\w/]+\.py)(?:::([\w:]+))?`")


def names_in(file):
    """The names of a file's tests, those of classes with their class."""
    found = set()
    for node in ast.parse((TESTS / file).read_text(encoding="utf-8")).body:
        parts = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        functions = [p for p in parts if isinstance(p, ast.FunctionDef | ast.AsyncFunctionDef)]
        found |= {prefix + f.name for f in functions if f.name.startswith("test")}
    return found


@pytest.mark.parametrize(("event", "shown"), [(row[0], row[2]) for row in ROWS])
def test_every_row_names_tests_that_exist(event, shown):
    named = NAMED.findall(shown)
    assert len(named) == shown.count("`") / 2 >= 1
    for file, test in named:
        assert names_in(file)
        assert test in {"", *names_in(file)}


def test_every_file_of_fault_tests_is_in_the_table():
    named = {file for row in ROWS for file, _ in NAMED.findall(row[2])}
    here = {f"faults/{file.name}" for file in (TESTS / "faults").glob("test_*.py")}
    assert here - named == {"faults/test_table.py"}
