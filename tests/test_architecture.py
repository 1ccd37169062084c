"""The shape of the library: who may import whom, what loads when, what is public."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = "langchain_memalign"
ROOT = Path(__file__).parent.parent

# From the bottom up. A module imports only what stands on a line above its own.
ORDER = """
    errors _files
    flow
    _content
    schema
    _values _results
    _prompts
    _offline
    _models
    _stores
    _memory
    memory
    _scratch
    _alignment
    judge
    retriever tool
    graph
    importers exporters
    evaluation
    evaluators guardrails
    cli
"""
RANK = {name: rank for rank, line in enumerate(ORDER.split("\n")) for name in line.split()}

# Slow or optional: a user who needs none of them must not wait for them.
LAZY = {"langchain", "langchain_openai", "qdrant_client"}
# Loaded by the name of its class only, which subclasses one of langchain.
LOADED_LATE = {Path("guardrails/middleware.py"): {"langchain"}}
QDRANT = {"qdrant_client", "qdrant_edge"}

PUBLIC = """
    Case Feedback Episode Principle Recalled WorkingMemory Verdict Unscored
    Memory MemAlignJudge AlignmentReport ForgetReport
    create_judge_graph create_review_graph create_alignment_graph
    MemAlignError InvalidInputError ConfigurationError ModelError GuardrailError MemoryStoreError
    MemoryLockedError MemoryUnavailableError MemoryCorruptError EmbeddingMismatchError
"""

FILES = sorted((ROOT / PACKAGE).rglob("*.py"))
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))


class Import(NamedTuple):
    """One imported name, in full: `from .schema import Case` is langchain_memalign.schema.Case."""

    line: int
    path: tuple[str, ...]
    at_import: bool
    """Whether merely importing the file runs it."""

    def __str__(self) -> str:
        return f"line {self.line}: {'.'.join(self.path)}"


def imports(file: Path) -> list[Import]:
    package = file.relative_to(ROOT).parent.parts
    return list(_imports(ast.parse(file.read_text("utf-8")), package, at_import=True))


def _imports(node: ast.AST, package: tuple[str, ...], *, at_import: bool) -> Iterator[Import]:
    match node:
        case ast.Import(names=names):
            for alias in names:
                yield Import(node.lineno, tuple(alias.name.split(".")), at_import)
        case ast.ImportFrom(module=module, names=names, level=level):
            base = package[: len(package) - level + 1] if level else ()
            base += tuple(module.split(".")) if module else ()
            for alias in names:
                yield Import(node.lineno, (*base, alias.name), at_import)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            at_import = False
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            at_import = False
    for child in ast.iter_child_nodes(node):
        yield from _imports(child, package, at_import=at_import)


def layer(path: tuple[str, ...]) -> str:
    """Name the part of the library that a path below it belongs to."""
    return path[1].removesuffix(".py") if len(path) > 1 else "__init__"


@each_file
def test_imports_point_up_the_order(file):
    own = layer(file.relative_to(ROOT).parts)
    if own == "__init__":
        return
    assert own in RANK, (
        f"{PACKAGE}.{own} has no place yet: add it to ORDER in {Path(__file__).name}"
    )

    wrong = []
    for found in imports(file):
        if found.path[0] == PACKAGE:
            other = layer(found.path)
            # Not in the order: a name of `__init__`, which imports everything, or a new module.
            if other != own and RANK.get(other, len(RANK)) >= RANK[own]:
                wrong.append(str(found))
    assert not wrong, f"{own} may import only what ORDER in {Path(__file__).name} lists before it"


@each_file
def test_only_the_memory_knows_qdrant(file):
    if layer(file.relative_to(ROOT).parts) != "_stores":
        assert not [str(found) for found in imports(file) if found.path[0] in QDRANT]


@each_file
def test_heavy_packages_are_imported_where_they_are_used(file):
    lazy = LAZY - LOADED_LATE.get(file.relative_to(ROOT / PACKAGE), set())
    eager = [found for found in imports(file) if found.at_import and found.path[0] in lazy]
    assert not [str(found) for found in eager]


@each_file
def test_the_library_does_not_know_the_graphs_of_studio(file):
    assert not [str(found) for found in imports(file) if found.path[0] == "graphs"]


def test_every_file_is_short():
    folders = [PACKAGE, "graphs", "examples", "benchmarks", "tests"]
    lines = {
        str(file.relative_to(ROOT)): len(file.read_text("utf-8").splitlines())
        for folder in folders
        for file in (ROOT / folder).rglob("*.py")
    }
    assert {file: count for file, count in lines.items() if count > 500} == {}


def test_importing_the_library_loads_nothing_heavy():
    heavy = LAZY | {"wordllama"}
    code = (
        f"import sys, {PACKAGE}, {PACKAGE}.guardrails; print(*sorted({heavy} & set(sys.modules)))"
    )
    fresh = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (fresh.returncode, fresh.stdout.strip()) == (0, ""), fresh.stderr


def test_a_judge_alone_loads_no_langgraph():
    code = (
        f"import sys; from {PACKAGE} import MemAlignJudge, Memory; "
        "print('langgraph' in sys.modules)"
    )
    fresh = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (fresh.returncode, fresh.stdout.strip()) == (0, "False"), fresh.stderr


def test_public_names_change_only_on_purpose():
    import langchain_memalign

    assert sorted(langchain_memalign.__all__) == sorted(PUBLIC.split())
    assert not [name for name in PUBLIC.split() if not hasattr(langchain_memalign, name)]
