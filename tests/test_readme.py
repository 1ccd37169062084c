"""The README and the pages in docs/ cannot drift: their code is run, the pictures drawn anew."""

import re
import subprocess
import sys

import pytest
from fakes import CountingEmbeddings, ScriptedModel, one_rule_a_record
from faults.test_table import NAMED, names_in
from pages import BLOCK, ROOT, check_examples, read

import langchain_memalign.errors
from langchain_memalign import MemAlignJudge, Memory, create_review_graph

README = read("README.md")
WORKS_WITH = re.findall(r"^\| ([^|]+) \| (`[\w/]+\.py(?:::\w+)?`) \|$", README, re.MULTILINE)


PAGES = ["README.md", "docs/evaluating.md", "docs/guardrails.md", "docs/measuring.md"]


@pytest.mark.filterwarnings("ignore:'upload_results' parameter is in beta")
@pytest.mark.parametrize("name", PAGES)
def test_its_code_prints_what_it_says(name, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace = check_examples(read(name), name)
    namespace["memory"].close()


def test_its_picture_is_the_compiled_graph() -> None:
    with Memory.open(":memory:", embeddings=CountingEmbeddings()) as memory:
        judge = MemAlignJudge(
            name="any",
            instructions="Any.",
            value_type=bool,
            model=ScriptedModel(respond=one_rule_a_record),
            memory=memory,
        )
        drawn = create_review_graph(judge).get_graph().draw_mermaid()
    (picture,) = [body for language, body in BLOCK.findall(README) if language == "mermaid"]
    assert picture.strip() == drawn.strip()


def test_it_shows_the_error_tree() -> None:
    source = (langchain_memalign.errors.__doc__ or "").splitlines()
    tree = [line.strip() for line in source if line.startswith("    ")]
    (shown,) = [body for language, body in BLOCK.findall(README) if body.startswith("MemAlign")]
    assert [line.strip() for line in shown.splitlines()] == tree


@pytest.mark.parametrize(("what", "shown"), WORKS_WITH)
def test_what_it_works_with_is_shown_by_a_test_that_exists(what, shown):
    ((file, test),) = NAMED.findall(shown)
    assert test in {"", *names_in(file)}


def test_the_table_of_what_it_works_with_is_whole():
    named = " ".join(what for what, _ in WORKS_WITH)
    for product in ("evaluate", "comparative", "summary", "openevals", "agentevals", "pytest"):
        assert product in named
    for product in ("create_agent", "LCEL", "Agent Inbox", "Agent Chat UI", "Studio", "MCP", "Ray"):
        assert product in named


def test_the_table_of_speed_is_what_was_measured():
    script = ROOT / "benchmarks" / "speed" / "readme.py"
    made = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert made.stdout.strip() in README
