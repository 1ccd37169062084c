"""A judge's track record as its user sees it: kept, asked for, used, outdated and forgotten."""

import pytest

from langchain_memalign import (
    InvalidInputError,
    MemAlignJudge,
    Unscored,
    create_review_graph,
)
from langchain_memalign.errors import ModelError

from .conftest import case, word


def calls(judge):
    return len(judge.model.titled("verdict"))


def taught(judge, count, **fields):
    return judge.align([word(number, **fields) for number in range(count)])


def test_a_judge_of_which_nothing_is_known_says_so(make):
    judge = make()
    taught(judge, 4)
    assert judge.invoke(case(9)).confidence is None
    assert judge.agreement().agreement.value is None
    assert judge.agreement().unasked == 4
    assert judge.threshold(agreement=0.9).value is None


def test_calibrating_asks_about_each_case_once_and_says_before_how_many(make):
    judge = make()
    taught(judge, 40)
    assert judge.calibrate(ask=False).to_ask == 40
    assert calls(judge) == 0
    told = []
    report = judge.calibrate(progress=lambda done, total: told.append((done, total, calls(judge))))
    assert told[0] == (0, 40, 0)
    assert told[-1] == (40, 40, 40)
    assert (report.asked, report.to_ask, report.cases, report.model_calls) == (40, 0, 40, 40)
    assert judge.calibrate().model_calls == 0
    found = judge.agreement()
    assert (found.agreement.count, found.agreement.cases, found.unasked) == (36, 40, 0)


def test_a_case_is_asked_about_without_the_words_on_it(make):
    judge = make()
    judge.align([word(1, rationale="Secret of one."), word(2, rationale="Secret of two.")])
    judge.align([word(1, rationale="Also on one.", reviewer="Bob")])
    judge.calibrate()
    by_case = {prompt.rpartition("<case>")[2]: prompt for prompt in _prompts(judge)}
    assert len(by_case) == 2
    for asked, prompt in by_case.items():
        own, other = ("one", "two") if "Answer1" in asked else ("two", "one")
        assert f"Secret of {own}" not in prompt
        assert f"Also on {own}" not in prompt
        assert f"Secret of {other}" in prompt


def test_a_remark_without_a_value_is_a_word_on_the_case_too(make):
    judge = make()
    judge.align([word(1), word(2)])
    judge.align([word(1, value=None, rationale="Secret of one.", reviewer="Bob")])
    assert judge.calibrate().to_ask == 0
    (prompt,) = [p for p in _prompts(judge) if "Answer1" in p.rpartition("<case>")[2]]
    assert "Secret of one" not in prompt
    assert judge.calibrate().model_calls == 0
    assert judge.agreement().unasked == 0


def test_values_of_before_a_redefinition_are_not_asked_about(make):
    make().align([word(number) for number in range(3)])
    judge = make(value_type={"enum": ["good", "bad"]}, redefine=True)
    assert judge.calibrate().model_calls == 0
    assert judge.agreement().unasked == 0


def _prompts(judge):
    return [request.prompt for request in judge.model.titled("verdict")]


def test_what_was_paid_for_is_kept_when_asking_is_cut_short(make):
    judge = make()
    taught(judge, 70)
    with pytest.raises(KeyboardInterrupt):
        judge.calibrate(progress=_interrupted_after(60))
    assert judge.agreement().agreement.cases == 64
    assert judge.calibrate(limit=2).asked == 2
    assert judge.calibrate().asked == 4


def _interrupted_after(count):
    def progress(done, total):
        if done > count:
            raise KeyboardInterrupt

    return progress


def test_the_confidence_follows_the_track_record(make):
    judge = make(lambda number: number % 2 == 0)  # calls all good
    taught(judge, 40)
    judge.calibrate()
    verdict = judge.invoke(case(101))
    assert 0.3 < verdict.confidence < 0.7
    assert sum(verdict.probabilities.values()) == pytest.approx(1)


def test_a_judge_that_is_always_wrong_is_corrected_and_says_what_the_model_said(make):
    judge = make(lambda number: False)
    taught(judge, 40)
    assert judge.calibrate().is_used
    verdict = judge.invoke(case(101))
    assert (verdict.value, verdict.raw_value) == (False, True)
    assert verdict.confidence > 0.8
    found = judge.agreement()
    assert found.is_calibrated
    assert found.agreement.value > found.as_said.value == 0
    assert "without calibration" in str(found)


def test_judging_with_a_track_record_asks_nothing_more(make):
    judge = make()
    taught(judge, 20)
    judge.calibrate()
    judge.invoke(case(100))
    before = calls(judge)
    judge.invoke(case(101))
    assert calls(judge) == before + 1


