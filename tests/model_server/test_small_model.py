"""A real model, as small as they come: whatever it says, every reply ends where it should."""

from typing import Annotated, Literal

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from pydantic import Field

from langchain_memalign import Unscored, Verdict, create_review_graph

from .process import ModelServer

pytestmark = [
    pytest.mark.server,
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.xdist_group("model_server"),
]

LATE = {"inputs": "My parcel is a week late! Where is it?", "outputs": "It comes tomorrow."}
COLD = {"inputs": "You lost my fridge. I am furious!", "outputs": "It was not us."}
PAIR = {"inputs": LATE["inputs"], "outputs": {"A": "Tomorrow.", "B": "Sorry! It comes tomorrow."}}
REMARKS = [
    {**LATE, "value": False, "rationale": "Too cold: say sorry first."},
    {**COLD, "value": False, "rationale": "Never deny it before you have looked."},
]
SCALE = Annotated[int, Field(ge=1, le=5)]
SHARE = Annotated[float, Field(ge=0, le=1)]


def is_sound(outcome, judge):
    """Either a value of the judge's type, or a reason why there is none."""
    match outcome:
        case Verdict(value=value):
            return judge.spec.value_type.check(value) == value
        case Unscored(reason=reason):
            return bool(reason.strip())


@pytest.mark.parametrize(
    ("value_type", "case"),
    [
        (bool, LATE),
        (Literal["good", "fair", "bad"], COLD),
        (SCALE, LATE),
        (SHARE, COLD),
        (Literal["A", "B", "tie"], PAIR),
    ],
    ids=["yes or no", "categories", "scale", "number", "pair"],
)
def test_every_value_type_ends_as_a_verdict_or_unscored(open_judge, value_type, case):
    judge = open_judge(value_type)
    outcome = judge.invoke(case)
    assert is_sound(outcome, judge)
    assert outcome.usage["input_tokens"] > 100


@pytest.mark.parametrize("value_type", [bool, SCALE, SHARE], ids=["yes or no", "scale", "number"])
def test_its_tokens_tell_how_likely_each_value_is_or_nothing_is_told(open_judge, value_type):
    judge = open_judge(value_type, probabilities="logprobs", temperature=0)
    outcome = judge.invoke(LATE)
    assert is_sound(outcome, judge)
    told = outcome.probabilities if isinstance(outcome, Verdict) else None
    if told is None:
        return
    assert sum(told.values()) == pytest.approx(1)
    assert all(judge.spec.value_type.check(value) == value for value in told)
    assert 0 < outcome.confidence <= 1


def test_it_returns_the_log_probabilities_that_a_judge_asks_for(open_judge):
    chat_model = open_judge(probabilities="logprobs").model
    message = chat_model.bind(logprobs=True, top_logprobs=20, max_tokens=4).invoke("Say yes.")
    told = message.response_metadata["logprobs"]["content"]
    assert told
    assert len(told[0]["top_logprobs"]) == 20


@pytest.mark.parametrize("method", ["function_calling", "json_mode"])
def test_the_other_methods_of_structured_output_end_so_too(open_judge, method):
    judge = open_judge(structured_output={"method": method})
    assert is_sound(judge.invoke(LATE), judge)


async def test_it_judges_and_learns_without_blocking(open_judge):
    judge = open_judge()
    outcomes = await judge.abatch([LATE, COLD])
    assert all(is_sound(outcome, judge) for outcome in outcomes)
    report = await judge.aalign(REMARKS[:1])
    assert len(report.stored) == 1


def test_what_it_learns_and_what_it_cannot_is_accounted_for_and_forgotten(open_judge):
    judge = open_judge()
    report = judge.align(REMARKS)
    assert len(report.stored) == 2
    waiting = {pending.episode_id for pending in report.pending}
    assert waiting | set(report.distilled) == set(report.stored)
    assert waiting & set(report.distilled) == set()
    assert all(pending.reason for pending in report.pending)

    first, second = report.stored
    forgotten = judge.forget([first], redistill=False)
    assert forgotten.episodes_removed == (first,)
    assert [episode.id for episode in judge.episodes()] == [second]
    assert not [p for p in judge.principles() if first in p.episode_ids]


def test_a_review_waits_for_its_answer_and_learns_from_it(open_judge):
    judge = open_judge(SCALE)
    graph = create_review_graph(judge, review="always", checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}
    paused = graph.invoke(LATE, thread)
    assert paused["__interrupt__"][0].value["action_requests"][0]["name"]
    answer = {"decision": "edit", "value": "2", "rationale": "Say sorry first."}
    done = graph.invoke(Command(resume=answer), thread)
    (episode,) = judge.episodes()
    assert (episode.value, episode.rationale) == (2, "Say sorry first.")
    assert done["alignment"]["stored"] == [episode.id]


def test_replies_cut_off_at_the_token_limit_say_so_and_lose_nothing(open_judge):
    judge = open_judge(max_tokens=3)
    outcome = judge.invoke(LATE)
    assert isinstance(outcome, Unscored)
    assert "max_tokens" in outcome.reason
    assert outcome.raw
    report = judge.align(REMARKS)
    assert {pending.episode_id for pending in report.pending} == set(report.stored)
    assert all("max_tokens" in pending.reason for pending in report.pending)


def test_cut_off_in_its_reasons_it_gives_the_value_alone(open_judge):
    outcome = open_judge(max_tokens=16).invoke(LATE)
    assert isinstance(outcome, Verdict)
    assert "No reasons" in outcome.rationale


def test_the_compact_prompt_bounds_its_replies_and_loses_no_remark(open_judge):
    judge = open_judge(prompt="compact", max_tokens=300)
    report = judge.align(REMARKS)
    assert len(report.distilled) == report.remarks_covered == 2
    outcome = judge.invoke(LATE)
    assert isinstance(outcome, Verdict)
    assert len(outcome.rationale) <= 300
    assert len(outcome.episode_ids) == 2


def test_a_case_beyond_the_servers_context_size_is_unscored_with_the_servers_words(open_judge):
    outcome = open_judge().invoke({"inputs": "late parcel " * 12_000, "outputs": "Tomorrow."})
    assert isinstance(outcome, Unscored)
    assert "context size" in outcome.reason


def test_a_server_that_dies_loses_no_feedback(open_judge):
    dying = ModelServer()
    judge = open_judge(url=dying.url)
    dying.kill()
    assert isinstance(judge.invoke(LATE), Unscored)
    report = judge.align(REMARKS)
    assert {pending.episode_id for pending in report.pending} == set(report.stored)

    again = open_judge().align([])
    assert set(again.distilled) | {p.episode_id for p in again.pending} == set(report.stored)
