"""`memalign judge`."""

import json
import os

import pytest
from fakes import HttpError, one_rule_a_record, verdict

from langchain_memalign._offline import LocalEmbeddings
from langchain_memalign.cli.data_files import VerdictFile

from .shell import case, said


@pytest.fixture
def cases(shell, script):
    """Six cases, and a model that judges all of them true."""
    script()
    return shell.rows("cases.jsonl", [case(n, id=f"case-{n}") for n in range(6)])


def test_one_case_by_options(shell, script):
    model = script(lambda request: verdict(True, rationale="Kind enough."))
    told = shell.json("judge", "--inputs", "Where?", "--outputs", '{"text": "There."}')
    assert told["verdict"]["value"] is True
    assert told["verdict"]["rationale"] == "Kind enough."
    assert "There." in model.requests[0].prompt


@pytest.mark.parametrize("indent", [None, 2], ids=["one line", "several lines"])
def test_one_case_on_standard_input(shell, script, indent):
    script()
    text = json.dumps(case(1), indent=indent)
    assert shell.json("judge", stdin=text)["verdict"]["value"] is True
    assert shell.json("judge", "-", stdin=text)["verdict"]["value"] is True


def test_with_embeddings_that_fail_it_goes_by_principles_if_the_judge_file_says_so(
    shell, script, monkeypatch
):
    script()
    shell.rows("feedback.jsonl", [said(1)])
    shell("align", "feedback.jsonl")

    def fail(self, texts):
        raise TimeoutError("no embedding today")

    monkeypatch.setattr(LocalEmbeddings, "embed_documents", fail)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    one = shell.write("one.json", json.dumps(case(2)))
    assert "no embedding today" in shell("judge", one, code=1).stderr
    shell.configure("model:", "on_recall_failure: principles\nmodel:")
    verdict = shell.json("judge", one)["verdict"]
    assert "no embedding today" in verdict["recall_problem"]
    assert (len(verdict["principle_ids"]), verdict["episode_ids"]) == (1, [])
    shell.configure("failure: principles", "failure: perhaps")
    assert "on_recall_failure" in shell.error("judge", one)


def test_nothing_on_standard_input_is_an_error(shell):
    assert "found nothing on standard input" in shell.error("judge")


def test_a_file_to_standard_output_is_jsonl(shell, cases):
    result = shell("judge", cases)
    told = sorted(
        (json.loads(line) for line in result.stdout.splitlines()), key=lambda t: t["line"]
    )
    assert [line["id"] for line in told] == [f"case-{n}" for n in range(6)]


def test_a_verdict_comes_with_its_evidence(shell):
    shell.rows("feedback.jsonl", [said(1), said(2)])
    shell("align", "feedback.jsonl")
    shell.rows("cases.jsonl", [case(1)])
    shell("judge", "cases.jsonl", "--out", "verdicts.jsonl", "--with-case")
    (line,) = shell.lines("verdicts.jsonl")
    episodes = {episode["id"] for episode in shell.json("episodes")}
    assert line["verdict"]["value"] is False
    assert set(line["verdict"]["episode_ids"]) == episodes
    assert set(line["verdict"]["relied_on"]) <= episodes
    assert line["inputs"] == case(1)["inputs"]


def test_cases_done_are_not_judged_again(shell, script, cases):
    shell.rows("some.jsonl", [case(n, id=f"case-{n}") for n in (4, 1)])
    shell("judge", "some.jsonl", "--out", "verdicts.jsonl")
    model = script()
    summary = shell.json("judge", cases, "--out", "verdicts.jsonl")
    assert (summary["judged"], summary["skipped"], summary["left"]) == (4, 2, 0)
    assert len(model.requests) == 4
    lines = shell.lines("verdicts.jsonl")
    assert [(line["line"], line["id"]) for line in lines] == [
        (n + 1, f"case-{n}") for n in range(6)
    ]
    shell("judge", cases, "--out", "verdicts.jsonl")
    assert len(model.requests) == 4


def test_equal_cases_each_have_their_line(shell, script):
    script()
    shell.rows("cases.jsonl", [case(1), case(2), case(1)])
    shell("judge", "cases.jsonl", "--out", "verdicts.jsonl")
    assert [line["line"] for line in shell.lines("verdicts.jsonl")] == [1, 2, 3]
    assert shell.json("judge", "cases.jsonl", "--out", "verdicts.jsonl")["skipped"] == 3


def test_a_torn_last_line_is_judged_again(shell, cases):
    shell("judge", cases, "--out", "verdicts.jsonl")
    whole = (shell.folder / "verdicts.jsonl").read_text()
    for cut in (3, 30, len(whole.splitlines()[-1])):
        shell.write("verdicts.jsonl", whole[:-cut])
        summary = shell.json("judge", cases, "--out", "verdicts.jsonl")
        assert summary["judged"] == 1
        assert len(shell.lines("verdicts.jsonl")) == 6
    shell.write("verdicts.jsonl", whole[:5])  # torn in the first line
    assert shell.json("judge", cases, "--out", "verdicts.jsonl")["judged"] == 6


