"""The agent that Studio opens, without a server."""

import pytest
from graph.test_configured import context
from langchain_core.runnables import RunnableLambda
from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from graphs.context import GuardrailContext, JudgeContext, configured_judge
from graphs.guardrail import graph
from langchain_memalign import ConfigurationError
from langchain_memalign.guardrails import MemAlignGuardrail

from .agents import ASKED, texts

__all__ = ["context"]


@pytest.fixture
def taught(context):
    """The context of a judge that has learned to let everything pass."""
    judge = configured_judge.judge_of(
        JudgeContext.model_validate({"model": "precedent", **context}), tenant=None
    )
    judge.align([{"inputs": "Where is my parcel?", "outputs": "You said: hm.", "value": True}])
    yield context
    configured_judge.close()


async def test_it_answers_offline_and_says_so(drive, taught, thread):
    state = await drive.invoke(graph, ASKED, thread, context=taught)
    assert texts(state)[1].startswith("You said: Where is my parcel?")
    assert "not a language model" in texts(state)[1]


async def test_the_agents_model_is_that_of_the_context(drive, taught, thread):
    with pytest.raises(ConfigurationError, match="model 'nobody:nothing' cannot be used"):
        await drive.invoke(
            graph, ASKED, thread, context={**taught, "agent_model": "nobody:nothing"}
        )


async def test_a_guarded_chain_takes_its_judge_from_the_context(drive, taught):
    class Asked(TypedDict, total=False):
        answer: str

    guarded = MemAlignGuardrail(RunnableLambda(lambda _: "You said: hm."), configured_judge)

    def node(state):
        return {"answer": guarded.invoke("Where is my parcel?")}

    builder = StateGraph(Asked, context_schema=GuardrailContext)
    builder.add_node("answer", node)
    builder.add_edge(START, "answer")
    state = await drive.invoke(builder.compile(), {}, context=taught)
    assert state == {"answer": "You said: hm."}
