"""Every text of a state, and how values, times and names are said."""

import string
from datetime import UTC, datetime, timedelta

import pytest

from langchain_memalign import InvalidInputError
from langchain_memalign._values.types import JudgeSpec, ValueType
from langchain_memalign.reviews import Wording
from langchain_memalign.web import words
from langchain_memalign.web.views import text
from langchain_memalign.web.wording import Words

NOW = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
FILLED = {
    name: name.upper()
    for _, name, _, _ in string.Formatter().parse(
        " ".join(f"{s.first} {s.then}" for s in words.STATES.values())
    )
    if name
}


@pytest.mark.parametrize("name", sorted(words.STATES))
def test_every_state_has_words_that_can_be_filled_in(name):
    state = words.STATES[name]
    said = f"{state.first} {state.then}".format(**FILLED)
    assert state.first
    assert "{" not in said
    assert not any(word in said.casefold() for word in ("episode", "principle", "json", "verdict"))


def words_for(value_type, question="Is it kind?", **wording):
    kind = ValueType.parse(value_type)
    spec = JudgeSpec.create(name="support_tone", instructions=question, value_type=kind)
    return Words(spec, Wording.create(kind, **wording))


@pytest.mark.parametrize(
    ("value_type", "question", "said"),
    [
        (bool, "Is it kind?", ["Yes", "No"]),
        (bool, "Judge kindness.", ["Passes", "Does not pass"]),
        ({"enum": ["A", "B", "tie"]}, "Which?", ["A is better", "B is better", words.PAIR["tie"]]),
        ({"enum": ["good", "bad"]}, "How?", ["good", "bad"]),
        ({"type": "integer", "minimum": 1, "maximum": 3}, "How?", ["1", "2", "3"]),
    ],
)
def test_values_have_words_without_any_being_given(value_type, question, said):
    assert [option.words for option in words_for(value_type, question).options] == said


def test_a_judge_is_called_by_its_name_without_its_tenant():
    assert words_for(bool).title == "Support tone"


@pytest.mark.parametrize("values", [["One"], {"maybe": "Perhaps"}, {True: ""}, {True: 3}])
def test_words_for_what_is_no_value_are_refused(values):
    with pytest.raises(InvalidInputError, match="values"):
        words_for(bool, values=values)


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=20), "20 seconds ago"),
        (timedelta(minutes=2), "2 minutes ago"),
        (timedelta(days=1), "yesterday"),
        (timedelta(days=3), "on 9 May"),
        (timedelta(days=400), "on 7 April 2025"),
    ],
)
def test_times_are_said_as_people_say_them(ago, said):
    assert text.ago(NOW - ago, at=NOW) == said


@pytest.mark.parametrize(
    ("name", "short", "letters"),
    [
        ("Ann Becker", "Ann", "AB"),
        ("Dr Ines Roth", "Ines", "IR"),
        ("Jo", "Jo", "J"),
        ("\u202e", "\u202e", "?"),
    ],
)
def test_names_are_shortened(name, short, letters):
    assert (text.short_name(name), text.initials(name)) == (short, letters)


def test_marks_stand_for_what_nobody_would_see_and_lawful_ones_stay():
    assert text.seen("a\u200bb") == 'a<span class="unseen" title="zero width space">ZWSP</span>b'
    assert text.seen("\u200eA-1043\u061c") == "\u200eA-1043\u061c"
    assert text.seen("<b>&") == "&lt;b&gt;&amp;"
