"""The shape of the library: who may import whom, what loads when, what is public."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = "langchain_memalign"
ROOT = Path(__file__).parent.parent

# From the bottom up. A module imports only what stands on a line above its own.
ORDER = """
    errors _files
    _concurrency
    _content
    schema
    _values
    _prompts
    _offline
    _models
    _stores
    _memory
    _calibration
    _alignment
    _judging
    _health
    _async _sync
    memory
    judge
    retriever tool
    graph
    importers exporters
    evaluation
    evaluators guardrails
    reviews
    web
    cli
"""
RANK = {name: rank for rank, line in enumerate(ORDER.split("\n")) for name in line.split()}

# Slow or optional: a user who needs none of them must not wait for them.
LAZY = {"langchain", "langchain_openai", "qdrant_client"}
# Loaded by the name of its class only, which subclasses one of langchain.
LOADED_LATE = {Path("guardrails/middleware.py"): {"langchain"}}
QDRANT = {"qdrant_client", "qdrant_edge"}

PUBLIC = """
    Case Feedback Episode Principle Recalled WorkingMemory Verdict Unscored Put Erase
    Probabilities
    Memory MemAlignJudge AlignmentReport ForgetReport Retry
    AtLeast AgreementReport CalibrationReport Threshold HealthReport
    Gate GateDecision GateEvidence EvidenceGate
    EpisodeRetriever JudgeTool PairwiseEvaluator
    MemAlignGuardrail MemAlignMiddleware GuardrailPolicy
    create_judge_graph create_review_graph create_alignment_graph
    ReviewPolicy JudgeSource FixedJudge
    MemAlignError InvalidInputError ConfigurationError ModelError GuardrailError MemoryStoreError
    MemoryLockedError MemoryUnavailableError MemoryCorruptError EmbeddingMismatchError SourceError
    __version__
"""

# Where else a user imports from.
SUBMODULES = ["errors", "evaluation", "evaluators", "exporters", "guardrails", "importers"]

FILES = sorted((ROOT / PACKAGE).rglob("*.py"))


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


def test_every_import_is_allowed():
    wrong = [
        f"{file.relative_to(ROOT)} {found}: {problem}"
        for file in FILES
        for found in imports(file)
        if (problem := problem_with(found, file))
    ]
    assert not wrong, "\n".join(wrong)


def problem_with(found: Import, file: Path) -> str | None:
    """Why a file may not import this; None if it may."""
    own, root = layer(file.relative_to(ROOT).parts), found.path[0]
    if own not in {"__init__", *RANK}:
        return f"{PACKAGE}.{own} has no place yet: add it to ORDER in {Path(__file__).name}"
    if root == PACKAGE and own != "__init__":
        other = layer(found.path)
        # Not in the order: a name of `__init__`, which imports everything, or a new module.
        if other != own and RANK.get(other, len(RANK)) >= RANK[own]:
            return f"{own} may import only what ORDER in {Path(__file__).name} lists before it"
    if root in QDRANT and own != "_stores":
        return "only the stores know Qdrant"
    late = LOADED_LATE.get(file.relative_to(ROOT / PACKAGE), set())
    if found.at_import and root in LAZY - late:
        return "is heavy: import it where it is used"
    if root == "graphs":
        return "the library does not know what Studio opens"
    return None


def test_every_file_is_short():
    folders = [PACKAGE, "graphs", "examples", "benchmarks", "tests"]
    lines = {
        str(file.relative_to(ROOT)): len(file.read_text("utf-8").splitlines())
        for folder in folders
        for file in (ROOT / folder).rglob("*.py")
    }
    # What users hold is one class, in both colours.
    long = {file for file, count in lines.items() if count > 500}
    assert long <= {f"{PACKAGE}/judge.py"}, {file: lines[file] for file in long}


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
    assert langchain_memalign.__version__ == version("langchain-memalign")


@pytest.mark.parametrize("name", ["", *SUBMODULES])
def test_all_names_what_can_be_imported(name):
    module = import_module(f"{PACKAGE}.{name}".rstrip("."))
    assert {n for n in module.__all__ if not hasattr(module, n)} == set()

    def is_own(value):
        return getattr(value, "__module__", "").startswith(module.__name__)

    found = {n for n in dir(module) if not n.startswith("_") and is_own(getattr(module, n))}
    assert found <= set(module.__all__)


def test_pages_and_examples_import_what_is_public():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    texts = {page.name: page.read_text("utf-8") for page in pages}
    texts |= {file.name: file.read_text("utf-8") for file in (ROOT / "examples").glob("*.py")}
    own = re.compile(rf"^from {PACKAGE}\.([\w.]+) import", re.MULTILINE)
    wrong = [
        f"{name}: {module}"
        for name, text in texts.items()
        for module in own.findall(text)
        if module.partition(".")[0] not in {*SUBMODULES, "web"}
    ]
    # The demo is a command, which this file runs too.
    assert [w for w in wrong if not w.startswith("demo.py: cli")] == []


def test_the_generated_code_is_as_generated():
    done = subprocess.run(
        [sys.executable, "tools/unasync.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}run python tools/unasync.py"
