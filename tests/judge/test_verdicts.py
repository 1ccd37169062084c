"""What a judge answers: a verdict with its evidence, or why there is none."""

import math
from typing import Annotated, Literal

import pytest
from fakes import HttpError, ScriptedModel, dump, feedback, one_rule_a_record, verdict
from langchain_core.messages import AIMessage
from pydantic import Field

from langchain_memalign import ModelError, Unscored, Verdict

CASE = {key: feedback(1)[key] for key in ("inputs", "outputs")}


def judging(*replies):
    """A model that judges by these replies, one after the other, and the last one for ever."""
    left = list(replies)

    def respond(request):
        if request.title != "verdict":
            return one_rule_a_record(request)
        return left.pop(0) if len(left) > 1 else left[0]

    return respond


def test_a_verdict_names_the_evidence_that_was_shown(bench):
    bench.judge.align([feedback(i) for i in range(8)])
    outcome = bench.judge.invoke(CASE)
    assert isinstance(outcome, Verdict)
    assert (outcome.value, outcome.rationale) == (True, "Because.")
    assert list(outcome.principle_ids) == [p.id for p in bench.judge.principles()]
    recalled = bench.judge.recall(CASE)
    assert list(outcome.episode_ids) == [r.episode.id for r in recalled.episodes]
    assert outcome.episode_ids[0] == bench.id_of("Remark 1.")
    assert (len(outcome.episode_ids), outcome.principles_total) == (5, 8)


