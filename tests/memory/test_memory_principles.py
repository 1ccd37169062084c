"""Which principles are put before the judge, and what applied at an earlier time."""

from datetime import datetime

import pytest

from langchain_memalign import InvalidInputError, Memory

from .remembering import (
    JUDGE,
    Compass,
    case,
    episode,
    inputs_of,
    on_day,
    principle,
    remember,
    texts_of,
)


@pytest.fixture
def memory():
    with Memory.open(":memory:", embeddings=Compass()) as memory:
        yield memory


# Each of these texts is estimated at three tokens.
def about(angle, **fields):
    return principle(f"About {angle:>3}°", **fields)


def test_all_active_principles_come_back_in_the_order_they_were_learned(memory):
    remember(memory, about(20, day=3), about(90, day=1), about(10, day=2))
    found = memory.recall(JUDGE, case())
    assert texts_of(found) == ["About  90°", "About  10°", "About  20°"]
    assert found.principles_total == 3


def test_over_the_budget_the_nearest_are_shown_and_the_total_is_told(memory):
    remember(memory, about(170, day=1), about(40, day=2), about(90, day=3), about(10, day=4))
    found = memory.recall(JUDGE, case(), principle_tokens=6)
    assert texts_of(found) == ["About  40°", "About  10°"]
    assert found.principles_total == 4


def test_what_is_near_depends_on_the_case_but_the_order_shown_does_not(memory):
    remember(memory, about(0, day=1), about(45, day=2), about(90, day=3))
    first = memory.recall(JUDGE, case("0°", "0°"), principle_tokens=6)
    second = memory.recall(JUDGE, case("90°", "90°"), principle_tokens=6)
    assert texts_of(first) == ["About   0°", "About  45°"]
    assert texts_of(second) == ["About  45°", "About  90°"]


def test_pinned_principles_come_before_nearer_ones(memory):
    remember(memory, about(10, day=1), about(20, day=2), about(170, day=3, pinned=True))
    found = memory.recall(JUDGE, case(), principle_tokens=6)
    assert texts_of(found) == ["About  10°", "About 170°"]


def test_one_that_is_longer_than_the_budget_does_not_keep_the_others_out(memory):
    long = principle("About 0° and " + "more " * 100, day=1, pinned=True)
    remember(memory, long, about(10, day=2), about(20, day=3))
    found = memory.recall(JUDGE, case(), principle_tokens=6)
    assert texts_of(found) == ["About  10°", "About  20°"]
    assert found.principles_total == 3


def test_without_any_budget_none_is_shown_but_they_are_counted(memory):
    remember(memory, about(10))
    found = memory.recall(JUDGE, case(), principle_tokens=0)
    assert (found.principles, found.principles_total) == ((), 1)


def test_retired_principles_are_kept_but_not_shown(memory):
    old = about(10, retired_at=on_day(5), replaced_by=about(20).id)
    remember(memory, old, about(20, day=5))
    assert texts_of(memory.recall(JUDGE, case())) == ["About  20°"]
    assert [p.text for p in memory.principles(JUDGE)] == ["About  20°"]
    assert memory.principles(JUDGE, retired=True) == [old, about(20, day=5)]


# As it was


@pytest.fixture
def history(memory):
    """A principle from day 1 is replaced on day 5; a case comes in on day 2, another on day 6."""
    remember(
        memory,
        about(10, day=1, retired_at=on_day(5)),
        about(20, day=5),
        episode("2°", value=True, day=2),
        episode("1°", value=False, day=6),
    )
    return memory


@pytest.mark.parametrize(
    ("day", "principles", "cases", "counts"),
    [
        (0, [], [], {}),
        (1, ["About  10°"], [], {}),
        (2, ["About  10°"], ["2°"], {"true": 1}),
        (4.9, ["About  10°"], ["2°"], {"true": 1}),
        (5, ["About  20°"], ["2°"], {"true": 1}),
        (6, ["About  20°"], ["1°", "2°"], {"true": 1, "false": 1}),
        (99, ["About  20°"], ["1°", "2°"], {"true": 1, "false": 1}),
    ],
)
def test_recall_as_of_a_moment_shows_what_was_known_then(history, day, principles, cases, counts):
    then = on_day(day)
    found = history.recall(JUDGE, case(), as_of=then)
    assert texts_of(found) == principles
    assert found.principles_total == len(principles)
    assert inputs_of(found) == cases
    assert found.value_counts == counts
    assert [p.text for p in history.principles(JUDGE, as_of=then)] == principles
    assert sorted(e.case.inputs for e in history.episodes(JUDGE, as_of=then)) == cases


def test_asking_for_an_earlier_time_does_not_change_the_present(history):
    history.recall(JUDGE, case(), as_of=on_day(1))
    assert texts_of(history.recall(JUDGE, case())) == ["About  20°"]


def test_retired_principles_of_an_earlier_time_were_there_at_that_time(history):
    def known(day):
        return [p.text for p in history.principles(JUDGE, as_of=on_day(day), retired=True)]

    assert known(0) == []
    assert known(4) == ["About  10°"]
    assert known(6) == ["About  10°", "About  20°"]


def test_the_budget_as_of_a_moment_ranks_the_principles_of_that_moment(memory):
    gone = [about(angle, day=1, retired_at=on_day(5)) for angle in (170, 90, 10)]
    remember(memory, *gone, about(0, day=6))
    found = memory.recall(JUDGE, case(), principle_tokens=3, as_of=on_day(2))
    assert (texts_of(found), found.principles_total) == (["About  10°"], 3)


@pytest.mark.parametrize("method", ["episodes", "principles"])
async def test_a_moment_without_a_time_zone_is_refused(memory, method):
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 (the mistake in question)
    refused = pytest.raises(InvalidInputError, match=r"found 2026-01-01T00:00:00 without a time z")
    with refused:
        getattr(memory, method)(JUDGE, as_of=naive)
    with refused:
        await getattr(memory, f"a{method}")(JUDGE, as_of=naive)
    with refused:
        memory.recall(JUDGE, case(), as_of=naive)
    with refused:
        await memory.arecall(JUDGE, case(), as_of=naive)
