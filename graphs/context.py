"""What a run, or an assistant, configures: which judge, which model, which memory."""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

from langgraph.runtime import get_runtime
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from graphs.memories import Memories, check_listed, default_location
from graphs.tenant import tenant_of_run, within
from langchain_memalign import ConfigurationError, MemAlignJudge, Memory
from langchain_memalign._values.types import ValueType
from langchain_memalign.graph import ReviewPolicy


def _default_model() -> str:
    return "openai:gpt-4.1-mini" if os.environ.get("OPENAI_API_KEY") else "precedent"


def _default_embeddings() -> str:
    return os.environ.get("MEMALIGN_EMBEDDINGS") or "local"


_OF_THE_SERVER: Mapping[str, Callable[[], str]] = {
    "memory": default_location,
    "embeddings": _default_embeddings,
}


def _is_servers(name: str, value: Any) -> bool:
    return name in _OF_THE_SERVER and value == _OF_THE_SERVER[name]()


def _from_text(schema: Any) -> Any:
    try:
        return json.loads(schema) if isinstance(schema, str) else schema
    except RecursionError as error:
        raise ValueError("found JSON that is nested too deeply; expected a flat mapping") from error


def _value_type(written: Any) -> Any:
    if isinstance(written, str) and not written.lstrip().startswith("{"):
        return ValueType.parse(written).json_schema
    return {"enum": written} if isinstance(written, list) else _from_text(written)


def _of_nodes(*nodes: str, kind: str | None = None) -> dict[str, Any]:
    """Where Studio shows a field, and as what."""
    return {"langgraph_nodes": [*nodes]} | ({"langgraph_type": kind} if kind else {})


_LONGEST_NAME = 300
_LONGEST_INSTRUCTIONS = 50_000
_MOST_EPISODES = 1000

GUARDRAIL = "memalign"
"""The guardrail's name in the agent, and so a part of its node's name."""
_AFTER_AGENT = f"{GUARDRAIL}.after_agent"


