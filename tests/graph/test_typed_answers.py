"""What each of the answers becomes that people really type, wherever they type it.

In the table, `=` approves the judge's value and `!` rejects it, which on a judge of true or false
is the other value; `?` is asked again; `remark` is a remark alone; all else is that value.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_memalign import Case, InvalidInputError, Verdict
from langchain_memalign._values.answers import read_release
from langchain_memalign._values.types import JudgeSpec
from langchain_memalign._values.words import is_sentence
from langchain_memalign.graph.answer import read_feedback

CASE = Case(inputs="My parcel is lost.", outputs="Not our problem.")
SAME, OTHER, AGAIN, REMARK = "=", "!", "?", "remark"


def judge(value_type):
    return JudgeSpec.create(name="tone", instructions="Is it kind?", value_type=value_type)


# Each judge, and what it said.
JUDGES = [
    (judge(bool), True),
    (judge({"enum": ["good", "fair", "bad"]}), "good"),
    (judge({"type": "integer", "minimum": 1, "maximum": 5}), 3),
    (judge({"type": "number", "minimum": 0, "maximum": 1}), 0.5),
]

# What is typed; what it becomes for the four judges.
TYPED = {
    # Assent and dissent, and nothing else.
    "ok": (SAME, SAME, SAME, SAME),
    "OK!": (SAME, SAME, SAME, SAME),
    "fine": (SAME, SAME, SAME, SAME),
    "yep": (SAME, SAME, SAME, SAME),
    "looks good to me": (SAME, SAME, SAME, SAME),
    "I agree.": (SAME, SAME, SAME, SAME),
    "send it": (SAME, SAME, SAME, SAME),
    "ok, send it 👍": (SAME, SAME, SAME, SAME),
    "yes please": (SAME, SAME, SAME, SAME),
    "✅": (SAME, SAME, SAME, SAME),
    "✔️": (SAME, SAME, SAME, SAME),
    "approve": (SAME, SAME, SAME, SAME),
    "nope": (OTHER, OTHER, OTHER, OTHER),
    "nah": (OTHER, OTHER, OTHER, OTHER),
    "I disagree": (OTHER, OTHER, OTHER, OTHER),
    "not ok": (OTHER, OTHER, OTHER, OTHER),
    "don't send it!": (OTHER, OTHER, OTHER, OTHER),
    "❌": (OTHER, OTHER, OTHER, OTHER),
    "reject": (OTHER, OTHER, OTHER, OTHER),
    # Values of true and false, which here mean the same as assent and dissent.
    "yes": (SAME, SAME, SAME, SAME),
    "ja": (SAME, SAME, SAME, SAME),
    "👍🏽": (SAME, SAME, SAME, SAME),
    "no": (OTHER, OTHER, OTHER, OTHER),
    "Nein.": (OTHER, OTHER, OTHER, OTHER),
    "👎": (OTHER, OTHER, OTHER, OTHER),
    "👎👎": (OTHER, OTHER, OTHER, OTHER),
    "true": (True, AGAIN, AGAIN, AGAIN),
    "false.": (False, AGAIN, AGAIN, AGAIN),
    "fail": (False, AGAIN, AGAIN, AGAIN),
    # Labels.
    "good": (AGAIN, "good", AGAIN, AGAIN),
    "Bad!": (AGAIN, "bad", AGAIN, AGAIN),
    "“bad”": (AGAIN, "bad", AGAIN, AGAIN),
    "it's bad": (AGAIN, "bad", AGAIN, AGAIN),
    "I'd say fair": (REMARK, "fair", REMARK, REMARK),
    # Numbers.
    "1": (True, AGAIN, 1, 1.0),
    "4": (AGAIN, AGAIN, 4, AGAIN),
    "4.0": (AGAIN, AGAIN, 4, AGAIN),
    " **4** ": (AGAIN, AGAIN, 4, AGAIN),
    "4️⃣": (AGAIN, AGAIN, 4, AGAIN),
    "four": (AGAIN, AGAIN, 4, AGAIN),
    "I'd give it a 4": (AGAIN, AGAIN, 4, AGAIN),
    "4/5": (AGAIN, AGAIN, 4, AGAIN),
    "4 out of 5": (AGAIN, AGAIN, 4, AGAIN),
    "5 stars": (AGAIN, AGAIN, 5, AGAIN),
    "★★☆☆☆": (AGAIN, AGAIN, 2, AGAIN),
    "⭐️⭐️": (AGAIN, AGAIN, 2, AGAIN),
    "no, 4": (AGAIN, AGAIN, 4, AGAIN),
    "0,25": (AGAIN, AGAIN, AGAIN, 0.25),
    ".75": (AGAIN, AGAIN, AGAIN, 0.75),
    "7/10": (AGAIN, AGAIN, AGAIN, AGAIN),
    "7": (AGAIN, AGAIN, AGAIN, AGAIN),
    # What tells neither.
    "ja?": (AGAIN, AGAIN, AGAIN, AGAIN),
    "4?": (AGAIN, AGAIN, AGAIN, AGAIN),
    "not good": (AGAIN, AGAIN, AGAIN, AGAIN),
    "very bad": (AGAIN, AGAIN, AGAIN, AGAIN),
    "great": (AGAIN, AGAIN, AGAIN, AGAIN),
    "maybe": (AGAIN, AGAIN, AGAIN, AGAIN),
    "hmm": (AGAIN, AGAIN, AGAIN, AGAIN),
    "Cold.": (AGAIN, AGAIN, AGAIN, AGAIN),
    "...": (AGAIN, AGAIN, AGAIN, AGAIN),
    # Sentences, the last ones with a value before them.
    "Say sorry first.": (REMARK, REMARK, REMARK, REMARK),
    "Too cold.": (REMARK, REMARK, REMARK, REMARK),
    "Fine, but say sorry first.": (REMARK, REMARK, REMARK, REMARK),
    "True, he was rude to her.": (REMARK, REMARK, REMARK, REMARK),
    "先に謝罪してください": (REMARK, REMARK, REMARK, REMARK),
    "Bad: it blames the customer.": (REMARK, "bad", REMARK, REMARK),
    "2 - it blames the customer": (REMARK, REMARK, 2, REMARK),
}

PLACES = {
    "resume": lambda text: text,
    "Agent Inbox response": lambda text: [{"type": "response", "args": text}],
    "Agent Inbox edit": lambda text: [
        {"type": "edit", "args": {"action": "tone", "args": {"value": "", "rationale": text}}}
    ],
    "Studio form": lambda text: {"rationale": text},
    "Agent Chat UI reject": lambda text: {"decisions": [{"type": "reject", "message": text}]},
}


def become(typed, place, spec, said):
    """What an answer becomes, in the table's words, and the remark that is learned from it."""
    verdict = Verdict(value=said, rationale="Because.")
    try:
        _, word = read_feedback(PLACES[place](typed), spec, CASE, verdict)
    except InvalidInputError as error:
        return OTHER if "which value is right" in str(error) else AGAIN, None
    return REMARK if word.value is None else word.value, word.rationale


