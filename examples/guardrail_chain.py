"""A guardrail around a chain: a cold reply is refused, rewritten, and let through.

Runs offline: the judge votes by past cases, and a function stands in for the chain's model.
"""

from langchain_core.runnables import RunnableLambda

from langchain_memalign import GuardrailError, MemAlignJudge, Memory
from langchain_memalign.guardrails import MemAlignGuardrail

QUESTION = "My parcel is a week late! Where is it?"


def answer(prompt: str) -> str:
    """A chain that learns from a rejection within its prompt."""
    cold = "It comes tomorrow."
    return f"We are sorry that you had to wait. {cold}" if "not accepted" in prompt else cold


def main() -> None:
    """Teach a judge two cases; guard the chain with it in three ways."""
    with Memory.open(":memory:", embeddings="local") as memory:
        judge = MemAlignJudge(
            name="support_tone",
            instructions="Is the reply appropriate for an upset customer?",
            value_type=bool,
            model="precedent",
            memory=memory,
        )
        late = {"inputs": "My fridge is a week late! Where is it?"}
        cold = {**late, "outputs": "It comes on Monday.", "rationale": "Say sorry first."}
        warm = {**late, "outputs": "We are sorry that you had to wait. It comes on Monday."}
        judge.align([{**cold, "value": False}, {**warm, "value": True}])

        chain = RunnableLambda(answer)
        retried = MemAlignGuardrail(chain, judge, on_fail="retry", retries=1)
        print("retry:  ", retried.invoke(QUESTION))

        replaced = MemAlignGuardrail(chain, judge, on_fail="replace", message="A human will reply.")
        print("replace:", replaced.invoke(QUESTION))

        for question in (QUESTION, "What is the capital of France?"):
            try:
                MemAlignGuardrail(chain, judge).invoke(question)
            except GuardrailError as error:
                print("raise:  ", error.judge, type(error.verdict).__name__)


if __name__ == "__main__":
    main()

# Output:
# retry:   We are sorry that you had to wait. It comes tomorrow.
# replace: A human will reply.
# raise:   support_tone Verdict
# raise:   support_tone Unscored
