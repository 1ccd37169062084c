import sys

import pytest
from fakes import CountingEmbeddings, ScriptedModel
from langchain_core.embeddings import DeterministicFakeEmbedding

from langchain_memalign import ConfigurationError
from langchain_memalign._models import resolve_chat_model, resolve_embeddings
from langchain_memalign._offline import LocalEmbeddings, PrecedentModel

KEY = "sk-proj-0123456789abcdef"


@pytest.fixture
def openai_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def test_a_chat_model_is_taken_as_it_is():
    model = ScriptedModel(respond=lambda request: "")
    assert resolve_chat_model(model) is model


def test_precedent_is_the_offline_model():
    assert isinstance(resolve_chat_model("precedent"), PrecedentModel)


def test_a_string_names_a_provider_and_its_model(openai_key):
    model = resolve_chat_model("openai:gpt-4.1-mini")
    assert (type(model).__name__, model.model_name) == ("ChatOpenAI", "gpt-4.1-mini")


def test_other_providers_are_found_by_langchain(monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://example.invalid")
    monkeypatch.setenv("OPENAI_API_VERSION", "2025-01-01")
    assert type(resolve_chat_model("azure_openai:judge")).__name__ == "AzureChatOpenAI"
    embeddings, name = resolve_embeddings("azure_openai:embedder")
    assert (type(embeddings).__name__, name) == ("AzureOpenAIEmbeddings", "azure_openai:embedder")


@pytest.mark.parametrize("name", ["no_such_provider:large", "no-such-model", "", "openai:"])
@pytest.mark.parametrize("resolve", [resolve_chat_model, resolve_embeddings])
def test_an_unknown_name_says_what_was_found_and_what_is_expected(resolve, name):
    with pytest.raises(ConfigurationError) as caught:
        resolve(name)
    message = str(caught.value)
    assert repr(name) in message
    assert "Expected 'provider:name', such as 'openai:" in message
    assert "or pass the object itself" in message


@pytest.mark.parametrize("resolve", [resolve_chat_model, resolve_embeddings])
def test_a_missing_key_says_where_to_set_it(resolve):
    with pytest.raises(ConfigurationError, match=r"OPENAI_API_KEY.*Set the provider's key in the"):
        resolve("openai:some-model")


@pytest.mark.parametrize(
    ("resolve", "name", "package"),
    [
        (resolve_chat_model, "anthropic:claude", "langchain_anthropic"),
        (resolve_chat_model, "anthropic:claude", "langchain.chat_models"),
        (resolve_embeddings, "cohere:embed", "langchain_cohere"),
        (resolve_embeddings, "cohere:embed", "langchain.embeddings"),
    ],
)
def test_a_missing_package_says_what_to_install(monkeypatch, resolve, name, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigurationError, match=r"Install langchain-memalign\[providers\] and"):
        resolve(name)


def test_local_embeddings_without_their_package_name_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "wordllama", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'langchain-memalign\[local\]'"):
        resolve_embeddings("local")


@pytest.mark.parametrize("resolve", [resolve_chat_model, resolve_embeddings])
def test_a_key_that_a_provider_quotes_is_not_passed_on(monkeypatch, openai_key, resolve):
    monkeypatch.setenv("OPENAI_PROXY", f"nonsense://{KEY}@proxy")
    with pytest.raises(ConfigurationError) as caught:
        resolve("openai:some-model")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("thing", [None, 42, ["openai:gpt-4.1-mini"], lambda text: text])
@pytest.mark.parametrize("resolve", [resolve_chat_model, resolve_embeddings])
def test_anything_else_is_refused_by_its_type(resolve, thing):
    with pytest.raises(ConfigurationError, match=f"found a {type(thing).__name__}; expected"):
        resolve(thing)


# What a memory remembers embeddings by


def test_local_embeddings_are_remembered_by_model_and_size():
    embeddings, name = resolve_embeddings("local")
    assert isinstance(embeddings, LocalEmbeddings)
    assert name == "local:wordllama-l2-supercat-256"


def test_embeddings_named_by_a_string_are_remembered_by_it(openai_key):
    assert resolve_embeddings("openai:text-embedding-3-small")[1] == "openai:text-embedding-3-small"


def test_an_object_is_remembered_by_its_class_and_its_model():
    class Named(CountingEmbeddings):
        model = "bag-of-words-2"

    class Unnamed(CountingEmbeddings):
        model = object()

    assert resolve_embeddings(Named())[1].endswith("Named:bag-of-words-2")
    assert resolve_embeddings(Unnamed())[1].endswith("Unnamed")
    plain = DeterministicFakeEmbedding(size=4)
    assert resolve_embeddings(plain) == (
        plain,
        "langchain_core.embeddings.fake.DeterministicFakeEmbedding",
    )


@pytest.mark.parametrize("embeddings", ["local", "openai:small", CountingEmbeddings()])
def test_a_given_id_is_the_one_that_counts(openai_key, embeddings):
    assert resolve_embeddings(embeddings, "mine-v2")[1] == "mine-v2"
