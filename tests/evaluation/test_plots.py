"""Pictures say what their figures rest on."""

from langchain_memalign.evaluation.report import plot_estimates
from langchain_memalign.evaluation.resampling import Estimate


def drawn(tmp_path, panels, **options):
    png, svg = plot_estimates(panels, tmp_path / "p", title="T", below="taught", **options)
    assert png.read_bytes().startswith(b"\x89PNG")
    return svg.read_text("utf-8")


def of(value, **fields):
    return Estimate(name="x", value=value, **{"n": 10, **fields})


def test_all_panels_stand_above_the_same_places(tmp_path):
    full = {"seen": [("none yet", of(0.1)), ("fifty", of(0.5, low=0.4, high=0.6))]}
    gap = {"seen": [("none yet", of(None)), ("fifty", of(0.5))]}
    svg = drawn(tmp_path, {"one": full, "two": gap})
    assert svg.count(">none yet<") == svg.count(">fifty<") == 2
    assert "fewer than half" not in svg


def test_a_figure_of_few_scored_cases_is_marked(tmp_path):
    svg = drawn(tmp_path, {"one": {"seen": [("2", of(1.0, n=3, abstained=9))]}})
    assert "fewer than half of the cases scored" in svg


def test_a_series_and_the_ceiling_stand_in_the_legend_from_any_panel(tmp_path):
    panels = {"one": {"seen": [("2", of(0.2))]}, "two": {"seen": [("2", of(0.3))]}}
    svg = drawn(tmp_path, panels, ceilings={"two": of(0.8)})
    assert svg.count(">seen<") == 1
    assert svg.count(">two experts<") == 1


def test_nothing_defined_is_drawn_as_nothing(tmp_path):
    assert ">0<" in drawn(tmp_path, {"one": {"seen": [("0", of(None))]}})


def test_the_same_figures_give_the_same_file(tmp_path):
    panels = {"one": {"seen": [("2", of(0.2))]}}
    assert drawn(tmp_path, panels) == drawn(tmp_path, panels)
