"""A judge learns one remark, applies it to a case it has never seen, and forgets it.

Runs offline: `precedent` votes by past cases. Name another model, such as "openai:gpt-4.1-mini".
"""

from langchain_memalign import MemAlignJudge, Memory, Unscored, Verdict

LEARNED = {"inputs": "My parcel is a week late! Where is it?", "outputs": "It comes tomorrow."}
UNSEEN = {"inputs": "My fridge is a week late! Where is it?", "outputs": "It comes on Monday."}


def told(outcome: Verdict | Unscored) -> str:
    """A line about a judgement."""
    if isinstance(outcome, Unscored):
        return outcome.reason.partition(":")[0]
    return f"{outcome.value}, relying on {len(outcome.relied_on)} of the experts' words"


def main() -> None:
    """Judge before, after, and after forgetting."""
    with Memory.open(":memory:", embeddings="local") as memory:
        judge = MemAlignJudge(
            name="support_tone",
            instructions="Is the reply appropriate for an upset customer?",
            value_type=bool,
            model="precedent",
            memory=memory,
        )
        print("before:   ", told(judge.invoke(UNSEEN)))

        remark = {**LEARNED, "value": False, "rationale": "Too cold: say sorry first."}
        report = judge.align([remark])
        print("principle:", report.principles_added[0].text)
        print("after:    ", told(judge.invoke(UNSEEN)))

        again = judge.align([remark])
        print("again:    ", len(again.unchanged), "unchanged,", again.model_calls, "model calls")

        judge.forget(report.stored)
        print("forgotten:", told(judge.invoke(UNSEEN)))


if __name__ == "__main__":
    main()

# Output:
# before:    the model declined
# principle: Too cold: say sorry first.
# after:     False, relying on 1 of the experts' words
# again:     1 unchanged, 0 model calls
# forgotten: the model declined
