"""Which secrets an object holds, and that none of them is said."""

import base64
import json
from types import SimpleNamespace
from urllib.parse import quote, quote_plus

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


def behind(before):
    return base64.b64encode(f"{before}{KEY}".encode()).decode()


@pytest.mark.parametrize(
    "said",
    [
        KEY.upper(),
        KEY.encode().hex(),
        *map(behind, ("a", "ab", "abc", "bob:")),
        json.dumps(json.dumps({"x": KEY})),
    ],
)
def test_a_known_key_is_masked_however_it_is_written(said):
    shown = without_secrets(f"found {said} here", secrets_of(SimpleNamespace(api_key=f"{KEY}\n")))
    assert KEY not in shown.casefold()
    assert said not in shown
    assert "…" in shown


@pytest.mark.parametrize(
    "write",
    [json.dumps, repr, quote, quote_plus, lambda key: quote(key, safe="").lower()],
    ids=["json", "repr", "quote", "plus", "lower"],
)
def test_a_key_with_odd_characters_is_masked_where_they_are_escaped(write):
    key = """a/b "c\\d' plain-word"""
    said = without_secrets(f"found {write(key)} here", secrets_of(SimpleNamespace(api_key=key)))
    assert "plain" not in said


def test_of_a_key_of_several_lines_each_is_masked():
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nqwertyuiopas\n-----END PRIVATE KEY-----\n"
    known = secrets_of(SimpleNamespace(private_key=key))
    for said in (key, repr(key), json.dumps(key), "line 3: qwertyuiopas"):
        shown = without_secrets(said, known)
        assert "MIIEvQ" not in shown
        assert "qwerty" not in shown
    assert "MIIEvQ" not in without_secrets(f"cannot read {key}")


class Slotted:
    __slots__ = ("api_key",)

    def __init__(self):
        self.api_key = KEY


@pytest.mark.parametrize(
    "holder",
    [
        Slotted(),
        type("Client", (), {"api_key": KEY})(),
        SimpleNamespace(accessToken=KEY),
        SimpleNamespace(auth=("bob", KEY)),
        SimpleNamespace(api_keys={KEY}),
        SimpleNamespace(cookies={"session": KEY}),
        SimpleNamespace(headers=[{"x": {b"X-Api-Key": KEY.encode()}}]),
        SimpleNamespace(base_url=f"https://inner.example/v1?api_key={KEY}&v=1"),
        SimpleNamespace(base_url=f"https://inner.example/v1?code={KEY}"),
        SimpleNamespace(base_url=f"https://{KEY}@inner.example/v1"),
        SimpleNamespace(bound=SimpleNamespace(client=SimpleNamespace(http={"token": KEY}))),
    ],
)
def test_a_key_is_known_wherever_it_is_held(holder):
    assert KEY in secrets_of(holder)


def test_keys_of_the_environment_are_known(monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", KEY)
    monkeypatch.setenv("SOME_PLACE", "inner-example")
    assert without_secrets(f"{KEY} of inner-example") == "… of inner-example"


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
        (f"GET https://inner.example/v1?api_key={KEY}&a=b failed", KEY),
        (f"GET https://inner.example/v1?a=b&key={KEY} failed", KEY),
        (f"https://inner.example/v1?X-Amz-Signature={KEY}", KEY),
        (f"https://inner.example/v1%3Faccess_token%3D{KEY}", KEY),
        (json.dumps({"a": 1, "api_key": KEY}), KEY),
        (json.dumps(json.dumps({"clientSecret": KEY})), KEY),
        (quote(json.dumps({"password": KEY})), KEY),
        (repr({b"x-api-key": KEY.encode()}), KEY),
        (repr([("authorization", f"Token {KEY}")]).replace("', '", "': '"), KEY),
        (f"api-key: {KEY}", KEY),
        (f"Ocp-Apim-Subscription-Key: {KEY}", KEY),
        (f"OPENAI_API_KEY={KEY}", KEY),
        (f"AccountName=a;AccountKey={KEY}==;", KEY),
        (f"host=db user=bob password='{KEY}'", KEY),
        (f"pwd={KEY}", KEY),
        (f"Cookie: session={KEY}; theme=dark", KEY),
        (f"Authorization: ApiKey {KEY}", KEY),
        (f'Authorization: Digest username="bob", response="{KEY}"', KEY),
        (f"Authorization: AWS4-HMAC-SHA256 Credential=x/y, Signature={KEY}", KEY),
        (f"upstream https://bob:p@{KEY}@inner.example/v1 refused", KEY),
        (f"upstream https://bob:p/{KEY}@inner.example/v1 refused", KEY),
        ("https://hooks.slack.com/services/T000/B000/abcdefghijklm", "abcdefghijklm"),
        ("tvly-abcdefghijk is revoked", "tvly-abcdefghijk"),
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
        "https://inner.example:8080/users/@bob",
        "max_tokens=4096, total_tokens: 4500",
        "Missing key: 'a'; expected inputs",
        "Unexpected token: '}' at 12",
        "the api_key client option must be set, or OPENAI_API_KEY in the environment",
        "Invalid API key. See https://inner.example/account/api-keys.",
        "key: expected text",
        '{"keys": ["inputs"], "tokens": "four hundred"}',
    ],
)
def test_what_is_none_stays_readable(said):
    assert without_secrets(said) == said
