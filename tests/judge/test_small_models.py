"""Small models: short prompts, bounded replies, and what becomes of one that is cut off."""

import pytest
from fakes import ScriptedModel, feedback, one_rule_a_record, verdict
from langchain_core.messages import AIMessage

from langchain_memalign import InvalidInputError, Unscored, Verdict

CASE = {"inputs": "My parcel is late!", "outputs": "It comes on Monday."}
LOOP = "The reply was cut off, which violates P1. " * 40


def with_window(tokens, respond=one_rule_a_record):
    """A model whose profile tells of its window."""
    return ScriptedModel(respond=respond, profile={"max_input_tokens": tokens})


def cut(text):
    """A reply that met the limit of tokens."""
    return AIMessage(text, response_metadata={"finish_reason": "length"})


def by_turns(*replies):
    """A model that judges by these replies in turn, and learns a rule from each record."""
    left = list(replies)

    def respond(request):
        return left.pop(0) if request.title == "verdict" else one_rule_a_record(request)

    return respond


@pytest.mark.parametrize(
    ("tokens", "is_compact"), [(4_096, True), (16_384, True), (16_385, False), (128_000, False)]
)
def test_the_profile_chooses_the_prompt(make_bench, tokens, is_compact):
    bench = make_bench(model=with_window(tokens))
    bench.judge.invoke(CASE)
    (request,) = bench.judge.model.requests
    assert ("Judge one case as the experts would." in request.system) is is_compact


@pytest.mark.parametrize("prompt", ["full", "compact"])
def test_the_judges_owner_may_choose_it(make_bench, prompt):
    bench = make_bench(model=with_window(4_096 if prompt == "full" else 128_000), prompt=prompt)
    bench.judge.invoke(CASE)
    (request,) = bench.judge.model.requests
    assert ("Judge one case as the experts would." in request.system) is (prompt == "compact")


def test_another_prompt_is_refused(make_bench):
    with pytest.raises(InvalidInputError, match=r"prompt.*'short'.*'full'"):
        make_bench(prompt="short")


def test_without_a_profile_the_prompt_is_the_full_one(make_bench):
    bench = make_bench()
    bench.judge.invoke(CASE)
    assert "You are a careful judge." in bench.model.requests[0].system


def test_a_small_model_is_shown_the_nearest_three_of_the_episodes(make_bench):
    bench = make_bench(prompt="compact")
    bench.judge.align([feedback(n) for n in range(8)])
    outcome = bench.judge.invoke(CASE)
    assert len(outcome.episode_ids) == 3
    assert bench.model.requests[-1].prompt.count("<episode ") == 3


def test_the_prompt_fits_into_a_small_window(make_bench):
    model = with_window(4_096)
    bench = make_bench(model=model)
    long = [feedback(n, inputs=f"word{n} " * 3_000, rationale=f"why{n} " * 500) for n in range(6)]
    bench.judge.align(long)
    bench.judge.invoke({"inputs": "parcel " * 5_000, "outputs": "late " * 5_000})
    for request in model.requests:
        size = len(request.system) + len(request.prompt)
        assert size / 4 < 4_096, request.title


def test_the_value_stands_first_in_a_small_models_reply(make_bench):
    schema = make_bench(prompt="compact").judge.spec.value_type.verdict_schema(is_compact=True)
    assert next(iter(schema["properties"])) == "value"


def test_a_value_before_the_cut_counts_with_the_reasons_so_far(make_bench):
    reply = cut('{"value": false, "relied_on": ["P1"], "rationale": "It names a day, and it na')
    bench = make_bench(by_turns(reply), prompt="compact")
    bench.judge.align([feedback(1)])
    outcome = bench.judge.invoke(CASE)
    assert isinstance(outcome, Verdict)
    assert (outcome.value, len(outcome.relied_on)) == (False, 1)
    assert outcome.rationale == "It names a day, and it na …"
    assert len(bench.model.titled("verdict")) == 1


@pytest.mark.parametrize("prompt", ["full", "compact"])
def test_a_cut_reply_is_asked_for_the_value_alone_and_says_nothing_of_the_cut(make_bench, prompt):
    bench = make_bench(by_turns(cut('{"rationale": "' + LOOP), {"value": False}), prompt=prompt)
    outcome = bench.judge.invoke(CASE)
    assert (outcome.value, outcome.relied_on) == (False, ())
    assert "No reasons" in outcome.rationale
    first, again = bench.model.titled("verdict")
    assert again.prompt == first.prompt
    assert len(again.messages) == 2
    assert "cut off" not in again.system
    assert '"rationale"' not in again.system


async def test_a_cut_reply_is_asked_again_without_blocking_too(make_bench):
    bench = make_bench(by_turns(cut('{"rationale": "' + LOOP), {"value": True}))
    assert (await bench.judge.ainvoke(CASE)).value is True


def test_cut_off_twice_it_is_unscored_and_the_reason_names_the_remedy(make_bench):
    bench = make_bench(by_turns(cut('{"rationale": "'), cut('{"val')))
    outcome = bench.judge.invoke(CASE)
    assert isinstance(outcome, Unscored)
    assert "max_tokens" in outcome.reason


@pytest.mark.parametrize(
    "reply",
    [
        '{"value": fal',
        '{"value": "fal',
        'Perhaps {"value": true, "rationale": "It',
        '<think>{"value": true, "rationale": "It',
        '{"value": true, "value": false, "rationale": "It',
    ],
)
def test_half_a_value_or_a_draft_of_one_never_counts(make_bench, reply):
    bench = make_bench(by_turns(cut(reply), verdict(False)), prompt="compact")
    outcome = bench.judge.invoke(CASE)
    assert outcome.value is False
    assert len(bench.model.titled("verdict")) == 2


def test_any_reply_of_a_small_model_that_cannot_be_read_is_asked_afresh(make_bench):
    bench = make_bench(by_turns("I would say no.", {"value": False}), prompt="compact")
    assert bench.judge.invoke(CASE).value is False
    assert len(bench.model.requests[-1].messages) == 2


def test_what_a_cut_distilling_reply_holds_whole_is_learned_and_the_rest_asked_again(make_bench):
    head = '{"principles": [{"text": "Rule one.", "sources": ["R1"]}, {"text": "Rule tw'
    left = [cut(head)]

    def respond(request):
        return left.pop() if left else one_rule_a_record(request)

    bench = make_bench(respond)
    report = bench.judge.align([feedback(1), feedback(2)])
    assert len(report.distilled) == report.remarks_covered == 2
    assert "Rule one." in bench.texts()
    again = bench.model.requests[1]
    assert (len(again.messages), len(again.record_ids)) == (2, 1)


@pytest.mark.parametrize(("tokens", "calls"), [(None, 1), (200_000, 1), (20_000, 3)])
def test_a_batch_that_fits_the_window_is_one_call(make_bench, tokens, calls):
    model = ScriptedModel(
        respond=one_rule_a_record, profile=tokens and {"max_input_tokens": tokens}
    )
    bench = make_bench(model=model)
    # 50 records of 28,000 tokens in all.
    bench.judge.align([feedback(n, inputs=f"{n} " + "word " * 430) for n in range(50)])
    distilling = [r for r in model.requests if r.title == "principles"]
    assert len(distilling) == calls
    assert sum(len(r.record_ids) for r in distilling) == 50
