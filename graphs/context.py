"""What a run, or an assistant, configures: which judge, which model, which memory."""

from __future__ import annotations

import atexit
import json
import os
import threading
from typing import Annotated, Any, Literal

from langgraph.runtime import get_runtime
from pydantic import BaseModel, BeforeValidator, Field

from langchain_memalign import MemAlignJudge, Memory
from langchain_memalign.graph import ReviewPolicy


def _default_model() -> str:
    return "openai:gpt-4.1-mini" if os.environ.get("OPENAI_API_KEY") else "precedent"


def _from_text(schema: Any) -> Any:
    return json.loads(schema) if isinstance(schema, str) else schema


class JudgeContext(BaseModel):
    """The judge of a run. Every field has a default, so that a first try needs none."""

    name: str = Field(
        default="support_tone",
        description="The judge's name: its namespace in memory.",
        json_schema_extra={"langgraph_nodes": ["retrieve_episodes", "judge"]},
    )
    instructions: str = Field(
        default="Is the reply appropriate for an upset customer?",
        description="What to judge.",
        json_schema_extra={"langgraph_nodes": ["judge"], "langgraph_type": "prompt"},
    )
    value_type: Annotated[dict[str, Any], BeforeValidator(_from_text)] = Field(
        default={"type": "boolean"},
        description="JSON schema of the value: a boolean, an enum of labels, or an integer or "
        "number with minimum and maximum.",
        json_schema_extra={"langgraph_nodes": ["judge"]},
    )
    model: str = Field(
        default_factory=_default_model,
        description="The chat model, as provider:name; 'precedent' votes by past cases, offline. "
        "Without a choice: openai:gpt-4.1-mini where OPENAI_API_KEY is set, else precedent.",
        json_schema_extra={"langgraph_nodes": ["judge", "align"], "langgraph_type": "model"},
    )
    embeddings: str = Field(
        default="local",
        description="The embeddings, as provider:name; 'local' needs no key. A memory keeps to "
        "those that it was made with.",
        json_schema_extra={"langgraph_nodes": ["retrieve_episodes"]},
    )
    memory: str = Field(
        default="./memalign-memory",
        description="The directory of the memory.",
        json_schema_extra={"langgraph_nodes": ["retrieve_episodes", "load_principles", "align"]},
    )
    k: int = Field(
        default=5,
        ge=0,
        description="Most past cases shown to the model.",
        json_schema_extra={"langgraph_nodes": ["retrieve_episodes"]},
    )
    review: Literal["always", "never", "uncertain"] = Field(
        default="always",
        description="Which judgements a human is asked about.",
        json_schema_extra={"langgraph_nodes": ["human_review"]},
    )


class ConfiguredJudge:
    """The judge that a run's context describes. Memories are opened once a process and shared."""

    context_schema: type[Any] | None = JudgeContext

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._memories: dict[tuple[str, str], Memory] = {}
        self._judges: dict[str, MemAlignJudge] = {}
        atexit.register(self._close)

    def identity(self) -> dict[str, Any]:
        """The context of the run at hand, as JSON."""
        context = get_runtime(JudgeContext).context
        return JudgeContext.model_validate(context or {}, from_attributes=True).model_dump()

    def judge(self, identity: dict[str, Any]) -> MemAlignJudge:
        """The judge of a context."""
        context = JudgeContext.model_validate(identity)
        key = context.model_dump_json(exclude={"review"})
        with self._guard:
            if key not in self._judges:
                self._judges[key] = MemAlignJudge(
                    name=context.name,
                    instructions=context.instructions,
                    value_type=context.value_type,
                    model=context.model,
                    memory=self._memory(context),
                    k=context.k,
                )
            return self._judges[key]

    def review(self, identity: dict[str, Any]) -> ReviewPolicy:
        """The review policy of a context."""
        return JudgeContext.model_validate(identity).review

    def _memory(self, context: JudgeContext) -> Memory:
        place = (os.path.realpath(context.memory), context.embeddings)
        if place not in self._memories:
            self._memories[place] = Memory.open(context.memory, embeddings=context.embeddings)
        return self._memories[place]

    def _close(self) -> None:
        for memory in self._memories.values():
            memory.close()


configured_judge = ConfiguredJudge()
"""One for all graphs of a server: a memory's directory can be open only once."""
