"""The three graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias, get_type_hints

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Send
from typing_extensions import TypedDict

from langchain_memalign.errors import ConfigurationError
from langchain_memalign.graph._async import nodes as anodes
from langchain_memalign.graph._sync import nodes
from langchain_memalign.graph.conversation import whole_review
from langchain_memalign.graph.node import (
    Telling,
    Update,
    node,
    pure_node,
    read_input,
    whole_batch,
    whole_case,
)
from langchain_memalign.graph.policy import ReviewPolicy
from langchain_memalign.graph.review import after_judge, after_review, human_review
from langchain_memalign.graph.source import JudgeSource, source_of
from langchain_memalign.graph.state import (
    AlignmentInput,
    AlignmentState,
    CaseInput,
    Json,
    JudgeState,
    ReviewInput,
    ReviewState,
    merge,
)
from langchain_memalign.judge import MemAlignJudge

Graph: TypeAlias = CompiledStateGraph[Any, Any, Any, Any]

_MAX_BRANCHES = 32  # at the same time, as in `MemAlignJudge.align`


def create_judge_graph(
    judge: MemAlignJudge | JudgeSource,
    *,
    output_key: str | None = None,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    name: str = "judge",
) -> Graph:
    """Build the graph that judges a case.

    Its input has the fields of a `Case`; its output also has `working_memory` and `verdict`, as
    JSON. As one of several nodes of a larger graph, give it an `output_key`: then its output is the
    verdict under that key, and nothing else, so that judges stand side by side.

    Args:
        judge: The judge, or a source that names one for each run.
        output_key: The only key of the output; none by default.
        checkpointer: Keeps the states; none by default.
        name: The graph's name.

    Raises:
        ConfigurationError: `judge` is neither of the two, or `output_key` cannot be one.
    """
    source = source_of(judge)
    graph, tells = _begun(JudgeState, CaseInput, source, output_key, answer="verdict")
    _add_judging(graph, nodes.JudgeNodes(source), anodes.JudgeNodes(source), tells("verdict"))
    graph.add_edge("judge", END)
    return read_input(graph.compile(checkpointer=checkpointer, name=name), whole_case)


def create_review_graph(
    judge: MemAlignJudge | JudgeSource,
    *,
    review: ReviewPolicy = "always",
    output_key: str | None = None,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    name: str = "review",
) -> Graph:
    """Build the graph that judges a case, asks a human, and learns the answer.

    It pauses with an interrupt; resume it with `Command(resume=answer)`, where the answer is that
    of Agent Inbox, of Agent Chat UI, of Studio's form, `{"decision", "value", "rationale"}`, or
    plain text. An answer that cannot be read is asked again, with the reason. In place of `inputs`
    and `outputs`, its input may have `messages`: what is judged is then the last one, if that is
    the assistant's, given those before it, and else all of them. Beside the fields of
    `create_judge_graph`, its output has `feedback` and `alignment`, as JSON, and `messages`: what
    is reviewed, what the judge says and asks, and the answer, as chat clients show it. With an
    `output_key`, its output is a mapping of `verdict`, `feedback` and `alignment` under that key.
    Learning tells how far it is as `create_alignment_graph` does.

    Args:
        judge: The judge, or a source that names one, and its review policy, for each run.
        review: Which judgements a human is asked about: "always", "never", "uncertain" (few,
            disagreeing or distant past cases, or unscored), `AtLeast(agreement=0.9)` (what the
            promise that experts agree in so many cases does not cover; all, while nothing can be
            promised), or a function of the case, the verdict and the working memory. A source has
            its own.
        output_key: The only key of the output; none by default.
        checkpointer: Keeps the states while a human is waited for. Without one, give it to the
            graph that this one is part of, or to the LangGraph server.
        name: The graph's name.

    Raises:
        ConfigurationError: `judge`, `review` or `output_key` is not what is expected.
    """
    source = source_of(judge, review)
    blocking, awaited = nodes.ReviewNodes(source), anodes.ReviewNodes(source)
    graph, tells = _begun(ReviewState, ReviewInput, source, output_key)
    _add_judging(graph, blocking, awaited, tells("verdict", "feedback", "alignment"))
    graph.add_node("human_review", pure_node(human_review, "human_review", tells("feedback")))
    graph.add_node("align", node(blocking.align, awaited.align, "align", tells("alignment")))
    graph.add_conditional_edges("judge", after_judge)
    graph.add_conditional_edges("human_review", after_review)
    graph.add_edge("align", END)
    return read_input(graph.compile(checkpointer=checkpointer, name=name), whole_review)


def create_alignment_graph(
    judge: MemAlignJudge | JudgeSource,
    *,
    output_key: str | None = None,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    name: str = "align",
) -> Graph:
    """Build the graph that learns a batch of feedback, a branch for each distilling call.

    Each branch commits what it learned; the memory tells a resumed run what is done already. Its
    input is `{"feedback": [...]}`; its output has `alignment`, the report, as JSON, or is the
    report under `output_key`. How far it is, is told by custom stream events,
    `{"memalign_progress": {"judge", "done", "total"}}`: of all episodes, those that have been
    worked on. At most 32 branches run at the same time, unless the run's config has a
    `max_concurrency` of its own.

    Args:
        judge: The judge, or a source that names one for each run.
        output_key: The only key of the output; none by default.
        checkpointer: Keeps the states; none by default.
        name: The graph's name.

    Raises:
        ConfigurationError: `judge` is neither of the two, or `output_key` cannot be one.
    """
    source = source_of(judge)
    blocking, awaited = nodes.AlignmentNodes(source), anodes.AlignmentNodes(source)
    graph, tells = _begun(AlignmentState, AlignmentInput, source, output_key, answer="alignment")
    graph.add_node(
        "store_feedback", node(blocking.store_feedback, awaited.store_feedback, "store_feedback")
    )
    graph.add_node("learn_batch", node(blocking.learn_batch, awaited.learn_batch, "learn_batch"))
    graph.add_node("report", node(blocking.report, awaited.report, "report", tells("alignment")))
    graph.add_edge(START, "store_feedback")
    graph.add_conditional_edges("store_feedback", after_store, ["learn_batch", "report"])
    graph.add_edge("learn_batch", "report")
    graph.add_edge("report", END)
    compiled = graph.compile(checkpointer=checkpointer, name=name)
    return read_input(compiled.with_config(max_concurrency=_MAX_BRANCHES), whole_batch)


def after_store(state: AlignmentState) -> list[Send] | Literal["report"]:
    """To a branch for each batch."""
    batches = state["batches"]
    shared = {
        "judge": state["judge"],
        "started": state["started"],
        "total": sum(map(len, batches)),
    }
    branches = [Send("learn_batch", {**shared, "episode_ids": ids}) for ids in batches]
    return branches or "report"


def _begun(
    state: type[Any],
    given: type[Any],
    source: JudgeSource,
    output_key: str | None,
    *,
    answer: str | None = None,
) -> tuple[StateGraph[Any, Any, Any, Any], Callable[..., Telling | None]]:
    """A graph without nodes, and what makes a node tell its answer under the output key.

    Args:
        state: The state.
        given: The input.
        source: Provides the judge.
        output_key: The only key of the output; None for the whole state.
        answer: The field of the state that is the answer; None if it is a mapping of several.
    """
    if output_key is None:
        graph = StateGraph(state, context_schema=source.context_schema, input_schema=given)
        return graph, lambda *_: None
    taken = {*get_type_hints(state), "messages"} - {answer}
    if not isinstance(output_key, str) or not output_key.strip() or output_key in taken:
        raise ConfigurationError(
            f"output_key: found {output_key!r:.60}; expected a name for the answer, such as the "
            f"judge's, and none of {', '.join(sorted(taken))}."
        )
    make: Any = TypedDict  # of fields that are known only now
    output = make("Output", {output_key: Json | None}, total=False)
    kept = output if answer else make("Kept", {output_key: Annotated[Json, merge]}, total=False)
    hints = (get_type_hints(kind, include_extras=True) for kind in (state, kept))
    fields = {name: hint for found in hints for name, hint in found.items()}
    whole = make(state.__name__, fields, total=False)
    graph = StateGraph(
        whole, context_schema=source.context_schema, input_schema=given, output_schema=output
    )

    def tells(*names: str) -> Telling:
        def telling(update: Update) -> Update:
            told = update[answer] if answer else {name: update.get(name) for name in names}
            return {**update, output_key: told}

        return telling

    return graph, tells


def _add_judging(
    graph: StateGraph[Any, Any, Any, Any],
    blocking: nodes.JudgeNodes,
    awaited: anodes.JudgeNodes,
    telling: Telling | None,
) -> None:
    for name in ("retrieve_episodes", "load_principles"):
        graph.add_node(name, node(getattr(blocking, name), getattr(awaited, name), name))
    graph.add_node("judge", node(blocking.judge, awaited.judge, "judge", telling))
    graph.add_edge(START, "retrieve_episodes")
    graph.add_edge(START, "load_principles")
    # Both end in the same step, so the judge is called once. A joining edge would be shown by the
    # LangGraph server as the end of the thread: it reads that edge's state back as another type.
    graph.add_edge("retrieve_episodes", "judge")
    graph.add_edge("load_principles", "judge")
