"""Three judges beside each other in a graph: each has its own criterion, memory and key.

Runs offline: the judges vote by past cases.
"""

from typing import Any

from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from langchain_memalign import MemAlignJudge, Memory, create_judge_graph

CASE = {"inputs": "My parcel is a week late! Where is it?", "outputs": "It comes tomorrow."}
CRITERIA = {
    "tone": ("Is the reply appropriate for an upset customer?", False),
    "answer": ("Does the reply answer the question?", True),
    "short": ("Is the reply short?", True),
}


class Reviewed(TypedDict, total=False):
    """A reply, what each judge says of it, and what follows."""

    inputs: str
    outputs: str
    tone: dict[str, Any]
    answer: dict[str, Any]
    short: dict[str, Any]
    rejected_for: list[str]


def weigh(state: Any) -> dict[str, Any]:
    """What does not pass, or has no verdict."""
    return {"rejected_for": [name for name in CRITERIA if not state[name].get("value")]}


def main() -> None:
    """Teach each judge one case; let all three judge another."""
    with Memory.open(":memory:", embeddings="local") as memory:
        graph: StateGraph[Any, Any, Any, Any] = StateGraph(Reviewed)
        graph.add_node("weigh", weigh)
        for name, (question, value) in CRITERIA.items():
            options: dict[str, Any] = {"value_type": bool, "model": "precedent", "memory": memory}
            judge = MemAlignJudge(name=name, instructions=question, **options)
            judge.align([{**CASE, "value": value}])
            graph.add_node(f"judge_{name}", create_judge_graph(judge, output_key=name))
            graph.add_edge(START, f"judge_{name}")
        graph.add_edge([f"judge_{name}" for name in CRITERIA], "weigh")

        state = graph.compile().invoke({**CASE, "outputs": "It comes on Monday."})
        print({name: state[name]["value"] for name in CRITERIA}, state["rejected_for"])


if __name__ == "__main__":
    main()

# Output:
# {'tone': False, 'answer': True, 'short': True} ['tone']
