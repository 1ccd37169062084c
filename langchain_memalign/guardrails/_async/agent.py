"""Judging an agent's replies, or its user's input, at a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeAlias
from uuid import uuid4

from langchain_core.load import dumps
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, ToolMessage

from langchain_memalign.guardrails._async.checking import pass_through
from langchain_memalign.guardrails.agent_messages import (
    MARK,
    STATE,
    instead_of,
    is_bound,
    noted,
    said_last,
    turn_of,
)
from langchain_memalign.guardrails.messages import AgentGuard, retry_note
from langchain_memalign.guardrails.release import Candidate

Update: TypeAlias = dict[str, Any] | None


async def check_reply(guard: AgentGuard, state: Mapping[str, Any]) -> Update:
    """Judge the last message, if it is a reply that no guardrail has replaced."""
    messages = state["messages"]
    reply = messages[-1] if messages else None
    if not isinstance(reply, AIMessage | ToolMessage) or MARK in reply.response_metadata:
        return None
    before = noted(guard, state)
    refused, turn = before["refused"], turn_of(messages, before["refused"])
    retried = before["retries"] if before["turn"] == turn else 0
    asked = [message for message in messages[:-1] if message.id not in refused]
    structured = state.get("structured_response")
    answer = reply if structured is None else structured
    candidate = Candidate(given=answer, case=partial(guard.case, asked))
    visit = guard.checkpoint.visit(guard, guard.name, dumps([messages, structured]))
    action, judged, sent = await pass_through(
        guard.checkpoint, candidate, visit=visit, retried=retried
    )
    if action == "retry":
        note = HumanMessage(retry_note(judged.outcome), id=str(uuid4()))
        kept = {"turn": turn, "retries": retried + 1}
        kept["refused"] = [*refused, *([] if is_bound(reply) else [reply.id]), note.id]
        return {"jump_to": "model", "messages": [note], STATE: {guard.name: kept}}
    gone = [RemoveMessage(m.id) for m in messages if m.id in refused and m.id is not None]
    update: dict[str, Any] = {"messages": gone, STATE: {guard.name: {}}} if refused else {}
    if action == "replace":
        update["messages"] = [*gone, instead_of(guard, reply, judged)]
        if structured is not None:
            update["structured_response"] = None
    elif structured is not None and sent is not structured:
        update["structured_response"] = sent
    elif structured is None and sent is not reply:
        update["messages"] = [*gone, sent]
    return update or None


async def check_each_reply(guard: AgentGuard, state: Mapping[str, Any]) -> Update:
    """Judge the last message, if it is no tool call; end the run where it was replaced."""
    messages = state["messages"]
    if messages and is_bound(messages[-1]):
        return None
    update = await check_reply(guard, state)
    replaced = update and any(MARK in m.response_metadata for m in update.get("messages", []))
    return {"jump_to": "end", **update} if update and replaced else update


async def check_input(guard: AgentGuard, state: Mapping[str, Any]) -> Update:
    """Judge what the user said since the last reply; end with a reply if it does not pass."""
    said = said_last(state["messages"])
    if not said:
        return None
    candidate = Candidate(given=said, case=lambda said: guard.case(said, None), kind="message")
    visit = guard.checkpoint.visit(guard, guard.name, dumps(said))
    action, judged, sent = await pass_through(guard.checkpoint, candidate, visit=visit)
    if action == "pass":
        return None if sent is said else {"messages": sent}
    return {"jump_to": "end", "messages": [instead_of(guard, None, judged)]}