@pytest.mark.parametrize("text", ["notes", "notes\n", '{"a": 1}\n', "\n"])
def test_a_file_of_something_else_is_left_alone(shell, cases, text):
    shell.write("notes.txt", text)
    line = shell.error("judge", cases, "--out", "notes.txt")
    assert "notes.txt" in line
    assert "--overwrite" in line
    assert (shell.folder / "notes.txt").read_text() == text
    shell("judge", cases, "--out", "notes.txt", "--overwrite")
    assert len(shell.lines("notes.txt")) == 6


def test_verdicts_on_other_cases_or_of_another_judge_are_left_alone(shell, cases):
    shell.rows("others.jsonl", [case(77)])
    shell("judge", "others.jsonl", "--out", "verdicts.jsonl")
    assert "found 1 verdict in verdicts.jsonl on other cases" in shell.error(
        "judge", cases, "--out", "verdicts.jsonl"
    )
    shell.configure("name: tone", "name: other")
    assert "of the judge 'tone'; expected 'other'" in shell.error(
        "judge", "others.jsonl", "--out", "verdicts.jsonl"
    )
    assert len(shell.lines("verdicts.jsonl")) == 1


def test_two_processes_do_not_write_one_file(shell, cases):
    with VerdictFile(shell.folder / "verdicts.jsonl", judge="tone"):
        assert "in use" in shell.error("judge", cases, "--out", "verdicts.jsonl")
    shell("judge", cases, "--out", "verdicts.jsonl")


def test_the_cases_themselves_are_no_output(shell, cases):
    before = shell.lines(cases)
    shell.error("judge", cases, "--out", cases, "--overwrite")
    assert shell.lines(cases) == before


def test_unscored_is_told_and_can_be_tried_again(shell, script):
    shell.rows("cases.jsonl", [case(n) for n in range(3)])
    script(lambda request: verdict(True) if "topic1" in request.prompt else "no idea")
    summary = shell.json("judge", "cases.jsonl", "--out", "verdicts.jsonl", code=1)
    assert (summary["judged"], summary["unscored"], summary["left"]) == (3, 2, 0)
    model = script()
    assert shell.json("judge", "cases.jsonl", "--out", "verdicts.jsonl", code=1)["skipped"] == 3
    assert model.requests == []
    summary = shell.json(
        "judge", "cases.jsonl", "--out", "verdicts.jsonl", "--retry-unscored", code=0
    )
    assert (summary["judged"], summary["skipped"], summary["unscored"]) == (2, 1, 0)
    assert ["verdict" in line for line in shell.lines("verdicts.jsonl")] == [True] * 3


def test_lines_that_cannot_be_used_are_named_and_the_rest_is_judged(shell, script):
    script()
    shell.rows("cases.jsonl", [case(1), {"inputs": ""}, "{", case(2)])
    summary = shell.json("judge", "cases.jsonl", "--out", "verdicts.jsonl", code=1)
    assert [failed["line"] for failed in summary["failed"]] == [2, 3]
    assert "the case is empty" in summary["failed"][0]["reason"]
    assert [line["line"] for line in shell.lines("verdicts.jsonl")] == [1, 4]


def test_a_refused_key_ends_it_at_once(shell, cases, script):
    model = script(lambda request: HttpError(401))
    assert "401" in shell.error("judge", cases, "--out", "verdicts.jsonl", "-c", "1")
    assert len(model.requests) == 1
    assert shell.lines("verdicts.jsonl") == []
    script(one_rule_a_record)
    assert shell.json("judge", cases, "--out", "verdicts.jsonl")["judged"] == 6


@pytest.mark.parametrize(
    "arguments",
    [("cases.jsonl", "--inputs", "a"), ("nowhere.jsonl",), (".",), ("cases.jsonl", "--out", ".")],
)
def test_what_to_judge_and_where_must_be_clear(shell, cases, arguments):
    assert "expected" in shell.error("judge", *arguments) or "cannot read" in shell.error(
        "judge", *arguments
    )


def test_text_of_a_case_does_not_drive_the_terminal(shell, script):
    script(lambda request: verdict(True, rationale="\x1b[31mred\u202e"))
    shell.rows("cases.jsonl", [case(1, id="\x1b[2J")])
    result = shell("judge", "cases.jsonl")
    assert "\x1b" not in result.output
    script()
    shell.rows("feedback.jsonl", [said(1, reviewer="\x1b]0;x\x07")])
    shell("align", "feedback.jsonl")
    assert "\x1b" not in shell("episodes").output


def test_verdicts_and_reports_are_their_owners_alone(shell, script):
    before = os.umask(0)
    try:
        script()
        shell.rows("taught.jsonl", [said(n) for n in range(1, 9)])
        there = {shell.folder, *shell.folder.rglob("*")}
        shell("align", "taught.jsonl")
        shell("judge", "taught.jsonl", "--out", "verdicts.jsonl")
        shell("evaluate", "taught.jsonl", "--out", "report")
    finally:
        os.umask(before)
    new = set(shell.folder.rglob("*")) - there
    assert {"verdicts.jsonl", "report", "memory"} <= {path.name for path in new}
    # Pictures hold no words, and stand in a folder of their owner's.
    kept = [path for path in new if path.suffix not in (".png", ".svg")]
    assert [path for path in kept if path.stat().st_mode & 0o077] == []
