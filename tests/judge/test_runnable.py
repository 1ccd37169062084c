"""The judge is a LangChain Runnable like any other."""

import pytest
from fakes import HttpError, feedback, one_rule_a_record, verdict
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableLambda, RunnablePassthrough

from langchain_memalign import Case, InvalidInputError, Unscored, Verdict

CASE = {"inputs": "Where is my parcel?", "outputs": "It is late, I am sorry."}


@pytest.fixture
def judge(bench):
    bench.judge.align([feedback(1)])
    return bench.judge


def said(outcome):
    """A verdict without its times."""
    return outcome.model_dump(exclude={"latency"})


def test_a_case_and_a_mapping_are_judged_alike(judge):
    assert said(judge.invoke(CASE)) == said(judge.invoke(Case(**CASE)))


async def test_all_ways_to_call_it_give_the_same_verdict(judge):
    first = judge.invoke(CASE)
    others = [
        await judge.ainvoke(CASE),
        *judge.batch([CASE, CASE]),
        *await judge.abatch([CASE, CASE]),
        *judge.stream(CASE),
        *[outcome async for outcome in judge.astream(CASE)],
        *[outcome for _, outcome in judge.batch_as_completed([CASE])],
        *[outcome async for _, outcome in judge.abatch_as_completed([CASE])],
        judge.with_config(run_name="mine").invoke(CASE),
        judge.with_retry().invoke(CASE),
    ]
    assert len(others) == 11
    assert [said(outcome) for outcome in others] == [said(first)] * 11


def test_a_batch_keeps_the_order_of_its_cases(make_bench):
    def by_case(request):
        return verdict("number 3 " in request.prompt)

    bench = make_bench(by_case)
    cases = [{"inputs": f"number {i} ", "outputs": "-"} for i in range(12)]
    values = [v.value for v in bench.judge.batch(cases, config={"max_concurrency": 4})]
    assert values == [i == 3 for i in range(12)]


async def test_a_batch_returns_what_went_wrong_beside_what_went_well(judge):
    cases = [CASE, {"outputs": ""}, CASE]
    for outcomes in (
        judge.batch(cases, return_exceptions=True),
        await judge.abatch(cases, return_exceptions=True),
    ):
        assert [type(outcome) for outcome in outcomes] == [Verdict, InvalidInputError, Verdict]


def test_it_composes_with_other_runnables(judge):
    chain = (
        RunnablePassthrough.assign(outputs=lambda case: case["inputs"].upper())
        | judge
        | RunnableLambda(lambda outcome: outcome.value)
    )
    assert chain.invoke({"inputs": "hello"}) is True
    assert judge.map().invoke([CASE])[0].value is True


def test_it_tells_what_it_takes_and_what_it_gives(judge):
    assert judge.get_name() == "tone"
    assert "Case" in judge.get_input_jsonschema()["$defs"]
    assert {"Verdict", "Unscored"} <= set(judge.get_output_jsonschema()["$defs"])
    assert "tone" in judge.get_graph().draw_mermaid()


@pytest.mark.parametrize("unusable", [None, "text", 7, [], {}, {"inputs": " "}, {"input": "x"}])
def test_what_is_no_case_is_an_error(judge, unusable):
    with pytest.raises(InvalidInputError):
        judge.invoke(unusable)


class Recorder(BaseCallbackHandler):
    """Notes every run: its kind, name, parent, tags and metadata, and how it ended."""

    def __init__(self):
        self.runs = {}
        self.ends = []

    def on_chain_start(self, serialized, inputs, *, run_id, **kwargs):
        self.runs[run_id] = {"kind": "chain", "inputs": inputs, **kwargs}

    def on_chat_model_start(self, serialized, messages, *, run_id, **kwargs):
        self.runs[run_id] = {"kind": "model", **kwargs}

    def on_chain_end(self, outputs, *, run_id, **kwargs):
        self.ends.append((self.runs[run_id]["name"], outputs))

    def on_chain_error(self, error, *, run_id, **kwargs):
        self.ends.append((self.runs[run_id]["name"], error))

    def named(self, name):
        (found,) = [(id_, run) for id_, run in self.runs.items() if run.get("name") == name]
        return found

    def models(self):
        return [run for run in self.runs.values() if run["kind"] == "model"]

    def lineage(self, run):
        """The names of a run's parents, nearest first."""
        names = []
        while (parent := run.get("parent_run_id")) is not None:
            run = self.runs[parent]
            names.append(run.get("name"))
        return names


