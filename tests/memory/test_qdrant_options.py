"""How a server is named, and collections that an administrator has set limits to."""

import json
from dataclasses import replace

import pytest
from fakes import feedback
from pydantic import SecretStr

from graphs.memories import Memories
from langchain_memalign import ConfigurationError, Memory, MemoryUnavailableError
from langchain_memalign._stores.base import Selection
from langchain_memalign._stores.qdrant.store import QdrantStore

from .conftest import KEY
from .points import EVERYTHING, TOY, case, id_of, ids, point
from .qdrant_processes import open_judge
from .remembering import JUDGE, Compass, principle, remember, texts_of

pytestmark = pytest.mark.enable_socket


# Options


def test_a_memory_on_a_server_is_a_memory(deployed):
    with deployed.open_memory(Compass()) as memory:
        remember(memory, principle("Point to 0°"))
        assert texts_of(memory.recall(JUDGE, {"inputs": "0°"})) == ["Point to 0°"]
        assert memory.location == deployed.url
        assert "Not reached" in memory.guarantee
        assert "write-ahead log" in memory.guarantee
    with pytest.raises(MemoryUnavailableError, match="closed"):
        memory.judges()


@pytest.mark.parametrize("option", [{"api_key": "k"}, {"timeout": 5}, {"collection": "c"}])
def test_options_of_a_server_are_refused_for_a_directory(tmp_path, option):
    with pytest.raises(ConfigurationError, match=rf"found {next(iter(option))} for the directory"):
        Memory.open(tmp_path / "memory", embeddings=Compass(), **option)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("http://user:hunter2@localhost:6333", {}, "pass the key as api_key="),
        ("http://localhost:6333?api_key=hunter2", {}, "pass the key as api_key="),
        ("http://", {}, "expected one such as"),
        ("http://localhost:port", {}, "expected one such as"),
        ("http://localhost:6333", {"timeout": 0}, "expected seconds, above 0"),
        ("http://localhost:6333", {"timeout": "soon"}, "expected seconds, above 0"),
        ("http://localhost:6333", {"lease_wait": True}, "expected seconds, above 0"),
        ("http://localhost:6333", {"collection": ""}, "expected its name"),
        ("http://localhost:6333", {"collection": ".."}, "expected its name"),
        ("http://localhost:6333", {"colection": "c"}, "expected some of api_key, timeout"),
        ("http://localhost:6333", {"api_key": "hunter2\n"}, "no key has"),
    ],
)
def test_what_cannot_be_an_address_or_an_option_is_refused(url, options, said):
    with pytest.raises(ConfigurationError, match=said) as told:
        Memory.open(url, embeddings=Compass(), **options)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize("scheme", ["", "HTTP://", "Http://"])
def test_each_spelling_of_an_address_is_the_same_memory(on_rest, scheme):
    address = scheme + on_rest.url.removeprefix("http://")
    with Memory.open(address, embeddings=Compass(), **on_rest.options) as memory:
        assert memory.location == on_rest.url
        remember(memory, principle("Point to 0°"))
    with on_rest.open_memory(Compass()) as memory:
        assert texts_of(memory.recall(JUDGE, {"inputs": "0°"})) == ["Point to 0°"]


@pytest.mark.parametrize("scheme", ["", "HTTP://"])
def test_a_graph_server_gives_the_key_to_a_server_in_each_spelling(on_rest, scheme, monkeypatch):
    address = scheme + on_rest.url.removeprefix("http://")
    monkeypatch.setenv("MEMALIGN_MEMORIES", f"far={address}")
    monkeypatch.setenv("QDRANT_API_KEY_FAR", KEY)
    memories = Memories()
    try:
        assert memories.get("far", "local").location == on_rest.url
    finally:
        memories.close()


def test_a_key_may_be_a_secret(on_rest):
    store = on_rest.open(api_key=SecretStr(KEY))
    assert store.scan(EVERYTHING) == []


def test_a_key_over_plain_http_to_another_machine_is_warned_of():
    with (
        pytest.warns(UserWarning, match="travels unencrypted to http://qdrant.invalid:6333"),
        # There is no such machine.
        pytest.raises(MemoryUnavailableError, match="no Qdrant server"),
    ):
        QdrantStore.open("http://qdrant.invalid:6333", api_key="k-123456", timeout=1)


def test_a_collection_is_made_as_asked_and_indexed(on_rest):
    on_rest.open(shard_number=2, replication_factor=1, write_consistency_factor=1)
    info = on_rest.rest.ask("GET", f"/collections/{on_rest.collection}")
    params = info["config"]["params"]
    assert (params["shard_number"], params["replication_factor"]) == (2, 1)
    indexes = {name: said["params"] for name, said in info["payload_schema"].items()}
    fields = {"judge", "kind", "status", "case_key", "value", "episode_ids"}
    assert set(indexes) == fields
    assert indexes["judge"]["is_tenant"] is True


