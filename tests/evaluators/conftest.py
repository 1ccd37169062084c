"""Benches, and what LangSmith's evaluation needs without its server."""

import pytest
from judge.conftest import bench, make_bench

__all__ = ["bench", "make_bench"]


def pytest_collection_modifyitems(items):
    """`upload_results=False` is what keeps these tests offline; langsmith calls it beta."""
    for item in items:
        if "evaluators/" in item.nodeid:
            item.add_marker(pytest.mark.filterwarnings("ignore:.*upload_results.*beta"))