class _Settings(BaseModel):
    """What every graph's judge is made of. Every field has a default: a first try needs none."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(
        default="support_tone",
        max_length=_LONGEST_NAME,
        description="The judge's name. What it learns is kept under it.",
        json_schema_extra=_of_nodes(
            "retrieve_episodes", "load_principles", "store_feedback", _AFTER_AGENT
        ),
    )
    instructions: str = Field(
        default="Is the reply appropriate for an upset customer?",
        max_length=_LONGEST_INSTRUCTIONS,
        description="What the judge has to decide.",
        json_schema_extra=_of_nodes("judge", "learn_batch", _AFTER_AGENT, kind="prompt"),
    )
    value_meanings: Annotated[dict[str, str], BeforeValidator(_from_text)] = Field(
        default={},
        description="What the values mean in words, as JSON: "
        '{"true": "appropriate", "false": "not appropriate"}. Shown to people and to the model.',
        json_schema_extra=_of_nodes("judge", "human_review", "learn_batch", _AFTER_AGENT),
    )
    question: str | None = Field(
        default=None,
        description="What people are asked about a case. The default is the instructions.",
        json_schema_extra=_of_nodes("judge", "human_review", "learn_batch", _AFTER_AGENT),
    )
    model: str = Field(
        default_factory=_default_model,
        description="The judge's chat model, as provider:name; with 'precedent', past cases vote "
        "offline. The default is openai:gpt-4.1-mini if OPENAI_API_KEY is set, else precedent.",
        json_schema_extra=_of_nodes("judge", "align", "learn_batch", _AFTER_AGENT, kind="llm"),
    )
    distiller: str | None = Field(
        default=None,
        description="The chat model that learns, as provider:name. The default is the judge's own "
        "model; a decision model, such as openai-decisions:gpt-6-luna, needs one.",
        json_schema_extra=_of_nodes("align", "learn_batch", _AFTER_AGENT, kind="llm"),
    )
    probabilities: Literal["logprobs"] | None = Field(
        default=None,
        description="Ask a chat model for log probabilities, to say how likely each value is.",
        json_schema_extra=_of_nodes("judge", _AFTER_AGENT),
    )
    aggregate: Literal["mode", "mean"] | None = Field(
        default=None,
        description="Which value to report if there are probabilities: the likeliest, or on a "
        "scale the mean.",
        json_schema_extra=_of_nodes("judge", _AFTER_AGENT),
    )
    embeddings: str = Field(
        default_factory=_default_embeddings,
        description="The embeddings, as provider:name; 'local' needs no key. A memory accepts only "
        "those it was made with. The default is MEMALIGN_EMBEDDINGS, else local.",
        json_schema_extra=_of_nodes("retrieve_episodes", "align", "learn_batch", _AFTER_AGENT),
    )
    memory: str = Field(
        default_factory=default_location,
        description="The memory, by its name in the server's MEMALIGN_MEMORIES. The default is the "
        "one at MEMALIGN_MEMORY, else in ./memory.",
        json_schema_extra=_of_nodes(
            "retrieve_episodes", "load_principles", "align", "learn_batch", _AFTER_AGENT
        ),
    )
    k: int = Field(
        default=5,
        ge=0,
        le=_MOST_EPISODES,
        description="How many past cases the model is shown at most.",
        json_schema_extra=_of_nodes("retrieve_episodes", _AFTER_AGENT),
    )
    on_recall_failure: Literal["raise", "principles"] = Field(
        default="raise",
        description="What to do if past cases cannot be looked up: fail, or judge by principles "
        "alone.",
        json_schema_extra=_of_nodes("retrieve_episodes", _AFTER_AGENT),
    )

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, given: Any) -> Any:
        # A form sends what was left blank as empty text.
        if isinstance(given, Mapping):
            return {key: value for key, value in given.items() if value not in (None, "")}
        return given


class JudgeContext(_Settings):
    """The judge of a run."""

    value_type: Annotated[
        dict[str, Any], BeforeValidator(_value_type), WithJsonSchema({"type": "string"})
    ] = Field(
        default={"type": "boolean"},
        title="Values",
        description="What a verdict may be: bool, a scale such as 1-5 or 0.0-1.0, labels such as "
        "[good, fair, bad], or a JSON schema of one of these.",
        json_schema_extra={**_of_nodes("judge", "store_feedback"), "default": "bool"},
    )
    review: Literal["always", "never", "uncertain"] = Field(
        default="always",
        description="Which verdicts a person is asked about.",
        json_schema_extra=_of_nodes("human_review"),
    )


class GuardrailContext(_Settings):
    """The agent of a run, and the judge that watches it: true passes."""

    agent_model: str = Field(
        default="echo",
        description="The agent's chat model, as provider:name; 'echo' repeats what it is told, "
        "offline.",
        json_schema_extra=_of_nodes("model", kind="llm"),
    )
    agent_prompt: str = Field(
        default="You are a support agent of a parcel service. Answer in two sentences.",
        description="The agent's system prompt.",
        json_schema_extra=_of_nodes("model", kind="prompt"),
    )


def check_is_servers(context: JudgeContext) -> None:
    """Refuse a tenant's own choice of what all tenants share.

    Raises:
        ConfigurationError: The memory, or its embeddings, are not the server's.
    """
    for name in _OF_THE_SERVER:
        if not _is_servers(name, given := getattr(context, name)):
            raise ConfigurationError(
                f"{name}: found {given!r:.200}; expected none, since a tenant's judges live in the "
                "server's own memory."
            )


_OF_THE_JUDGE = {
    *("instructions", "value_type", "value_meanings", "question", "k"),
    *("distiller", "probabilities", "aggregate"),
}
"""What a memory keeps of a judge, so that a run need not say it again."""


class ConfiguredJudge:
    """The judge that a run's context describes. Memories are opened once a process and shared."""

    context_schema: type[Any] | None = JudgeContext

    def __init__(self) -> None:
        self._memories = Memories()
        # Bounded, because any run may bring instructions of its own.
        self._built = lru_cache(maxsize=64)(self._build)
        atexit.register(self.close)

    def identity(self) -> dict[str, Any]:
        """The judge's part of the context of the run at hand, as JSON."""
        context: Any = get_runtime(JudgeContext).context
        if isinstance(context, GuardrailContext):
            context = context.model_dump(include=set(JudgeContext.model_fields))
        named = JudgeContext.model_validate(context or {}).model_dump()
        # What is the server's own is looked up anew: it may move while a thread waits.
        return {name: value for name, value in named.items() if not _is_servers(name, value)}

    def judge(self, identity: dict[str, Any]) -> MemAlignJudge:
        """The judge of a context, as the user of the run at hand may have it.

        Raises:
            ConfigurationError: The server has no memory of that name; or see `judge_of`.
        """
        context = JudgeContext.model_validate(identity)
        check_listed(context.memory)
        return self.judge_of(context, tenant=tenant_of_run())

    def judge_of(self, context: JudgeContext, *, tenant: str | None) -> MemAlignJudge:
        """The judge of a context, in its tenant's own part of the memory.

        Args:
            context: Which judge.
            tenant: Whose; None where users share one memory.

        Raises:
            ConfigurationError: A tenant asks for another memory than the server's own, or for
                other embeddings.
        """
        if tenant is not None:
            check_is_servers(context)
        named = context.model_copy(update={"name": within(tenant, context.name)})
        return self._built(named.model_dump_json(exclude={"review"}))

    def review(self, identity: dict[str, Any]) -> ReviewPolicy:
        """The review policy of a context."""
        return JudgeContext.model_validate(identity).review

    def close(self) -> None:
        """Close the memories."""
        self._built.cache_clear()
        self._memories.close()

    def _build(self, described: str) -> MemAlignJudge:
        context = JudgeContext.model_validate_json(described)
        memory = self.memory_of(context)
        described_anew = context.model_dump(include=_OF_THE_JUDGE, exclude_defaults=True)
        always: dict[str, Any] = {
            "model": context.model,
            "on_recall_failure": context.on_recall_failure,
        }
        if memory.records.definition(context.name) is not None:
            # The memory knows it: what the run does not say is as it was.
            return MemAlignJudge.load(memory, context.name, **always, **described_anew)
        whole = context.model_dump(include=_OF_THE_JUDGE)
        return MemAlignJudge(name=context.name, memory=memory, **always, **whole)

    def memory_of(self, context: JudgeContext) -> Memory:
        """The memory of a context, opened, or begun, when it is first asked for.

        Raises:
            ConfigurationError: It is open with other embeddings.
        """
        memory = self._memories.get(context.memory, context.embeddings)
        assert memory is not None
        return memory

    def begun_memory_of(self, context: JudgeContext) -> Memory | None:
        """The memory of a context; None where nobody has begun it."""
        return self._memories.get(context.memory, context.embeddings, creates=False)


configured_judge = ConfiguredJudge()
"""One for all graphs of a server: a memory's directory can be open only once."""
