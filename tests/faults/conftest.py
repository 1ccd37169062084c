"""What the fault tests share with the tests of the parts that are made to fail."""

from judge.conftest import bench, make_bench
from memory.conftest import on_rest, rest
from models.conftest import waits

__all__ = ["bench", "make_bench", "on_rest", "rest", "waits"]
