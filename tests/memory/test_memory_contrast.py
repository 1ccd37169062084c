"""The cases shown are not one-sided when the memory near to them is not."""

import pytest

from langchain_memalign import Memory

from .remembering import JUDGE, Compass, case, episode, inputs_of, remember


@pytest.fixture
def memory():
    with Memory.open(":memory:", embeddings=Compass()) as memory:
        yield memory


def recalled(memory, *records, k=3):
    """Which cases come back when these (inputs, value) are remembered."""
    remember(memory, *(episode(inputs, value=value) for inputs, value in records))
    return inputs_of(memory.recall(JUDGE, case(), k=k))


def test_the_last_of_a_one_sided_few_gives_way_to_a_near_case_of_another_value(memory):
    near = [("1°", True), ("2°", True), ("3°", True), ("4°", True), ("30°", False), ("40°", False)]
    assert recalled(memory, *near) == ["1°", "2°", "30°"]


def test_a_distant_case_of_another_value_takes_no_place(memory):
    near = [("1°", True), ("2°", True), ("3°", True), ("120°", False)]
    assert recalled(memory, *near) == ["1°", "2°", "3°"]


def test_nearness_for_contrast_is_measured_by_the_nearest(memory):
    # Of a nearest case that is itself only 0.5 near, 0.33 is near.
    far = [("90°", True), ("91°", True), ("110°", False)]
    assert recalled(memory, *far, k=2) == ["90°", "110°"]


def test_what_is_not_one_sided_stays_the_nearest(memory):
    near = [("1°", True), ("2°", False), ("3°", True), ("4°", False)]
    assert recalled(memory, *near) == ["1°", "2°", "3°"]


def test_where_all_agree_the_nearest_come_back(memory):
    near = [("1°", True), ("2°", True), ("3°", True), ("4°", True)]
    assert recalled(memory, *near) == ["1°", "2°", "3°"]


def test_the_only_one_shown_is_the_nearest(memory):
    assert recalled(memory, ("1°", True), ("2°", False), k=1) == ["1°"]


def test_labels_contrast_as_soon_as_they_differ(memory):
    near = [("1°", "good"), ("2°", "good"), ("20°", "fair"), ("30°", "bad")]
    assert recalled(memory, *near, k=2) == ["1°", "20°"]


def test_a_case_without_a_value_is_no_contrast(memory):
    near = [("1°", True), ("2°", True), ("10°", None), ("20°", False)]
    assert recalled(memory, *near, k=2) == ["1°", "20°"]


def test_a_remark_without_a_value_among_the_nearest_stays(memory):
    near = [("1°", True), ("2°", None), ("10°", False)]
    assert recalled(memory, *near, k=2) == ["1°", "2°"]


def test_numbers_contrast_only_when_they_differ_materially(memory):
    near = [("1°", 0.9), ("2°", 0.85), ("10°", 0.8), ("20°", 0.1)]
    assert recalled(memory, *near, k=2) == ["1°", "20°"]


def test_numbers_that_are_nearly_equal_are_one_sided_but_need_no_distant_contrast(memory):
    near = [("1°", 0.9), ("2°", 0.85), ("10°", 0.8), ("130°", 0.1)]
    assert recalled(memory, *near, k=2) == ["1°", "2°"]


def test_reviewers_of_one_case_are_one_case_in_this_too(memory):
    remember(
        memory,
        *(episode("1°", value=True, reviewer=name) for name in ("Ann", "Bea", "Cem")),
        episode("2°", value=True),
        episode("3°", value=True),
        episode("30°", value=False),
    )
    assert inputs_of(memory.recall(JUDGE, case(), k=2)) == ["1°", "30°"]
