"""The server that `langgraph.json` describes, without authentication: what strangers cannot do."""

import os
import socket
import threading
import time

import pytest
from starlette.testclient import TestClient

from graphs import context as contexts
from graphs import routes
from graphs.context import ConfiguredJudge, JudgeContext
from langchain_memalign import ConfigurationError, MemoryUnavailableError


@pytest.fixture
def judges(monkeypatch, tmp_path):
    source = ConfiguredJudge()
    monkeypatch.setattr(routes, "configured_judge", source)
    monkeypatch.chdir(tmp_path)
    for name in ("MEMALIGN_MEMORY", "MEMALIGN_MEMORIES", "OPENAI_API_KEY", "MEMALIGN_ORIGINS"):
        monkeypatch.delenv(name, raising=False)
    yield source
    source.close()


@pytest.fixture
def http(judges):
    return TestClient(routes.app, raise_server_exceptions=False)


@pytest.mark.parametrize("path", ["judges", "tone/principles", "tone/episodes", "tone/export"])
@pytest.mark.parametrize("memory", ["/etc", "./elsewhere", "http://127.0.0.1:1", ":memory:"])
def test_no_request_names_a_place(http, tmp_path, path, memory):
    reply = http.get(f"/memalign/{path}", params={"memory": memory})
    assert reply.status_code == 400
    assert not any(name in reply.text for name in ("passwd", "hosts", "refused", "127.0.0.1"))
    assert os.listdir(tmp_path) == []


def test_no_run_names_a_place(judges, tmp_path):
    with pytest.raises(ConfigurationError, match="MEMALIGN_MEMORIES"):
        judges.judge({"memory": str(tmp_path / "elsewhere")})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("path", ["judges", "tone/principles", "tone/episodes", "tone/export"])
def test_reading_makes_nothing(http, tmp_path, path):
    reply = http.get(f"/memalign/{path}")
    assert reply.status_code == 200
    assert not any(value for key, value in reply.json().items() if key != "judge")
    assert os.listdir(tmp_path) == []


def test_a_listed_memory_is_meant_by_its_name(http, tmp_path, monkeypatch):
    monkeypatch.setenv("MEMALIGN_MEMORIES", f"archive={tmp_path / 'old'},other=./other")
    rule = {"text": "Blame nobody."}
    added = http.post("/memalign/tone/principles", json=rule, params={"memory": "archive"})
    assert added.status_code == 201
    assert os.listdir(tmp_path) == ["old"]
    known = http.get("/memalign/tone/principles", params={"memory": "archive"}).json()
    assert [principle["text"] for principle in known["principles"]] == ["Blame nobody."]
    assert http.get("/memalign/tone/principles").json() == {"principles": []}


def test_a_list_that_cannot_be_read_is_told(http, monkeypatch):
    monkeypatch.setenv("MEMALIGN_MEMORIES", "archive")
    reply = http.get("/memalign/judges", params={"memory": "archive"})
    assert (reply.status_code, reply.json()["error"]) == (400, "ConfigurationError")


def test_one_name_for_two_memories_is_refused(http, tmp_path, monkeypatch):
    monkeypatch.setenv("MEMALIGN_MEMORIES", "archive=./one,archive=./two")
    reply = http.get("/memalign/judges", params={"memory": "archive"})
    assert (reply.status_code, reply.json()["error"]) == (400, "ConfigurationError")
    assert "two locations" in reply.json()["message"]


def test_a_place_that_cannot_be_looked_into_is_told_without_its_name(http, monkeypatch):
    monkeypatch.setenv("MEMALIGN_MEMORIES", "archive=" + "secret" * 1000)
    reply = http.get("/memalign/judges", params={"memory": "archive"})
    assert (reply.status_code, reply.json()["error"]) == (503, "MemoryUnavailableError")
    assert "secret" not in reply.text


def test_errors_of_a_memory_tell_no_files(http, tmp_path):
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "manifest.json").write_text("{")
    (tmp_path / "memory" / "salaries.xlsx").touch()
    reply = http.get("/memalign/judges")
    assert (reply.status_code, reply.json()["error"]) == (500, "MemoryCorruptError")
    assert "log" in reply.json()["message"]
    assert "salaries" not in reply.text
    assert str(tmp_path) not in reply.text


def test_what_is_too_long_is_refused(http):
    at = "/memalign/tone/episodes"
    word = {"inputs": "a", "outputs": "b", "value": True}
    assert http.post(at, json={"feedback": [word] * 10_001}).status_code == 413
    assert http.post(at, content=b" " * (16 * 2**20 + 1)).status_code == 413
    for params in ({"instructions": "x" * 50_001}, {"k": 10**9}):
        assert http.get(at, params=params).status_code == 422
    assert http.get(f"/memalign/{'x' * 301}/episodes").status_code == 422


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example", 403),
        ("https://smith.langchain.com.evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("null", 403),
        ("https://smith.langchain.com", 201),
        ("http://localhost:3000", 201),
        ("http://testserver", 201),
        ("https://reviews.example", 201),
    ],
)
def test_pages_of_other_sites_are_refused(http, monkeypatch, origin, status):
    monkeypatch.setenv("MEMALIGN_ORIGINS", "https://reviews.example")
    rule = {"text": "Blame nobody."}
    reply = http.post("/memalign/tone/principles", json=rule, headers={"origin": origin})
    assert reply.status_code == status


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_memory_that_cannot_be_reached_holds_up_no_other(judges, tmp_path):
    hole = socket.socket()
    hole.bind(("127.0.0.1", 0))
    hole.listen(64)  # takes connections, never answers
    good = JudgeContext(memory=str(tmp_path / "good"), model="precedent")
    bad = JudgeContext(memory=f"http://127.0.0.1:{hole.getsockname()[1]}", model="precedent")
    memory = judges.memory_of(good)
    failures = []

    def open_bad():
        with pytest.raises(MemoryUnavailableError) as caught:
            judges.memory_of(bad)
        failures.append(caught.value)

    threads = [threading.Thread(target=open_bad) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert judges.memory_of(good) is memory
    assert failures == []  # which is why this was no matter of waiting for them
    for thread in threads:
        thread.join(60)
    assert len(failures) == 2
    hole.close()


def test_a_failure_is_remembered_for_a_moment(judges, monkeypatch):
    tried = []

    def refuse(location, **options):
        tried.append(location)
        raise MemoryUnavailableError("gone.")

    monkeypatch.setattr("graphs.memories.Memory.open", refuse)
    clock = [time.monotonic()]
    monkeypatch.setattr("graphs.memories.time.monotonic", lambda: clock[0])
    for _ in range(3):
        with pytest.raises(MemoryUnavailableError, match="gone"):
            judges.memory_of(JudgeContext(memory="http://nowhere"))
    assert len(tried) == 1
    clock[0] += 60
    with pytest.raises(MemoryUnavailableError, match="gone"):
        judges.memory_of(JudgeContext(memory="http://nowhere"))
    assert len(tried) == 2


def test_the_default_place_is_one_directory(monkeypatch):
    monkeypatch.delenv("MEMALIGN_MEMORY", raising=False)
    assert contexts.JudgeContext().memory == "./memory"
