"""The whole way offline: local embeddings, the precedent model, no key and no network."""

import pytest

from langchain_memalign import MemAlignJudge, Memory, Unscored, Verdict

COLD = {
    "inputs": "My parcel is two weeks late and nobody answers. I am furious!",
    "outputs": "Your ticket was closed. Read the terms of delivery.",
}
WARM = {
    "inputs": "The blender arrived broken, I am so disappointed.",
    "outputs": "I am sorry about the broken blender. A new one is on its way to you.",
}


@pytest.fixture
def make_judge():
    pytest.importorskip("wordllama")
    with Memory.open(":memory:", embeddings="local") as memory:
        yield lambda value_type: MemAlignJudge(
            name="support_tone",
            instructions="Is the reply appropriate for an upset customer?",
            value_type=value_type,
            model="precedent",
            memory=memory,
        )


@pytest.fixture
def judge(make_judge):
    return make_judge(bool)


def test_without_precedent_it_is_unscored_and_says_so(judge):
    outcome = judge.invoke(COLD)
    assert isinstance(outcome, Unscored)
    assert "precedent" in outcome.reason


def test_it_judges_as_the_experts_did_on_the_nearest_case_and_says_which(judge):
    report = judge.align(
        [
            {**COLD, "value": False, "rationale": "Too cold: say sorry first."},
            {**WARM, "value": True, "rationale": "Warm, and offers a remedy."},
        ]
    )
    assert len(report.distilled) == 2
    assert {p.text for p in judge.principles()} == {
        "Too cold: say sorry first.",
        "Warm, and offers a remedy.",
    }
    again = {**COLD, "outputs": "Your ticket is closed. Please read our terms of delivery."}
    outcome = judge.invoke(again)
    assert isinstance(outcome, Verdict)
    assert outcome.value is False
    assert "without a language model" in outcome.rationale
    (cold,) = [e for e in judge.episodes() if e.value is False]
    assert outcome.relied_on[0] == cold.id

    judge.forget([cold.id])
    assert [p.text for p in judge.principles()] == ["Warm, and offers a remedy."]
    assert isinstance(judge.invoke(again), Unscored)


async def test_it_works_on_an_event_loop_too(judge):
    await judge.aalign([{**WARM, "value": True, "rationale": "Warm."}])
    assert (await judge.ainvoke(WARM)).value is True
    assert (await judge.aforget(where=lambda episode: True)).episodes_removed


def test_equal_remarks_are_one_principle_and_probing_with_it_is_harmless(judge):
    words = [
        {**case, "value": value, "rationale": "Say sorry first."}
        for case, value in ((COLD, False), (WARM, True))
    ]
    judge.align(words, probe=True)
    (rule,) = judge.principles()
    assert set(rule.episode_ids) == {e.id for e in judge.episodes()}


@pytest.mark.parametrize(("labels", "value"), [([1, 3, 5], 3), (["1", "3", "5"], "3")])
def test_labels_are_voted_for_as_they_are_be_they_numbers_or_text(make_judge, labels, value):
    judge = make_judge({"enum": labels})
    judge.align([{**COLD, "value": value, "rationale": "Too cold."}])
    outcome = judge.invoke({**COLD, "outputs": "Your ticket is closed."})
    assert (outcome.value, type(outcome.value)) == (value, type(value))
