"""What was forgotten is gone from the memory, from every prompt, and from every file."""

import secrets

import pytest
from fakes import feedback, principle
from memory.disk import files_with


@pytest.fixture
def markers():
    """Random, so that no compression and no dictionary holds a part of them by chance."""
    return [secrets.token_hex(16) for _ in range(6)]


def together(request):
    """One rule of all markers in the records, and a verdict."""
    if request.title == "verdict":
        return {"rationale": "So.", "relied_on": [], "value": True}
    said = [w for w in request.prompt.split("<records>")[1].split() if len(w) == 32]
    return {"principles": [principle("Rule: " + " ".join(sorted(set(said))), *request.record_ids)]}


def test_forgotten_text_is_gone_from_memory_prompt_and_directory(make_bench, markers, tmp_path):
    case, answer, word, reviewer, judged, kept = markers
    bench = make_bench(together, location=tmp_path / "memory")
    forgotten = feedback(
        1,
        inputs=f"About {case} it",
        outputs={"text": f"I say {answer} to it"},
        rationale=f"No, {word} it is",
        reviewer=reviewer,
        judge_value=True,
        judge_rationale=f"As {judged} was",
    )
    bench.judge.align([forgotten, feedback(2, rationale=f"Mind {kept} always")])
    assert files_with(tmp_path, *markers) == {marker.encode() for marker in markers}
    assert word in bench.texts()[0]
    assert kept in bench.texts()[0]

    bench.judge.forget(reviewer=reviewer)

    gone = set(markers) - {kept}
    assert bench.texts() == [f"Rule: {kept}"]
    assert files_with(tmp_path, *markers) == {kept.encode()}
    bench.judge.invoke({"inputs": f"About {case} it", "outputs": {"text": f"I say {answer}"}})
    shown = bench.model.titled("verdict")[-1].prompt.split("<case>")[0]
    assert kept in shown
    assert not any(marker in shown for marker in gone)
    assert not any(marker in repr(bench.judge.episodes()) for marker in gone)
    assert not any(marker in repr(bench.memory.principles("tone", retired=True)) for marker in gone)

    bench.judge.forget(where=lambda episode: True)
    assert files_with(tmp_path, *markers) == set()
    assert bench.memory.judges() == []


def test_text_that_was_overwritten_goes_at_the_latest_with_its_episode(
    make_bench, markers, tmp_path
):
    old, new, kept, *_ = markers
    bench = make_bench(together, location=tmp_path / "memory")
    bench.judge.align([feedback(1, rationale=f"Was {old} then"), feedback(2, rationale=kept)])
    bench.judge.align([feedback(1, rationale=f"Is {new} now")])
    bench.judge.forget([e.id for e in bench.judge.episodes() if new in e.rationale])
    assert files_with(tmp_path, old, new, kept) == {kept.encode()}


def test_an_erased_principle_is_gone_from_every_file(make_bench, markers, tmp_path):
    first, second, third, *_ = markers
    bench = make_bench(together, location=tmp_path / "memory")
    rule = bench.judge.add_principle(f"Mind {first}")
    better = bench.judge.edit_principle(rule.id, f"Mind {second}")
    bench.judge.add_principle(f"Mind {third}")
    bench.judge.remove_principle(better.id, erase=True)
    assert files_with(tmp_path, second) == set()
    # The older wording has a history of its own, and no longer points to what is gone.
    (old,) = [p for p in bench.memory.principles("tone", retired=True) if first in p.text]
    assert old.replaced_by is None
    assert bench.texts() == [f"Mind {third}"]
