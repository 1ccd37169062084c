"""README and documentation cannot drift: their code is run, the pictures drawn anew."""

import os
import re
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from fakes import CountingEmbeddings, ScriptedModel, one_rule_a_record
from faults.test_table import NAMED, names_in
from pages import BLOCK, ROOT, check_examples, read

import langchain_memalign.errors
from langchain_memalign import MemAlignJudge, Memory, create_review_graph

README = read("README.md")
WORKS_WITH = re.findall(r"^\| ([^|]+) \| (`[\w/]+\.py(?:::\w+)?`) \|$", README, re.MULTILINE)


PAGES = [
    f"docs/{name}.md"
    for name in (
        "confidence",
        "evaluating",
        "forgetting",
        "guardrails",
        "health",
        "learning",
        "measuring",
        "review",
        "tutorial",
    )
]
ELSEWHERE = {
    "docs/importing.md": "importers/test_docs.py",
    "docs/own-model-server.md": "model_server/test_docs.py",
    "docs/review-page.md": "web/test_docs.py",
    "docs/studio-and-server.md": "server/test_docs.py",
}
"""Pages whose code needs a server, and the tests that run it there."""


@pytest.mark.filterwarnings("ignore:'upload_results' parameter is in beta")
@pytest.mark.parametrize("name", PAGES)
def test_its_code_prints_what_it_says(name, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace = check_examples(read(name), name)
    namespace["memory"].close()


def test_every_page_with_code_is_run():
    pages = [f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")]
    with_code = {page for page in pages if "```python\n" in read(page)}
    assert with_code <= {*PAGES, *ELSEWHERE}
    for test in ELSEWHERE.values():
        assert (ROOT / "tests" / test).is_file()


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 250


def anchors(page):
    """The anchors of a page's headings, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


PROSE = [*ROOT.glob("*.md"), *ROOT.glob("benchmarks/*.md"), *(ROOT / "docs").rglob("*.md")]
LINK = re.compile(r"\]\(<?([^)\s>]+)>?\)|<(https?://[^>\s]+)>")


@pytest.mark.parametrize("file", PROSE, ids=lambda file: str(file.relative_to(ROOT)))
def test_its_links_lead_somewhere(file):
    """Files and anchors of this project; of addresses elsewhere the form, for no test may ask."""
    page = file.read_text(encoding="utf-8")
    for link in (inline or bare for inline, bare in LINK.findall(page)):
        address = urlsplit(link)
        if address.scheme or address.netloc:
            known = address.hostname in ("localhost", "127.0.0.1")
            assert known or (address.scheme == "https" and "." in (address.hostname or "")), link
            continue
        target = file.parent / address.path if address.path else file
        assert target.exists(), link
        if address.fragment:
            assert address.fragment in anchors(target.read_text(encoding="utf-8")), link


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    """Strict: a broken link, an unlisted page or a name that has no docstring page is an error."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path)]
    told = {**os.environ, "NO_MKDOCS_2_WARNING": "true"}
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=told)
    assert (built.returncode, built.stderr) == (0, "")
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").with_suffix("")
        address = (
            tmp_path / name / "index.html" if name.name != "index" else tmp_path / "index.html"
        )
        assert address.is_file(), f"{page} is not part of the site"
        assert f"{name.name}.md" in read("mkdocs.yml"), f"{page} is not in the site's navigation"


def test_the_picture_of_the_review_graph_is_the_compiled_one() -> None:
    with Memory.open(":memory:", embeddings=CountingEmbeddings()) as memory:
        judge = MemAlignJudge(
            name="any",
            instructions="Any.",
            value_type=bool,
            model=ScriptedModel(respond=one_rule_a_record),
            memory=memory,
        )
        drawn = create_review_graph(judge).get_graph().draw_mermaid()
    page = BLOCK.findall(read("docs/review.md"))
    (picture,) = [body for language, body in page if language == "mermaid"]
    assert picture.strip() == drawn.strip()


def test_the_error_tree_is_the_one_of_the_code() -> None:
    source = (langchain_memalign.errors.__doc__ or "").splitlines()
    tree = [line.strip() for line in source if line.startswith("    ")]
    page = BLOCK.findall(read("docs/configuration.md"))
    (shown,) = [body for _, body in page if body.startswith("MemAlign")]
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


@pytest.mark.parametrize("of", ["speed", "house_rules"])
def test_the_tables_are_what_was_measured(of):
    script = ROOT / "benchmarks" / of / "table.py"
    found = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


def test_the_figures_of_how_sure_a_judge_is_are_what_was_measured():
    script = ROOT / "benchmarks" / "calibration_page.py"
    made = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    *tables, overhead, sentences = made.stdout.strip().split("\n\n")
    page = read("docs/benchmarks.md")
    for table in tables:
        assert table in page
    assert overhead in " ".join(page.split())
    said = " ".join(read("docs/confidence.md").split())
    for sentence in sentences.splitlines():
        assert sentence in said
