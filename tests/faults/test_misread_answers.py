"""Answers of a Qdrant server that look like something else: read as what they are."""

from pathlib import Path

import pytest
from fakes import feedback
from memory.deployment import AT_ONCE, Deployment
from memory.qdrant_processes import open_judge
from qdrant_rest import process

from langchain_memalign import MemoryStoreError, MemoryUnavailableError
from langchain_memalign._stores.qdrant.store import QdrantStore

pytestmark = pytest.mark.enable_socket

CERTIFICATE = Path(process.__file__).parent / "untrusted.pem"
QUESTION = {"inputs": "Question number 1 about topic1?", "outputs": "An answer."}
SPLIT = (
    "Rate limiting exceeded: Write rate limit exceeded, request larger than rate limiter capacity, "
    "please try to split your request"
)


@pytest.fixture
def judge(on_rest):
    judge, _ = open_judge(on_rest.url, on_rest.options)
    with judge.memory:
        judge.align([feedback(1)])
        yield judge


@pytest.mark.parametrize("match", ["points/query", "scroll", "points/batch", "aliases"])
def test_a_busy_server_is_asked_again(judge, on_rest, match):
    on_rest.rest.fault(match=match, status=408, message=None)
    assert judge.invoke(QUESTION).recall_problem is None
    assert len(judge.align([feedback(2)]).distilled) == 1
    assert on_rest.rest.hits() == 1


def test_a_server_that_stays_busy_is_called_busy(judge, on_rest):
    on_rest.rest.fault(match="points/query", status=408, message=None, times=None)
    with pytest.raises(MemoryUnavailableError, match=r"too busy to answer in time.*repeat later"):
        judge.invoke(QUESTION)


def test_what_is_too_large_for_the_rate_limit_is_sent_in_parts(judge, on_rest):
    # The server takes what is halved twice.
    on_rest.rest.fault(match="points/batch", status=429, message=SPLIT, times=3)
    report = judge.align([feedback(n) for n in range(10, 30)])
    assert len(report.stored) == 20
    assert len(judge.episodes()) == 21


def test_what_cannot_be_made_smaller_names_the_limit(judge, on_rest):
    on_rest.rest.fault(match="points/batch", status=429, message=SPLIT, times=None)
    with pytest.raises(MemoryStoreError, match="raise write_rate_limit"):
        judge.align([feedback(2)])


def test_too_few_indexes_name_their_limit(on_rest):
    strict = {"enabled": True, "max_payload_index_count": 2}
    body = {"vectors": {}, "strict_mode_config": strict}
    on_rest.rest.ask("PUT", f"/collections/{on_rest.collection}", body)
    with pytest.raises(MemoryStoreError, match=r"fewer indexes .*raise max_payload_index_count"):
        on_rest.open()


def test_a_memory_is_used_where_exact_search_is_forbidden(on_rest):
    strict = {"enabled": True, "search_allow_exact": False}
    body = {"vectors": {}, "strict_mode_config": strict}
    on_rest.rest.ask("PUT", f"/collections/{on_rest.collection}", body)
    judge, _ = open_judge(on_rest.url, on_rest.options)
    with judge.memory:
        judge.align([feedback(n) for n in range(3)])
        assert judge.invoke(QUESTION).episode_ids
        assert judge.memory.judges() == ["tone"]
        judge.forget(episode_ids=[judge.episodes()[0].id])
        assert len(judge.episodes()) == 2


@pytest.fixture
def tls():
    server = process.RestServer(certificate=CERTIFICATE)
    yield server
    server.close()


def test_a_certificate_that_is_not_trusted_names_where_to_trust_it(tls, monkeypatch):
    with pytest.raises(MemoryUnavailableError, match=r"certificate .*SSL_CERT_FILE") as told:
        QdrantStore.open(tls.url, retry=AT_ONCE)
    assert "docker" not in str(told.value)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    Deployment(tls.url, None, "memalign", rest=tls).open().close()


def test_http_to_a_port_that_speaks_tls_says_so(tls):
    address = tls.url.replace("https", "http")
    with pytest.raises(MemoryUnavailableError, match=r"speaks TLS.*write https://"):
        QdrantStore.open(address, retry=AT_ONCE)


def test_https_to_a_port_that_does_not_speak_tls_says_so(rest):
    address = rest.url.replace("http", "https")
    with pytest.raises(MemoryUnavailableError, match=r"speaks plain http.*write http://"):
        QdrantStore.open(address, retry=AT_ONCE)
