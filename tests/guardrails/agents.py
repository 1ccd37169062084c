"""Agents with a scripted model, for guardrails to watch."""

from fakes import ScriptedModel
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage

ASKED = {"messages": [HumanMessage("Where is my parcel?", id="q1")]}
COLD, WARM = "It comes tomorrow.", "SORRY, it comes tomorrow."


def look_up(parcel: str) -> str:
    """Find a parcel."""
    return f"{parcel} comes tomorrow."


def tool_call(**args):
    """A reply that calls the tool."""
    return AIMessage("", tool_calls=[{"name": "look_up", "args": args, "id": "call_1"}])


def agent_of(replies, *middleware, **options):
    """An agent whose model gives `replies` one after the other, and that model."""
    script = iter(replies)
    model = ScriptedModel(respond=lambda request: next(script))
    return create_agent(model, [look_up], middleware=middleware, **options), model


def texts(state):
    """What is in the messages of an agent's state, in order."""
    return [message.text for message in state["messages"]]
