"""Which past cases come back for a case: by what was asked and what was answered."""

import pytest
from colours import Call, run
from fakes import CountingEmbeddings

from langchain_memalign import InvalidInputError, Memory, WorkingMemory
from langchain_memalign.memory import PRINCIPLE_TOKENS
from langchain_memalign.schema import Case, Put

from .remembering import (
    JUDGE,
    Compass,
    case,
    embedded,
    episode,
    inputs_of,
    principle,
    remember,
)


@pytest.fixture
def memory():
    with Memory.open(":memory:", embeddings=Compass()) as memory:
        yield memory


@pytest.fixture(scope="module")
def untouched():
    """A memory for what is refused before anything is looked up."""
    with Memory.open(":memory:", embeddings=Compass()) as memory:
        yield memory


def similarities(found):
    return [recalled.similarity for recalled in found.episodes]


def test_the_nearest_cases_come_back_nearest_first(memory):
    remember(memory, *(episode(f"{angle}°") for angle in (40, 10, 30, 20)))
    assert inputs_of(memory.recall(JUDGE, case(), k=3)) == ["10°", "20°", "30°"]


def test_similarity_is_the_mean_of_both_parts(memory):
    expected = {
        ("0°", "0°"): 1.0,
        ("60°", "0°"): 0.75,
        ("0°", "60°"): 0.75,
        ("60°", "60°"): 0.5,
        ("180°", "0°"): 0.0,
        ("180°", "180°"): -1.0,
    }
    remember(memory, *(episode(*texts) for texts in expected))
    found = {
        (recalled.episode.case.inputs, recalled.episode.case.outputs): recalled.similarity
        for recalled in memory.recall(JUDGE, case(), k=6).episodes
    }
    assert found == pytest.approx(expected, abs=1e-4)


def test_opposite_answers_to_one_long_question_are_told_apart():
    question = " ".join(f"word{number} of a long question" for number in range(200))
    with Memory.open(":memory:", embeddings=CountingEmbeddings(size=256)) as memory:
        remember(
            memory,
            episode(question, "Yes, gladly, here you are.", value=True),
            episode(question, "No, that is forbidden.", value=False),
        )
        found = memory.recall(JUDGE, case(question, "No, that is forbidden!"), k=2)
    assert [recalled.episode.value for recalled in found.episodes] == [False, True]
    near, far = similarities(found)
    assert near == pytest.approx(1.0, abs=1e-3)
    assert far < 0.8


def test_the_names_of_fields_do_not_make_cases_alike(memory):
    remember(memory, episode({"ticket": "0°"}, {"reply": "0°"}), episode({"q": "90°"}, {"a": "0°"}))
    found = memory.recall(JUDGE, case({"q": "0°"}, {"a": "0°"}))
    assert similarities(found) == [pytest.approx(1.0), pytest.approx(0.5, abs=1e-4)]


def test_a_case_without_outputs_is_found_by_its_inputs(memory):
    remember(memory, episode("0°", None), episode("90°", None))
    assert inputs_of(memory.recall(JUDGE, case("10°", None))) == ["0°", "90°"]


@pytest.mark.parametrize("texts", [({"x": None}, {"y": " "}), ("???", "!!!")])
def test_a_case_without_anything_to_compare_recalls_nothing(memory, texts):
    remember(memory, episode("0°"), principle("About 0°"))
    found = memory.recall(JUDGE, case(*texts), principle_tokens=0)
    assert found == WorkingMemory(principles_total=1)


def test_cases_without_a_vector_do_not_come_back(memory):
    waiting = episode("0°")
    memory.apply([Put(judge=JUDGE, record=waiting)])
    assert memory.recall(JUDGE, case()).episodes == ()
    assert memory.episodes(JUDGE) == [waiting]


def test_at_most_k_come_back(memory):
    remember(memory, episode("10°"), episode("20°"))
    counts = [len(memory.recall(JUDGE, case(), k=k).episodes) for k in (0, 1, 2, 3)]
    assert counts == [0, 1, 2, 2]


@pytest.mark.parametrize("number", [-1, 2.5, True, "5", None])
@pytest.mark.parametrize("name", ["k", "principle_tokens"])
def test_numbers_that_are_none_are_refused(untouched, name, number):
    with pytest.raises(InvalidInputError, match=f"{name}: found {number!r}; expected a whole"):
        untouched.recall(JUDGE, case(), **{name: number})


@pytest.mark.parametrize("nothing", [{}, {"inputs": ""}, {"question": "Hm?"}, "Hm?", None])
def test_what_is_no_case_is_refused(untouched, nothing):
    with pytest.raises(InvalidInputError):
        untouched.recall(JUDGE, nothing)


# What it costs


def test_an_empty_memory_recalls_nothing_and_embeds_nothing():
    compass = Compass()
    with Memory.open(":memory:", embeddings=compass) as memory:
        assert memory.recall(JUDGE, case()) == WorkingMemory()
    assert compass.calls == 0


