"""Cases that wait on a LangGraph server, seen and answered on the page."""

import pytest
from server.devserver import DevServer

from langchain_memalign import MemAlignJudge, Memory
from langchain_memalign.web import create_page
from langchain_memalign.web.people import Person
from langchain_memalign.web.server_waiting import ServerWaiting

from .desk import Visitor, until

pytestmark = [
    pytest.mark.server,
    pytest.mark.enable_socket,
    pytest.mark.xdist_group("langgraph_dev"),
]
CASE = {"inputs": "Where is my parcel?", "outputs": "It comes tomorrow."}


@pytest.fixture
def server(tmp_path):
    running = DevServer(tmp_path)
    running.start()
    yield running
    running.stop()


def test_the_page_mounted_in_the_server_shows_and_answers_its_threads(server):
    thread = server.client.threads.create()["thread_id"]
    server.client.runs.wait(thread, "review", input=CASE)

    import httpx

    with httpx.Client(base_url=server.url, follow_redirects=True, timeout=60) as client:
        page = until(
            lambda: (p := client.get("/memalign/review/queue").text) and "Where is my" in p and p,
            "the thread is not shown",
        )
        assert f"/memalign/review/queue/{thread}/answer" in page
        csrf = page.split('name="csrf" value="')[1].split('"')[0]
        client.post(
            f"/memalign/review/queue/{thread}/answer",
            data={"csrf": csrf, "value": "false", "reason": "Say sorry first."},
            headers={"sec-fetch-site": "same-origin"},
        )
        until(lambda: server.client.threads.get(thread)["status"] == "idle", "it was not resumed")
        values = server.client.threads.get_state(thread)["values"]
        assert values["feedback"]["rationale"] == "Say sorry first."
        assert values["alignment"]["unchanged"]
        assert "Say sorry first." in client.get("/memalign/review/rules").text


def test_what_the_answer_taught_is_taken_back_and_the_run_is_not(server, tmp_path):
    thread = server.client.threads.create()["thread_id"]
    server.client.runs.wait(thread, "review", input=CASE)
    with Memory.open(":memory:", embeddings="local") as memory:
        judge = MemAlignJudge(
            name="support_tone",
            instructions="Is the reply appropriate for an upset customer?",
            value_type=bool,
            model="precedent",
            memory=memory,
        )
        waiting = ServerWaiting(server.url, reviews=tmp_path / "page.sqlite")
        page = create_page(
            judge, waiting=waiting, identify=lambda request: Person(id="1", name="Ann")
        )
        ann = Visitor(page, token=None)
        ann.get("/queue")
        ann.answer(thread, "false", "Say sorry first.")
        ann.learned(1)
        until(lambda: server.client.threads.get(thread)["status"] == "idle")
        ann.post("/answers/1/undo")
        ann.learned(1)
        assert memory.episodes("support_tone") == []
        ann.get("/answers/1")
        assert "is not called back" in ann.shown()
        page.close()
