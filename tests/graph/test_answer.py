"""Every dialect in which a reviewer may answer."""

import json

import pytest

from langchain_memalign import Case, InvalidInputError, Unscored, Verdict
from langchain_memalign._values.types import JudgeSpec
from langchain_memalign.graph.answer import read_feedback


def spec(value_type):
    return JudgeSpec.create(name="tone", instructions="Is it kind?", value_type=value_type)


BOOLEAN = spec(bool)
STARS = spec({"type": "integer", "minimum": 1, "maximum": 5})
LABELS = spec({"enum": ["good", "bad"]})
CASE = Case(inputs="My parcel is lost.", outputs="Not our problem.")
KIND = Verdict(value=True, rationale="It is kind.\nVery.")
THREE = Verdict(value=3, rationale="So so.")
GOOD = Verdict(value="good", rationale="Fine.")
UNSCORED = Unscored(reason="The reply was empty.")
ACTION = "review_judgment"


def inbox(kind, args):
    return [{"type": kind, "args": args}]


def inbox_edit(value, rationale, kind="edit"):
    return inbox(kind, {"action": ACTION, "args": {"value": value, "rationale": rationale}})


def chat(kind, **fields):
    return {"decisions": [{"type": kind, **fields}]}


def chat_edit(value, rationale):
    args = {"value": value, "rationale": rationale}
    return chat("edit", edited_action={"name": ACTION, "args": args})


def form(decision, **fields):
    return {"decision": decision, **fields}


# What was answered, and the value and rationale that were understood.
ANSWERS = {
    "inbox accepts": (inbox_edit("true", "It is kind.\r\nVery.", "accept"), True, None),
    "inbox accepts without args": (inbox("accept", None), True, None),
    "inbox edits the value": (inbox_edit("false", "It is kind.\nVery."), False, None),
    "inbox edits the rationale": (inbox_edit("true", "Polite."), True, "Polite."),
    "inbox edits both": (inbox_edit("False", "Cold."), False, "Cold."),
    "inbox clears the value": (inbox_edit("", "Too cold."), None, "Too cold."),
    "inbox responds": (inbox("response", "Say sorry."), None, "Say sorry."),
    "inbox, not in a list": (inbox("response", "Say sorry.")[0], None, "Say sorry."),
    "chat approves": (chat("approve"), True, None),
    "chat edits": (chat_edit("false", "Cold."), False, "Cold."),
    "chat edits with a typed value": (chat_edit(False, "Cold."), False, "Cold."),
    "chat rejects": (chat("reject", message="Say sorry."), False, "Say sorry."),
    "chat rejects without a word": (chat("reject"), False, None),
    "chat responds": (chat("respond", message="Say sorry."), None, "Say sorry."),
    "form approves": (form("approve"), True, None),
    "form approves as filled in": (form("approve", value=True, rationale=""), True, None),
    "form approves and adds why": (form("approve", rationale="Warm."), True, "Warm."),
    "form edits": (form("edit", value=False, rationale="Cold."), False, "Cold."),
    "form rejects": (form("reject", rationale="Say sorry."), False, "Say sorry."),
    "form rejects, value untouched": (
        form("reject", value=True, rationale="Cold."),
        False,
        "Cold.",
    ),
    "form rejects, all untouched": (form("reject", value=True), False, None),
    "form rejects, other value": (form("reject", value=False, rationale="Cold."), False, "Cold."),
    "form rejects by value alone": (form("reject", value=False), False, None),
    "no decision": ({"value": False, "rationale": "Cold."}, False, "Cold."),
    "no decision, only why": ({"rationale": "Too cold."}, None, "Too cold."),
    "in capitals": (form(" Approve "), True, None),
    "plain text": ("Say sorry first.", None, "Say sorry first."),
    "plain text, a decision": ("Approve", True, None),
    "plain text, a value": ("false", False, None),
    "plain text, almost JSON": ("[" * 100_000 + " a b", None, "[" * 100_000 + " a b"),
    "plain text, a value and why": ("No. Say sorry.", False, "Say sorry."),
    "consent or value, and both are the same": ("yes", True, None),
    "the same as JSON": (True, True, None),
    "a decision in other words": (form("ok"), True, None),
    "a remark that repeats the value": (form("edit", value=False, rationale="no!"), False, None),
    "JSON text": (json.dumps(form("edit", value=False)), False, None),
    "JSON text of a list": (json.dumps(inbox_edit("false", "Cold.")), False, "Cold."),
}


