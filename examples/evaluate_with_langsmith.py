"""LangSmith evaluates an agent, and the judge itself against the experts.

Runs offline: nothing is uploaded. With a key, leave `offline` out and name a dataset as `data`.
"""

import uuid
from typing import Any

from langsmith import Client, evaluate
from langsmith.schemas import Example

from langchain_memalign import MemAlignJudge, Memory
from langchain_memalign.evaluators import agreement


def offline(**options: Any) -> dict[str, Any]:
    # LangChain's own tracer would upload even so, hence the sampling rate.
    client = Client(api_key="offline", auto_batch_tracing=False, tracing_sampling_rate=0.0)
    return {**options, "upload_results": False, "client": client}


def examples(*pairs: tuple[dict[str, Any], dict[str, Any]]) -> list[Example]:
    return [Example(id=uuid.uuid4(), inputs=given, outputs=known) for given, known in pairs]


def agent(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"answer": "We are sorry. Tomorrow." if "late" in inputs["question"] else "Tomorrow."}


def main() -> None:
    """Teach a judge two cases; run it as evaluator and as what is evaluated."""
    with Memory.open(":memory:", embeddings="local") as memory:
        judge = MemAlignJudge(
            name="tone", instructions="Kind?", value_type=bool, model="precedent", memory=memory
        )
        lost, late = {"question": "My parcel is lost!"}, {"question": "My parcel is late!"}
        cold, warm = ({"inputs": asked, "outputs": agent(asked)} for asked in (lost, late))
        judge.align([{**cold, "value": False}, {**warm, "value": True}])

        data = examples(({"question": "My letter is late!"}, {}), ({"question": "Lost!"}, {}))
        for row in evaluate(agent, data=data, **offline(evaluators=[judge])):
            (result,) = row["evaluation_results"]["results"]
            print(row["example"].inputs, "->", result.key, result.score)

        labelled = examples((cold, {"value": False}), ({**cold, "inputs": "?"}, {"value": True}))
        measured = evaluate(judge, data=labelled, **offline(summary_evaluators=[agreement]))
        summary: Any = measured._summary_results["results"][0]
        print(summary.key, summary.score, "-", summary.comment)


if __name__ == "__main__":
    main()

# Output:
# {'question': 'My letter is late!'} -> tone True
# {'question': 'Lost!'} -> tone False
# agreement 0.5 - 0.50 [0.00, 1.00] over 2 cases
