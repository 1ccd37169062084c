"""The README cannot drift: its code is run, its output compared, its pictures drawn anew."""

import contextlib
import io
import itertools
import re
from pathlib import Path

from fakes import CountingEmbeddings, ScriptedModel, one_rule_a_record

import langchain_memalign.errors
from langchain_memalign import MemAlignJudge, Memory, create_review_graph

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_its_code_prints_what_it_says(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall(README)
    namespace: dict[str, object] = {}
    ran = 0
    for (language, code), (following, expected) in itertools.pairwise(blocks):
        if language != "python":
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "README.md", "exec"), namespace)
        assert following == "text", "each example is followed by its output"
        assert printed.getvalue() == expected
        ran += 1
    namespace["memory"].close()
    assert ran == len(re.findall(r"^```python$", README, re.MULTILINE))


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
