"""What the judges know, over HTTP: the same memory as the graphs', to read and to edit."""

import httpx
import pytest

from langchain_memalign import AlignmentReport

CASE = {"inputs": "Where is my parcel?", "outputs": "No idea."}
REMARK = "Say sorry first."


@pytest.fixture
def http(server):
    with httpx.Client(base_url=server.url, timeout=30) as client:
        yield client


def run(server, graph, judge, given):
    return server.client.runs.wait(None, graph, input=given, context={"name": judge})


def taught(server, judge):
    report = run(
        server, "align", judge, {"feedback": [{**CASE, "value": False, "rationale": REMARK}]}
    )
    return AlignmentReport.of(report["alignment"])


def test_they_show_what_the_graphs_learned(server, http):
    report = taught(server, "shown")

    assert "shown" in http.get("/memalign/judges").json()["judges"]
    (principle,) = http.get("/memalign/shown/principles").json()["principles"]
    (episode,) = http.get("/memalign/shown/episodes").json()["episodes"]
    assert principle["text"] == REMARK
    assert [episode["id"]] == [*report.stored] == principle["episode_ids"]
    exported = http.get("/memalign/shown/export")
    assert exported.json() == {
        "judge": "shown",
        "principles": [principle],
        "episodes": [episode],
    }
    assert 'filename="shown.json"' in exported.headers["content-disposition"]


def test_what_is_edited_there_is_judged_by(server, http):
    added = http.post("/memalign/edited/principles", json={"text": "Never blame the customer."})
    assert added.status_code == 201
    assert added.json()["pinned"] is True
    at = f"/memalign/edited/principles/{added.json()['id']}"
    edited = http.put(at, json={"text": "Blame nobody."})

    shown = run(server, "judge", "edited", CASE)["working_memory"]["principles"]
    assert [principle["text"] for principle in shown] == ["Blame nobody."]

    at = f"/memalign/edited/principles/{edited.json()['id']}"
    assert http.delete(at).json()["retired_at"] is not None
    assert run(server, "judge", "edited", CASE)["working_memory"]["principles"] == []


def test_a_name_may_hold_a_slash(server, http):
    taught(server, "team/tone")
    assert "team/tone" in http.get("/memalign/judges").json()["judges"]
    for judge in ("team/tone", "team%2Ftone"):
        assert len(http.get(f"/memalign/{judge}/principles").json()["principles"]) == 1
        assert http.get(f"/memalign/{judge}/export").json()["judge"] == "team/tone"


def test_feedback_is_learned_and_forgotten(server, http):
    feedback = [{**CASE, "value": False, "rationale": REMARK}, {"value": "perhaps"}]
    report = http.post("/memalign/posted/episodes", json={"feedback": feedback}).json()
    assert len(report["stored"]) == len(report["rejected"]) == 1
    assert len(run(server, "judge", "posted", CASE)["working_memory"]["episodes"]) == 1

    forgotten = http.delete(f"/memalign/posted/episodes/{report['stored'][0]}").json()
    assert forgotten["episodes_removed"] == report["stored"]
    memory = run(server, "judge", "posted", CASE)["working_memory"]
    assert memory["episodes"] == memory["principles"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "told"),
    [
        ("POST", "/memalign/bad/principles", b"{", 422, "found no JSON"),
        ("POST", "/memalign/bad/principles", b"[]", 422, "expected an object"),
        ("POST", "/memalign/bad/principles", b'{"text":' + b"[" * 100_000, 422, "found no JSON"),
        ("GET", f"/memalign/bad/episodes?value_type={'[' * 5000}", None, 422, "nested too deeply"),
        ("POST", "/memalign/bad/principles", b"{}", 422, "expected the principle"),
        ("PUT", "/memalign/bad/principles/none", b'{"text": "x"}', 422, "none"),
        ("DELETE", "/memalign/bad/principles/none", None, 422, "none"),
        ("POST", "/memalign/bad/episodes", b'{"feedback": 1}', 422, "expected a list"),
        ("GET", "/memalign/bad/episodes?colour=red", None, 422, "colour"),
        ("GET", "/memalign/bad/episodes?value_type=x", None, 422, "value_type"),
        ("GET", "/memalign/judges?embeddings=none:such", None, 400, "embeddings"),
    ],
)
def test_what_is_not_usable_is_told(http, method, path, body, status, told):
    reply = http.request(method, path, content=body)

    assert reply.status_code == status, reply.text
    assert told in reply.json()["message"]
    assert "bad" not in http.get("/memalign/judges").json()["judges"]
