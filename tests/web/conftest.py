"""A page of its own for each test, and one browser for all."""

import os
from pathlib import Path

import pytest

from .browsing import CHROMIUM, Served, Visit
from .desk import Bench, Visitor

_skipped = []


@pytest.fixture
def make_bench(tmp_path):
    """Make benches as `Bench` does; closed afterwards."""
    benches = []

    def make(**options):
        benches.append(Bench(tmp_path, **options))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()


@pytest.fixture
def bench(make_bench):
    """Five waiting cases; the judge says true of each and makes a rule of each remark."""
    return make_bench()


@pytest.fixture
def ann(bench):
    """Ann Becker, who has opened the link."""
    return Visitor(bench.page)


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium; without one, the test is skipped, and the summary says so."""
    if not Path(CHROMIUM).exists():
        _skipped.append(CHROMIUM)
        pytest.skip(f"no Chromium at {CHROMIUM}")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60_000)  # machines differ; time itself fails no test
    with sync_playwright() as playwright:
        as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=as_root)
        yield running
        running.close()


@pytest.fixture
def serve(tmp_path):
    """Serve benches; closed afterwards."""
    served = []

    def start(**options):
        served.append(Served(tmp_path, **options))
        return served[-1]

    yield start
    for each in served:
        each.close()


@pytest.fixture
def visit(browser):
    """Open tabs; what a browser complains about fails the test."""
    visits = []

    def open_(served, **options):
        visits.append(Visit(browser, served, **options))
        return visits[-1]

    yield open_
    complaints = [complaint for each in visits for complaint in each.complaints]
    for each in visits:
        each.close()
    assert complaints == []


def pytest_terminal_summary(terminalreporter):
    if _skipped:
        terminalreporter.section("browser tests")
        terminalreporter.write_line(
            f"SKIPPED: {len(_skipped)} tests need a Chromium, and found none at {_skipped[0]}: "
            "install one, or name it in CHROMIUM."
        )