async def test_a_judgement_is_a_run_with_the_judges_name_and_the_model_below_it(judge):
    for run in (judge.invoke, judge.ainvoke):
        recorder = Recorder()
        outcome = run(CASE, {"callbacks": [recorder]})
        outcome = outcome if isinstance(outcome, Verdict) else await outcome
        _, own = recorder.named("tone")
        assert own["parent_run_id"] is None
        assert own["inputs"] == CASE
        (model,) = recorder.models()
        assert recorder.lineage(model)[-1] == "tone"
        assert recorder.ends[-1] == ("tone", outcome)


async def test_tags_metadata_and_run_name_reach_the_model(judge):
    config = {"run_name": "mine", "tags": ["nightly"], "metadata": {"row": 7}}
    for call in (judge.invoke, judge.ainvoke, judge.with_config(config).invoke):
        recorder = Recorder()
        outcome = call(CASE, {**config, "callbacks": [recorder]})
        if not isinstance(outcome, Verdict):
            await outcome
        _, own = recorder.named("mine")
        (model,) = recorder.models()
        assert "nightly" in own["tags"]
        assert "nightly" in model["tags"]
        assert own["metadata"]["row"] == model["metadata"]["row"] == 7


def test_inside_a_chain_the_judge_hangs_below_the_chain(judge):
    recorder = Recorder()
    chain = (RunnableLambda(lambda case: case) | judge).with_config(run_name="outer")
    chain.invoke(CASE, {"callbacks": [recorder]})
    (model,) = recorder.models()
    lineage = recorder.lineage(model)
    assert lineage.index("tone") < lineage.index("outer")


def test_a_repair_is_a_second_model_run_below_the_same_judgement(make_bench):
    replies = iter(["nonsense", verdict(True)])
    bench = make_bench(lambda request: next(replies))
    recorder = Recorder()
    bench.judge.invoke(CASE, {"callbacks": [recorder]})
    assert [recorder.lineage(model)[-1] for model in recorder.models()] == ["tone", "tone"]


def test_a_failed_judgement_ends_its_run_with_the_error_and_an_unscored_one_without(make_bench):
    bench = make_bench(lambda request: HttpError(401))
    recorder = Recorder()
    with pytest.raises(Exception, match="401"):
        bench.judge.invoke(CASE, {"callbacks": [recorder]})
    assert "401" in str(recorder.ends[-1])
    bench.model.respond = lambda request: HttpError(400)
    bench.judge.invoke(CASE, {"callbacks": [recorder]})
    assert isinstance(recorder.ends[-1][1], Unscored)


async def test_astream_events_shows_the_model_at_work_below_the_judge(judge):
    events = [event async for event in judge.astream_events(CASE, version="v2")]
    kinds = [(event["event"], event["name"]) for event in events]
    assert kinds[0] == ("on_chain_start", "tone")
    assert kinds[-1] == ("on_chain_end", "tone")
    assert any(kind == "on_chat_model_end" for kind, _ in kinds)
    (start,) = [event for event in events if event["event"] == "on_chat_model_start"]
    assert events[0]["run_id"] in start["parent_ids"]


def test_probing_hangs_below_the_alignment(make_bench):
    bench = make_bench(one_rule_a_record)
    recorder = Recorder()
    bench.judge.align([feedback(1)], probe=True, config={"callbacks": [recorder]})
    assert len(recorder.models()) == 2
    assert {recorder.lineage(model)[-1] for model in recorder.models()} == {"tone.align"}
