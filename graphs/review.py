"""Judges a case, asks a human about it, and learns the answer."""

from graphs.context import JudgeContext, configured_judge
from graphs.served import served
from langchain_memalign import create_review_graph

graph = create_review_graph(configured_judge)
serve = served(graph, JudgeContext)
