"""Episodes that a change of mind has superseded are kept and can be seen, but do not come back."""

from datetime import timedelta

import pytest

from langchain_memalign import Memory

from .remembering import JUDGE, Compass, case, episode, inputs_of, on_day, principle, remember

LATER = on_day(10)

pytestmark = pytest.mark.enable_socket


def superseded(found, *, at=LATER):
    learned = found.model_copy(update={"status": "distilled"})
    return learned.superseded(principle("Now otherwise.").id, reason="It was otherwise.", at=at)


@pytest.fixture(params=["embedded", "server"])
def memory(request):
    if request.param == "server":
        yield request.getfixturevalue("deployed").open_memory(Compass())
        return
    with Memory.open(":memory:", embeddings=Compass()) as memory:
        yield memory


@pytest.fixture
def crowded(memory):
    """Thirty superseded cases nearest to the query, and six further away that count."""
    outdated = [superseded(episode(f"{n / 10}°", value=False)) for n in range(30)]
    standing = [episode(f"{40 + n}°", value=True) for n in range(6)]
    remember(memory, *outdated, *standing)
    return memory


@pytest.mark.parametrize("k", [1, 5, 10])
def test_as_many_cases_come_back_as_if_the_superseded_were_not_there(crowded, k):
    found = crowded.recall(JUDGE, case(), k=k)
    assert inputs_of(found) == [f"{40 + n}°" for n in range(min(k, 6))]


def test_they_have_no_part_in_how_often_each_value_was_given(crowded):
    assert crowded.recall(JUDGE, case()).value_counts == {"true": 6}


def test_they_are_listed_with_their_words(crowded):
    (first, *_) = listed = crowded.episodes(JUDGE, status="superseded")
    assert len(listed) == 30
    assert len(crowded.episodes(JUDGE)) == 36
    assert (first.rationale, first.superseded_reason) == ("Noted.", "It was otherwise.")


def test_at_an_earlier_moment_they_come_back(crowded):
    before = crowded.recall(JUDGE, case(), k=3, as_of=LATER - timedelta(seconds=1))
    assert inputs_of(before) == ["0.0°", "0.1°", "0.2°"]
    assert before.value_counts == {"false": 30, "true": 6}
    after = crowded.recall(JUDGE, case(), k=3, as_of=LATER)
    assert inputs_of(after) == ["40°", "41°", "42°"]


def test_one_that_was_superseded_by_another_process_meanwhile_does_not_come_back(memory):
    """Whether any is superseded is known from before the search."""
    near, far = episode("1°"), episode("50°")
    remember(memory, near, far)
    assert inputs_of(memory.recall(JUDGE, case(), k=1)) == ["1°"]
    remember(memory, superseded(near))
    assert inputs_of(memory.recall(JUDGE, case(), k=1)) == ["50°"]
    remember(memory, superseded(near).restored())
    assert inputs_of(memory.recall(JUDGE, case(), k=1)) == ["1°"]


def test_a_memory_of_nothing_else_has_nothing_to_recall(memory):
    remember(memory, superseded(episode("1°")))
    assert memory.recall(JUDGE, case()).episodes == ()


def test_an_import_tells_an_older_copy_what_was_superseded_since(memory, tmp_path):
    found = episode("1°")
    remember(memory, superseded(found))
    memory.export_jsonl(tmp_path / "export.jsonl")
    with Memory.open(":memory:", embeddings=Compass()) as other:
        remember(other, found, episode("50°"))
        assert other.import_jsonl(tmp_path / "export.jsonl") == 1
        assert inputs_of(other.recall(JUDGE, case(), k=1)) == ["50°"]


def test_an_export_carries_them_as_they_are(crowded, tmp_path):
    crowded.export_jsonl(tmp_path / "export.jsonl")
    with Memory.open(":memory:", embeddings=Compass()) as other:
        other.import_jsonl(tmp_path / "export.jsonl")
        assert other.episodes(JUDGE) == crowded.episodes(JUDGE)
        assert inputs_of(other.recall(JUDGE, case(), k=1)) == ["40°"]


def test_an_older_copy_does_not_take_back_what_counts_again(memory, tmp_path):
    """Restored by hand, or since the principle went: a backup of before changes nothing."""
    found = superseded(episode("1°"))
    remember(memory, found, episode("50°"))
    memory.export_jsonl(tmp_path / "before.jsonl")
    remember(memory, found.restored())
    assert memory.import_jsonl(tmp_path / "before.jsonl") == 0
    assert inputs_of(memory.recall(JUDGE, case(), k=1)) == ["1°"]
    memory.export_jsonl(tmp_path / "after.jsonl")
    with Memory.open(":memory:", embeddings=Compass()) as other:
        other.import_jsonl(tmp_path / "before.jsonl")
        assert other.import_jsonl(tmp_path / "after.jsonl") == 1
        assert inputs_of(other.recall(JUDGE, case(), k=1)) == ["1°"]