def test_opening_again_changes_nothing_of_the_collection(on_rest):
    on_rest.open().write([point("a", vectors=case(1, 0, 0, 0))], fingerprint=TOY)
    on_rest.rest.requests()
    on_rest.open()
    made = {request.partition(" ")[0] for request in on_rest.rest.requests()}
    assert made == {"GET", "POST"}  # of which the latter only read here
    info = on_rest.rest.ask("GET", f"/collections/{on_rest.collection}")
    assert info["config"]["params"]["vectors"] == {
        "case": {"size": 4, "distance": "Cosine"},
        "rule": {"size": 2, "distance": "Cosine"},
    }


def test_grpc_is_told_apart_where_nobody_answers(rest):
    with pytest.raises(MemoryUnavailableError, match=r"no Qdrant server|no answer"):
        QdrantStore.open(rest.url, api_key=KEY, prefer_grpc=True, grpc_port=1, timeout=1)


# Strict mode

STRICT = {
    "enabled": True,
    "max_query_limit": 7,
    "unindexed_filtering_retrieve": False,
    "unindexed_filtering_update": False,
    "search_allow_exact": False,
    "upsert_max_batchsize": 3,
    "condition_max_size": 4,
}


@pytest.fixture
def strict(on_rest):
    """A collection that an administrator has made, with tight limits."""
    path = f"/collections/{on_rest.collection}"
    body = {"vectors": {}, "strict_mode_config": STRICT}
    on_rest.rest.ask("PUT", path, body)
    return on_rest


def test_limits_of_strict_mode_are_kept(strict):
    """Whatever is asked of the store, the server is asked for no more than it allows."""
    store = strict.open()
    many = [
        point(i, fields={"episode_ids": (f"e{i}", f"e{i + 1}")}, vectors=case(1, i, 0, 0))
        for i in range(20)
    ]
    store.write(many, fingerprint=TOY)
    # Without vectors, which have to be read in parts too.
    changed = [replace(p, record="changed", vectors=None) for p in many[:10]]
    store.write(changed, erased=[id_of(19)])
    assert ids(store.scan(EVERYTHING)) == sorted(ids(many[:19]))
    assert len(store.tally(EVERYTHING, "episode_ids")) == 20
    assert store.tally(EVERYTHING, "judge") == {"tone": 19}
    wanted = Selection(ids=tuple(ids(many)), fields={"episode_ids": ("e0", "e1", "e2", "e3", "e9")})
    assert ids(store.scan(wanted)) == sorted(map(id_of, (0, 1, 2, 3, 8, 9)))
    assert store.tally(wanted, "judge") == {"tone": 6}
    query = {"using": "case", "vector": (1.0, 0.0, 0.0, 0.0)}
    near = store.nearest(EVERYTHING, **query, limit=6)
    assert [p.id for p, _ in near] == [id_of(i) for i in range(6)]
    assert [p.id for p, _ in store.nearest(wanted, **query, limit=2)] == [id_of(0), id_of(1)]
    # No more than the server gives for one search.
    assert len(store.nearest(EVERYTHING, **query, limit=10)) == STRICT["max_query_limit"]


def test_a_judge_learns_and_forgets_within_the_limits(strict):
    judge, _ = open_judge(strict.url, strict.options)
    with judge.memory:
        report = judge.align([feedback(i) for i in range(8)])
        assert len(report.distilled) == 8
        assert judge.invoke({"inputs": "Question?", "outputs": "Answer."}).principles_total == 8
        judge.forget(report.stored[:7])
        assert [e.rationale for e in judge.episodes()] == ["Remark 7."]


def test_what_a_limit_forbids_is_told_with_the_limit(strict):
    store = strict.open()
    strict.rest.fault(match="scroll", status=403, message="Forbidden: Limit exceeded 7 > 5!")
    with pytest.raises(MemoryUnavailableError, match=r"Limit exceeded 7 > 5!.*strict mode"):
        store.scan(EVERYTHING)


@pytest.mark.parametrize("exact", [True, False], ids=["exact", "exact forbidden"])
def test_a_large_collection_gives_all_that_is_near(on_rest, exact):
    """Where the server searches a graph, it is told to look with care, or not to use it."""
    strict = {"enabled": True, "search_allow_exact": exact}
    body = {"vectors": {}, "strict_mode_config": strict}
    on_rest.rest.ask("PUT", f"/collections/{on_rest.collection}", body)
    store = on_rest.open()
    many = [
        point(i, fields={"value": json.dumps(i % 2 == 0)}, vectors=case(1, i / 50, 0, 0))
        for i in range(200)
    ]
    store.write(many, fingerprint=TOY)
    on_rest.rest.approximate_from(100)
    try:
        of_value = Selection(judge="tone", fields={"value": ("true",)})
        query = {"using": "case", "vector": (1.0, 0.0, 0.0, 0.0), "limit": 20}
        found = [p.id for p, _ in store.nearest(of_value, **query)]
    finally:
        on_rest.rest.approximate_from(5000)
    assert found == [id_of(i) for i in range(0, 40, 2)]
