"""`apply`: all or nothing, only what was meant, and seen at once."""

import uuid

import pytest

from langchain_memalign import Episode, InvalidInputError, Memory, MemoryStoreError, Principle
from langchain_memalign.schema import Erase, Put

from .remembering import (
    JUDGE,
    Compass,
    case,
    embedded,
    episode,
    inputs_of,
    principle,
    remember,
    texts_of,
)


@pytest.fixture
def memory():
    with Memory.open(":memory:", embeddings=Compass()) as memory:
        yield memory


def erase(record, *, judge=JUDGE, kind="episode"):
    return Erase(judge=judge, kind=kind, id=record.id)


def test_no_changes_are_no_error(memory):
    memory.apply([])
    assert memory.judges() == []


def test_changes_may_come_from_an_iterator(memory):
    gone, kept = episode("1°"), episode("2°")
    remember(memory, gone)
    memory.apply(change for change in (Put(judge=JUDGE, record=kept), erase(gone)))
    assert memory.episodes(JUDGE) == [kept]


def test_what_is_written_is_seen_at_once_by_recall(memory):
    for angle in (30, 20, 10):
        remember(memory, episode(f"{angle}°", value=True), principle(f"About {angle}°", day=angle))
        found = memory.recall(JUDGE, case())
        assert inputs_of(found)[0] == f"{angle}°"
        assert f"About {angle}°" in texts_of(found)
    assert found.value_counts == {"true": 3}
    memory.apply(
        [erase(episode("10°", value=True)), erase(principle("About 10°"), kind="principle")]
    )
    found = memory.recall(JUDGE, case())
    assert inputs_of(found) == ["20°", "30°"]
    assert texts_of(found) == ["About 20°", "About 30°"]
    assert found.value_counts == {"true": 2}


def test_records_of_an_own_class_are_seen_at_once_by_recall(memory):
    class Noted(Principle):
        """A principle with more to it."""

    class Heard(Episode):
        """An episode with more to it."""

    remember(memory, episode("1°", value=True), principle("About 1°"))
    assert texts_of(memory.recall(JUDGE, case())) == ["About 1°"]
    heard = Heard(**dict(episode("2°", value=True)))
    noted = Noted(**dict(principle("About 2°", day=1)))
    memory.apply([Put(judge=JUDGE, record=record) for record in (heard, noted)])
    found = memory.recall(JUDGE, case())
    assert texts_of(found) == ["About 1°", "About 2°"]
    assert found.value_counts == {"true": 2}


# All or nothing


def broken_changes():
    good = Put(judge=JUDGE, record=episode("2°"), vector=(1.0, 0.0, 0.0, 1.0))
    there = episode("1°")
    no_uuid = principle("A rule.").model_copy(update={"id": "my rule"})
    return {
        "an id that is none": [good, Put(judge=JUDGE, record=no_uuid)],
        "a vector of another size": [Put(judge=JUDGE, record=episode("3°"), vector=(1.0,) * 6)],
        "vectors of two sizes": [good, Put(judge=JUDGE, record=principle("A"), vector=(1.0,) * 3)],
        "an odd vector": [Put(judge=JUDGE, record=episode("3°"), vector=(1.0,) * 5)],
        "not a number": [Put(judge=JUDGE, record=episode("3°"), vector=(float("nan"),) * 4)],
        "the same record twice": [good, good],
        "written and erased": [Put(judge=JUDGE, record=there), erase(there)],
        "erased twice": [erase(there), erase(there)],
        "what is no change": [good, {"judge": JUDGE, "record": there}],
        "a change alone": good,
        "another judge's record erased": [good, erase(there, judge="safety")],
        "another kind of record erased": [good, erase(there, kind="principle")],
        "another judge's record replaced": [good, Put(judge="safety", record=there)],
    }


@pytest.mark.parametrize("problem", broken_changes())
def test_changes_with_one_mistake_change_nothing(memory, problem):
    remember(memory, episode("1°", value=True), principle("About 0°"))
    before = memory.recall(JUDGE, case())
    changes = broken_changes()[problem]
    if isinstance(changes, list):
        # The mistake must not depend on what comes before or after it.
        changes = [*changes, Put(judge=JUDGE, record=episode("9°"))]
    with pytest.raises((InvalidInputError, MemoryStoreError), match=r"expected|found"):
        memory.apply(changes)
    assert memory.recall(JUDGE, case()) == before
    assert [e.case.inputs for e in memory.episodes(JUDGE)] == ["1°"]
    assert memory.judges() == [JUDGE]


def test_a_memory_takes_changes_again_after_a_mistake(memory):
    with pytest.raises(InvalidInputError):
        memory.apply([{}])
    remember(memory, episode("1°"))
    assert inputs_of(memory.recall(JUDGE, case())) == ["1°"]


def test_erasing_what_is_not_there_is_harmless(memory):
    remember(memory, episode("1°"))
    memory.apply([Erase(judge=JUDGE, kind="episode", id=str(uuid.uuid4()))])
    memory.apply([erase(episode("1°"))])
    memory.apply([erase(episode("1°"))])
    assert memory.judges() == []


# Vectors


def test_a_record_written_without_a_vector_keeps_the_one_it_has(memory):
    remember(memory, episode("1°"))
    changed = episode("1°").model_copy(update={"status": "distilled"})
    memory.apply([Put(judge=JUDGE, record=changed)])
    (found,) = memory.recall(JUDGE, case()).episodes
    assert found.episode == changed


def test_a_record_written_with_an_empty_vector_loses_the_one_it_had(memory):
    remember(memory, episode("1°"), episode("2°"))
    memory.apply([Put(judge=JUDGE, record=episode("1°"), vector=())])
    assert inputs_of(memory.recall(JUDGE, case())) == ["2°"]
    assert len(memory.episodes(JUDGE)) == 2


def test_a_new_vector_takes_the_place_of_the_old_one(memory):
    remember(memory, episode("1°", id="mine"), episode("2°"))
    remember(memory, episode("3°", id="mine"))
    assert inputs_of(memory.recall(JUDGE, case())) == ["2°", "3°"]


def test_texts_in_which_the_embeddings_find_nothing_do_not_spoil_the_rest(memory):
    records = [episode("1°"), episode("???", "!!!"), episode({"x": None}, {"y": " "})]
    (blank,) = embedded(memory, principle("No direction."))
    memory.apply([*embedded(memory, *records), blank])
    assert inputs_of(memory.recall(JUDGE, case())) == ["1°"]
    assert len(memory.episodes(JUDGE)) == 3
    assert texts_of(memory.recall(JUDGE, case())) == ["No direction."]
