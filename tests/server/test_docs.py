"""The page on Studio and the server: its code is run on one, its pictures drawn anew."""

import importlib

import pytest
from pages import BLOCK, check_examples, read

PAGE = "docs/studio-and-server.md"
PORT_OF_THE_PAGE = "http://127.0.0.1:2024"


def test_the_walk_through_works_as_written(server):
    page = read(PAGE)
    assert PORT_OF_THE_PAGE in page
    check_examples(page.replace(PORT_OF_THE_PAGE, server.url), PAGE)


@pytest.mark.parametrize(("place", "name"), [*enumerate(["review", "align", "guardrail"])])
def test_its_pictures_are_the_graphs_that_are_served(place, name):
    pictures = [body for language, body in BLOCK.findall(read(PAGE)) if language == "mermaid"]
    drawn = importlib.import_module(f"graphs.{name}").graph.get_graph(xray=True).draw_mermaid()
    assert len(pictures) == 3
    assert pictures[place].strip() == drawn.strip()
