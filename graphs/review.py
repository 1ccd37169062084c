"""Judges a case, asks a human about it, and learns the answer."""

from graphs.context import configured_judge
from langchain_memalign import create_review_graph

graph = create_review_graph(configured_judge)
