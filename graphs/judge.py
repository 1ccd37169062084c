"""Judges a case: retrieves episodes, loads principles, judges."""

from graphs.context import configured_judge
from langchain_memalign import create_judge_graph

graph = create_judge_graph(configured_judge)
