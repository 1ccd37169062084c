"""What memory holds: which episode a feedback becomes, and when a principle applies."""

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_memalign.errors import InvalidInputError
from langchain_memalign.schema import Case, Episode, Feedback, Principle, principle_id

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def episode(judge="tone", **fields):
    feedback = {"inputs": "Where is it?", "value": True, "rationale": "Warm.", **fields}
    return Episode.from_feedback(judge, Feedback(**feedback))


def principle(**fields):
    return Principle(**{"id": "p", "text": "Say sorry first.", "created_at": NOON, **fields})


def test_an_episode_holds_what_the_expert_and_the_judge_said():
    feedback = Feedback(
        inputs={"question": "Where is it?"},
        outputs="Unknown.",
        reference_outputs="On its way.",
        value=False,
        rationale="Too cold.",
        reviewer="Ann",
        judge_value=True,
        judge_rationale="It answers.",
    )
    made = Episode.from_feedback("tone", feedback)

    assert made.case == Case(
        inputs={"question": "Where is it?"}, outputs="Unknown.", reference_outputs="On its way."
    )
    assert (made.value, made.rationale, made.reviewer) == (False, "Too cold.", "Ann")
    assert (made.judge_value, made.judge_rationale) == (True, "It answers.")
    assert made.created_at == made.updated_at == feedback.created_at


def test_an_episode_starts_pending():
    assert episode().status == "pending"


@pytest.mark.parametrize(
    "changed",
    [
        {"value": False},
        {"rationale": "Cold."},
        {"created_at": NOON},
        {"judge_value": False, "judge_rationale": "Cold."},
        {"reviewer": ""},
    ],
)
def test_another_word_on_the_same_case_is_the_same_episode(changed):
    assert episode(**changed).id == episode().id


@pytest.mark.parametrize(
    "changed",
    [
        {"judge": "accuracy"},
        {"reviewer": "Ann"},
        {"inputs": "Where is my order?"},
        {"outputs": "Here."},
        {"reference_outputs": "Here."},
        {"id": "row-7"},
    ],
)
def test_another_judge_reviewer_case_or_id_is_another_episode(changed):
    assert episode(**changed).id != episode().id


def test_the_callers_own_id_wins_over_the_content():
    assert episode(id="row-7", inputs="Before").id == episode(id="row-7", inputs="After").id
    assert episode(id="row-7").id != episode(id="row-8").id


def test_two_reviewers_of_one_id_are_two_episodes():
    assert episode(id="row-7", reviewer="Ann").id != episode(id="row-7", reviewer="Bob").id


@given(st.lists(st.tuples(*[st.sampled_from(["a", "b", "a,b", '"', "|", "case:"])] * 3)))
def test_judges_ids_and_reviewers_are_never_confused(parts):
    ids = {(j, i, r): episode(judge=j, id=i, reviewer=r).id for j, i, r in parts}

    assert len(set(ids.values())) == len(ids)


@pytest.mark.parametrize(
    "changed",
    [{"value": False}, {"value": None}, {"rationale": "Cold."}, {"rationale": None}]
    + [{name: "other"} for name in ("inputs", "outputs", "reference_outputs")],
)
def test_a_new_value_rationale_or_case_is_a_new_revision(changed):
    assert episode(id="row-7", **changed).revision != episode(id="row-7").revision


@pytest.mark.parametrize(
    "changed",
    [
        {"created_at": NOON},
        {"judge_value": False, "judge_rationale": "Cold."},
        {"reviewer": "Ann"},
        {"judge": "accuracy"},
        {"id": "row-8"},
    ],
)
def test_nothing_else_is_a_new_revision(changed):
    assert episode(**{"id": "row-7", **changed}).revision == episode(id="row-7").revision


def test_true_one_and_their_texts_are_different_words():
    values = [True, 1, 1.0, "1", "true", "True"]

    assert len({episode(value=value).revision for value in values}) == len(values)


def test_a_revision_does_not_change_when_the_episode_is_learned_or_read_back():
    made = episode(value=1.0)
    again = Episode.model_validate_json(made.model_dump_json())

    assert again == made
    assert again.revision == made.revision
    assert made.model_copy(update={"status": "distilled"}).revision == made.revision


def test_ids_and_revisions_stay_what_they_are_in_memories_on_disk():
    made = episode(inputs={"messages": [("user", "Hi")]}, reviewer="Ann")

    assert made.id == "790f5c23-271d-5e2f-9d63-0f01e68edf4c"
    assert made.revision == "e556593cdcb93c815e51f89f1a2b8ccd"
    assert principle_id("a", "b") == "820e1614-1fd4-5af2-b5cd-bb8755131e94"


def test_a_principles_id_depends_on_its_parts_and_their_order():
    ids = [principle_id(*parts) for parts in (["a", "b"], ["b", "a"], ["ab"], ["a", "b", ""])]

    assert ids[0] == principle_id("a", "b")
    assert len(set(ids)) == len(ids)


def test_a_principle_is_active_until_it_is_retired():
    assert principle().is_active()
    assert not principle(retired_at=NOON + HOUR).is_active()


@pytest.mark.parametrize(
    ("at", "active"),
    [
        (NOON - HOUR, False),
        (NOON, True),
        (NOON + HOUR, True),
        (NOON + 2 * HOUR, False),
        (NOON + 3 * HOUR, False),
    ],
)
def test_a_retired_principle_was_active_from_its_creation_to_its_retirement(at, active):
    retired = principle(retired_at=NOON + 2 * HOUR)

    assert retired.is_active(at) == active
    # The same moment in another time zone.
    assert retired.is_active(at.astimezone(dt.timezone(dt.timedelta(hours=9)))) == active


def test_a_moment_without_a_time_zone_is_refused():
    with pytest.raises(InvalidInputError, match=r"without a time zone; .* datetime\.now\(UTC\)"):
        principle().is_active(NOON.replace(tzinfo=None))


@pytest.mark.parametrize("text", ["", " \n", None, 7, "\ud800"])
def test_a_principle_without_words_is_refused(text):
    with pytest.raises(InvalidInputError, match="Principle is not usable: text"):
        principle(text=text)


@pytest.mark.parametrize(
    "text", ["say  sorry\nfirst", "SAY SORRY FIRST!", " Say sorry first. ", "Say sorry first;"]
)
def test_case_spacing_and_closing_marks_do_not_make_another_rule(text):
    assert principle(text=text).normalised_text == principle().normalised_text


@pytest.mark.parametrize("text", ["Never say sorry first.", "Say sorry, first.", "Say sorry last."])
def test_other_words_make_another_rule(text):
    assert principle(text=text).normalised_text != principle().normalised_text


def test_a_principle_survives_json():
    made = principle(episode_ids=("a", "b"), retired_at=NOON + HOUR, replaced_by="q", pinned=True)

    assert Principle.of(json.loads(made.model_dump_json())) == made
