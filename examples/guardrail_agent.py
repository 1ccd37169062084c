"""A guardrail in an agent: a human overrules the judge once, and the judge has learned.

Runs offline: the judge votes by past cases, and the agent's model has its replies written down.
"""

from langchain.agents import create_agent
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from langchain_memalign import MemAlignJudge, Memory
from langchain_memalign.guardrails import MemAlignMiddleware

REPLIES = ["It comes tomorrow.", "It comes on Monday."]


def main() -> None:
    """Let the agent answer twice; between the two, a human corrects the judge."""
    with Memory.open(":memory:", embeddings="local") as memory:
        judge = MemAlignJudge(
            name="support_tone",
            instructions="Is the reply appropriate?",
            value_type=bool,
            model="precedent",
            memory=memory,
        )
        agent = create_agent(
            FakeListChatModel(responses=REPLIES),
            middleware=[MemAlignMiddleware(judge, on_fail="review")],
            checkpointer=InMemorySaver(),
        )
        first: RunnableConfig = {"configurable": {"thread_id": "1"}}
        paused = agent.invoke({"messages": [HumanMessage("Where is my parcel?")]}, first)
        asked = paused["__interrupt__"][0].value["action_requests"][0]
        print("asked:   ", asked["description"].splitlines()[0])

        answer = {"decision": "edit", "value": True, "rationale": "Nobody is upset: short is fine."}
        state = agent.invoke(Command(resume=answer), first)
        print("released:", state["messages"][-1].text)
        print("learned: ", judge.principles()[0].text)

        second: RunnableConfig = {"configurable": {"thread_id": "2"}}
        state = agent.invoke({"messages": [HumanMessage("Where is my other parcel?")]}, second)
        print("passed:  ", state["messages"][-1].text)


if __name__ == "__main__":
    main()

# Output:
# asked:    Send this reply?
# released: It comes tomorrow.
# learned:  Nobody is upset: short is fine.
# passed:   It comes on Monday.
