"""Learns a batch of experts' feedback."""

from graphs.context import JudgeContext, configured_judge
from graphs.served import served
from langchain_memalign import create_alignment_graph

graph = create_alignment_graph(configured_judge)
serve = served(graph, JudgeContext)
