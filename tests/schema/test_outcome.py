"""What reports look like where people print them."""

import datetime as dt

from langchain_memalign.schema import (
    AlignmentReport,
    ForgetReport,
    Pending,
    Principle,
    Rejected,
    Unscored,
)

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def test_what_is_unscored_has_no_value():
    outcome = Unscored(reason="the model declined.")

    assert outcome.value is None
    assert "value" not in outcome.model_dump()


def report(**fields):
    rules = [Principle(id=str(i), text=f"Rule {i}. " * 30, created_at=NOON) for i in range(5)]
    return AlignmentReport(
        stored=("a" * 32, "b" * 32),
        distilled=("a" * 32,),
        pending=(Pending("b" * 32, "the model is gone"),),
        rejected=tuple(Rejected(i, f"no value <{i}>") for i in range(20)),
        principles_added=tuple(rules),
        model_calls=1,
        seconds=1.25,
        **fields,
    )


def test_a_report_prints_as_a_short_table():
    printed = str(report())

    assert printed.splitlines()[:2] == ["AlignmentReport", "  stored            2"]
    assert len(printed.splitlines()) < 20
    assert max(map(len, printed.splitlines())) < 130
    for told in ("0: no value <0>", "and 17 more", "bbbbbbbb: the model is gone", "1 model call,"):
        assert told in printed
    assert "conflicts" not in printed


def test_a_notebook_shows_it_as_html():
    html = report()._repr_html_()

    assert html.startswith("<table>")
    assert "no value &lt;0&gt;" in html


def test_a_forgetting_prints_what_is_gone_and_what_is_guaranteed():
    printed = str(ForgetReport(episodes_removed=("a", "b"), guarantee="no byte remains."))

    assert "episodes removed  2" in printed
    assert "no byte remains." in printed


def test_a_report_shows_all_in_its_repr():
    assert "principles_retired=()" in repr(report())
