"""A guardrail for the agents of `langchain.agents.create_agent`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired, TypeAlias

from langchain.agents.middleware import AgentMiddleware, AgentState, hook_config
from langchain.agents.middleware.types import OmitFromSchema
from langgraph.runtime import Runtime
from typing_extensions import Unpack

from langchain_memalign.errors import ConfigurationError
from langchain_memalign.graph import JudgeSource
from langchain_memalign.graph.state import merge
from langchain_memalign.guardrails._async import agent as aguarding
from langchain_memalign.guardrails._sync import agent as guarding
from langchain_memalign.guardrails.checkpoint import Checkpoint
from langchain_memalign.guardrails.messages import AgentGuard, MakeCase, plain_case
from langchain_memalign.guardrails.policy import GuardrailPolicy, PolicyOptions
from langchain_memalign.judge import MemAlignJudge

Hook: TypeAlias = Literal["after_agent", "after_model", "before_agent"]
_Update: TypeAlias = dict[str, Any] | None

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
    """Lets a judge check an agent's final answer, each of its replies, or the user's input.

    What passes goes through unchanged. What does not is handled as `GuardrailPolicy` says, whose
    fields are keyword arguments here. A replacement keeps the id of the reply it replaces. Once a
    retry is settled, the refused replies and the notes about them are removed from the messages.
    What one guardrail puts in place of a reply is not judged by the next. An agent can have several
    of them if their names differ.

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
            name: The middleware's name. The default is made from the judge's.
            case: A function from the messages before a reply and the reply (None on the user's
                input) to the case. By default these are its inputs and outputs, and a single
                message counts as its text. On the user's input, the messages are those since the
                last reply.
            **options: Fields of `GuardrailPolicy`.

        Raises:
            InvalidInputError: An option is not usable.
            ConfigurationError: The options do not fit together, or do not fit the judge.
        """
        super().__init__()
        self.policy = GuardrailPolicy(**options)
        if on == "before_agent" and self.policy.on_fail == "retry":
            raise ConfigurationError(
                "on='before_agent' with on_fail='retry': found nothing to retry, since the agent "
                "has not answered yet; expected another `on`, or another on_fail."
            )
        if isinstance(self.policy.message, Mapping):
            raise ConfigurationError(
                "message: found a mapping; expected a text, or a function of the verdict that "
                "returns one: it is sent as a message of the agent."
            )
        known_as = judge.name if isinstance(judge, MemAlignJudge) else type(judge).__name__
        self._guard = AgentGuard(
            name=name or _RESERVED.sub("_", f"memalign_{known_as}"),
            checkpoint=Checkpoint.of(judge, self.policy),
            case=case,
        )

    @property
    def name(self) -> str:
        """Unique for each judge."""
        return self._guard.name


class _AfterAgent(MemAlignMiddleware):
    on = "after_agent"

    @hook_config(can_jump_to=["model"])
    def after_agent(self, state: GuardrailState, runtime: Runtime[Any]) -> _Update:
        return guarding.check_reply(self._guard, state)

    @hook_config(can_jump_to=["model"])
    async def aafter_agent(self, state: GuardrailState, runtime: Runtime[Any]) -> _Update:
        return await aguarding.check_reply(self._guard, state)


class _AfterModel(MemAlignMiddleware):
    on = "after_model"

    @hook_config(can_jump_to=["model", "end"])
    def after_model(self, state: GuardrailState, runtime: Runtime[Any]) -> _Update:
        return guarding.check_each_reply(self._guard, state)

    @hook_config(can_jump_to=["model", "end"])
    async def aafter_model(self, state: GuardrailState, runtime: Runtime[Any]) -> _Update:
        return await aguarding.check_each_reply(self._guard, state)


class _BeforeAgent(MemAlignMiddleware):
    on = "before_agent"

    @hook_config(can_jump_to=["end"])
    def before_agent(self, state: GuardrailState, runtime: Runtime[Any]) -> _Update:
        return guarding.check_input(self._guard, state)

    @hook_config(can_jump_to=["end"])
    async def abefore_agent(self, state: GuardrailState, runtime: Runtime[Any]) -> _Update:
        return await aguarding.check_input(self._guard, state)


_WITH_HOOK: dict[str, type[MemAlignMiddleware]] = {
    kind.on: kind for kind in (_AfterAgent, _AfterModel, _BeforeAgent)
}
