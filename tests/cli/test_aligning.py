"""`memalign align`."""

import pytest
from fakes import HttpError, one_rule_a_record, verdict

from .shell import case, said


def failing_on(text):
    """A model that cannot distil records in which the text occurs."""

    def respond(request):
        if request.title == "principles" and text in request.prompt:
            return "no idea"
        return one_rule_a_record(request)

    return respond


def test_it_reports_what_was_learned(shell, script):
    script()
    shell.rows("feedback.jsonl", [said(n) for n in range(4)])
    report = shell.json("align", "feedback.jsonl")
    assert len(report["stored"]) == len(report["distilled"]) == 4
    assert [p["text"] for p in report["principles_added"]] == [
        f"Rule: Remark {n}." for n in range(4)
    ]
    assert len(shell.json("principles")) == len(shell.json("episodes")) == 4


def test_the_report_is_readable_in_a_pipe(shell, script):
    script()
    shell.rows("feedback.jsonl", [said(1)])
    lines = shell("align", "feedback.jsonl").stdout.splitlines()
    assert "stored\t1" in lines
    assert not any(line.startswith(("pending", "conflicts")) for line in lines)
    assert any(line.endswith("\tRule: Remark 1.\t1") for line in lines)


def test_the_same_feedback_again_costs_nothing(shell, script):
    shell.rows("feedback.jsonl", [said(n) for n in range(4)])
    script()
    shell("align", "feedback.jsonl")
    model = script()
    report = shell.json("align", "feedback.jsonl")
    assert len(report["unchanged"]) == 4
    assert model.requests == []


def test_what_is_pending_is_told_and_taken_up(shell, script):
    script(failing_on("Remark 2."))
    shell.rows("feedback.jsonl", [said(n) for n in range(4)])
    report = shell.json("align", "feedback.jsonl", code=1)
    assert (len(report["distilled"]), len(report["pending"])) == (3, 1)
    assert len(shell.json("episodes", "--status", "pending")) == 1
    assert "1 episode still to be learned" in shell("align", code=1).stderr
    script()
    assert len(shell.json("align")["distilled"]) == 1


def test_experts_who_differ_are_told(shell, script):
    script()
    shell.rows("ann.jsonl", [said(1, value=True, reviewer="Ann"), said(2)])
    shell.rows("bea.jsonl", [said(1, value=False, reviewer="Bea")])
    assert shell.json("align", "ann.jsonl")["conflicts"] == []
    lines = shell("align", "bea.jsonl").stdout.splitlines()
    assert "conflicts\t1" in lines
    assert any(line.endswith("\ttrue (Ann), false (Bea)\tfalse") for line in lines)
    (conflict,) = shell.json("align", "bea.jsonl")["conflicts"]
    assert (conflict["reviewers"], conflict["value"]) == (["Ann", "Bea"], False)


def test_a_refused_key_leaves_the_feedback_pending(shell, script):
    script(lambda request: HttpError(401))
    shell.rows("feedback.jsonl", [said(1)])
    assert "401" in shell.error("align", "feedback.jsonl")
    assert len(shell.json("episodes", "--status", "pending")) == 1


def test_lines_that_are_rejected_keep_their_numbers(shell, script):
    script()
    shell.rows(
        "feedback.jsonl", [said(1), "{", said(2), case(3), said(4, value="perhaps"), said(5)]
    )
    report = shell.json("align", "feedback.jsonl", code=1)
    assert len(report["stored"]) == 3
    assert [row["line"] for row in report["rejected"]] == [2, 4, 5]


def test_a_file_of_which_nothing_can_be_used_is_an_error(shell):
    shell.rows("feedback.jsonl", ["not", "json"])
    assert "feedback.jsonl, line 1" in shell.error("align", "feedback.jsonl")
    assert not (shell.folder / "memory").exists() or shell.json("episodes") == []


@pytest.mark.parametrize(
    ("label", "value"), [("Yes", True), ("fail", False), (" true ", True), (0, False)]
)
def test_labels_are_read_as_people_write_them(shell, script, label, value):
    script()
    shell.rows("feedback.jsonl", [said(1, value=label)])
    shell("align", "feedback.jsonl")
    assert [episode["value"] for episode in shell.json("episodes")] == [value]


def test_ids_may_be_numbers_and_reviewers_come_from_an_option(shell, script):
    script()
    shell.rows("feedback.jsonl", [said(1, id=7), said(2, reviewer="bob")])
    shell("align", "feedback.jsonl", "--reviewer", "ann")
    assert [e["reviewer"] for e in shell.json("episodes")] == ["ann", "bob"]
    shell.rows("feedback.jsonl", [said(1, id=7, rationale="Other words.")])
    report = shell.json("align", "feedback.jsonl", "--reviewer", "ann")
    assert len(report["overwritten"]) == 1


def test_probing_asks_the_judge_first(shell, script):
    model = script(
        lambda request: verdict(True) if request.title == "verdict" else one_rule_a_record(request)
    )
    shell.rows("feedback.jsonl", [said(1), said(3, judge_value=False)])
    shell("align", "feedback.jsonl", "--probe")
    assert len(model.titled("verdict")) == 1
    assert {e["judge_value"] for e in shell.json("episodes")} == {True, False}


def test_only_what_changes_a_verdict_is_learned_where_that_is_asked_for(shell, script):
    script(
        lambda request: verdict(True) if request.title == "verdict" else one_rule_a_record(request)
    )
    shell.rows("feedback.jsonl", [said(1)])
    report = shell.json("align", "feedback.jsonl", "--only-effective")
    assert report["principles_added"] == []
    assert "no verdict" in report["warnings"][0]


def test_a_gate_refuses_what_makes_the_judge_worse(shell):
    shell.rows("spring.jsonl", [said(n, reviewer="Ann") for n in range(12)])
    shell.rows("wrong.jsonl", [said(n, value=n % 2 == 1, reviewer="Bea") for n in range(12)])
    shell("align", "spring.jsonl")
    told = shell("align", "wrong.jsonl", "--gate", code=1)
    assert "the gate refused 12 remarks; the memory is as it was" in told.stderr
    assert "refused\t12" in told.stdout.splitlines()
    assert "earlier cases, remembered\t12\t" in told.stdout
    assert len(shell.json("episodes")) == 12
    report = shell.json("align", "wrong.jsonl", "--gate", "--holdout", "wrong.jsonl")
    assert report["gate"]["accepted"]
    assert [e["cases"] for e in report["gate"]["evidence"]] == ["trusted cases"]
    assert len(shell.json("episodes")) == 24


def test_trusted_cases_need_a_gate(shell):
    shell.rows("rows.jsonl", [said(1)])
    assert "Add --gate" in shell.error("align", "rows.jsonl", "--holdout", "rows.jsonl")
