"""`memalign evaluate` and `memalign learning-curve`: what they tell, and what they leave behind."""

import json

import pytest

from .shell import said

KINDS = ("late", "lost", "broken", "billed twice")


def labelled(number):
    """Replies to complaints of four kinds; experts find every other kind answered badly."""
    kind = number % len(KINDS)
    return said(
        number,
        inputs=f"My parcel, order {number}, is {KINDS[kind]}.",
        outputs=f"About your {KINDS[kind]} parcel: we know.",
        value=kind % 2 == 0,
        rationale=f"So it is with what is {KINDS[kind]}.",
    )


@pytest.fixture
def taught(shell):
    shell.rows("feedback.jsonl", [labelled(n) for n in range(8)])
    shell.rows("unseen.jsonl", [labelled(n) for n in range(8, 20)])
    shell("align", "feedback.jsonl")
    return shell


def test_a_taught_judge_agrees_more_than_without_memory(taught):
    found = taught.json("evaluate", "unseen.jsonl", "--out", "report")
    written = json.loads((taught.folder / "report" / "results.json").read_text("utf-8"))
    assert written["questions"] == found["questions"]
    assert len(found["questions"]) == 12
    names = {file.name for file in (taught.folder / "report").iterdir()}
    assert {"report.md", "results.json"} <= names
    assert any(name.endswith(".png") for name in names)
    assert any(name.endswith(".svg") for name in names)
    report = (taught.folder / "report" / "report.md").read_text("utf-8")
    assert "without memory" in report.lower()


def test_people_see_agreement_and_disagreements(taught):
    wrong = [labelled(n) | {"value": not labelled(n)["value"]} for n in range(20, 24)]
    taught.rows("wrong.jsonl", wrong)
    shown = taught("evaluate", "judge.yaml", "wrong.jsonl", "--leave-one-out").output
    assert "report.md" in shown
    assert "order 2" in shown


def test_nothing_is_taught_by_measuring(taught):
    before = taught.json("episodes"), taught.json("principles")
    taught("evaluate", "unseen.jsonl", "--teach", "feedback.jsonl")
    taught("evaluate", "unseen.jsonl", "--folds", "2", "--out", "folds")
    assert (taught.json("episodes"), taught.json("principles")) == before


def test_a_learning_curve_of_seen_and_unseen_cases(shell):
    shell.rows("train.jsonl", [labelled(n) for n in range(12)])
    shell.rows("test.jsonl", [labelled(n) for n in range(12, 20)])
    options = ("learning-curve", ".", "--out", "curve", "--shards", "0,2,8", "--repeats", "2")
    shell(*options)
    first = (shell.folder / "curve" / "results.json").read_text("utf-8")
    names = {file.name for file in (shell.folder / "curve").iterdir()}
    assert {"report.md", "results.json"} <= names
    report = (shell.folder / "curve" / "report.md").read_text("utf-8")
    assert "unseen" in report
    shell(*options)
    assert json.loads((shell.folder / "curve" / "results.json").read_text("utf-8")).keys() == (
        json.loads(first).keys()
    )


def test_the_judge_file_stands_before_or_after_the_data(taught, monkeypatch):
    taught.write("other.yml", (taught.folder / "judge.yaml").read_text())
    first = taught.json("evaluate", "other.yml", "unseen.jsonl")
    monkeypatch.setenv("MEMALIGN_JUDGE", "gone.yaml")
    for arguments in (("unseen.jsonl", "other.yml"), ("other.yml", "unseen.jsonl")):
        assert taught.json("evaluate", *arguments)["agreements"] == first["agreements"]
    for arguments in (("judge.yaml", "-j", "other.yml"), ("judge.yaml", "other.yml")):
        said = taught.error("evaluate", *arguments, "unseen.jsonl")
        assert "found the judge files judge.yaml and other.yml; expected only one" in said


def test_a_judge_that_knows_nothing_has_nothing_to_compare(shell):
    shell.rows("unseen.jsonl", [labelled(n) for n in range(4)])
    assert "nothing to compare" in shell("evaluate", "judge.yaml", "unseen.jsonl").stderr


def test_what_experts_reach_among_each_other_is_told(taught):
    several = [labelled(n) | {"reviewer": who} for n in range(8, 16) for who in ("ann", "bea")]
    several[-1]["value"] = not several[-1]["value"]
    taught.rows("several.jsonl", several)
    for command, folder in (("evaluate", "one"), ("learning-curve", "two")):
        shown = taught(command, "several.jsonl", "--out", folder).stderr
        report = (taught.folder / folder / "report.md").read_text("utf-8")
        results = json.loads((taught.folder / folder / "results.json").read_text("utf-8"))
        for text in (shown, report):
            assert "Two experts give one case the same value: 0.88 [" in text
            assert "Krippendorff's alpha: 0.76 [" in text
        assert results["reviewers"]["value"] == 0.875
        assert results["alpha"]["n"] == 8


def test_data_without_values_is_refused(shell):
    shell.rows("rows.jsonl", [{"inputs": "a", "outputs": "b"}])
    assert "value" in shell.error("evaluate", "rows.jsonl")
