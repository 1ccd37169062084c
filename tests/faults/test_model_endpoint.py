"""A chat model's endpoint that fails, over HTTP: repeated where it can help, told, never guessed.

The real OpenAI client stands between; it repeats nothing itself, and no wait is slept.
"""

import json

import pytest
from fakes import feedback, principle, verdict
from models.openai_server import CUT_OFF, DROPPED, HANGING, completion, failure, openai_server

from langchain_memalign import ModelError, Unscored, Verdict
from langchain_memalign._models import Retry

from .provider import request_of

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

CASE = {key: feedback(1)[key] for key in ("inputs", "outputs")}
TWICE = Retry(attempts=2, first_wait=0)

# What is sent, and the words of it that whoever waits for a verdict should read.
PASSING = {
    "429": (failure(429, "Slow down."), "Slow down."),
    "500": (failure(500, "Oops."), "Oops."),
    "503": (failure(503, "No capacity."), "No capacity."),
    "504": (failure(504, "Gateway timeout."), "Gateway timeout."),
    "529": (failure(529, "Overloaded."), "Overloaded."),
    "504 in HTML": ((504, {}, "<html>Gateway timeout</html>"), "504"),
    "connection dropped": (DROPPED, "Connection error"),
    "answer cut off": (CUT_OFF, "Connection error"),
}
REFUSED = {
    "401": (failure(401, "Bad key."), "Check the API key."),
    "403": (failure(403, "Not yours."), "Check what the API key may use."),
    "404": (failure(404, "No such model."), "Check the model's name and the base URL."),
}
UNUSABLE = {
    "no JSON at all": completion("I think it is fine."),
    "truncated JSON": completion('{"rationale": "Because", "value": tr'),
    "another object": completion('{"verdict": "yes"}'),
    "a list": completion("[true]"),
    "value outside the type": completion(json.dumps(verdict("perhaps"))),
    "value of another type": completion(json.dumps(verdict(1))),
    "NaN": completion('{"rationale": "Because.", "relied_on": [], "value": NaN}'),
    "empty": completion(""),
    "no content": completion(None),
}
BROKEN = {
    "a body that is no JSON": (200, {}, "<html>Welcome</html>"),
    "a body of another shape": (200, {}, {"unexpected": True}),
    "no choices": (200, {}, {**completion("")[2], "choices": []}),
    "400": failure(400, "Not like this."),
}
each_passing = pytest.mark.parametrize(("fault", "words"), PASSING.values(), ids=PASSING)
each_refusal = pytest.mark.parametrize(("fault", "words"), REFUSED.values(), ids=REFUSED)
each_unusable = pytest.mark.parametrize("fault", UNUSABLE.values(), ids=UNUSABLE)
each_broken = pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)


@each_passing
def test_a_passing_failure_that_does_not_pass_ends_unscored(provider, memory, ask, fault, words):
    provider.fails(fault)
    outcome = ask(provider.judge(memory), CASE)
    assert isinstance(outcome, Unscored)
    assert words in outcome.reason
    assert len(provider.asked()) == 4


@each_passing
def test_a_failure_that_passes_costs_one_wait_and_is_not_noticed(
    provider, memory, waits, fault, words
):
    provider.server.will_say(fault)
    assert isinstance(provider.judge(memory, retry=Retry()).invoke(CASE), Verdict)
    assert (len(provider.asked()), len(waits)) == (2, 1)
    assert 0 <= waits[0] <= 0.5


def test_a_provider_that_says_how_long_to_wait_is_waited_for(provider, memory, waits):
    slow = failure(429, "Slow down.", **{"Retry-After": "7"})
    provider.server.will_say(slow, slow)
    judge = provider.judge(memory, retry=Retry())
    assert isinstance(judge.invoke(CASE), Verdict)
    assert len(waits) == 2
    assert all(7 <= seconds <= 8 for seconds in waits)
    assert waits[0] != waits[1]  # jitter: or all who were sent away would come back at once


def test_a_provider_that_asks_for_too_long_is_not_asked_again(provider, memory, ask):
    provider.fails(failure(429, "Quota used up.", **{"Retry-After": "3600"}))
    outcome = ask(provider.judge(memory), CASE)
    assert isinstance(outcome, Unscored)
    assert "Quota used up." in outcome.reason
    assert len(provider.asked()) == 1


def test_a_model_that_never_answers_ends_unscored_after_its_timeout(provider, memory, ask):
    provider.fails(HANGING)
    judge = provider.judge(memory, model=provider.chat_model(timeout=0.1), retry=TWICE)
    outcome = ask(judge, CASE)
    assert isinstance(outcome, Unscored)
    assert "timed out" in outcome.reason
    assert len(provider.asked()) == 2


