"""Judges a case: retrieves episodes, loads principles, judges."""

from graphs.context import JudgeContext, configured_judge
from graphs.served import served
from langchain_memalign import create_judge_graph

graph = create_judge_graph(configured_judge)
serve = served(graph, JudgeContext)
