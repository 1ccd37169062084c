"""`memalign review`, answered by lines on standard input."""

import pytest
from fakes import HttpError, one_rule_a_record, verdict

from .shell import case


@pytest.fixture
def cases(shell, script):
    """Three cases, and a model that judges all of them true."""
    script()
    return shell.rows("cases.jsonl", [case(n, id=f"case-{n}") for n in range(3)])


def review(shell, *arguments, answers="", code=0):
    return shell.json("review", "cases.jsonl", *arguments, stdin=answers, code=code)


def said(shell):
    return [(e["value"], e["rationale"], e["judge_value"]) for e in shell.json("episodes")]


def test_the_judge_learns_what_the_reviewer_says(shell, cases):
    answers = "a\ne\n\nToo cold.\nr\nSay sorry.\n"
    summary = review(shell, "--reviewer", "ann", answers=answers)
    assert summary["decisions"] == {"approve": 1, "edit": 1, "reject": 1}
    assert summary["left"] == 0
    rules = [principle["text"] for principle in summary["principles_added"]]
    assert rules == ["Rule: Too cold.", "Rule: Say sorry."]
    assert said(shell) == [
        (True, None, True),
        (False, "Too cold.", True),
        (None, "Say sorry.", True),
    ]
    assert {e["reviewer"] for e in shell.json("episodes")} == {"ann"}


def test_what_is_answered_is_not_asked_and_what_waits_is_not_judged_again(shell, cases, script):
    summary = review(shell, answers="a\ns\nq\n", code=1)
    assert (summary["left"], summary["decisions"]) == (2, {"approve": 1, "skip": 1})
    model = script()
    summary = review(shell, answers="n\na\n")
    assert summary["decisions"] == {"done before": 1, "ignore": 1, "approve": 1}
    assert model.titled("verdict") == []
    assert review(shell)["decisions"] == {"done before": 3}


def test_the_end_of_input_stops_it(shell, cases):
    assert review(shell, answers="a\n", code=1)["left"] == 2


def test_what_cannot_be_used_is_asked_again(shell, script):
    script(lambda asked: verdict(3) if asked.title == "verdict" else one_rule_a_record(asked))
    shell.configure("value_type: bool", "value_type: 1-5")
    shell.rows("cases.jsonl", [case(1)])
    review(shell, answers="x\n\nexplain\nr\n\ne\n9\nfourth\n4\nToo long.\n")
    assert said(shell) == [(4, "Too long.", 3)]


def test_a_verdict_that_there_is_not_cannot_be_approved(shell, script):
    script(lambda asked: "no" if asked.title == "verdict" else one_rule_a_record(asked))
    shell.rows("cases.jsonl", [case(1)])
    review(shell, answers="a\ne\nyes\nKind enough.\n")
    assert said(shell) == [(True, "Kind enough.", None)]


def test_only_what_the_policy_selects_is_asked(shell, cases):
    shell.configure("memory: ./memory", "memory: ./memory\nreview: never")
    assert review(shell)["decisions"] == {"not selected": 3}
    assert said(shell) == []
    assert review(shell)["decisions"] == {"done before": 3}
    # What one policy passed over is open under the policy that passes over nothing.
    assert review(shell, "--policy", "always", answers="a\na\na\n")["decisions"] == {"approve": 3}


def test_each_reviewer_is_asked(shell, cases):
    review(shell, "--reviewer", "ann", answers="a\na\na\n")
    summary = review(shell, "--reviewer", "bob", answers="a\na\na\n")
    assert summary["decisions"] == {"approve": 3}
    assert len(said(shell)) == 6


def test_other_instructions_make_it_another_question(shell, cases):
    review(shell, answers="a\na\na\n")
    shell.configure("Is the reply kind?", "Is the reply short?")
    assert "redefine" in shell.error("review", "cases.jsonl")
    shell.configure("name: tone", "name: tone\nredefine: true")
    assert review(shell, answers="a\na\na\n")["decisions"] == {"approve": 3}


def test_an_answer_that_cannot_be_learned_yet_is_kept(shell, script):
    script(lambda asked: verdict(True) if asked.title == "verdict" else HttpError(400))
    shell.rows("cases.jsonl", [case(1)])
    summary = review(shell, answers="e\n\nToo cold.\n", code=1)
    assert len(summary["pending"]) == 1
    assert said(shell) == [(False, "Too cold.", True)]
    script()
    assert len(shell.json("align")["distilled"]) == 1
    assert review(shell)["decisions"] == {"done before": 1}


def test_an_answer_outlives_a_refused_key(shell, script):
    script(lambda asked: verdict(True) if asked.title == "verdict" else HttpError(401))
    shell.rows("cases.jsonl", [case(1)])
    stdin = "e\n\nToo cold.\n"
    assert "401" in shell("review", "cases.jsonl", "--json", stdin=stdin, code=2).stderr
    model = script()
    summary = review(shell)  # asks nothing: the answer is there
    assert [p["text"] for p in summary["principles_added"]] == ["Rule: Too cold."]
    assert model.titled("verdict") == []


