"""The server of the tests refuses as a Qdrant server does, and searches no better than it."""

import uuid

import pytest

from .process import RestServer
from .test_nodes import IDS, refusal

pytestmark = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def server():
    keys = {"api_key": "all", "read_key": "read", "token": ("only", "one")}
    server = RestServer(**keys)
    yield server
    server.close()


@pytest.fixture
def ask(server):
    """Make a request to the collection `only`, which is there."""
    server.ask("PUT", "/collections/only", {"vectors": {"case": {"size": 2, "distance": "Cosine"}}})
    yield lambda method, rest, body=None, **more: server.ask(
        method, f"/collections/only{rest}", body, **more
    )
    server.drop("only")


POINT = {"points": [{"id": IDS[0], "vector": {}, "payload": {}}]}


@pytest.mark.parametrize(
    ("key", "method", "path", "said"),
    [
        ("read", "PUT", "/collections/more", "Forbidden: Global manage access is required"),
        ("read", "PUT", "/collections/only/points", "Forbidden: Write access to collection only"),
        ("one", "POST", "/collections/aliases", "Forbidden: Global access is required"),
        ("one", "GET", "/aliases", "Forbidden: Global access is required"),
        ("one", "POST", "/collections/other/points", "Forbidden: Access to collection other"),
    ],
)
def test_what_a_key_may_not_do(server, ask, key, method, path, said):
    body = {**POINT, "actions": [], "vectors": {}, "ids": []}
    status, told = refusal(lambda: server.ask(method, path, body, key=key))
    assert (status, told.startswith(said)) == (403, True)


def test_a_token_does_not_see_other_names_of_its_collection(server, ask):
    create = {"create_alias": {"collection_name": "only", "alias_name": "other"}}
    server.ask("POST", "/collections/aliases", {"actions": [create]})
    assert [a["alias_name"] for a in ask("GET", "/aliases")["aliases"]] == ["other"]
    assert ask("GET", "/aliases", key="one")["aliases"] == []
    assert ask("GET", "/aliases", key="read")["aliases"] != []
    assert ask("POST", "/points", {"ids": [IDS[0]]}, key="one") == []
    ask("PUT", "/points", POINT, key="one")


def test_a_large_collection_is_searched_approximately(server, ask):
    vectors = [[1.0, number / 100] for number in range(600)]
    points = [
        {"id": str(uuid.UUID(int=n)), "vector": {"case": v}, "payload": {"judge": "a"}}
        for n, v in enumerate(vectors, 1)
    ]
    ask("PUT", "/points", {"points": points})
    where = {"must": [{"key": "judge", "match": {"value": "a"}}]}

    def found(**more):
        body = {"query": [1.0, 0.0], "using": "case", "limit": 600, **more}
        return len(ask("POST", "/points/query", body)["points"])

    assert found() == found(filter=where) == 600
    server.approximate_from(500)
    assert found() < 600
    assert found(filter=where) < 540
    for params in ({"exact": True}, {"acorn": {"enable": True}, "hnsw_ef": 256}):
        assert found(filter=where, params=params) == 600


def test_several_searches_are_answered_by_one_request(ask):
    point = {"id": IDS[0], "vector": {"case": [1.0, 0.0]}, "payload": {}}
    ask("PUT", "/points", {"points": [point]})
    search = {"query": [1.0, 0.0], "using": "case", "limit": 1}
    first, second = ask("POST", "/points/query/batch", {"searches": [search, search]})
    assert first == second
    assert [hit["id"] for hit in first["points"]] == [IDS[0]]


def test_snapshots_are_listed(ask):
    made = ask("POST", "/snapshots")
    assert ask("GET", "/snapshots") == [made]
