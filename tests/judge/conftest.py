"""Benches that are put away after the test."""

import pytest

from .bench import Bench


@pytest.fixture
def make_bench():
    """Make benches as `Bench` does."""
    benches = []

    def make(*args, **options):
        benches.append(Bench(*args, **options))
        return benches[-1]

    yield make
    for bench in benches:
        bench.memory.close()


@pytest.fixture
def bench(make_bench):
    """One whose model judges everything true and makes a rule of each remark."""
    return make_bench()
