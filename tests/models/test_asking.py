"""One question: one repair, what it cost, and what the model was told."""

import asyncio

import pytest
from colours import Call, arun, run
from fakes import HttpError, ScriptedModel, dump
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import FakeListChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda

from langchain_memalign import ConfigurationError, ModelError
from langchain_memalign._models import StructuredModel

from .asking import AT_ONCE, GOOD, NONSENSE, PROMPT, SCHEMA, question, read_value, replies


def refusing(words="I cannot judge that."):
    return AIMessage("", additional_kwargs={"refusal": words})


# Repair


def test_an_unusable_reply_is_repaired_once(drive):
    model = replies(NONSENSE, GOOD)
    answer = drive(question(model))
    assert (answer.value, answer.problem, answer.calls) == (True, None, 2)


def test_the_repair_shows_the_reply_and_says_what_was_wrong_with_it():
    model = replies({"value": "yes"}, GOOD)
    run(question(model))
    first, repair = model.requests
    assert first.messages == PROMPT
    assert repair.messages[:2] == PROMPT
    said, complaint = repair.messages[2:]
    assert (said.type, said.content) == ("ai", '{"value": "yes"}')
    assert complaint.type == "human"
    assert "it has no 'value'; expected true or false." in complaint.content


def test_an_empty_reply_is_not_quoted_since_some_providers_refuse_empty_messages():
    model = replies("", GOOD)
    run(question(model))
    assert [message.type for message in model.requests[1].messages] == ["system", "human", "human"]


def test_a_very_long_reply_is_quoted_in_part():
    model = replies("no " * 50_000, GOOD)
    run(question(model))
    assert len(model.requests[1].messages[2].content) < 10_000


def test_after_one_repair_it_gives_up_and_shows_the_last_reply(drive):
    model = replies("First.", "Second.", GOOD)
    answer = drive(question(model))
    assert (answer.value, answer.raw, answer.calls) == (None, "Second.", 2)
    assert "holds no JSON object" in answer.problem


@pytest.mark.parametrize(
    "refusal",
    [refusing(), AIMessage([{"type": "refusal", "refusal": "I cannot judge that."}])],
)
def test_a_refusal_is_reported_and_not_argued_with(refusal):
    model = replies(refusal, GOOD)
    answer = run(question(model))
    assert answer.value is None
    assert answer.problem == "the model declined: I cannot judge that."
    assert (answer.calls, len(model.requests)) == (1, 1)


def test_a_refusal_to_repair_ends_it():
    answer = run(question(replies(NONSENSE, refusing())))
    assert (answer.value, answer.calls) == (None, 2)
    assert "declined" in answer.problem


def some_or_all(data):
    """Understands a part of a list and names what it could not read."""
    good = [item for item in data.get("items", ()) if isinstance(item, int)]
    bad = len(data.get("items", ())) - len(good)
    return good or None, f"{bad} items are no numbers." if bad else None


def test_a_part_that_was_understood_is_kept_when_the_repair_brings_nothing():
    model = replies({"items": [1, "two"]}, NONSENSE)
    answer = run(question(model, read=some_or_all))
    assert answer.value == [1]
    assert answer.problem == "1 items are no numbers."


def test_a_repair_that_brings_more_takes_the_place_of_the_part():
    model = replies({"items": [1, "two"]}, {"items": [1, 2]})
    answer = run(question(model, read=some_or_all))
    assert (answer.value, answer.problem) == ([1, 2], None)


# What it cost


def test_tokens_of_both_calls_are_added(drive):
    answer = drive(question(replies({"value": "yes"}, GOOD)))
    assert answer.usage["input_tokens"] == 20
    assert answer.usage["output_tokens"] == 10
    assert answer.usage["total_tokens"] == 30


def test_tokens_of_one_call_count_where_the_other_does_not_tell():
    assert run(question(replies(NONSENSE, GOOD))).usage["total_tokens"] == 15


def test_a_model_that_does_not_tell_has_no_usage():
    assert run(question(replies(dump(GOOD)))).usage is None


