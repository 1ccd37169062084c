"""`memalign import-feedback` and `export-feedback`: experts' words from and for elsewhere."""

import json

import pytest

from .shell import said

WORD = {"inputs": "Late!", "outputs": "So?", "score": 0, "reasoning": "Rude."}
NO_WORD = {"inputs": "Late!", "outputs": "Hm."}
ODD = {"inputs": "Late!", "outputs": "Well.", "score": "perhaps"}
BOUNDLESS = {"inputs": "Late!", "outputs": {"minutes": float("inf")}, "score": 1}


def imported(shell, *examples, code=0):
    shell.write("examples.json", json.dumps(examples))
    return shell("import-feedback", "few-shots", "examples.json", code=code)


def test_what_holds_no_word_is_skipped_and_all_is_well(shell):
    told = imported(shell, WORD, NO_WORD)
    assert "example 2 skipped: it has neither value nor rationale." in told.stderr
    assert "cannot be used" not in told.stderr
    assert len(shell.json("episodes")) == 1


@pytest.mark.parametrize("odd", [ODD, BOUNDLESS, "no example"])
def test_a_word_that_cannot_be_used_is_named_and_ends_with_1(shell, odd):
    told = imported(shell, WORD, NO_WORD, odd, code=1)
    last = told.stderr.strip().splitlines()[-1]
    assert "1 remark cannot be used" in last
    assert "example 3" in last
    assert "example 2" not in last
    assert "example 3 rejected: " in told.stderr
    assert "example 2 skipped: " in told.stderr
    assert len(shell.json("episodes")) == 1


def test_scripts_can_tell_the_two_apart(shell):
    shell.write("examples.json", json.dumps([WORD, NO_WORD, ODD, BOUNDLESS]))
    told = shell.json("import-feedback", "few-shots", "examples.json", code=1)
    assert len(told["alignment"]["stored"]) == 1
    unusable = {item["where"]: item["is_unusable"] for item in told["skipped"]}
    assert unusable == {"example 2": False, "example 3": True, "example 4": True}


@pytest.mark.parametrize("told", [{}, {"reviewer": None}, {"reviewer": ""}])
def test_a_row_that_does_not_tell_its_reviewer_has_the_given_one(shell, told):
    shell.rows("rows.jsonl", [said(1, **told), said(2, reviewer="bob")])
    shell("import-feedback", "rows", "rows.jsonl", "--reviewer", "ann")
    assert {e["reviewer"] for e in shell.json("episodes")} == {"ann", "bob"}


@pytest.mark.parametrize("system", ["langsmith", "mlflow"])
def test_an_export_replaces_a_file_whole_and_only_when_told(shell, system):
    shell.rows("rows.jsonl", [said(1)])
    shell("align", "rows.jsonl")
    path = shell.folder / shell.write("out.json", "old" * 10_000)
    before = {file.name for file in shell.folder.iterdir()}
    assert "--overwrite" in shell.error("export-feedback", system, "out.json")
    with path.open() as reader:
        reader.read(1)
        told = shell.json("export-feedback", system, "out.json", "--overwrite")
        # Whoever reads the old file goes on reading all of it.
        assert len(reader.read()) == 3 * 10_000 - 1
    assert told == {"records": 1}
    assert len(json.loads(path.read_text())) == 1
    assert {file.name for file in shell.folder.iterdir()} == before


def test_an_export_goes_only_where_a_file_can_be(shell):
    shell.rows("rows.jsonl", [said(1)])
    shell("align", "rows.jsonl")
    for place in (".", "nowhere/out.json"):
        line = shell.error("export-feedback", "mlflow", place, "--overwrite")
        assert f"cannot write {place}" in line
