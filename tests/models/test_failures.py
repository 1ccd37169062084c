from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import openai
import pytest
import requests
from fakes import HttpError

from langchain_memalign import ConfigurationError, InvalidInputError, ModelError
from langchain_memalign._models.failures import as_model_error

REQUEST = httpx.Request("POST", "https://api.example.com/v1/chat/completions")


def answered(kind, status, **headers):
    """An error of openai's client, made of an HTTP answer."""
    response = httpx.Response(status, request=REQUEST, headers=headers)
    return kind(f"Error code: {status}", response=response, body=None)


def in_seconds(seconds):
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("error", "status", "transient"),
    [
        (answered(openai.BadRequestError, 400), 400, False),
        (answered(openai.AuthenticationError, 401), 401, False),
        (answered(openai.PermissionDeniedError, 403), 403, False),
        (answered(openai.NotFoundError, 404), 404, False),
        (answered(openai.ConflictError, 409), 409, True),
        (answered(openai.UnprocessableEntityError, 422), 422, False),
        (answered(openai.RateLimitError, 429), 429, True),
        (answered(openai.InternalServerError, 500), 500, True),
        (answered(openai.InternalServerError, 503), 503, True),
        (openai.APITimeoutError(request=REQUEST), None, True),
        (openai.APIConnectionError(request=REQUEST), None, True),
        (httpx.ConnectError("refused", request=REQUEST), None, True),
        (httpx.ReadTimeout("slow", request=REQUEST), None, True),
        (httpx.RemoteProtocolError("cut off", request=REQUEST), None, True),
        (
            httpx.HTTPStatusError("bad", request=REQUEST, response=httpx.Response(502)),
            502,
            True,
        ),
        (requests.ConnectionError("refused"), None, True),
        (requests.ReadTimeout("slow"), None, True),
        (TimeoutError(), None, True),
        (ConnectionResetError(), None, True),
        (ValueError("max_tokens is too large"), None, False),
        (KeyError("choices"), None, False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_a_providers_error_tells_whether_the_call_may_succeed_later(error, status, transient):
    translated = as_model_error(error, "the chat model")
    assert isinstance(translated, ModelError)
    assert (translated.status, translated.transient) == (status, transient)
    assert str(translated).startswith(f"the chat model failed with {type(error).__name__}: ")


@pytest.mark.parametrize("error", [InvalidInputError("mine"), ConfigurationError("mine")])
def test_our_own_errors_pass_as_they_are(error):
    assert as_model_error(error, "the chat model") is error


@pytest.mark.parametrize(
    ("status", "remedy", "refused"),
    [
        (400, None, False),
        (401, "Check the API key.", True),
        (403, "Check what the API key may use.", True),
        (404, "Check the model's name and the base URL.", True),
        (429, None, False),
    ],
)
def test_refused_access_says_what_to_check(status, remedy, refused):
    error = as_model_error(HttpError(status), "the chat model")
    assert error.is_refused_access == refused
    assert str(error).endswith(remedy or f"Error code: {status}")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": " 2.5 "}, 2.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "Retry-After": "9"}, 0.25),
        ({"retry-after-ms": "-5"}, 0.0),
        ({"Retry-After": in_seconds(-60)}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "Wed, 21 Oct 2037 07:28:00 -0000"}, None),
    ],
)
def test_the_wait_that_a_provider_asks_for_is_read(headers, seconds):
    error = as_model_error(answered(openai.RateLimitError, 429, **headers), "the call")
    assert error.retry_after == seconds


def test_a_wait_until_a_date_is_read_as_seconds_from_now():
    date = in_seconds(3600)
    error = as_model_error(answered(openai.RateLimitError, 429, **{"Retry-After": date}), "it")
    assert 3000 < error.retry_after <= 3600


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("Incorrect API key provided: sk-proj-AbC1*****xyz. You can find it", "sk-proj-AbC1"),
        ("Incorrect API key provided: my-azure-key-12345.", "my-azure-key-12345"),
        ("invalid x-api-key: 0123456789abcdef", "0123456789abcdef"),
        ("{'api_key': '0123456789abcdef'}", "0123456789abcdef"),
        ("apikey=0123456789abcdef rejected", "0123456789abcdef"),
        ("header Authorization: Bearer eyJhbGciOi.JIUzI1NiJ9.x", "eyJhbGciOi.JIUzI1NiJ9.x"),
        ("header Authorization: Basic dXNlcjpwYXNzd29yZA1==", "dXNlcjpwYXNzd29yZA1"),
        ("GET https://host/v1beta?key=AIzaSyD-123456789&alt=sse", "AIzaSyD-123456789"),
        ("gsk_0123456789abcdef has no access", "gsk_0123456789abcdef"),
        ("access_token: a1b2c3d4e5", "a1b2c3d4e5"),
    ],
)
def test_no_secret_gets_into_a_message(said, secret):
    message = str(as_model_error(ValueError(said), "the chat model"))
    assert secret not in message
    assert "…" in message


@pytest.mark.parametrize(
    "said",
    [
        "maximum context length is 8192 tokens, however you requested 9000 tokens",
        "the model `gpt-4.1-mini-2025-04-14` does not exist",
        "You can find your API key at https://platform.openai.com/account/api-keys.",
    ],
)
def test_what_is_no_secret_stays_readable(said):
    assert said in str(as_model_error(ValueError(said), "the chat model"))


def test_a_very_long_message_is_cut():
    assert len(str(as_model_error(ValueError("x" * 10_000), "the chat model"))) < 600
