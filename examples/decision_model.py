"""A decision model that learns as a judge: it gives probabilities, a chat model writes the rules.

Offline, with a model made here. OpenAI's is `model="openai-decisions:gpt-6-luna"`, with a
`distiller="openai:gpt-4.1-mini"`; any `BaseDecisionModel` of LangChain goes as well.
"""

import re
from typing import Any

from langchain_core.decisions import BaseDecisionModel, ClassifierResponse, NoulAnswer

from langchain_memalign import MemAlignJudge, Memory


class Votes(BaseDecisionModel):
    """Lets the past cases in the state vote; the nearer they are, the more they count."""

    model: str = "votes"

    @property
    def _provider(self) -> str:
        return "example"

    def _classify(self, state: Any, questions: Any) -> ClassifierResponse:
        cases = re.findall(r'similarity="(.*?)".*?<expert value="(\w+)"', str(state), re.DOTALL)
        votes = {"true": 2.0, "false": 1.0}  # before anyone has said anything
        for similarity, value in cases:
            votes[value] += 10 * max(0.0, float(similarity))
        answer = NoulAnswer(type="noul", noul=votes["true"] / sum(votes.values()))
        return ClassifierResponse(model=self.model, answers=dict.fromkeys(questions, answer))


def main() -> None:
    """Ask, teach, and ask again."""
    rude, why = "It comes when it comes.", "Rude: say sorry first."
    with Memory.open(":memory:", embeddings="local") as memory:
        judge = MemAlignJudge(
            name="support_tone",
            instructions="Is the reply appropriate for an upset customer?",
            value_type=bool,
            model=Votes(),
            distiller="precedent",  # the offline model, which learns, too
            memory=memory,
        )
        for _ in range(2):
            verdict: Any = judge.invoke({"inputs": "Where is my parcel?", "outputs": rude})
            print(f"{verdict.value}, with a confidence of {verdict.confidence:.2f}")
            late = {"inputs": "My parcel is late!", "outputs": rude}
            judge.align([{**late, "value": False, "rationale": why}])
        print(f"It goes by: {judge.principles()[0].text}")


if __name__ == "__main__":
    main()

# Output:
# True, with a confidence of 0.67
# False, with a confidence of 0.83
# It goes by: Rude: say sorry first.
