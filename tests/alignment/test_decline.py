"""A judge that agrees less since it last learned is told of, with the figures, at no cost."""

import pytest
from fakes import feedback


def judged(numbers, *, right):
    """Feedback on cases of which the judge's own value is known: so many it had right."""
    return [feedback(n, value=True, judge_value=place < right) for place, n in enumerate(numbers)]


def warned(report):
    return [warning for warning in report.warnings if "agreed with the experts" in warning]


def test_a_judge_that_agrees_clearly_less_is_warned_of_with_the_figures(make_bench):
    bench = make_bench()
    assert warned(bench.judge.align(judged(range(10), right=9))) == []
    report = bench.judge.align(judged(range(10, 16), right=1))
    (warning,) = warned(report)
    assert "1 of 6 new cases" in warning
    assert "9 of 10 before" in warning
    assert report.model_calls == 1  # the distilling call alone
    assert warning in report.warnings


@pytest.mark.parametrize(
    ("before", "after"),
    [((10, 9), (6, 4)), ((10, 9), (3, 0)), ((3, 3), (10, 0)), ((10, 2), (10, 9))],
    ids=["by chance", "few new cases", "few earlier cases", "better"],
)
def test_what_may_be_chance_is_no_warning(make_bench, before, after):
    bench = make_bench()
    (count, right), (more, of_them) = before, after
    bench.judge.align(judged(range(count), right=right))
    assert warned(bench.judge.align(judged(range(50, 50 + more), right=of_them))) == []


def test_without_what_the_judge_had_said_nothing_is_told(make_bench):
    bench = make_bench()
    bench.judge.align([feedback(n) for n in range(10)])
    assert warned(bench.judge.align([feedback(n) for n in range(10, 20)])) == []


async def test_it_is_told_without_blocking_too(make_bench):
    bench = make_bench()
    await bench.judge.aalign(judged(range(10), right=10))
    assert warned(await bench.judge.aalign(judged(range(10, 16), right=0)))