@pytest.mark.parametrize(("answer", "value", "rationale"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_becomes_feedback(answer, value, rationale):
    _, word = read_feedback(answer, BOOLEAN, CASE, KIND)

    assert (word.value, word.rationale) == (value, rationale)
    assert (word.judge_value, word.judge_rationale) == (True, KIND.rationale)
    assert word.case == CASE


@pytest.mark.parametrize(
    "answer",
    [
        form("ignore"),
        inbox("ignore", None),
        chat("ignore"),
        "ignore",
        '{"type": "ignore"}',
        # The inboxes have no button for it, but fields for a remark.
        inbox("response", "Ignore."),
        inbox_edit("true", "no comment"),
        chat("reject", message="ignore"),
    ],
    ids=repr,
)
def test_ignoring_is_no_feedback(answer):
    assert read_feedback(answer, BOOLEAN, CASE, KIND)[1] is None


@pytest.mark.parametrize(
    "answer",
    [
        form("edit", value=False, reviewer="Ann"),
        {**inbox_edit("false", "Cold.")[0], "reviewer": "Ann"},
        inbox("edit", {"action": ACTION, "args": {"value": "false", "reviewer": "Ann"}}),
    ],
    ids=["form", "beside", "inside"],
)
def test_a_reviewer_is_named(answer):
    assert read_feedback(answer, BOOLEAN, CASE, KIND)[1].reviewer == "Ann"


@pytest.mark.parametrize(
    ("answer", "verdict", "judge", "value", "rationale"),
    [
        ("4", THREE, STARS, 4, None),
        (4, THREE, STARS, 4, None),
        (4.0, THREE, STARS, 4, None),
        ("Four stars", THREE, STARS, 4, None),
        (inbox_edit("5", "So so."), THREE, STARS, 5, None),
        (form("approve", value=3), THREE, STARS, 3, None),
        ("bad", GOOD, LABELS, "bad", None),
        ('"bad"', GOOD, LABELS, "bad", None),
        ("Bad.", GOOD, LABELS, "bad", None),
        (form("reject", rationale="It is cold."), GOOD, LABELS, None, "It is cold."),
        (form("reject", value="good", rationale="bad"), GOOD, LABELS, "bad", None),
        (inbox_edit("BAD", "Fine."), GOOD, LABELS, "bad", None),
    ],
)
def test_values_are_read_by_their_type(answer, verdict, judge, value, rationale):
    _, word = read_feedback(answer, judge, CASE, verdict)
    assert (word.value, word.rationale) == (value, rationale)
    assert type(word.value) is type(value)


UNUSABLE = {
    "nothing": (None, "expected one answer"),
    "empty": ({}, "found the decision None"),
    "blank text": (" ", "say why"),
    "several": ([form("approve"), form("approve")], "expected one answer"),
    "none of several": ({"decisions": []}, "expected one answer"),
    "unknown decision": (form("maybe"), "found the decision 'maybe'"),
    "decision of a strange type": ({"type": ["edit"]}, r"found the decision \['edit'\]"),
    "unreadable value": (form("edit", value="perhaps"), "expected true or false"),
    "value of a strange type": (form("edit", value=[True]), "expected true or false"),
    "number without meaning": ("7", "expected true or false"),
    "edit of nothing": (form("edit"), "say why"),
    "edit with the judge's words only": (form("edit", rationale=KIND.rationale), "say why"),
    "edit with a remark for the other value": (
        form("edit", value=True, rationale="false"),
        "these differ",
    ),
    "approval with a word against it": (chat("approve", message="nope"), "these differ"),
    "a word": ("Cold.", "no value and no sentence"),
    "a question": ("false?", "a question is no answer"),
    "neither": ("not great", "may be said of the verdict, or of what was judged"),
    "a value untouched and a doubt": (
        form("edit", value=True, rationale="not good"),
        "may be said of the verdict",
    ),
    "approval of another value": (form("approve", value=False), "approve true but give.* false"),
    "rationale that is no text": (form("edit", rationale=5), "rationale"),
    "reviewer that is no name": (form("approve", reviewer=["Ann"]), "reviewer"),
    "broken Unicode": (form("reject", rationale="\ud800"), "surrogate"),
}


@pytest.mark.parametrize(("answer", "told"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_answer_is_told(answer, told):
    with pytest.raises(InvalidInputError, match=told):
        read_feedback(answer, BOOLEAN, CASE, KIND)


@pytest.mark.parametrize("answer", [True, False, "yes", "no", "ja", "👍", "👎"], ids=repr)
def test_what_may_be_a_value_or_consent_is_asked_again(answer):
    unkind = Verdict(value=False, rationale="It is not.")
    with pytest.raises(InvalidInputError, match="may be a value or consent"):
        read_feedback(answer, BOOLEAN, CASE, unkind)


@pytest.mark.parametrize("no", ["No. It never says sorry.", "no", "👎"])
def test_a_no_to_what_was_judged_is_not_taken_for_one_to_the_verdict(no):
    unkind = Verdict(value=False, rationale="It is not.")
    with pytest.raises(InvalidInputError, match=r"you reject false, but .* that very value"):
        read_feedback(chat("reject", message=no), BOOLEAN, CASE, unkind)

    _, word = read_feedback(form("reject", value=True, rationale=no), BOOLEAN, CASE, unkind)
    assert word.value is True


def test_who_rejects_a_verdict_of_many_values_is_asked_which_is_right():
    for answer in (form("reject"), form("reject", rationale="nope"), "wrong", "👎"):
        with pytest.raises(InvalidInputError, match="which value is right, if not 3"):
            read_feedback(answer, STARS, CASE, THREE)


def test_without_a_verdict_there_is_nothing_to_approve_but_all_else_to_say():
    with pytest.raises(InvalidInputError, match="no verdict to approve"):
        read_feedback(form("approve"), BOOLEAN, CASE, UNSCORED)

    _, word = read_feedback(form("reject", value=False), BOOLEAN, CASE, UNSCORED)

    assert (word.value, word.judge_value, word.judge_rationale) == (False, None, None)


def test_this_one_is_no_number():
    said, feedback = read_feedback(
        form("edit", value=False, rationale="This one is not."), BOOLEAN, CASE, KIND
    )
    assert (said.decision, feedback.value, feedback.rationale) == ("edit", False, None)
