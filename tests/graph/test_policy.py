"""Which judgements a human is asked about."""

from datetime import UTC, datetime

import pytest
from fakes import verdict

from langchain_memalign import (
    Case,
    ConfigurationError,
    Episode,
    Recalled,
    Unscored,
    Verdict,
    WorkingMemory,
    create_review_graph,
)
from langchain_memalign._judging.setup import Budgets
from langchain_memalign._values.types import ValueType
from langchain_memalign.graph.policy import is_uncertain

from .cases import CASE, OTHER_CASE, taught

SURE = Verdict(value=True, rationale="Because.")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BOOLEAN = ValueType.parse(bool)
STARS = ValueType.parse({"type": "integer", "minimum": 1, "maximum": 5})
SHARE = ValueType.parse({"type": "number", "minimum": 0, "maximum": 1})
SAME = [(0.9, True), (0.8, True), (0.7, True)]


def episode(value):
    return Episode(
        id=str(value), case=Case(outputs="a"), value=value, created_at=NOON, updated_at=NOON
    )


def uncertain(said, outcome=SURE, value_type=BOOLEAN, k=5, also=()):
    recalled = [Recalled(episode=episode(value), similarity=near) for near, value in said]
    if also:
        recalled[0] = recalled[0].model_copy(update={"also": tuple(map(episode, also))})
    budgets = Budgets(k=k, principle_tokens=1, case_tokens=1, episode_tokens=1, distant=0.3)
    memory = WorkingMemory(episodes=recalled)
    return is_uncertain(outcome, memory, value_type=value_type, budgets=budgets)


def test_enough_near_and_agreeing_episodes_are_certain():
    assert not uncertain(SAME)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("none", []),
        ("few", SAME[:2]),
        ("distant", [(0.2, True), (0.2, True), (0.1, True)]),
        ("too few that are near", [(0.9, True), (0.8, True), (0.1, True)]),
        ("disagreeing", [*SAME, (0.6, False)]),
    ],
)
def test_each_reason_for_uncertainty(reason, said):
    assert uncertain(said)


def test_an_unscored_case_is_uncertain():
    assert uncertain(SAME, Unscored(reason="The reply was empty."))


def test_reviewers_who_disagree_on_one_case_make_it_uncertain():
    assert uncertain(SAME, also=[False])
    assert not uncertain(SAME, also=[True])


def test_what_lies_far_away_does_not_disagree():
    assert not uncertain([*SAME, (0.1, False)])


def test_remarks_without_a_value_do_not_disagree():
    assert not uncertain([*SAME, (0.8, None)])


@pytest.mark.parametrize(
    ("value_type", "values", "differ"),
    [
        (STARS, [4, 4, 4], False),
        (STARS, [4, 5, 4], True),
        (SHARE, [0.6, 0.7, 0.8], False),
        (SHARE, [0.2, 0.3, 0.8], True),
        (SHARE, [0.5, "good", 0.5], False),  # from before the judge had this scale
        (BOOLEAN, [True, 1, True], True),
    ],
)
def test_disagreement_is_that_of_the_scale(value_type, values, differ):
    said = [(0.9, value) for value in values]
    assert uncertain(said, value_type=value_type) is differ


@pytest.mark.parametrize(
    ("k", "shown", "expected"), [(2, 2, False), (2, 1, True), (1, 1, False), (0, 0, True)]
)
def test_few_is_measured_by_what_the_judge_is_shown(k, shown, expected):
    assert uncertain(SAME[:shown], k=k) is expected


async def is_asked(drive, bench, saver, thread, review, case=CASE):
    graph = create_review_graph(bench.judge, review=review, checkpointer=saver)
    state = await drive.invoke(graph, case, thread)
    asked = "__interrupt__" in state
    assert graph.get_state(thread).next == (("human_review",) if asked else ())
    assert state["needs_review"] is asked
    return asked


async def test_always_and_never(drive, bench, saver, thread, new_thread):
    assert await is_asked(drive, bench, saver, thread, "always")
    assert not await is_asked(drive, bench, saver, new_thread(), "never")
    assert bench.judge.episodes() == []


async def test_uncertain(drive, bench, saver, new_thread):
    async def asked(case=CASE):
        return await is_asked(drive, bench, saver, new_thread(), "uncertain", case)

    assert await asked()  # few
    similar = ["My parcel is lost now.", "Our parcel is lost.", "My parcel is lost again."]
    bench.judge.align([taught(text, True) for text in similar])
    assert not await asked()
    assert await asked(OTHER_CASE)  # distant
    bench.judge.align([taught("My parcel is lost, too.", False)])
    assert await asked()  # disagreeing


async def test_uncertain_when_unscored(drive, make_bench, saver, thread):
    bench = make_bench(lambda request: "Hm.")
    assert await is_asked(drive, bench, saver, thread, "uncertain")


async def test_a_function_decides_by_what_the_judge_had_and_said(drive, make_bench, saver, thread):
    met = []

    def first(case, outcome, memory):
        met.append((case, outcome, memory))
        return outcome.value is False

    bench = make_bench(lambda request: verdict(False))
    bench.judge.add_principle("Be kind.")

    assert await is_asked(drive, bench, saver, thread, first)
    ((case, outcome, memory),) = met
    assert (case, outcome.value) == (Case.of(CASE), False)
    assert [principle.text for principle in memory.principles] == ["Be kind."]


async def ask_later(case, outcome, memory):
    return True


@pytest.mark.parametrize(
    ("review", "found"),
    [
        ("sometimes", "'sometimes'"),
        (True, "True"),
        (None, "None"),
        (ask_later, "an async function"),
    ],
)
def test_an_unusable_policy_is_told_at_once(bench, review, found):
    with pytest.raises(ConfigurationError, match=f"review: found {found}"):
        create_review_graph(bench.judge, review=review)