def test_a_verdict_tells_tokens_and_where_the_time_went(bench):
    bench.judge.align([feedback(1)])
    outcome = bench.judge.invoke(CASE)
    assert outcome.usage == {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    assert outcome.latency.recall_ms > 0
    assert outcome.latency.model_ms > 0
    assert outcome.cut_tokens == 0


def test_what_the_model_says_it_relied_on_comes_back_as_real_ids(make_bench):
    cited = ["E1", "P2", "E99", "nonsense", "P2", 7, None]
    bench = make_bench(judging({"rationale": "So.", "relied_on": cited, "value": True}))
    bench.judge.align([feedback(1), feedback(2)])
    outcome = bench.judge.invoke(CASE)
    second = bench.judge.principles()[1]
    assert outcome.relied_on == (bench.id_of("Remark 1."), second.id)


def test_relying_on_a_case_of_several_reviewers_is_relying_on_all_of_them(make_bench):
    bench = make_bench(judging(verdict(True, "E1")))
    bench.judge.align([feedback(1, reviewer=name, rationale=name) for name in ("Ann", "Bob")])
    outcome = bench.judge.invoke(CASE)
    assert set(outcome.relied_on) == {bench.id_of("Ann"), bench.id_of("Bob")}
    assert set(outcome.relied_on) == set(outcome.episode_ids)


def test_over_the_budget_the_verdict_says_how_many_of_how_many_were_shown(make_bench):
    bench = make_bench(principle_tokens=15)
    bench.judge.align([feedback(i) for i in range(8)])
    pinned = bench.judge.add_principle("Pinned.")
    outcome = bench.judge.invoke(CASE)
    assert outcome.principles_total == 9
    assert pinned.id in outcome.principle_ids
    assert 1 < len(outcome.principle_ids) < 9
    prompt = bench.model.titled("verdict")[0].prompt
    assert "Rule: Remark 1." in prompt
    assert f"{len(outcome.principle_ids)} of 9" in prompt


def test_a_case_that_is_cut_to_the_budget_says_by_how_much(make_bench):
    bench = make_bench(case_tokens=100)
    outcome = bench.judge.invoke({"inputs": "word " * 1000, "outputs": "Yes."})
    assert outcome.cut_tokens > 1000
    assert "<cut " in bench.model.requests[0].prompt


def test_k_episodes_are_shown_at_the_most(make_bench):
    bench = make_bench(k=2)
    bench.judge.align([feedback(i) for i in range(5)])
    assert len(bench.judge.invoke(CASE).episode_ids) == 2


def test_with_k_0_a_judge_goes_by_principles_alone_and_embeds_nothing(make_bench):
    bench = make_bench(k=0)
    bench.judge.align([feedback(1)])
    calls = bench.embeddings.calls
    outcome = bench.judge.invoke(CASE)
    assert (outcome.episode_ids, len(outcome.principle_ids)) == ((), 1)
    assert bench.embeddings.calls == calls


BAD = {
    "another type": verdict("yes"),
    "a number for true": verdict(1),
    "no value": {"rationale": "So.", "relied_on": []},
    "no rationale": {"relied_on": [], "value": True},
    "a rationale that is no text": {"rationale": ["So."], "relied_on": [], "value": True},
    "sources that are no list": {"rationale": "So.", "relied_on": "the first", "value": True},
    "two that differ": dump(verdict(True)) + dump(verdict(False)),
    "no JSON": "I would say yes.",
    "half of it": dump(verdict(True))[:-8],
    "nothing": "",
}


@pytest.mark.parametrize("reply", BAD.values(), ids=BAD)
def test_an_unusable_reply_is_repaired_once(make_bench, reply):
    bench = make_bench(judging(reply, verdict(False)))
    outcome = bench.judge.invoke(CASE)
    assert outcome.value is False
    first, repair = bench.model.requests
    assert (first.is_repair, repair.is_repair) == (False, True)
    assert "cannot be used" in str(repair.messages[-1].content)


@pytest.mark.parametrize("reply", BAD.values(), ids=BAD)
def test_what_cannot_be_repaired_is_unscored_with_the_raw_reply(make_bench, reply):
    bench = make_bench(judging(reply))
    bench.judge.align([feedback(1)])
    outcome = bench.judge.invoke(CASE)
    assert isinstance(outcome, Unscored)
    assert outcome.reason
    assert outcome.raw == (dump(reply) if isinstance(reply, dict) else reply)
    assert len(bench.model.titled("verdict")) == 2
    assert outcome.episode_ids == (bench.id_of("Remark 1."),)
    assert len(outcome.principle_ids) == 1
    assert outcome.latency.model_ms > 0


def test_usage_counts_the_repair_too(make_bench):
    bench = make_bench(judging(verdict("yes"), verdict(True)))
    assert bench.judge.invoke(CASE).usage["total_tokens"] == 30


def test_a_model_that_tells_no_tokens_gives_no_usage(make_bench):
    bench = make_bench(judging(dump(verdict(True))))
    outcome = bench.judge.invoke(CASE)
    assert (outcome.value, outcome.usage) == (True, None)


REFUSALS = [
    AIMessage("", additional_kwargs={"refusal": "Not for me."}),
    AIMessage([{"type": "refusal", "refusal": "Not for me."}]),
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_is_unscored_with_the_models_words_and_not_repaired(make_bench, refusal):
    bench = make_bench(judging(refusal))
    outcome = bench.judge.invoke(CASE)
    assert isinstance(outcome, Unscored)
    assert "Not for me." in outcome.reason
    assert len(bench.model.requests) == 1


@pytest.mark.parametrize("failure", [HttpError(400), HttpError(500), ConnectionError("down")])
def test_a_failing_model_is_unscored_and_never_a_default_value(make_bench, failure):
    bench = make_bench(judging(failure))
    outcome = bench.judge.invoke(CASE)
    assert isinstance(outcome, Unscored)
    assert str(failure) in outcome.reason
    assert outcome.raw is None


@pytest.mark.parametrize("status", [401, 403, 404])
def test_refused_access_raises(make_bench, status):
    bench = make_bench(judging(HttpError(status)))
    with pytest.raises(ModelError) as caught:
        bench.judge.invoke(CASE)
    assert caught.value.status == status
    assert len(bench.model.requests) == 1


def test_a_passing_failure_is_not_noticed(make_bench):
    bench = make_bench(judging(HttpError(503), ConnectionError("reset"), verdict(True)))
    assert bench.judge.invoke(CASE).value is True


def test_half_a_character_in_a_reply_does_no_harm(make_bench):
    bench = make_bench(judging(verdict(True, rationale="Nice \ud83d."), "No \ud83d."))
    assert bench.judge.invoke(CASE).rationale == "Nice ?."
    assert bench.judge.invoke(CASE).raw == "No ?."


STARS = Annotated[int, Field(ge=1, le=5)]
SHARE = Annotated[float, Field(ge=0, le=1)]


@pytest.mark.parametrize(
    ("value_type", "good", "bad"),
    [
        (bool, [True, False], ["yes", "1", 1, 0, None, [True]]),
        (STARS, [1, 5], [0, 6, 3.5, "6", "three", True, None]),
        (SHARE, [0, 0.5, 1], [-0.1, 1.1, "1.5", "50%", True, math.nan, math.inf, None]),
        (Literal["good", "bad"], ["good", "bad"], ["very good", "ugly", 1, None]),
        (Literal["A", "B", "tie"], ["A", "tie"], ["C", ""]),
        ({"type": "boolean"}, [True], ["yes"]),
        ({"enum": [1, 2, 3]}, [2], ["two", 4, "4", True]),
        ({"type": "integer", "minimum": 0, "maximum": 10}, [0, 10], [11, 1.5]),
    ],
)
def test_values_are_strictly_of_the_declared_type(make_bench, value_type, good, bad):
    reply = []
    bench = make_bench(lambda request: verdict(reply[0]), value_type=value_type)
    for value in good:
        reply[:] = [value]
        outcome = bench.judge.invoke(CASE)
        assert outcome.value == value
        assert type(outcome.value) is (float if value_type is SHARE else type(value))
    for value in bad:
        reply[:] = [value]
        outcome = bench.judge.invoke(CASE)
        assert isinstance(outcome, Unscored), value
        assert "expected" in outcome.reason


PLAIN = {
    "a boolean as text": (bool, verdict("False"), False),
    "a number as text": (STARS, verdict("4"), 4),
    "a whole number with a point": (STARS, verdict(4.0), 4),
    "a label in capitals": (Literal["good", "bad"], verdict("Good"), "good"),
    "a number that is a label": ({"enum": [1, 2, 3]}, verdict("2"), 2),
    "no sources as null": (bool, {"rationale": "So.", "relied_on": None, "value": True}, True),
    "no sources as text": (bool, {"rationale": "So.", "relied_on": "[]", "value": True}, True),
    "wrapped in one more": (bool, {"verdict": verdict(False)}, False),
    "twice the same": (bool, dump(verdict(False)) + dump(verdict(False)), False),
    "a line break inside": (bool, '{"rationale": "a\nb", "relied_on": [], "value": true}', True),
    "braces before it": (bool, f"As {{you}} asked: {dump(verdict(True))}", True),
}


@pytest.mark.parametrize(("value_type", "reply", "value"), PLAIN.values(), ids=PLAIN)
def test_what_a_reply_plainly_says_is_read_without_a_repair(make_bench, value_type, reply, value):
    bench = make_bench(judging(reply), value_type=value_type)
    outcome = bench.judge.invoke(CASE)
    assert (outcome.value, type(outcome.value)) == (value, type(value))
    assert len(bench.model.requests) == 1


@pytest.mark.parametrize("cited", ["P1", "p1", "[P1]", '["P1"]'])
def test_an_id_that_is_cited_outside_of_a_list_counts(make_bench, cited):
    bench = make_bench(judging({"rationale": "So.", "relied_on": cited, "value": True}))
    bench.judge.align([feedback(1)])
    (rule,) = bench.judge.principles()
    assert bench.judge.invoke(CASE).relied_on == (rule.id,)


def test_a_tag_inside_a_rationale_is_part_of_it(make_bench):
    bench = make_bench(judging(dump(verdict(True, rationale="It has <think>x</think> in it."))))
    assert bench.judge.invoke(CASE).rationale == "It has <think>x</think> in it."


def test_a_verdict_that_is_called_for_twice_and_not_the_same_is_none(make_bench):
    calls = [{"name": "verdict", "args": verdict(v), "id": str(v)} for v in (True, False)]
    bench = make_bench(judging(AIMessage("", tool_calls=calls)))
    outcome = bench.judge.invoke(CASE)
    assert isinstance(outcome, Unscored)
    assert "'value' is true and false" in outcome.reason


def test_whole_numbers_as_labels_are_offered_as_text(make_bench):
    """As Gemini's function calling takes them; it refuses any other."""
    offered = []

    class Choosy(ScriptedModel):
        def bind_tools(self, tools, **kwargs):
            offered.extend(tools)
            return super().bind_tools(tools, **kwargs)

    model = Choosy(respond=judging(verdict("3")))
    bench = make_bench(value_type={"enum": [1, 3, 5]}, model=model)
    assert bench.judge.invoke(CASE).value == 3
    assert offered[0]["properties"]["value"]["enum"] == ["1", "3", "5"]
