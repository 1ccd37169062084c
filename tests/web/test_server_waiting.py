"""Cases that wait on a LangGraph server, seen and answered on the page."""

import base64
from contextlib import closing

import httpx
import pytest
from langgraph_sdk import get_sync_client
from server.devserver import DevServer

from langchain_memalign import MemAlignJudge, Memory
from langchain_memalign.web import create_page
from langchain_memalign.web.people import Person
from langchain_memalign.web.server_waiting import ServerWaiting

from .desk import Visitor, text_of, until

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

    with httpx.Client(base_url=server.url, follow_redirects=True, timeout=60) as client:
        page = until(
            lambda: (p := client.get("/memalign/review/queue").text) and "Where is my" in p and p,
            "the thread is not shown",
        )
        assert f"/memalign/review/queue/{thread}/answer" in page
        assert client.get("/memalign/review").url.path == "/memalign/review/queue"
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


def test_pictures_of_a_thread_are_served_by_the_page_alone(server):
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"pixels").decode()
    seen = [
        {"type": "text", "text": "The lamp is broken."},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png}"}},
        {"type": "image_url", "image_url": {"url": "https://cdn.example.net/p/2.jpg?id=7"}},
    ]
    case = {"inputs": [{"role": "user", "content": seen}], "outputs": "We send another one."}
    thread = server.client.threads.create()["thread_id"]
    server.client.runs.wait(thread, "review", input=case)

    with httpx.Client(base_url=server.url, follow_redirects=True, timeout=60) as client:
        page = until(
            lambda: (
                (p := client.get(f"/memalign/review/queue/{thread}").text)
                and "The lamp is broken." in p
                and p
            ),
            "the thread is not shown",
        )
        address = f"/memalign/review/queue/{thread}/image/1"
        assert f'src="{address}"' in page
        assert "Picture 2 was not loaded" in text_of(page)
        assert png not in page
        picture = client.get(address)
        assert picture.headers["content-type"] == "image/png"
        assert picture.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert picture.content.endswith(b"pixels")
        assert client.get(f"/memalign/review/queue/{thread}/image/2").status_code == 404


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
        assert "cannot be called back" in ann.shown()
        page.close()


def test_with_the_servers_login_each_tenant_sees_its_own_threads_and_judge(tmp_path):
    keys = {"acme": "key-of-acme", "globex": "key-of-globex"}
    running = DevServer(
        tmp_path,
        settings={"auth": {"path": "./examples/auth.py:auth", "disable_studio_auth": True}},
        environment={"MEMALIGN_API_KEYS": ",".join(f"{t}={key}" for t, key in keys.items())},
    )
    running.start()
    try:
        with closing(get_sync_client(url=running.url, api_key=keys["acme"])) as sdk:
            thread = sdk.threads.create()["thread_id"]
            sdk.runs.wait(thread, "review", input=CASE)
        acme, globex = (
            httpx.Client(base_url=running.url, headers={"x-api-key": key}, timeout=60)
            for key in keys.values()
        )
        with acme, globex:
            assert httpx.get(f"{running.url}/memalign/review/queue").status_code in (401, 403)
            page = until(
                lambda: (p := acme.get("/memalign/review/queue").text) and "Where is my" in p and p,
                "the thread is not shown to its own tenant",
            )
            assert "Where is my" not in globex.get("/memalign/review/queue").text
            assert globex.get(f"/memalign/review/queue/{thread}").status_code == 404
            csrf = page.split('name="csrf" value="')[1].split('"')[0]
            acme.post(
                f"/memalign/review/queue/{thread}/answer",
                data={"csrf": csrf, "value": "false", "reason": "Say sorry first."},
                headers={"sec-fetch-site": "same-origin"},
            )
            until(
                lambda: "Say sorry first." in acme.get("/memalign/review/rules").text,
                "the tenant's judge did not learn",
            )
            assert "Say sorry first." not in globex.get("/memalign/review/rules").text
    finally:
        running.stop()
