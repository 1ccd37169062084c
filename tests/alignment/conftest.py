"""The judge's bench, for what it learns."""

from judge.conftest import bench, make_bench

__all__ = ["bench", "make_bench"]
