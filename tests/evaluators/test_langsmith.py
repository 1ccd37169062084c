"""LangSmith's real `evaluate` and `aevaluate` with judges, offline."""

import pytest
from fakes import verdict
from langsmith import aevaluate, evaluate

from langchain_memalign.evaluators import agreement, ccc, cohens_kappa, summary_evaluator

from .smith import OfflineClient, example, offline, run

EXAMPLES = [example({"question": f"Number {i}?"}) for i in range(20)]


def program(inputs):
    if "13" in inputs["question"]:
        raise RuntimeError("out of luck")
    even = int(inputs["question"].split()[1][:-1]) % 2 == 0
    return {"answer": "So sorry!" if even else "No."}


async def aprogram(inputs):
    return program(inputs)


async def rows_of(way, judge):
    if way == "evaluate":
        options = offline(program, EXAMPLES, evaluators=[judge], max_concurrency=8)
        return list(evaluate(program, **options))
    options = offline(aprogram, EXAMPLES, evaluators=[judge.aevaluate], max_concurrency=8)
    return [row async for row in await aevaluate(aprogram, **options)]


@pytest.mark.parametrize("way", ["evaluate", "aevaluate"])
async def test_each_of_many_concurrent_examples_gets_its_own_verdict(make_bench, way):
    bench = make_bench(lambda request: verdict("sorry" in request.prompt))
    rows = await rows_of(way, bench.judge)
    scores = {
        row["example"].inputs["question"]: row["evaluation_results"]["results"][0].score
        for row in rows
    }
    expected = {f"Number {i}?": i % 2 == 0 for i in range(20)} | {"Number 13?": None}
    assert scores == expected


def test_nothing_is_uploaded_when_langsmith_is_asked_not_to(bench):
    client = OfflineClient()
    options = offline(program, EXAMPLES[:2], evaluators=[bench.judge], client=client)
    rows = list(evaluate(program, **options))
    assert [row["evaluation_results"]["results"][0].score for row in rows] == [True, True]
    assert client.told == []


def test_a_judge_is_measured_against_the_experts(make_bench, recwarn):
    bench = make_bench(lambda request: verdict(True) if "5" not in request.prompt else "Hm.")
    data = [example({"inputs": f"{i}", "outputs": "-"}, {"value": i != 3}) for i in range(6)]
    results = evaluate(
        bench.judge,
        **offline(bench.judge, data, summary_evaluators=[agreement, cohens_kappa]),
    )
    summary = {result.key: result for result in results._summary_results["results"]}
    assert summary["agreement"].score == pytest.approx(4 / 5)
    assert "over 5 cases; 1 abstained" in summary["agreement"].comment
    assert summary["cohens_kappa"].score == 0


NUMBERS = [1, 2, 4, 5]


@pytest.mark.parametrize(
    "judged",
    [
        [{"value": n} for n in NUMBERS],
        [{"score": n, "key": "tone"} for n in NUMBERS],
        [{"output": {"value": n}} for n in NUMBERS],
        [run({"output": n}) for n in NUMBERS],
    ],
)
def test_values_are_found_where_programs_put_them(judged):
    experts = [example({}, {"value": n}) for n in NUMBERS]
    assert ccc(judged, experts)["score"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("judged", "experts"),
    [
        ([True, False, True], [1.0, 0.0, 1]),
        ([1, 0, 1], [True, False, True]),
        ([True, False, True], ["true", "No", "yes"]),
        (["good", "bad", "good"], ["Good", "bad", " GOOD "]),
    ],
)
def test_the_same_value_in_other_forms_agrees(judged, experts):
    result = agreement([{"score": v} for v in judged], [{"value": v} for v in experts])
    assert result["score"] == 1


def test_an_empty_cell_is_no_experts_value():
    result = agreement([{"value": 1}, {"value": 1}], [{"value": 1}, {"value": float("nan")}])
    assert (result["score"], result["metadata"]["n"]) == (1, 1)
    assert "1 without an expert's value" in result["comment"]


def test_another_field_another_metric_and_cases_without_an_expert():
    from langchain_memalign.evaluation.metrics import mae

    off = summary_evaluator(mae, key="off_by", field="stars")
    result = off([{"stars": 2}, {"stars": 5}, {}], [{"stars": 4}, {}, {"stars": 1}])
    assert (result["key"], result["score"]) == ("off_by", 2)
    assert "1 abstained; 1 without an expert's value" in result["comment"]
    with pytest.raises(ValueError, match="expected the value under 'stars'"):
        off([{"rating": 2}], [{"stars": 4}])


def test_what_is_not_defined_is_not_scored():
    result = cohens_kappa([{"value": True}], [{"value": True}])
    assert result["score"] is None
    assert result["comment"].startswith("not defined over 1 cases")