def test_recall_makes_one_embedding_call():
    compass = Compass()
    with Memory.open(":memory:", embeddings=compass) as memory:
        remember(memory, episode("10°"), principle("About 0°"), principle("About 90°"))
        before = compass.calls
        memory.recall(JUDGE, case(), principle_tokens=3)
        assert compass.calls == before + 1


def test_a_memory_of_principles_only_embeds_nothing_while_all_fit():
    compass = Compass()
    with Memory.open(":memory:", embeddings=compass) as memory:
        remember(memory, principle("About 0°"))
        before = compass.calls
        assert memory.recall(JUDGE, case()).principles_total == 1
        assert compass.calls == before


# Several reviewers of one case


def said_by(found):
    """Who said something about each recalled case."""
    return [
        [episode.reviewer for episode in (recalled.episode, *recalled.also)]
        for recalled in found.episodes
    ]


def test_reviewers_of_one_case_come_back_together_the_newest_word_first(memory):
    remember(
        memory,
        episode("10°", reviewer="Ann", day=1),
        episode("10°", reviewer="Cem", day=3),
        episode("10°", reviewer="Bea", day=2),
        episode("20°", reviewer="Ann", day=4),
    )
    assert said_by(memory.recall(JUDGE, case(), k=2)) == [["Cem", "Bea", "Ann"], ["Ann"]]


@pytest.mark.parametrize("k", [1, 2])
def test_however_many_reviewers_there_are_k_counts_cases_and_all_words_come_back(memory, k):
    crowd = [episode("10°", reviewer=f"reviewer {number}") for number in range(13)]
    remember(memory, *crowd, episode("20°", reviewer="Ann"), episode("30°", reviewer="Bea"))
    first, *others = said_by(memory.recall(JUDGE, case(), k=k))
    assert len(first) == 13
    assert others == [["Ann"]][: k - 1]


def test_cases_that_are_equally_near_all_keep_their_reviewers(memory):
    references = [f"reference {number}" for number in range(4)]
    remember(
        memory,
        *(
            episode("10°", reference_outputs=reference, reviewer=reviewer)
            for reviewer in ("Ann", "Bea", "Cem")
            for reference in references
        ),
    )
    for k in (1, 2, 3):
        words = said_by(memory.recall(JUDGE, case(), k=k))
        assert [sorted(reviewers) for reviewers in words] == [["Ann", "Bea", "Cem"]] * k


# What is left out


def without(memory, exclude, **options):
    found = Call(
        "recall.recall",
        memory.records,
        JUDGE,
        Case.of(case()),
        principle_tokens=PRINCIPLE_TOKENS,
        exclude=exclude,
        **options,
    )
    return run(found)


def test_excluded_episodes_make_room_for_the_next(memory):
    near = [episode(f"{angle}°") for angle in range(1, 31)]
    remember(memory, *near)
    excluded = {record.id for record in near[:28]}
    assert inputs_of(without(memory, excluded, k=3)) == ["29°", "30°"]
    assert inputs_of(without(memory, excluded - {near[4].id}, k=1)) == ["5°"]


def test_excluding_one_reviewer_leaves_the_others(memory):
    ann, bea = episode("10°", reviewer="Ann"), episode("10°", reviewer="Bea")
    remember(memory, ann, bea)
    assert said_by(without(memory, {bea.id}, k=1)) == [["Ann"]]
    assert without(memory, {ann.id, bea.id}, k=1).episodes == ()


def test_judges_do_not_recall_each_others_cases_and_principles(memory):
    remember(memory, episode("10°", value=True), principle("Be kind at 0°."))
    other = episode("10°", judge="safety", value=False)
    remember(memory, other, principle("Be safe at 0°.", judge="safety"), judge="safety")
    mine, theirs = memory.recall(JUDGE, case()), memory.recall("safety", case())
    assert [recalled.episode.value for recalled in mine.episodes] == [True]
    assert [recalled.episode for recalled in theirs.episodes] == [other]
    assert [p.text for p in mine.principles] == ["Be kind at 0°."]
    assert [p.text for p in theirs.principles] == ["Be safe at 0°."]
    assert (mine.value_counts, theirs.value_counts) == ({"true": 1}, {"false": 1})
    assert memory.recall("TONE", case()) == WorkingMemory()


def test_how_often_experts_gave_each_value_is_told_over_the_whole_memory(memory):
    values = [1, 1, 5, None, 2.0, "good", True]
    changes = embedded(memory, *(episode(f"{i}°", value=v) for i, v in enumerate(values)))
    memory.apply(changes)
    counts = memory.recall(JUDGE, case(), k=1).value_counts
    assert counts == {"1": 2, "5": 1, "2.0": 1, '"good"': 1, "true": 1}
