"""Which secrets an object holds, and that none of them is said."""

import base64

import pytest
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from langchain_memalign._models.secrets import secrets_of, without_secrets

KEY = "correct-horse-battery-staple"


@pytest.mark.parametrize("make", [ChatOpenAI, OpenAIEmbeddings])
def test_a_models_own_key_is_masked_whatever_it_looks_like(make):
    model = make(
        model="gpt-test",
        api_key=KEY,
        base_url="https://bob:hunter-two-pw@inner.example/v1",
        default_headers={"X-Api-Key": "another-plain-word"},
    )
    known = secrets_of(model)
    packed = base64.b64encode(KEY.encode()).decode()
    for secret in (KEY, packed, "hunter-two-pw", "another-plain-word"):
        assert secret not in without_secrets(f"found {secret} here", known)
    assert without_secrets("gpt-test of inner.example", known) == "gpt-test of inner.example"


def test_what_holds_itself_is_looked_through_once():
    class Client:
        def __init__(self):
            self.client, self.password = self, "plain-enough"

    assert "plain-enough" in secrets_of(Client())


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        (f"Invalid header Authorization: Bearer {KEY}", KEY),
        (f"refused the token in 'Bearer {KEY}'", KEY),
        ("Authorization: Basic Ym9iOmh1bnRlcg==", "Ym9iOmh1bnRlcg"),
        ("upstream https://bob:hunter@inner.example/v1 refused", "hunter"),
        ("redis://:hunter@cache:6379 refused", "hunter"),
        ("ghp_abcdefghijklmnop is revoked", "ghp_abcdefghijklmnop"),
        ("github_pat_abcdefghijk is revoked", "github_pat_abcdefghijk"),
        ("xoxb-abcdefghijk is revoked", "xoxb-abcdefghijk"),
        ("dapiabcdefabcdefabcdef is revoked", "dapiabcdefabcdefabcdef"),
        ("glpat-abcdefghijk is revoked", "glpat-abcdefghijk"),
    ],
)
def test_what_looks_like_a_secret_is_masked(said, secret):
    shown = without_secrets(said)
    assert secret not in shown
    assert "…" in shown


@pytest.mark.parametrize(
    "said",
    [
        "Bearer authentication is required, see https://inner.example/docs",
        "basic auth is not supported",
        "write to help@inner.example",
        "https://inner.example/users/@bob",
    ],
)
def test_what_is_none_stays_readable(said):
    assert without_secrets(said) == said
