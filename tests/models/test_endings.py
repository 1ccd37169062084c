"""How a reply ended, in the spellings of the providers' LangChain packages."""

import enum

import httpx
import openai
import pytest
from colours import run
from langchain_core.messages import AIMessage
from openai.types.chat import ChatCompletion

from langchain_memalign._models.endings import refusal, reply_in, was_cut_off

from .asking import GOOD, question
from .asking import replies as scripted
from .openai_server import completion


class BlockedReason(enum.Enum):
    """As google-genai has it; langchain-google-genai leaves it in the metadata."""

    SAFETY = "SAFETY"
    PROHIBITED_CONTENT = "PROHIBITED_CONTENT"
    BLOCKED_REASON_UNSPECIFIED = "BLOCKED_REASON_UNSPECIFIED"


def ended(text="", **metadata):
    return AIMessage(text, response_metadata=metadata)


DECLINED = {
    "anthropic": ended(stop_reason="refusal", model_provider="anthropic"),
    "anthropic, explained": ended(
        stop_reason="refusal",
        stop_details={"type": "refusal", "category": "bio", "explanation": "About toxins."},
    ),
    "openrouter": ended(finish_reason="stop", native_finish_reason="refusal"),
    "openai": AIMessage("", additional_kwargs={"refusal": "I cannot."}),
    "openai, responses": AIMessage([{"type": "refusal", "refusal": "I cannot."}]),
    "langchain's block without words": AIMessage([{"type": "refusal", "refusal": ""}]),
}
BLOCKED = {
    "openai and azure": ended(finish_reason="content_filter"),
    "openai, responses": ended(
        status="incomplete", incomplete_details={"reason": "content_filter"}
    ),
    "bedrock guardrail": ended("Sorry, this is blocked.", stopReason="guardrail_intervened"),
    "bedrock filter": ended(stopReason="content_filtered"),
    "bedrock, invoked": ended(**{"amazon-bedrock-guardrailAction": "INTERVENED"}),
    "gemini prompt": ended(prompt_feedback={"block_reason": BlockedReason.SAFETY}),
    "gemini prompt, as text": ended(
        prompt_feedback={"block_reason": "PROHIBITED_CONTENT", "block_reason_message": "No."}
    ),
    "vertex": ended(is_blocked=True, finish_reason="STOP"),
    "cohere": ended(finish_reason="ERROR_TOXIC"),
    "zhipu": ended(finish_reason="sensitive"),
    "openrouter": ended(finish_reason="content_filter", native_finish_reason="SAFETY"),
    "part of an answer": ended('{"value": true', finish_reason="SAFETY"),
    "a whole answer": ended('{"value": true}', finish_reason="SAFETY"),
} | {
    f"gemini {reason}": ended(finish_reason=reason, safety_ratings=[])
    for reason in [
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "MODEL_ARMOR",
    ]
}


@pytest.mark.parametrize("reply", DECLINED.values(), ids=DECLINED)
def test_a_model_that_declines_is_not_asked_again(drive, reply):
    model = scripted(reply)
    answer = drive(question(model))
    assert (answer.value, answer.calls) == (None, 1)
    assert answer.problem.startswith("the model declined")


@pytest.mark.parametrize("reply", BLOCKED.values(), ids=BLOCKED)
def test_a_provider_that_blocks_is_not_asked_again(drive, reply):
    model = scripted(reply)
    answer = drive(question(model))
    assert (answer.value, answer.calls) == (None, 1)
    assert answer.problem.startswith("the provider blocked the ")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (DECLINED["anthropic, explained"], "declined to answer (refusal): bio: About toxins."),
        (DECLINED["openai"], "declined: I cannot."),
        (BLOCKED["bedrock guardrail"], "(guardrail_intervened): Sorry, this is blocked."),
        (BLOCKED["gemini prompt"], "blocked the prompt (SAFETY)."),
        (BLOCKED["gemini prompt, as text"], "blocked the prompt (PROHIBITED_CONTENT): No."),
        (ended(finish_reason="SPII", finish_message="Personal."), "the answer (SPII): Personal."),
    ],
)
def test_the_reason_says_what_is_known_of_it(reply, said):
    assert said in refusal(reply)


@pytest.mark.parametrize(
    "reply",
    [
        None,
        "text",
        ended(finish_reason="stop"),
        ended(finish_reason="STOP", prompt_feedback={"block_reason": None}),
        ended(prompt_feedback={"block_reason": BlockedReason.BLOCKED_REASON_UNSPECIFIED}),
        ended(is_blocked=False, safety_ratings=[{"blocked": False}]),
        ended(**{"amazon-bedrock-guardrailAction": "NONE"}),
        ended(finish_reason="MALFORMED_FUNCTION_CALL"),
        ended(stopReason="end_turn"),
        AIMessage("", additional_kwargs={"refusal": None}),
    ],
)
def test_an_ordinary_end_is_no_refusal(reply):
    assert refusal(reply) is None