def test_lines_that_cannot_be_used_are_named(shell, script):
    script()
    shell.rows("cases.jsonl", [case(1), "{", case(2)])
    result = shell("review", "cases.jsonl", stdin="a\na\n", code=1)
    assert "line 2" in result.stderr
    assert len(said(shell)) == 2


def test_a_reviews_file_that_is_none_is_left_alone(shell, cases):
    shell.write("memory.reviews.sqlite", "my notes, and quite long ones at that" * 40)
    assert "memory.reviews.sqlite" in shell.error("review", cases, code=1)
    assert (shell.folder / "memory.reviews.sqlite").read_text().startswith("my notes")
    shell.configure("memory: ./memory", "memory: ./memory\nreviews: other.sqlite")
    review(shell, answers="a\na\na\n")
    assert (shell.folder / "other.sqlite").exists()


def words(shell, *arguments, answers, code=0):
    """What a reviewer reads, in one line."""
    result = shell("review", "cases.jsonl", *arguments, stdin=answers, code=code)
    return " ".join(result.output.replace("│", " ").split())


def test_what_is_typed_is_read_as_everywhere_and_shown_before_it_is_learned(shell, cases):
    shown = words(shell, answers="no\n\nSay sorry.\n\nfalse. He was rude to her.\n\n")
    assert "You are about to teach: false Enter teaches it" in shown
    assert "You are about to teach: “Say sorry.”" in shown
    assert said(shell) == [
        (False, None, True),
        (None, "Say sorry.", True),
        (False, "He was rude to her.", True),
    ]


def test_what_is_typed_is_not_learned_unless_it_is_confirmed(shell, cases):
    review(shell, answers="Say sorry.\nno, wait\nq\n", code=1)
    assert said(shell) == []


def test_what_could_mean_two_things_is_asked_again(shell, cases):
    shown = words(shell, answers="not good\nok?\nCold.\nq\n", code=1)
    assert "may be said of the verdict" in shown
    assert "a question is no answer" in shown
    assert "no value and no sentence" in shown
    assert said(shell) == []


def test_a_label_that_is_a_letter_of_the_menu_is_a_value(shell, script):
    script(lambda asked: verdict("B") if asked.title == "verdict" else one_rule_a_record(asked))
    shell.configure("value_type: bool", "value_type: [A, B, tie]")
    shell.rows("cases.jsonl", [case(1), case(2)])
    summary = review(shell, answers="A\n\napprove\n")
    assert [value for value, *_ in said(shell)] == ["A", "B"]
    assert summary["decisions"] == {"edit": 1, "approve": 1}


def test_the_question_is_shown_and_nothing_is_cut(shell, script):
    script()
    long = " ".join(f"word{n}" for n in range(3000))
    call = {"name": "find", "args": {"id": 5}, "id": "x"}
    talk = [{"role": "user", "content": long}, {"role": "assistant", "tool_calls": [call]}]
    shell.rows("cases.jsonl", [{"inputs": talk, "outputs": {"reply": "No."}}])
    shown = words(shell, answers="q\n", code=1)
    assert "The question" in shown
    assert "Is the reply kind?" in shown
    assert long in shown
    assert "Assistant calls find(id=5)" in shown


def test_back_shows_the_case_before_and_another_answer_replaces_the_first(shell, cases):
    summary = review(shell, answers="a\nb\ne\n\nToo cold.\na\na\n")
    assert summary["decisions"] == {"edit": 1, "approve": 2}
    assert sorted(map(str, said(shell))) == sorted(
        map(str, [(False, "Too cold.", True), (True, None, True), (True, None, True)])
    )
    assert review(shell)["decisions"] == {"done before": 3}


def test_back_to_a_case_that_was_skipped(shell, cases):
    assert review(shell, answers="s\nb\na\na\na\n")["decisions"] == {"approve": 3}


def test_undo_takes_back_the_answer_and_what_was_learned_from_it(shell, cases):
    summary = review(shell, answers="e\n\nToo cold.\nu\nq\n", code=1)
    assert (summary["left"], summary["decisions"]) == (3, {})
    assert summary["principles_added"] == []
    assert said(shell) == []
    assert shell.json("principles") == []
    assert review(shell, answers="a\na\na\n")["decisions"] == {"approve": 3}


def test_a_second_reviewer_may_be_blind_to_the_verdict_and_what_it_rests_on(shell, script):
    def respond(asked):
        if asked.title == "verdict":
            return verdict(False, rationale="Too cold, an expert said.")
        return one_rule_a_record(asked)

    script(respond)
    shell.rows("cases.jsonl", [case(1)])
    words(shell, "--reviewer", "ann", answers="false. Far too cold here.\n\n")

    shown = words(shell, "--reviewer", "bob", "--blind", answers="yes\n\n")
    asked, _, after = shown.partition("You are about to teach: true")
    assert "cold" not in asked
    assert "approve" not in asked
    assert "Too cold, an expert said." in after
    values = {e["reviewer"]: (e["value"], e["judge_value"]) for e in shell.json("episodes")}
    assert values == {"ann": (False, False), "bob": (True, False)}
