"""How functions become nodes, and how input becomes state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.graph import START
from langgraph.graph.state import CompiledStateGraph

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Case, Feedback

Update: TypeAlias = dict[str, Any]
Blocking: TypeAlias = Callable[[Any, RunnableConfig], Update]
Awaited: TypeAlias = Callable[[Any, RunnableConfig], Awaitable[Update]]
Telling: TypeAlias = Callable[[Update], Update]
"""From what a node writes to what it writes when its answer also has a key of its own."""


def node(
    blocking: Blocking, awaited: Awaited, name: str, telling: Telling | None = None
) -> RunnableLambda[Any, Update]:
    """Make a node of twin functions: one for `invoke`, one for `ainvoke`."""
    if telling is None:
        return RunnableLambda(blocking, awaited, name=name)

    def told(state: Any, config: RunnableConfig) -> Update:
        return telling(blocking(state, config))

    async def atold(state: Any, config: RunnableConfig) -> Update:
        return telling(await awaited(state, config))

    return RunnableLambda(told, atold, name=name)


def pure_node(
    function: Callable[[Any], Update], name: str, telling: Telling | None = None
) -> RunnableLambda[Any, Update]:
    """Make a node of a function that does no I/O; it runs on the event loop itself."""

    def blocking(state: Any, config: RunnableConfig) -> Update:
        return function(state)

    async def awaitable(state: Any, config: RunnableConfig) -> Update:
        return function(state)

    return node(blocking, awaitable, name, telling)


def read_input(
    graph: CompiledStateGraph[Any, Any, Any, Any], read: Callable[[Any], Any]
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Pass every input through `read` before it is written to the state.

    LangGraph leaves a field that an input does not name as the thread's last run left it.
    `read` must not raise: LangGraph also calls it when it discards an unfinished run.
    """
    graph.nodes[START] = graph.nodes[START].copy({"mapper": read})
    return graph


def whole_case(given: Any) -> Any:
    """A case as input: all of its fields, as JSON. What is not usable is left to the nodes."""
    if isinstance(given, Case):
        given = dict(given)
    if not isinstance(given, Mapping):
        return given
    fields = {name: given.get(name) for name in Case.model_fields}
    try:
        return dict(Case(**fields))
    except InvalidInputError:
        return fields


def whole_batch(given: Any) -> Any:
    """A batch of feedback as input, as JSON. What is not usable is left to the nodes."""
    if not isinstance(given, Mapping):
        return given
    feedback = given.get("feedback")
    if isinstance(feedback, list | tuple):
        feedback = [
            item.model_dump(mode="json") if isinstance(item, Feedback) else item
            for item in feedback
        ]
    return {"feedback": [] if feedback is None else feedback}