def expected(meant, place, said):
    """The value, or else what happens."""
    is_rejected = place == "Agent Chat UI reject"
    other = (not said) if isinstance(said, bool) else OTHER
    if meant == SAME and not isinstance(meant, bool):
        return AGAIN if is_rejected else said  # to reject, and say yes: these differ
    if meant == OTHER:
        return other
    if not is_rejected:
        return meant
    if type(meant) is type(said) and meant == said and meant not in (AGAIN, REMARK):
        return AGAIN
    if meant == REMARK:
        return other if isinstance(said, bool) else REMARK
    return meant


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("typed", TYPED)
def test_what_is_typed_becomes_the_same_wherever_it_is_typed(typed, place):
    for (spec, said), meant in zip(JUDGES, TYPED[typed], strict=True):
        value, remark = become(typed, place, spec, said)
        wanted = expected(meant, place, said)
        if place == "Agent Chat UI reject" and wanted == AGAIN:
            # What alone would be asked again may be clear once it is rejected, too.
            assert value in (AGAIN, OTHER, False)
        else:
            assert (type(value), value) == (type(wanted), wanted), spec.value_type.describe()
        is_sentence = REMARK in TYPED[typed]
        assert (
            remark is None
            or is_sentence
            or (place, typed)
            == (
                "Agent Chat UI reject",
                "Cold.",
            )
        )


@given(
    st.text()
    | st.lists(st.sampled_from([*TYPED, ",", ".", ":", "?", "not", "a"]), max_size=5).map(" ".join)
)
def test_whatever_is_typed_is_a_value_of_the_judge_or_a_sentence_or_asked_again(typed):
    for spec, said in JUDGES:
        value, remark = become(typed, "resume", spec, said)
        if value not in (AGAIN, OTHER, REMARK):
            assert spec.value_type.check(value) == value
        assert remark is None or is_sentence(remark)


RELEASED = {
    "approve": ["yes", "ok", "ok send it", "✅", "👍", "send", "Send it!", "ja", "lgtm"],
    "reject": ["no", "nope", "withhold", "don't send it", "❌", "👎", "not ok", "Withhold it."],
}


@pytest.mark.parametrize(
    ("typed", "decision"), [(text, d) for d, texts in RELEASED.items() for text in texts]
)
@pytest.mark.parametrize("place", ["resume", "Agent Inbox response", "Studio form"])
def test_assent_releases_and_dissent_withholds(typed, decision, place):
    for spec, _ in JUDGES:
        answer = read_release(PLACES[place](typed), spec)
        assert (answer.decision, answer.value, answer.remark) == (decision, None, None)


def test_a_release_may_come_with_a_value_a_remark_or_another_text():
    spec, _ = JUDGES[2]
    edited = {"reply": "Sorry!", "value": "4", "rationale": "Say sorry."}
    answer = read_release([{"type": "edit", "args": {"action": "send", "args": edited}}], spec)
    assert (answer.decision, answer.value, answer.remark) == ("edit", 4, "Say sorry.")
    assert answer.arguments == {"reply": "Sorry!"}

    answer = read_release({"decisions": [{"type": "approve", "message": "Kind enough."}]}, spec)
    assert (answer.decision, answer.value, answer.remark) == ("approve", None, "Kind enough.")


@pytest.mark.parametrize("typed", ["", "good", "yes, no", "ok?", "maybe", "7", {"type": "maybe"}])
def test_what_does_not_tell_whether_to_release_is_asked_again(typed):
    with pytest.raises(InvalidInputError):
        read_release(typed, JUDGES[2][0])
