"""A guardrail for the agents of `langchain.agents.create_agent`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal, NotRequired, TypeAlias
from uuid import uuid4

from langchain.agents.middleware import AgentMiddleware, AgentState, hook_config
from langchain.agents.middleware.types import OmitFromSchema
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    RemoveMessage,
    ToolMessage,
)
from langgraph.runtime import Runtime
from typing_extensions import Unpack

from langchain_memalign.errors import ConfigurationError
from langchain_memalign.flow import Flow, arun, run
from langchain_memalign.graph import JudgeSource
from langchain_memalign.graph.source import source_of
from langchain_memalign.graph.state import merge
from langchain_memalign.guardrails.checking import Checkpoint
from langchain_memalign.guardrails.content import MakeCase, plain_case, retry_note
from langchain_memalign.guardrails.policy import GuardrailPolicy, Judged, PolicyOptions
from langchain_memalign.judge import MemAlignJudge

Hook: TypeAlias = Literal["after_agent", "after_model", "before_agent"]
_Update: TypeAlias = dict[str, Any] | None

_STATE = "memalign_guardrails"
_MARK = "memalign_guardrail"
# The server reserves these in the names of nodes.
_RESERVED = re.compile(r"[|:]")


class GuardrailState(AgentState[Any]):
    """What guardrails keep of an agent's run, each under its own name.

    Attributes:
        memalign_guardrails: For the user's message `turn`, the number of `retries`, and the ids of
            the `refused` replies and of the notes about them.
    """

    memalign_guardrails: NotRequired[
        Annotated[dict[str, Any], OmitFromSchema(input=True, output=True), merge]
    ]


class MemAlignMiddleware(AgentMiddleware[GuardrailState, Any, Any]):
    """Lets a judge watch an agent: its final answer, each of its replies, or the user's input.

    What passes goes through unchanged. What does not is refused as `GuardrailPolicy` says, whose
    fields are keyword arguments here. A replacement keeps the id of the reply it replaces; once a
    retry is settled, the refused replies and the notes about them are taken out of the messages.
    What a guardrail has put in place of a reply is not judged by the next one. Several of them go
    together if their names differ.

    Attributes:
        policy: What passes, and what happens to what does not.
        on: What is judged: the final answer ("after_agent"), each reply without tool calls
            ("after_model"), or what the user said since the last reply ("before_agent").
    """

    state_schema = GuardrailState
    on: Hook

    def __new__(cls, judge: Any, *, on: Hook = "after_agent", **_: Any) -> MemAlignMiddleware:
        """Make the one that has the chosen hook: an agent gets a node for each hook of a class."""
        if cls is not MemAlignMiddleware:
            return super().__new__(cls)
        if on not in _WITH_HOOK:
            raise ConfigurationError(
                f"on: found {on!r:.40}; expected one of {', '.join(_WITH_HOOK)}."
            )
        return super().__new__(_WITH_HOOK[on])

    def __init__(
        self,
        judge: MemAlignJudge | JudgeSource,
        *,
        on: Hook = "after_agent",
        name: str | None = None,
        case: MakeCase = plain_case,
        **options: Unpack[PolicyOptions],
    ) -> None:
        """Set the guardrail up.

        Args:
            judge: The judge, or a source that names one for each run.
            on: What is judged.
            name: The middleware's name; by default made of the judge's.
            case: From the messages before a reply, and the reply (None on the user's input), to
                the case. By default these are its inputs and outputs, and a lone message is its
                text; on the user's input, the messages are the user's since the last reply.
            **options: Fields of `GuardrailPolicy`.

        Raises:
            InvalidInputError: An option is not usable.
            ConfigurationError: The options do not fit each other, or the judge.
        """
        super().__init__()
        self.policy = GuardrailPolicy(**options)
        if on == "before_agent" and self.policy.on_fail == "retry":
            raise ConfigurationError(
                "on='before_agent' with on_fail='retry': nothing was answered that could be "
                "answered again; expected another of the two."
            )
        self._checkpoint = Checkpoint(judge, self.policy)
        own = source_of(judge)
        known_as = judge.name if isinstance(judge, MemAlignJudge) else type(own).__name__
        self._name = name or _RESERVED.sub("_", f"memalign_{known_as}")
        self._case = case

    @property
    def name(self) -> str:
        """Unique for each judge."""
        return self._name

    def _check_reply(self, state: GuardrailState) -> Flow[_Update]:
        """Judge the last message, if it is a reply that no guardrail has replaced."""
        messages = state["messages"]
        reply = messages[-1] if messages else None
        if not isinstance(reply, AIMessage | ToolMessage) or _MARK in reply.response_metadata:
            return None
        before = self._noted(state)
        refused, turn = before["refused"], _turn(messages, before["refused"])
        retried = before["retries"] if before["turn"] == turn else 0
        asked = [message for message in messages[:-1] if message.id not in refused]
        structured = state.get("structured_response")
        answer = reply if structured is None else structured
        action, judged = yield from self._checkpoint.pass_through(
            partial(self._case, asked, answer), retried=retried
        )
        if action == "retry":
            note = HumanMessage(retry_note(judged.outcome), id=str(uuid4()))
            kept = {"turn": turn, "retries": retried + 1}
            kept["refused"] = [*refused, *([] if _is_bound(reply) else [reply.id]), note.id]
            return {"jump_to": "model", "messages": [note], _STATE: {self.name: kept}}
        gone = [RemoveMessage(m.id) for m in messages if m.id in refused and m.id is not None]
        update: dict[str, Any] = {"messages": gone, _STATE: {self.name: {}}} if refused else {}
        if action == "replace":
            update["messages"] = [*gone, self._instead_of(reply, judged)]
            if structured is not None:
                update["structured_response"] = None
        return update or None

    def _check_input(self, state: GuardrailState) -> Flow[_Update]:
        """Judge what the user said since the last reply; end with a reply if it does not pass."""
        said = _said_last(state["messages"])
        if not said:
            return None
        action, judged = yield from self._checkpoint.pass_through(partial(self._case, said, None))
        if action == "pass":
            return None
        return {"jump_to": "end", "messages": [self._instead_of(None, judged)]}

    def _noted(self, state: GuardrailState) -> dict[str, Any]:
        noted = state.get("memalign_guardrails", {}).get(self.name) or {}
        return {"turn": None, "retries": 0, "refused": [], **noted}

    def _instead_of(self, reply: BaseMessage | None, judged: Judged) -> BaseMessage:
        given = self.policy.replacement(judged.outcome)
        content = given.content if isinstance(given, BaseMessage) else str(given)
        mark = {_MARK: self.name}
        if isinstance(reply, ToolMessage):
            return reply.model_copy(update={"content": content, "response_metadata": mark})
        return AIMessage(content, id=reply and reply.id, response_metadata=mark)


class _AfterAgent(MemAlignMiddleware):
    on = "after_agent"

    @hook_config(can_jump_to=["model"])
    def after_agent(self, state: GuardrailState, runtime: Runtime[Any]) -> _Update:
        return run(self._check_reply(state))

    @hook_config(can_jump_to=["model"])
    async def aafter_agent(self, state: GuardrailState, runtime: Runtime[Any]) -> _Update:
        return await arun(self._check_reply(state))


class _AfterModel(MemAlignMiddleware):
    on = "after_model"

    @hook_config(can_jump_to=["model", "end"])
    def after_model(self, state: GuardrailState, runtime: Runtime[Any]) -> _Update:
        return run(self._check(state))

    @hook_config(can_jump_to=["model", "end"])
    async def aafter_model(self, state: GuardrailState, runtime: Runtime[Any]) -> _Update:
        return await arun(self._check(state))

    def _check(self, state: GuardrailState) -> Flow[_Update]:
        messages = state["messages"]
        if messages and _is_bound(messages[-1]):
            return None
        update = yield from self._check_reply(state)
        replaced = update and any(_MARK in m.response_metadata for m in update.get("messages", []))
        return {"jump_to": "end", **update} if update and replaced else update


class _BeforeAgent(MemAlignMiddleware):
    on = "before_agent"

    @hook_config(can_jump_to=["end"])
    def before_agent(self, state: GuardrailState, runtime: Runtime[Any]) -> _Update:
        return run(self._check_input(state))

    @hook_config(can_jump_to=["end"])
    async def abefore_agent(self, state: GuardrailState, runtime: Runtime[Any]) -> _Update:
        return await arun(self._check_input(state))


_WITH_HOOK: dict[str, type[MemAlignMiddleware]] = {
    kind.on: kind for kind in (_AfterAgent, _AfterModel, _BeforeAgent)
}


def _is_bound(message: BaseMessage) -> bool:
    """Whether a message is half of a tool call and must stay with the other half."""
    return isinstance(message, ToolMessage) or bool(getattr(message, "tool_calls", None))


def _said_last(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """What was said since the last reply, in whatever role; the agent reads all of it.

    Where all messages are replies, none of them can be the agent's own: they are what was said.
    """
    said: list[AnyMessage] = []
    for message in reversed(messages):
        if not isinstance(message, AIMessage | ToolMessage):
            said.insert(0, message)
        elif isinstance(message, AIMessage) and said:
            break
    return said or list(messages)


def _turn(messages: Sequence[AnyMessage], notes: Sequence[str]) -> str | None:
    """The id of what the user said last."""
    said = (m for m in reversed(messages) if isinstance(m, HumanMessage) and m.id not in notes)
    return next((message.id for message in said), None)