@pytest.mark.parametrize("end", ["MALFORMED_FUNCTION_CALL", "malformed_model_output", "OTHER"])
def test_a_reply_that_went_wrong_is_asked_for_again(end):
    answer = run(question(scripted(ended(finish_reason=end), GOOD)))
    assert (answer.value, answer.calls) == (True, 2)


@pytest.mark.parametrize(
    "metadata",
    [
        {"finish_reason": "length"},
        {"finish_reason": "MAX_TOKENS"},
        {"stop_reason": "max_tokens"},
        {"stopReason": "max_tokens"},
        {"stop_reason": "model_context_window_exceeded"},
        {"done_reason": "length"},
        {"finish_reason": "model_length"},
        {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
    ],
)
def test_a_limit_of_tokens_is_told_in_every_spelling(metadata):
    assert was_cut_off(ended(**metadata))
    assert not was_cut_off(ended(finish_reason="stop"))


# Replies inside exceptions


def bad_request(body, *, wrapped=False):
    """A 400 as openai's client raises it; Groq's own leaves the `error` around the body."""
    response = httpx.Response(400, request=httpx.Request("POST", "https://api.example.com"))
    return openai.BadRequestError(
        f"Error code: 400 - {body}", response=response, body={"error": body} if wrapped else body
    )


def failed(written, code="tool_use_failed", message="Failed to call a function."):
    return {"message": message, "type": "invalid_request_error", "code": code} | (
        {} if written is None else {"failed_generation": written}
    )


WRITTEN = [
    '{"value": true}',
    '<function=verdict>{"value": true}</function>',
    'verdict{"value": true}</function>',
    '<tool-use>\n{"tool_calls": [{"type": "function", "function": {"name": "verdict"}, '
    '"parameters": {"value": true}}]}\n</tool-use>',
    '{"name": "verdict", "arguments": {"value": "true"}}',
    '[{"name": "verdict", "parameters": {"value": true}}]',
    '```\n{"tool_calls": [{"name": "verdict", "arguments": "{\\"value\\": true}"}]}\n```',
    {"value": True},
]


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("code", ["tool_use_failed", "json_validate_failed"])
@pytest.mark.parametrize("written", WRITTEN, ids=lambda written: str(written)[:25])
def test_what_a_provider_refused_to_pass_on_is_read(drive, written, code, wrapped):
    model = scripted(bad_request(failed(written, code), wrapped=wrapped))
    answer = drive(question(model))
    assert (answer.value, answer.problem, answer.calls) == (True, None, 1)


@pytest.mark.parametrize("written", [None, "", "I would say yes.", '{"value": tru'])
def test_what_cannot_be_read_of_it_is_asked_for_once_more(drive, written):
    model = scripted(bad_request(failed(written)), GOOD)
    answer = drive(question(model))
    assert (answer.value, answer.calls) == (True, 2)
    again = scripted(bad_request(failed(written)), bad_request(failed(written)), GOOD)
    answer = drive(question(again))
    assert (answer.value, answer.calls) == (None, 2)


def test_an_error_of_litellm_or_of_an_answer_that_is_one_holds_it_as_text():
    text = (
        'litellm.BadRequestError: GroqException - {"error": {"message": "No.", '
        '"code": "tool_use_failed", "failed_generation": "{\\"value\\": true}"}}'
    )
    for error in (Exception(text), ValueError(failed('{"value": true}'))):
        assert reply_in(error).text == '{"value": true}'


def test_one_that_met_the_limit_of_tokens_says_so():
    message = "max completion tokens reached before generating a valid document"
    reply = reply_in(bad_request(failed('{"value"', "json_validate_failed", message)))
    assert was_cut_off(reply)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        ConnectionError("down"),
        bad_request({"message": "max_tokens is too large", "code": "invalid_value"}),
        bad_request(None),
        ValueError('{"error": "text"}'),
        ValueError("{'error': {}}"),
    ],
)
def test_other_errors_hold_no_reply(error):
    assert reply_in(error) is None


class ModelRefusalError(Exception):
    """As newer versions of langchain-core have it."""

    def __init__(self, message, raw_message):
        super().__init__(message)
        self.raw_message = raw_message


REFUSED = [
    ModelRefusalError("Model refused.", AIMessage("", additional_kwargs={"refusal": "No."})),
    ModelRefusalError("Model refused.", AIMessage("")),
    openai.ContentFilterFinishReasonError(),
    openai.ContentFilterFinishReasonError(
        completion=ChatCompletion.model_validate(completion("", finish="content_filter")[2])
    ),
    bad_request({"message": "The prompt was filtered.", "code": "content_filter"}),
    bad_request({"message": "Unsafe.", "code": "content_policy_violation"}),
]


@pytest.mark.parametrize("error", REFUSED, ids=lambda error: type(error).__name__)
def test_a_refusal_that_is_raised_is_one(drive, error):
    answer = drive(question(scripted(error, GOOD)))
    assert (answer.value, answer.calls) == (None, 1)
    assert "declined" in answer.problem or "blocked" in answer.problem