def test_what_another_model_or_prompt_said_does_not_count(make):
    taught(make(), 20)
    make().calibrate()
    for other in (make(model="two"), make(instructions="Is it bad?", redefine=True)):
        found = other.agreement()
        assert (found.agreement.cases, found.unasked, found.outdated) == (0, 20, 20)
        assert other.invoke(case(101)).confidence is None
    # What the first model said is still there when it comes back.
    make(model="two", redefine=True).calibrate()
    assert make(redefine=True).agreement().agreement.cases == 20


def test_forgetting_a_case_forgets_what_was_said_of_it(make):
    judge = make()
    taught(judge, 20)
    judge.calibrate()
    gone = judge.episodes()[3]
    near = [e for e in judge.episodes() if gone.id in _near(e)]
    assert near
    judge.forget([gone.id])
    assert judge.agreement().agreement.cases == 19
    assert not any(gone.id in _near(e) for e in judge.episodes())


def _near(episode):
    return {near.episode_id for record in episode.judge_records for near in record.near}


def test_probing_keeps_what_the_judge_said(make):
    judge = make()
    judge.align([word(number) for number in range(20)], probe=True)
    assert judge.agreement().agreement.cases == 20
    assert judge.calibrate().model_calls == 0


def test_a_changed_word_changes_the_record_and_several_experts_count_once(make):
    judge = make(lambda number: True)
    taught(judge, 12)
    judge.calibrate()
    assert judge.agreement().agreement.count == 12
    judge.align([word(0, value=False)])
    assert judge.agreement().agreement.count == 11
    judge.align([word(1, reviewer="Bob"), word(1, reviewer="Cid")])
    assert judge.calibrate().model_calls == 0
    assert judge.agreement().agreement.cases == 12


def test_no_verdict_is_counted_apart(make):
    judge = make()
    taught(judge, 12)
    judge.model.respond = lambda request: "I cannot say."
    report = judge.calibrate()
    assert (report.cases, report.unscored, report.to_ask) == (0, 12, 0)
    assert judge.agreement().unscored == 12


def test_an_outage_is_no_verdict(make):
    judge = make()
    taught(judge, 3)
    judge.model.respond = lambda request: ConnectionError("gone")
    report = judge.calibrate()
    assert (report.unscored, report.to_ask) == (0, 3)


def test_reviews_keep_what_the_judge_said(make):
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.types import Command

    judge = make()
    graph = create_review_graph(judge, checkpointer=InMemorySaver())
    for number in range(4):
        config = {"configurable": {"thread_id": str(number)}}
        graph.invoke(case(number), config)
        graph.invoke(Command(resume={"decision": "approve"}), config)
    assert judge.agreement().agreement.count == 4
    # Asked again, the judge is shown the expert's word: that tells nothing of new cases.
    seen = judge.invoke(case(0))
    assert (seen.records, isinstance(seen, Unscored)) == ((), False)


async def test_async_twins_say_the_same(make):
    judge = make()
    await judge.aalign([word(number) for number in range(40)])
    report = await judge.acalibrate()
    assert report.model_copy(update={"seconds": 0.0}) != judge.calibrate(ask=False)
    assert report.model_calls == 40
    assert await judge.aagreement() == judge.agreement()
    assert await judge.athreshold(agreement=0.7) == judge.threshold(agreement=0.7)
    verdict = await judge.ainvoke(case(101))
    assert verdict.confidence == judge.invoke(case(101)).confidence


def test_the_record_travels_with_an_export(make, memory, tmp_path):
    from fakes import CountingEmbeddings

    from langchain_memalign import Memory

    judge = make()
    taught(judge, 12)
    judge.calibrate()
    memory.export_jsonl(tmp_path / "memory.jsonl")
    with Memory.open(":memory:", embeddings=CountingEmbeddings()) as other:
        other.import_jsonl(tmp_path / "memory.jsonl")
        copy = MemAlignJudge.load(other, "tone", model=judge.model)
        assert copy.agreement() == judge.agreement()


@pytest.mark.parametrize("wrong", [{"limit": -1}, {"max_concurrency": 0}, {"progress": 1}])
def test_what_cannot_be_asked_is_refused(make, wrong):
    with pytest.raises(InvalidInputError):
        make().calibrate(**wrong)


def test_refused_access_is_raised(make):
    from fakes import HttpError

    judge = make()
    taught(judge, 3)
    judge.model.respond = lambda request: HttpError(401)
    with pytest.raises(ModelError):
        judge.calibrate()