def test_nobody_at_the_address_ends_unscored_and_leaves_records_pending(provider, memory, ask):
    with openai_server() as gone:
        pass
    judge = provider.judge(memory, model=provider.chat_model(base_url=gone.url))
    outcome = ask(judge, CASE)
    assert isinstance(outcome, Unscored)
    assert "Connection error" in outcome.reason
    report = judge.align([feedback(1)])
    assert [pending.reason for pending in report.pending] == [outcome.reason]


@each_refusal
def test_refused_access_is_an_error_at_once(provider, memory, ask, fault, words):
    provider.fails(fault)
    judge = provider.judge(memory)
    with pytest.raises(ModelError, match=words):
        ask(judge, CASE)
    assert len(provider.asked()) == 1
    with pytest.raises(ModelError, match=words):
        judge.align([feedback(i) for i in range(3)])
    assert len(provider.asked()) == 2
    assert len(judge.episodes(status="pending")) == 3


@each_unusable
def test_an_unusable_reply_is_repaired_once_then_unscored(provider, memory, ask, fault):
    judge = provider.judge(memory)
    provider.server.will_say(fault)
    assert isinstance(ask(judge, CASE), Verdict)
    provider.fails(fault)
    outcome = ask(judge, CASE)
    assert isinstance(outcome, Unscored)
    assert outcome.reason
    assert len(provider.asked()) == 4


@each_broken
def test_what_repeating_cannot_help_ends_unscored_at_once(provider, memory, ask, fault):
    provider.fails(fault)
    outcome = ask(provider.judge(memory), CASE)
    assert isinstance(outcome, Unscored)
    assert len(provider.asked()) <= 2


def test_a_refusal_is_unscored_with_the_models_words(provider, memory, ask):
    provider.fails(completion(None, refusal="I do not judge that."))
    outcome = ask(provider.judge(memory), CASE)
    assert isinstance(outcome, Unscored)
    assert "I do not judge that." in outcome.reason
    assert len(provider.asked()) == 1


@pytest.mark.parametrize(
    "fault",
    [
        *(fault for fault, _ in PASSING.values()),
        *UNUSABLE.values(),
        *BROKEN.values(),
        completion(None, refusal="No."),
    ],
    ids=[*PASSING, *UNUSABLE, *BROKEN, "refusal"],
)
def test_aligning_leaves_records_pending_and_the_next_one_finishes(provider, memory, fault):
    provider.fails(fault)
    judge = provider.judge(memory, retry=TWICE)
    report = judge.align([feedback(1), feedback(2)])
    waiting = {episode.id for episode in judge.episodes(status="pending")}
    assert {pending.episode_id for pending in report.pending} == waiting == set(report.stored)
    assert all(pending.reason for pending in report.pending)
    assert (report.distilled, judge.principles()) == ((), [])
    provider.heals()
    report = judge.align([])
    assert (set(report.distilled), report.pending) == (waiting, ())
    assert len(judge.principles()) == 2


def test_invented_ids_are_dropped(provider, memory, ask):
    def invent(request):
        if request.title == "verdict":
            return verdict(True, "P1", "E1", "P9", "E99", "1", "")
        return {"principles": [principle("One.", "R1", "R9"), principle("Two.", "R7", "E1")]}

    provider.respond = invent
    judge = provider.judge(memory)
    report = judge.align([feedback(1)])
    (stored,) = report.stored
    first, *others = judge.principles()
    assert first.episode_ids == (stored,)
    assert all(set(other.episode_ids) <= {stored} for other in others)
    assert ask(judge, CASE).relied_on == (first.id, stored)


CONTEXT = 128_000


def too_long(body):
    """A model of 128k tokens, of four characters each."""
    tokens = sum(len(message["content"]) for message in body["messages"]) // 4
    if tokens > CONTEXT:
        return failure(400, f"This model's maximum context length is {CONTEXT}; found {tokens}.")
    return None


def test_a_record_longer_than_the_model_can_read_is_cut_and_says_so(provider, memory, ask):
    provider.fails(too_long)
    long = {**CASE, "outputs": "word " * 200_000}  # 250k tokens
    judge = provider.judge(memory)
    outcome = ask(judge, long)
    assert isinstance(outcome, Verdict)
    assert outcome.cut_tokens > 200_000
    assert '<cut tokens="' in request_of(provider.asked()[-1]).prompt
    report = judge.align([feedback(2), feedback(1, outputs=long["outputs"])])
    assert (len(report.distilled), report.pending) == (2, ())


def test_a_budget_beyond_the_model_ends_unscored_with_the_models_words(provider, memory, ask):
    provider.fails(too_long)
    long = {**CASE, "outputs": "word " * 200_000}
    outcome = ask(provider.judge(memory, case_tokens=10**6), long)
    assert isinstance(outcome, Unscored)
    assert "maximum context length is 128000" in outcome.reason
    assert len(provider.asked()) == 1
