"""Learns a batch of experts' feedback."""

from graphs.context import configured_judge
from langchain_memalign import create_alignment_graph

graph = create_alignment_graph(configured_judge)
