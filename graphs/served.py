"""How the server is given the graphs: with a look at what a run's context says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from langgraph.graph.state import CompiledStateGraph
from langgraph_sdk.runtime import ServerRuntime
from pydantic import BaseModel

from langchain_memalign import ConfigurationError

Graph = CompiledStateGraph[Any, Any, Any, Any]

# Without a context the server takes `configurable` for it, with what LangGraph keeps there.
_LANGGRAPHS_OWN = re.compile(
    r"__|x-|langgraph_|checkpoint_|(?:thread|run|graph|assistant|user|cron)_id$|thread_ts$"
)


def served(graph: Graph, context_schema: type[BaseModel]) -> Callable[[ServerRuntime[Any]], Graph]:
    """Make what the server asks for the graph, before each run.

    The server itself drops what the schema of the context does not know, without a word: a
    misspelt name would be the default judge's. Here the context is still as it was sent.
    """
    known = set(context_schema.model_fields)

    def ask(runtime: ServerRuntime[Any]) -> Graph:
        running = runtime.execution_runtime
        context = running.context if running else None
        if isinstance(context, Mapping):
            found = sorted(k for k in set(context) - known if not _LANGGRAPHS_OWN.match(k))
            if found:
                raise ConfigurationError(
                    f"context: found {', '.join(found):.200}; expected only "
                    f"{', '.join(sorted(known))}. Correct the name, or leave it out."
                )
        return graph

    return ask