def test_failed_calls_are_counted(drive):
    model = replies(HttpError(429), NONSENSE, HttpError(503), HttpError(503), GOOD)
    answer = drive(question(model))
    assert (answer.value, answer.calls, len(model.requests)) == (True, 5, 5)


def test_a_failure_for_good_says_how_many_calls_were_made():
    model = replies(NONSENSE, HttpError(503), HttpError(400))
    with pytest.raises(ModelError) as caught:
        run(question(model))
    assert (caught.value.attempts, caught.value.status, len(model.requests)) == (3, 400, 3)


def test_a_patience_of_its_own_counts_for_one_question():
    model = replies(*[HttpError(503)] * 9)
    asked = StructuredModel(model, retry=AT_ONCE)
    two = type(AT_ONCE)(attempts=2, first_wait=0)
    with pytest.raises(ModelError):
        run(Call("model_calls.ask", asked, PROMPT, SCHEMA, read_value, retry=two))
    assert len(model.requests) == 2


def test_sync_and_async_give_the_same_answer_to_the_same_model():
    def script():
        return replies(HttpError(500), {"value": "yes"}, HttpError(429), {"items": []}, GOOD)

    first, second = script(), script()
    assert run(question(first)) == asyncio.run(arun(question(second)))
    assert first.requests == second.requests


# What the model is told


def test_a_model_with_tools_is_given_the_schema():
    model = replies(GOOD)
    run(question(model))
    assert model.requests[0].title == "verdict"


@pytest.mark.parametrize(
    "model",
    [
        FakeListChatModel(responses=[dump(GOOD)]),
        GenericFakeChatModel(messages=iter([AIMessage(f"```json\n{dump(GOOD)}\n```")])),
    ],
)
def test_a_model_without_tools_is_asked_plainly(model):
    assert run(question(model)).value is True


def test_a_model_without_tools_is_repaired_too(drive):
    answer = drive(question(FakeListChatModel(responses=[NONSENSE, dump(GOOD)])))
    assert (answer.value, answer.calls) == (True, 2)


class Choosy(ScriptedModel):
    """Notes with which options it is asked for structure."""

    asked_for: list[dict] = []  # noqa: RUF012 (pydantic copies defaults)

    def with_structured_output(self, schema, *, include_raw=False, method="tools", strict=None):
        self.asked_for.append({"method": method, "strict": strict, "title": schema["title"]})
        return RunnableLambda(lambda messages: {"raw": AIMessage(dump(GOOD)), "parsed": None})


def test_options_reach_the_model():
    model = Choosy(respond=lambda request: "")
    run(question(model, options={"method": "json_mode", "strict": True}))
    assert model.asked_for == [{"method": "json_mode", "strict": True, "title": "verdict"}]


@pytest.mark.parametrize("options", [{"temperature": 0}, {"include_raw": False}])
@pytest.mark.parametrize("kind", [ScriptedModel, Choosy])
def test_options_that_the_model_does_not_take_are_refused(kind, options):
    model = kind(respond=lambda request: GOOD)
    with pytest.raises(ConfigurationError) as caught:
        run(question(model, options=options))
    message = str(caught.value)
    assert str(options) in message
    assert kind.__name__ in message
    assert "Change the judge's `structured_output` options." in message
    assert model.requests == []


def test_callbacks_and_tags_reach_the_models_run(drive):
    class Listener(BaseCallbackHandler):
        seen = ()

        def on_chat_model_start(self, serialized, messages, *, tags=None, metadata=None, **rest):
            self.seen = (*self.seen, (tags, metadata["case"], messages[0]))

    listener = Listener()
    config = {"callbacks": [listener], "tags": ["judge:tone"], "metadata": {"case": "c-1"}}
    drive(question(replies(NONSENSE, GOOD), config=config))
    assert len(listener.seen) == 2
    assert all("judge:tone" in tags and case == "c-1" for tags, case, _ in listener.seen)
    assert listener.seen[0][2] == PROMPT


def test_a_prompt_is_not_changed_by_asking():
    before = list(PROMPT)
    run(question(replies(NONSENSE, GOOD)))
    assert before == PROMPT
