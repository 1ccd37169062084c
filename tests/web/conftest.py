"""A page of its own for each test."""

import pytest

from .desk import Bench, Visitor


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
