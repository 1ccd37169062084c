"""Which of two agents answers better: each pair is judged in both orders, so that none wins by it.

Runs offline, and the offline model is the very case for it: it votes by past cases, and cannot tell
which of two replies stands first. Name a language model to see a winner. In LangSmith, `compare` is
an evaluator of `evaluate(("experiment-a", "experiment-b"), evaluators=[compare])`.
"""

from typing import Literal

from langchain_memalign import MemAlignJudge, Memory
from langchain_memalign.evaluators import PairwiseEvaluator

SORRY = "We are sorry that you had to wait. It comes tomorrow."
COLD = "It comes tomorrow."
WHY = "Say sorry first."


def main() -> None:
    """Teach a pair; ask for it in one order, and in both."""
    with Memory.open(":memory:", embeddings="local") as memory:
        judge = MemAlignJudge(
            name="better_reply",
            instructions="Which reply is better for an upset customer?",
            value_type=Literal["A", "B", "tie"],
            model="precedent",
            memory=memory,
        )
        asked = "My parcel is late! Where is it?"
        pair = {"A": SORRY, "B": COLD}
        judge.align([{"inputs": asked, "outputs": pair, "value": "A", "rationale": WHY}])

        in_one_order = judge(inputs=asked, outputs=pair)
        print("one order:  ", in_one_order["value"])
        compare = PairwiseEvaluator(judge)
        result = compare(inputs=asked, outputs=[SORRY, COLD])
        print("both orders:", result["scores"])
        print("why:         ", result["comment"].split(".")[0])


if __name__ == "__main__":
    main()

# Output:
# one order:   A
# both orders: {'A': 0.5, 'B': 0.5}
# why:          A tie, as the two orders disagree
