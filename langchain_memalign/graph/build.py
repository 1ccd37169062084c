"""The three graphs."""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from langchain_memalign.graph.nodes import Nodes, after_judge, after_review, after_store, node
from langchain_memalign.graph.source import FixedJudge, JudgeSource, ReviewPolicy
from langchain_memalign.graph.state import (
    AlignmentInput,
    AlignmentState,
    CaseInput,
    JudgeState,
    ReviewState,
)
from langchain_memalign.judge import MemAlignJudge


def create_judge_graph(
    judge: MemAlignJudge | JudgeSource,
    *,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    name: str = "judge",
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Build the graph that judges a case.

    Its input has the fields of a `Case`; its output also has `working_memory` and `verdict`, as
    JSON.

    Args:
        judge: The judge, or a source that names one for each run.
        checkpointer: Keeps the states; none by default.
        name: The graph's name.
    """
    source = FixedJudge(judge) if isinstance(judge, MemAlignJudge) else judge
    nodes = Nodes(source)
    graph = StateGraph(JudgeState, context_schema=source.context_schema, input_schema=CaseInput)
    _add_recall(graph, nodes)
    graph.add_node("judge", node(nodes.judge, "judge"))
    graph.add_edge(["retrieve_episodes", "load_principles"], "judge")
    graph.add_edge("judge", END)
    return graph.compile(checkpointer=checkpointer, name=name)


def create_review_graph(
    judge: MemAlignJudge | JudgeSource,
    *,
    review: ReviewPolicy = "always",
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    name: str = "review",
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Build the graph that judges a case, asks a human, and learns the answer.

    It pauses with an interrupt; resume it with `Command(resume=answer)`, where the answer is that
    of Agent Inbox, of Agent Chat UI, of Studio's form, `{"decision", "value", "rationale"}`, or
    plain text. An answer that cannot be read is asked again, with the reason.

    Args:
        judge: The judge, or a source that names one, and its review policy, for each run.
        review: Which judgements a human is asked about: "always", "never", "uncertain" (few,
            disagreeing or distant past cases, or unscored), or a function of the case, the verdict
            and the working memory. A source has its own.
        checkpointer: Keeps the states while a human is waited for. Without one, give it to the
            graph that this one is part of, or to the LangGraph server.
        name: The graph's name.
    """
    source = FixedJudge(judge, review) if isinstance(judge, MemAlignJudge) else judge
    nodes = Nodes(source)
    graph = StateGraph(ReviewState, context_schema=source.context_schema, input_schema=CaseInput)
    _add_recall(graph, nodes)
    graph.add_node("judge", node(nodes.judge_for_review, "judge"))
    graph.add_node("human_review", node(nodes.human_review, "human_review"))
    graph.add_node("align", node(nodes.align, "align"))
    graph.add_edge(["retrieve_episodes", "load_principles"], "judge")
    graph.add_conditional_edges("judge", after_judge)
    graph.add_conditional_edges("human_review", after_review)
    graph.add_edge("align", END)
    return graph.compile(checkpointer=checkpointer, name=name)


def create_alignment_graph(
    judge: MemAlignJudge | JudgeSource,
    *,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    name: str = "align",
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Build the graph that learns a batch of feedback, a branch for each distilling call.

    Each branch commits what it learned; the memory tells a resumed run what is done already. Its
    input is `{"feedback": [...]}`; its output has `alignment`, the report, as JSON.

    Args:
        judge: The judge, or a source that names one for each run.
        checkpointer: Keeps the states; none by default.
        name: The graph's name.
    """
    source = FixedJudge(judge) if isinstance(judge, MemAlignJudge) else judge
    nodes = Nodes(source)
    graph = StateGraph(
        AlignmentState, context_schema=source.context_schema, input_schema=AlignmentInput
    )
    graph.add_node("store_feedback", node(nodes.store_feedback, "store_feedback"))
    graph.add_node("learn_batch", node(nodes.learn_batch, "learn_batch"))
    graph.add_node("report", node(nodes.report, "report"))
    graph.add_edge(START, "store_feedback")
    graph.add_conditional_edges("store_feedback", after_store, ["learn_batch", "report"])
    graph.add_edge("learn_batch", "report")
    graph.add_edge("report", END)
    return graph.compile(checkpointer=checkpointer, name=name)


def _add_recall(graph: StateGraph[Any, Any, Any, Any], nodes: Nodes) -> None:
    graph.add_node("retrieve_episodes", node(nodes.retrieve_episodes, "retrieve_episodes"))
    graph.add_node("load_principles", node(nodes.load_principles, "load_principles"))
    graph.add_edge(START, "retrieve_episodes")
    graph.add_edge(START, "load_principles")
