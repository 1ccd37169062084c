"""A judge is known by its memory: how it was set up is kept with what it learned."""

import logging
from typing import Literal

import pytest
from fakes import CountingEmbeddings

from langchain_memalign import ConfigurationError, InvalidInputError, MemAlignJudge, Memory

REMARK = {
    "inputs": "Late parcel.",
    "outputs": "It will come.",
    "value": False,
    "rationale": "Cold.",
}


@pytest.fixture
def memory():
    with Memory.open(":memory:", embeddings=CountingEmbeddings()) as memory:
        yield memory


def judge(memory, **changed):
    options = {
        "name": "tone",
        "instructions": "Is the reply kind?",
        "value_type": bool,
        "model": "precedent",
        "memory": memory,
    }
    return MemAlignJudge(**{**options, **changed})


@pytest.fixture
def taught(memory):
    judge(memory, k=3, principle_tokens=500).align([REMARK])
    return memory


def test_a_judge_is_loaded_as_it_was_set_up(taught):
    loaded = MemAlignJudge.load(taught, "tone")
    again = judge(taught, k=3, principle_tokens=500)
    assert (loaded.spec, loaded.setup.budgets) == (again.spec, again.setup.budgets)
    assert MemAlignJudge.load(taught, "tone", k=1).setup.budgets.k == 1


def test_a_scale_is_loaded_too(memory):
    judge(memory, value_type={"type": "integer", "minimum": 1, "maximum": 5}).add_principle(
        "Be kind."
    )
    assert MemAlignJudge.load(memory, "tone").spec.value_type.describe() == (
        "a whole number from 1 to 5"
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"instructions": "Is it short?"}, 'instructions: found "Is it short?", expected "Is the'),
        ({"value_type": Literal["good", "bad"]}, "value_type: found"),
    ],
    ids=["instructions", "value type"],
)
def test_another_judge_of_the_same_name_is_refused_with_the_difference(taught, changed, said):
    with pytest.raises(ConfigurationError) as caught:
        judge(taught, **changed)
    assert said in str(caught.value)
    assert "redefine=True" in str(caught.value)


def test_redefining_is_asked_for_and_then_kept(taught):
    new = judge(taught, instructions="Is it short?", redefine=True)
    assert MemAlignJudge.load(taught, "tone").spec == new.spec
    assert [episode.rationale for episode in new.episodes()] == ["Cold."]


def test_other_budgets_and_models_are_the_same_judge(taught):
    judge(taught, k=7, model="precedent").align([{**REMARK, "rationale": "Still cold."}])
    assert MemAlignJudge.load(taught, "tone").setup.budgets.k == 7


def test_a_judge_that_learned_nothing_may_be_set_up_anew(memory):
    judge(memory)
    judge(memory, instructions="Is it short?")
    assert memory.judges() == []


def test_a_name_near_to_a_known_one_is_mentioned(taught, caplog):
    with caplog.at_level(logging.WARNING):
        judge(taught, name="tonee")
    assert "'tone'" in caplog.text
    caplog.clear()
    judge(taught, name="safety")
    assert caplog.text == ""


def test_loading_an_unknown_judge_names_those_that_are_known(taught, memory):
    with pytest.raises(InvalidInputError, match="Did you mean 'tone'"):
        MemAlignJudge.load(taught, "tonne", model="precedent")


def test_the_definition_goes_along_with_an_export(taught, tmp_path):
    taught.export_jsonl(tmp_path / "memory.jsonl")
    with Memory.open(":memory:", embeddings=CountingEmbeddings()) as other:
        other.import_jsonl(tmp_path / "memory.jsonl")
        assert MemAlignJudge.load(other, "tone").spec == judge(taught).spec


def test_instructions_with_principles_are_what_the_model_is_to_go_by(memory):
    tone = judge(memory)
    assert tone.instructions_with_principles == "Is the reply kind?"
    tone.add_principle("Never blame the customer.")
    assert tone.instructions_with_principles == (
        "Is the reply kind?\n\nPrinciples:\n- Never blame the customer."
    )
