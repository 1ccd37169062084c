"""A server with the example's API keys: each tenant meets its own judges alone."""

import httpx
import pytest
from langgraph_sdk import get_sync_client
from langgraph_sdk.errors import NotFoundError, PermissionDeniedError

from .devserver import DevServer

KEYS = {"acme": "key-of-acme", "globex": "key-of-globex"}
CASE = {"inputs": "Where is my parcel?", "outputs": "No idea."}
# `runs.wait` raises what httpx does.
REFUSED = (NotFoundError, PermissionDeniedError, httpx.HTTPStatusError)
SECRET = "Acme never promises a date."


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    running = DevServer(
        tmp_path_factory.mktemp("guarded"),
        settings={"auth": {"path": "./examples/auth.py:auth", "disable_studio_auth": True}},
        environment={"MEMALIGN_API_KEYS": ",".join(f"{t}={key}" for t, key in KEYS.items())},
    )
    running.start()
    yield running
    running.stop()
    assert running.calls() == []
    assert not any(key in str(entry) for key in KEYS.values() for entry in running.log())


class Tenant:
    """Who talks to the server with one key."""

    def __init__(self, url, key):
        self.sdk = get_sync_client(url=url, api_key=key)
        self.http = httpx.Client(base_url=url, headers={"x-api-key": key}, timeout=30)

    def known(self, **context):
        end = self.sdk.runs.wait(None, "judge", input=CASE, context={"name": "tone", **context})
        return end["working_memory"]

    def get(self, path):
        reply = self.http.get(f"/memalign/{path}")
        assert reply.status_code == 200, reply.text
        return reply.json()


@pytest.fixture(scope="module")
def tenants(guarded):
    both = [Tenant(guarded.url, key) for key in KEYS.values()]
    acme, _ = both
    given = {"feedback": [{**CASE, "value": False, "rationale": SECRET}]}
    acme.sdk.runs.wait(None, "align", input=given, context={"name": "tone"})
    yield both
    for tenant in both:
        tenant.sdk.close()
        tenant.http.close()


def test_a_tenant_sees_its_own_judges(tenants):
    acme, globex = tenants

    assert [p["text"] for p in acme.known()["principles"]] == [SECRET]
    assert acme.get("judges") == {"judges": ["tone"]}
    assert [p["text"] for p in acme.get("tone/principles")["principles"]] == [SECRET]

    assert globex.known()["principles"] == globex.known()["episodes"] == []
    assert globex.get("judges") == {"judges": []}
    assert globex.get("tone/export") == {"judge": "tone", "principles": [], "episodes": []}


@pytest.mark.parametrize("name", ["acme/tone", "../acme/tone", "/acme/tone"])
def test_no_name_reaches_another_tenants_judge(tenants, name):
    _, globex = tenants
    assert globex.known(name=name)["episodes"] == []
    quoted = name.replace("/", "%2F")
    assert SECRET not in globex.http.get(f"/memalign/{quoted}/episodes").text


def test_a_tenant_cannot_open_other_memories(tenants, guarded):
    _, globex = tenants
    elsewhere = str(guarded.directory / "elsewhere")
    with pytest.raises(Exception, match="ConfigurationError"):
        globex.known(memory=elsewhere)
    for choice in ({"memory": elsewhere}, {"embeddings": "openai:text-embedding-3-small"}):
        assert globex.http.get("/memalign/judges", params=choice).status_code == 400
        with pytest.raises(Exception, match="ConfigurationError"):
            globex.known(**choice)
    assert not (guarded.directory / "elsewhere").exists()


def test_threads_and_assistants_belong_to_their_tenant(tenants):
    acme, globex = tenants
    thread = acme.sdk.threads.create()["thread_id"]
    acme.sdk.runs.wait(thread, "review", input=CASE, context={"name": "tone"})
    made = acme.sdk.assistants.create("judge", context={"name": "tone"}, name="of acme")

    assert acme.sdk.threads.get(thread)["status"] == "interrupted"
    for asked in (
        lambda: globex.sdk.threads.get(thread),
        lambda: globex.sdk.threads.get_state(thread),
        lambda: globex.sdk.runs.wait(thread, "review", command={"resume": "approve"}),
        lambda: globex.sdk.threads.update_state(thread, {"judge": {"name": "tone"}}),
        lambda: globex.sdk.assistants.get(made["assistant_id"]),
        lambda: globex.sdk.assistants.delete(made["assistant_id"]),
    ):
        with pytest.raises(REFUSED):
            asked()
    names = [found["name"] for found in globex.sdk.assistants.search()]
    assert sorted(names) == ["align", "guardrail", "judge", "review"]


def test_no_state_makes_a_judge_of_another_tenant(tenants):
    """The identity in the state is what a client may write; whose it is comes from the key."""
    _, globex = tenants
    thread = globex.sdk.threads.create()["thread_id"]
    globex.sdk.runs.wait(thread, "judge", input=CASE, context={"name": "tone"})
    globex.sdk.threads.update_state(
        thread, {"judge": {"name": "acme/tone"}, "verdict": None}, as_node="__start__"
    )
    end = globex.sdk.runs.wait(thread, "judge")
    assert SECRET not in str(end)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": "wrong"},
        {"x-api-key": ""},
        {"x-auth-scheme": "langsmith"},
        {"x-auth-scheme": "langsmith", "x-api-key": "wrong"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/threads"),
        ("POST", "/assistants/search"),
        ("GET", "/memalign/judges"),
        ("GET", "/memalign/tone/export"),
        ("POST", "/memalign/tone/principles"),
        ("POST", "/mcp/"),
    ],
)
def test_without_a_key_nothing_is_shown(guarded, headers, method, path):
    reply = httpx.request(method, guarded.url + path, headers=headers, json={"text": "x"})
    assert reply.status_code in (401, 403), reply.text
    assert SECRET not in reply.text


@pytest.mark.parametrize("keys", ["", "acme", "acme=", "=key"])
def test_a_server_without_usable_keys_does_not_start(tmp_path, keys):
    running = DevServer(
        tmp_path,
        settings={"auth": {"path": "./examples/auth.py:auth", "disable_studio_auth": True}},
        environment={"MEMALIGN_API_KEYS": keys},
    )
    with pytest.raises(AssertionError, match="expected tenant=key pairs"):
        running.start()
