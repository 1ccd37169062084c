"""Two programs compared by LangSmith's real comparative evaluation, without its server."""

import uuid
from datetime import UTC, datetime
from typing import Literal

import pytest
from fakes import verdict
from langsmith import evaluate, schemas
from langsmith.evaluation.evaluator import comparison_evaluator

from langchain_memalign import ConfigurationError, InvalidInputError
from langchain_memalign.evaluators import PairwiseEvaluator

from .smith import DATASET, OfflineClient, example, run

KIND, CURT = {"answer": "So sorry!"}, {"answer": "No."}


def prefers_kind(request):
    """A judge who is not misled by the order."""
    first = request.prompt.index('name="A"', request.prompt.index("<case>"))
    second = request.prompt.index('name="B"', first)
    if ("sorry" in request.prompt[first:second]) == ("sorry" in request.prompt[second:]):
        return verdict("tie")
    return verdict("A" if "sorry" in request.prompt[first:second] else "B")


def prefers_first(request):
    return verdict("A", rationale="It came first.")


def pairs(make_bench, respond):
    bench = make_bench(respond, value_type=Literal["A", "B", "tie"])
    return PairwiseEvaluator(bench.judge)


@pytest.fixture(params=["sync", "async"])
def compare(request):
    """Compare two runs through langsmith's own wrapper of evaluators."""

    async def call(evaluator, *outputs):
        runs = [run(each) for each in outputs]
        if request.param == "sync":
            result = comparison_evaluator(evaluator).compare_runs(runs, example({"q": "Late?"}))
        else:
            wrapped = comparison_evaluator(evaluator.aevaluate)
            result = await wrapped.acompare_runs(runs, example({"q": "Late?"}))
        return [result.scores[each.id] for each in runs], result.comment

    return call


@pytest.mark.parametrize(
    ("outputs", "scores"),
    [((KIND, CURT), [1, 0]), ((CURT, KIND), [0, 1]), ((KIND, KIND), [0.5, 0.5])],
)
async def test_who_wins_in_both_orders_wins(make_bench, compare, outputs, scores):
    assert (await compare(pairs(make_bench, prefers_kind), *outputs))[0] == scores


async def test_orders_that_disagree_are_a_tie_that_says_so(make_bench, compare):
    scores, comment = await compare(pairs(make_bench, prefers_first), KIND, CURT)
    assert scores == [0.5, 0.5]
    assert comment.startswith("A tie, as the two orders disagree.")
    assert "It came first." in comment


async def test_unscored_in_either_order_abstains(make_bench, compare):
    def unsure_of_b(request):
        first = request.prompt[request.prompt.index('name="A"', request.prompt.index("<case>")) :]
        return "Hm." if first.index("sorry") > first.index("No.") else verdict("A")

    scores, comment = await compare(pairs(make_bench, unsure_of_b), KIND, CURT)
    assert scores == [None, None]
    assert comment.startswith("Unscored in the swapped order")


async def test_a_program_that_failed_loses_nothing(make_bench, compare):
    scores, comment = await compare(pairs(make_bench, prefers_kind), KIND, {})
    assert scores == [None, None]
    assert "no outputs" in comment


def test_without_runs_the_scores_are_of_a_and_b(make_bench):
    assert pairs(make_bench, prefers_kind)("Late?", ["So sorry!", "No."])["scores"] == {
        "A": 1,
        "B": 0,
    }


def test_it_wants_a_judge_of_pairs_and_two_outputs(make_bench):
    with pytest.raises(ConfigurationError, match='value_type=Literal\\["A", "B", "tie"\\]'):
        PairwiseEvaluator(make_bench().judge)
    with pytest.raises(InvalidInputError, match="expected a list of two"):
        pairs(make_bench, prefers_kind)("Late?", [KIND, CURT, KIND])


class Experiments(OfflineClient):
    """Two experiments over one data set, as the server would tell of them."""

    def __init__(self, examples, runs):
        super().__init__()
        self.__dict__.update(examples=examples, runs_of=runs, given=[])

    def read_project(self, *, project_id=None, project_name=None, **_):
        return schemas.TracerSessionResult(
            id=uuid.UUID(str(project_id)),
            name=str(project_id),
            start_time=datetime(2026, 1, 5, tzinfo=UTC),
            tenant_id=DATASET,
            reference_dataset_id=DATASET,
            _host_url="https://example.invalid",
            extra={},
        )

    def create_comparative_experiment(self, name, experiments, *, id, **_):
        moment = datetime(2026, 1, 5, tzinfo=UTC)
        return schemas.ComparativeExperiment(
            id=id,
            name=name,
            tenant_id=DATASET,
            created_at=moment,
            modified_at=moment,
            reference_dataset_id=DATASET,
            experiments_info=[{"id": str(e)} for e in experiments],
        )

    def list_runs(self, *, project_id=None, **_):
        return iter(self.runs_of[str(project_id)])

    def list_examples(self, **_):
        return iter(self.examples)

    def create_feedback(self, run_id, key, *, score, comment, **_):
        self.given.append((run_id, key, score))


def test_a_whole_comparative_experiment(make_bench):
    examples = [example({"question": f"{i}?"}) for i in range(3)]
    ids = [str(uuid.UUID(int=n)) for n in (7, 8)]
    runs = {
        id: [run(outputs, of=each) for each in examples]
        for id, outputs in zip(ids, (CURT, KIND), strict=True)
    }
    client = Experiments(examples, runs)
    evaluator = pairs(make_bench, prefers_kind)
    results = list(evaluate(tuple(ids), evaluators=[evaluator], client=client))

    assert len(results) == 3
    expected = {(each.id, "tone", 0) for each in runs[ids[0]]}
    expected |= {(each.id, "tone", 1) for each in runs[ids[1]]}
    assert set(client.given) == expected
