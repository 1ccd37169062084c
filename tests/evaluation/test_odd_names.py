"""A judge may be called anything: reports and pictures show its name, and are not ruled by it."""

import xml.etree.ElementTree as ET

import pytest
from graph.test_question import blocks, outline, read
from judge.bench import Bench

from evaluation.learner import words
from langchain_memalign._prompts.text import visible
from langchain_memalign.evaluation import write_evaluation
from langchain_memalign.evaluation.evaluate import evaluate
from langchain_memalign.evaluation.report import plot_estimates
from langchain_memalign.evaluation.resampling import Estimate, Resampling

NAMES = {
    "formulas": r"$\frac{$ costs $5 and $\undefined$",
    "code": "a `b` ``c`` ```",
    "a table": "a | b | c\\",
    "lines": "one\n\n# two\n---\nthree",
    "a path": "../../etc/passwd\\..",
    "links": "a](http://e.example) ![b](http://e.example/x.png) [c]: http://e.example <http://e>",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)> &lt; &amp; &#65;",
    "emphasis": "**a** _b_ __c__ ~~d~~ \\*",
    "an underscore": "_private",
    "right to left": "\u202eevil\u202c \u0645\u0631\u062d\u0628\u0627",
    "emoji": "👩🏽‍🚀 😀 漢字",
    "very long": "long name " * 2_000,
}
each_name = pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)


def in_one_line(name):
    """A name as people are shown it, with what nobody sees written out."""
    return " ".join(visible(name).split())


@pytest.fixture(scope="module")
def evaluation():
    bench = Bench()
    with bench.memory:
        return evaluate(bench.judge, words(*range(4)), resampling=Resampling(count=20))


@each_name
def test_a_report_shows_the_name_and_nothing_that_it_marks_up(evaluation, tmp_path, name):
    folder, plain = tmp_path / "report", tmp_path / "plain"
    write_evaluation(evaluation, folder, title=f"{name} on x.csv")
    write_evaluation(evaluation, plain, title="tone on x.csv")
    assert {file.name for file in folder.iterdir()} == {file.name for file in plain.iterdir()}
    shown, expected = ((f / "report.md").read_text("utf-8") for f in (folder, plain))
    assert outline(shown) == outline(expected)
    (picture,) = [token.attrs["src"] for token in blocks(shown) if token.type == "image"]
    assert picture == "agreement.png"
    heading = shown.split("\n", 1)[0]
    assert read(heading) == in_one_line(f"{name} on x.csv")


@each_name
def test_a_picture_has_the_name_as_it_is(tmp_path, name):
    series = [("2", Estimate(name="x", value=0.5, n=9))]
    png, svg = plot_estimates(
        {name: {name: series, "tone": series}}, tmp_path / "p", title=name, below=name
    )
    assert png.read_bytes().startswith(b"\x89PNG")
    drawn = [e.text or "" for e in ET.parse(svg).iter() if e.tag.endswith("text")]
    start = in_one_line(name)[:20]
    # Title, panel, axis and legend.
    assert sum(start in " ".join(text.split()) for text in drawn) == 4
    assert "tone" in drawn
